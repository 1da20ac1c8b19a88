// The lexer of Spark SQL: one token at a time, so that long text costs no memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::sql {

enum class TokenKind : std::uint8_t {
    kEnd,
    kWord,        // A keyword or bare identifier; `text` as written.
    kQuotedWord,  // `name`; `value` without quotes.
    kString,      // 'x', "x", r'x'; `value` unescaped.
    kNumber,      // Digits, maybe with fraction, exponent and type suffix.
    kSymbol,      // Operators and punctuation.
    kHint,        // The start of a hint: /*+
    kBad,         // A character that begins no token.
    kUnclosed,    // A comment or string that never ends.
};

struct Token {
    TokenKind kind = TokenKind::kEnd;
    std::string_view text;  // As in the source.
    std::string value;      // Strings and quoted words.
    int start = 0;
    int stop = 0;  // Last byte.
};

class Lexer {
public:
    explicit Lexer(std::string_view text) : text_(text) {}
    Token next();
    std::size_t position() const { return at_; }
    void move_to(std::size_t position) { at_ = position; }
    std::string_view text() const { return text_; }

private:
    bool skip_blanks(Token& token);
    Token string(std::size_t from, bool raw);
    Token number();
    Token word();
    Token symbol();
    Token finish(TokenKind kind, std::size_t from);

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace millrace::sql
