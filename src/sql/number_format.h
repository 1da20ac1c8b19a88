// Formats of numbers as text, of to_number and to_char: "$99,999.99MI".
//
//   [MI|S] [$] [0|9|G|,]… [.|D] [0|9]… [$] [PR|MI|S]
//
// A run of digits that begins with 0 before the point wants exactly so many; every other run takes
// at most so many. Immutable; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace::sql {

class NumberFormat {
public:
    explicit NumberFormat(std::string_view format);

    // Why it is no format: the last part of a condition INVALID_FORMAT.… and the token it is about
    // (empty where the message has none).
    std::optional<std::pair<std::string, std::string>> error() const;

    // Of the decimal that read() gives.
    int precision() const;
    int scale() const;

    // "-12345.60" from "$12,345.6-"; nothing when the text does not match.
    std::optional<std::string> read(std::string_view text) const;
    // A plain decimal ("-12345.60") as text; '#' for each digit when it has more than the format.
    std::string write(std::string_view decimal) const;

private:
    enum class Kind : std::uint8_t {
        kDigits,
        kComma,
        kPoint,
        kDollar,
        kSign,   // S
        kMinus,  // MI
        kOpen,   // PR, where the number begins
        kClose,  // and where it ends
        kUnknown
    };
    struct Token {
        Kind kind = Kind::kUnknown;
        int digits = 0;
        bool exact = false;
        char character = 0;
    };
    // Tokens with the runs of digits and commas put together; all others stand alone.
    using Groups = std::vector<std::vector<Token>>;

    static std::string shown(const Token& token);
    Groups groups() const;
    int digits(bool after_point) const;

    std::string format_;
    std::vector<Token> tokens_;
};

}  // namespace millrace::sql
