// Numbers as text in a format of the user, and back: format_number, to_char, to_number.
#include <algorithm>
#include <cmath>
#include <memory>

#include "columnar/decimal_pattern_internal.h"
#include "columnar/functions_internal.h"
#include "sql/number_format.h"

namespace millrace::columnar {

DecimalPattern DecimalPattern::fixed(int digits) {
    DecimalPattern result;
    result.least_whole_ = 1;
    result.least_fraction_ = digits;
    result.most_fraction_ = digits;
    result.group_ = 3;
    return result;
}

DecimalPattern::DecimalPattern(std::string_view pattern) {
    // What stands behind ';' is for negative numbers; Java uses no more of it than its affixes.
    bool quote = false;
    bool in_number = false;
    bool after_point = false;
    bool ended = false;
    bool digits_before = false;
    int since_comma = -1;
    for (const char c : pattern) {
        std::string& affix = in_number || ended ? suffix_ : prefix_;
        if (c == '\'') {
            quote = !quote;
            continue;
        }
        if (quote) {
            affix.push_back(c);
            continue;
        }
        if (c == ';') break;
        const bool of_number = !ended && (c == '#' || c == '0' || c == ',' || c == '.');
        if (!of_number) {
            if (in_number) ended = true;
            if (c == '%') shift_ = 2;
            affix.push_back(c);
            continue;
        }
        in_number = true;
        if (c == '.') {
            after_point = true;
        } else if (c == ',') {
            since_comma = 0;
        } else if (after_point) {
            ++most_fraction_;
            if (c == '0') least_fraction_ = most_fraction_;
        } else {
            if (c == '0') ++least_whole_;
            digits_before = true;
            if (since_comma >= 0) ++since_comma;
        }
    }
    if (suffix_.find("\xE2\x80\xB0") != std::string::npos) shift_ = 3;
    group_ = std::max(since_comma, 0);
    // Without any 0 the digit beside the point is one: "#.##" shows .5 as "0.5", "#.00" as ".50".
    if (after_point && least_whole_ == 0 && least_fraction_ == 0) {
        (digits_before ? least_whole_ : least_fraction_) = 1;
    }
}

void DecimalPattern::append_affixed(std::string& to, std::string_view middle, bool negative) const {
    if (negative) to.push_back('-');
    to += prefix_;
    to += middle;
    to += suffix_;
}

void DecimalPattern::append(std::string& to, std::string_view number, bool negative) const {
    const std::size_t dot = number.find('.');
    std::string whole(number.substr(0, dot));
    std::string fraction(dot == std::string_view::npos ? "" : number.substr(dot + 1));
    whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size()));
    while (static_cast<int>(fraction.size()) > least_fraction_ && fraction.back() == '0') {
        fraction.pop_back();
    }
    const auto least = static_cast<std::size_t>(least_whole_);
    if (whole.size() < least) whole.insert(0, least - whole.size(), '0');
    if (whole.empty() && fraction.empty()) whole = "0";
    std::string middle;
    for (std::size_t i = 0; i < whole.size(); ++i) {
        if (group_ > 0 && i > 0 && (whole.size() - i) % static_cast<std::size_t>(group_) == 0) {
            middle.push_back(',');
        }
        middle.push_back(whole[i]);
    }
    if (!fraction.empty()) middle += "." + fraction;
    append_affixed(to, middle, negative);
}

