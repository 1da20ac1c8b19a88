// Patterns of java.text.DecimalFormat: "#,##0.00", "0.###E0", "#%".
#pragma once

#include <string>
#include <string_view>

namespace millrace::columnar {

class DecimalPattern {
public:
    explicit DecimalPattern(std::string_view pattern);
    // So many digits after the point, and thousands in groups.
    static DecimalPattern fixed(int digits);

    // The most digits after the point; what is given to append() has no more than these.
    int fraction_digits() const { return most_fraction_; }
    // "%" counts in hundredths, "‰" in thousandths.
    int shift() const { return shift_; }
    // `number`: plain decimal digits ("1234.5"), rounded already.
    void append(std::string& to, std::string_view number, bool negative) const;
    void append_affixed(std::string& to, std::string_view middle, bool negative) const;

private:
    DecimalPattern() = default;
    std::string prefix_;
    std::string suffix_;
    int least_whole_ = 0;
    int least_fraction_ = 0;
    int most_fraction_ = 0;
    int group_ = 0;
    int shift_ = 0;
};

}  // namespace millrace::columnar
