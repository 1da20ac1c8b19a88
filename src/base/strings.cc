#include "base/strings.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

namespace millrace::base {
namespace {

constexpr std::string_view kSpaces = " \t\r\n\f\v";

char lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + ('a' - 'A')) : letter;
}
char upper(char letter) {
    return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - ('a' - 'A')) : letter;
}

// What is shown of input that was refused: never more than a line's worth.
std::string_view shown(std::string_view text) {
    return text.substr(0, 64);
}

}  // namespace

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(kSpaces);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const auto at = text.find(separator);
        parts.push_back(text.substr(0, at));
        if (at == std::string_view::npos) return parts;
        text.remove_prefix(at + 1);
    }
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
    std::string text;
    for (const auto& part : parts) {
        if (&part != parts.data()) text += separator;
        text += part;
    }
    return text;
}

std::string to_lower(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(), lower);
    return result;
}
std::string to_upper(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(), upper);
    return result;
}
bool equals_ignore_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
}

Result<std::int64_t> parse_int64(std::string_view text, std::int64_t least, std::int64_t most) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = end == text.data() + text.size() && !text.empty();
    if (error == std::errc::result_out_of_range || (whole && (value < least || value > most))) {
        return fail(Code::kOutOfRange, "{} is not between {} and {}", shown(text), least, most);
    }
    if (error != std::errc() || !whole) {
        return fail(Code::kInvalidArgument, "'{}' is not a whole number", shown(text));
    }
    return value;
}

Result<double> parse_double(std::string_view text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc::result_out_of_range) {
        return fail(Code::kOutOfRange, "{} does not fit a double", shown(text));
    }
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
        return fail(Code::kInvalidArgument, "'{}' is not a number", shown(text));
    }
    return value;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);  // Distances of a's prefix to every prefix of b.
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
        }
    }
    return row[b.size()];
}

std::vector<std::string> did_you_mean(std::string_view typed,
                                      const std::vector<std::string>& candidates,
                                      std::size_t limit) {
    const std::string wanted = to_lower(typed.substr(0, 256));
    const std::size_t tolerance = std::max<std::size_t>(1, wanted.size() / 3);
    std::vector<std::pair<std::size_t, std::size_t>> near;  // Distance, then place.
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        const std::string& candidate = candidates[i];
        // A name much longer or shorter cannot be near: spare the work.
        if (candidate.size() > wanted.size() + tolerance) continue;
        const std::size_t distance = edit_distance(wanted, to_lower(candidate));
        if (distance <= tolerance) near.emplace_back(distance, i);
    }
    std::ranges::sort(near);
    std::vector<std::string> names;
    for (const auto& [distance, i] : near) {
        if (names.size() == limit) break;
        names.push_back(candidates[i]);
    }
    return names;
}

bool is_valid_utf8(std::string_view text) {
    std::size_t i = 0;
    while (i < text.size()) {
        const auto first = static_cast<unsigned char>(text[i]);
        if (first < 0x80) {
            ++i;
            continue;
        }
        std::size_t length = 0;
        if (first >= 0xC2 && first <= 0xDF) length = 2;
        if (first >= 0xE0 && first <= 0xEF) length = 3;
        if (first >= 0xF0 && first <= 0xF4) length = 4;
        if (length == 0 || text.size() - i < length) return false;
        const auto second = static_cast<unsigned char>(text[i + 1]);
        if (first == 0xE0 && second < 0xA0) return false;  // Overlong.
        if (first == 0xED && second > 0x9F) return false;  // A surrogate.
        if (first == 0xF0 && second < 0x90) return false;  // Overlong.
        if (first == 0xF4 && second > 0x8F) return false;  // Beyond U+10FFFF.
        for (std::size_t k = 1; k < length; ++k) {
            if ((static_cast<unsigned char>(text[i + k]) & 0xC0) != 0x80) return false;
        }
        i += length;
    }
    return true;
}

}  // namespace millrace::base
