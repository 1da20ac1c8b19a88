// What JSON writes as words and is more: bytes in base 64, decimals.
#include "columnar/json_internal.h"
#include "columnar/time_text_internal.h"

namespace millrace::columnar {

bool decode_base64(std::string_view text, std::string& bytes) {
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : text) {
        int value = 0;
        if (c >= 'A' && c <= 'Z') {
            value = c - 'A';
        } else if (c >= 'a' && c <= 'z') {
            value = c - 'a' + 26;
        } else if (c >= '0' && c <= '9') {
            value = c - '0' + 52;
        } else if (c == '+' || c == '-') {
            value = 62;
        } else if (c == '/' || c == '_') {
            value = 63;
        } else if (c == '=' || c == '\r' || c == '\n') {
            continue;
        } else {
            return false;
        }
        bits = (bits << 6) | static_cast<std::uint32_t>(value);
        if (++count == 4) {
            bytes.push_back(static_cast<char>(bits >> 16));
            bytes.push_back(static_cast<char>(bits >> 8));
            bytes.push_back(static_cast<char>(bits));
            bits = 0;
            count = 0;
        }
    }
    if (count == 1) return false;
    if (count == 2) bytes.push_back(static_cast<char>(bits >> 4));
    if (count == 3) {
        bytes.push_back(static_cast<char>(bits >> 10));
        bytes.push_back(static_cast<char>(bits >> 2));
    }
    return true;
}

bool parse_decimal(std::string_view text, int precision, int scale, __int128& unscaled) {
    text = trim_all(text);
    bool negative = false;
    std::size_t at = 0;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) negative = text[at++] == '-';
    // Digits without leading zeros, and the power of ten of the last one.
    std::string digits;
    std::int64_t exponent = 0;
    bool point = false;
    bool any = false;
    for (; at < text.size(); ++at) {
        const char c = text[at];
        if (c >= '0' && c <= '9') {
            any = true;
            if (!(digits.empty() && c == '0')) digits.push_back(c);
            if (point) --exponent;
        } else if (c == '.' && !point) {
            point = true;
        } else {
            break;
        }
    }
    if (!any) return false;
    if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        ++at;
        bool minus = false;
        if (at < text.size() && (text[at] == '+' || text[at] == '-')) minus = text[at++] == '-';
        std::int64_t power = 0;
        const std::size_t start = at;
        for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
            power = std::min<std::int64_t>(power * 10 + (text[at] - '0'), 1'000'000);
        }
        if (at == start) return false;
        exponent += minus ? -power : power;
    }
    if (at != text.size()) return false;
    // Bring the last digit to the scale: zeros at its end, or digits cut off and rounded half up.
    const std::int64_t shift = exponent + scale;
    bool round_up = false;
    if (digits.empty()) {
        unscaled = 0;
        return true;
    }
    if (shift < 0) {
        const auto cut = static_cast<std::size_t>(-shift);
        if (cut > digits.size()) {
            unscaled = 0;
            return true;
        }
        round_up = digits[digits.size() - cut] >= '5';
        digits.resize(digits.size() - cut);
    } else {
        if (shift > 40) return false;
        digits.append(static_cast<std::size_t>(shift), '0');
    }
    if (digits.size() > static_cast<std::size_t>(precision)) return false;
    __int128 value = 0;
    for (const char c : digits) value = value * 10 + (c - '0');
    if (round_up) ++value;
    __int128 limit = 1;
    for (int i = 0; i < precision; ++i) limit *= 10;
    if (value >= limit) return false;
    unscaled = negative ? -value : value;
    return true;
}

}  // namespace millrace::columnar