namespace {

// "1234.5678" at so many digits after the point, ties to the even neighbour.
std::string rounded(std::string_view number, int digits) {
    const std::size_t dot = std::min(number.find('.'), number.size());
    const std::size_t keep = dot + 1 + static_cast<std::size_t>(digits);
    if (number.size() <= keep) return std::string(number);
    std::string kept(number.substr(0, digits == 0 ? dot : keep));
    const std::string_view rest = number.substr(keep);
    const bool tie = rest[0] == '5' && rest.find_first_not_of('0', 1) == std::string_view::npos;
    const char last = kept.back();
    if (rest[0] < '5' || (tie && (last - '0') % 2 == 0)) return kept;
    for (std::size_t i = kept.size(); i > 0; --i) {
        char& c = kept[i - 1];
        if (c == '.') continue;
        if (c != '9') {
            ++c;
            return kept;
        }
        c = '0';
    }
    return "1" + kept;
}

// The point moved to the right, for percentages.
std::string shifted(std::string_view number, int places) {
    std::string text(number);
    std::size_t dot = text.find('.');
    if (dot == std::string::npos) {
        dot = text.size();
        text.push_back('.');
    }
    text.erase(dot, 1);
    const std::size_t to = dot + static_cast<std::size_t>(places);
    if (text.size() < to) text.append(to - text.size(), '0');
    text.insert(to, 1, '.');
    if (text.back() == '.') text.pop_back();
    return text;
}

void format_text(const DecimalPattern& pattern, std::string_view number, std::string& out) {
    const bool negative = number.starts_with('-');
    if (negative) number.remove_prefix(1);
    pattern.append(out, rounded(shifted(number, pattern.shift()), pattern.fraction_digits()),
                   negative);
}

void format_double(const DecimalPattern& pattern, double number, std::string& out) {
    if (std::isnan(number)) {
        out = "NaN";
        return;
    }
    if (std::isinf(number)) {
        pattern.append_affixed(out, "\u221E", number < 0);
        return;
    }
    for (int i = 0; i < pattern.shift(); ++i) number *= 10;
    pattern.append(out, fmt::format("{:.{}f}", std::abs(number), pattern.fraction_digits()),
                   std::signbit(number));
}

template <bool text>
void format_by(const DecimalPattern& pattern, const Row& row, std::string& out) {
    if constexpr (text) {
        format_text(pattern, row.text(0), out);
    } else {
        format_double(pattern, row.get<double>(0), out);
    }
}

// (number, digits after the point): "12,345.68"
template <bool text>
bool format_digits(const Row& row, std::string& out) {
    constexpr int kMostDigits = 400;
    const std::int32_t digits = row.number(1);
    if (digits < 0) return false;
    if (digits > kMostDigits) {
        row.call().fail_with(
            fmt::format("format_number of {} digits is more than {}", digits, kMostDigits));
        return false;
    }
    format_by<text>(DecimalPattern::fixed(digits), row, out);
    return true;
}

// (number, pattern)
template <bool text>
bool format_pattern(const Row& row, std::string& out) {
    const std::string_view pattern = row.text(1);
    format_by<text>(DecimalPattern(pattern.empty() ? "#,##0" : pattern), row, out);
    return true;
}

// This thread's format: the last one is nearly always the next one.
const sql::NumberFormat& format_of(std::string_view text) {
    thread_local std::string last;
    thread_local std::unique_ptr<sql::NumberFormat> format;
    if (!format || last != text) {
        last = text;
        format = std::make_unique<sql::NumberFormat>(text);
    }
    return *format;
}

// (text, format, mode): the decimal as text.
bool to_number(const Row& row, std::string& out) {
    if (auto number = format_of(row.text(1)).read(row.text(0))) {
        out = std::move(*number);
        return true;
    }
    if (row.text(2) == "ansi") {
        row.call().fail("INVALID_FORMAT.MISMATCH_INPUT", {{"inputType", "\"STRING\""},
                                                          {"input", std::string(row.text(0))},
                                                          {"format", std::string(row.text(1))}});
    }
    return false;
}

// (decimal as text, format)
bool to_char(const Row& row, std::string& out) {
    out = format_of(row.text(1)).write(row.text(0));
    return true;
}

}  // namespace

void add_number_format_functions(FunctionList& list) {
    constexpr auto kText = DUCKDB_TYPE_VARCHAR;
    constexpr auto kInt = DUCKDB_TYPE_INTEGER;
    constexpr auto kDouble = DUCKDB_TYPE_DOUBLE;
    list.add("mr_format_number", {{kDouble, kInt}, kText, text_rows<format_digits<false>>});
    list.add("mr_format_number", {{kText, kInt}, kText, text_rows<format_digits<true>>});
    list.add("mr_format_number", {{kDouble, kText}, kText, text_rows<format_pattern<false>>});
    list.add("mr_format_number", {{kText, kText}, kText, text_rows<format_pattern<true>>});
    list.add("mr_to_number", {{kText, kText, kText}, kText, text_rows<to_number>});
    list.add("mr_to_char", {{kText, kText}, kText, text_rows<to_char>});
}

}  // namespace millrace::columnar
