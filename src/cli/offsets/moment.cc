#include "cli/offsets/moment.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>

#include "base/strings.h"

namespace millrace::cli {

using base::Code;
using base::fail;
using base::Result;

namespace {

struct Unit {
    std::string_view name;
    std::int64_t ms;
};
// "ms" before "m".
constexpr std::array<Unit, 6> kUnits{{{"ms", 1},
                                      {"s", 1000},
                                      {"m", 60'000},
                                      {"h", 3'600'000},
                                      {"d", 86'400'000},
                                      {"w", 604'800'000}}};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

std::string_view take_digits(std::string_view& text) {
    std::size_t count = 0;
    while (count < text.size() && is_digit(text[count])) ++count;
    const std::string_view digits = text.substr(0, count);
    text.remove_prefix(count);
    return digits;
}

// Takes exactly `count` digits off the front.
bool take_number(std::string_view& text, std::size_t count, int& number) {
    if (text.size() < count) return false;
    number = 0;
    for (std::size_t i = 0; i < count; ++i) {
        if (!is_digit(text[i])) return false;
        number = number * 10 + (text[i] - '0');
    }
    text.remove_prefix(count);
    return true;
}

bool take(std::string_view& text, char c) {
    if (!text.starts_with(c)) return false;
    text.remove_prefix(1);
    return true;
}

// "+02:00", "-0730", "Z" or nothing, as milliseconds to subtract.
bool take_zone(std::string_view& text, std::int64_t& zone_ms) {
    zone_ms = 0;
    if (text.empty() || take(text, 'Z') || take(text, 'z')) return true;
    const bool west = text.starts_with('-');
    if (!take(text, '+') && !take(text, '-')) return false;
    int hours = 0;
    int minutes = 0;
    if (!take_number(text, 2, hours)) return false;
    take(text, ':');
    if (!text.empty() && !take_number(text, 2, minutes)) return false;
    if (hours > 18 || minutes > 59) return false;
    zone_ms = (hours * 60 + minutes) * 60'000LL * (west ? -1 : 1);
    return true;
}

// "18:00[:00[.123]]" as milliseconds of the day.
bool take_clock(std::string_view& text, std::int64_t& clock_ms) {
    int hours = 0;
    int minutes = 0;
    int seconds = 0;
    if (!take_number(text, 2, hours) || !take(text, ':') || !take_number(text, 2, minutes)) {
        return false;
    }
    std::int64_t fraction_ms = 0;
    if (take(text, ':')) {
        if (!take_number(text, 2, seconds)) return false;
        if (take(text, '.')) {
            const std::string_view digits = take_digits(text);
            if (digits.empty()) return false;
            // Finer than a millisecond is cut off.
            for (std::size_t i = 0; i < 3; ++i) {
                fraction_ms = fraction_ms * 10 + (i < digits.size() ? digits[i] - '0' : 0);
            }
        }
    }
    if (hours > 23 || minutes > 59 || seconds > 59) return false;
    clock_ms = ((hours * 60 + minutes) * 60 + seconds) * 1000LL + fraction_ms;
    return true;
}

bool parse_date(std::string_view text, std::int64_t& moment_ms) {
    int year = 0;
    int month = 0;
    int day = 0;
    if (!take_number(text, 4, year) || !take(text, '-') || !take_number(text, 2, month) ||
        !take(text, '-') || !take_number(text, 2, day)) {
        return false;
    }
    const std::chrono::year_month_day date{std::chrono::year(year),
                                           std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (!date.ok()) return false;
    std::int64_t clock_ms = 0;
    std::int64_t zone_ms = 0;
    if (!text.empty()) {
        if (!take(text, 'T') && !take(text, ' ')) return false;
        if (!take_clock(text, clock_ms) || !take_zone(text, zone_ms) || !text.empty()) return false;
    }
    const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
    moment_ms = days * 86'400'000 + clock_ms - zone_ms;
    return true;
}

}  // namespace

Result<std::int64_t> parse_duration_ms(std::string_view text) {
    std::int64_t total_ms = 0;
    std::string_view rest = text;
    while (!rest.empty()) {
        const std::string_view digits = take_digits(rest);
        const auto* const unit = std::ranges::find_if(
            kUnits, [&](const Unit& candidate) { return rest.starts_with(candidate.name); });
        constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 604'800'000 / 16;
        const auto number = base::parse_int64(digits, 0, kMost);
        if (unit == kUnits.end() || !number) break;
        rest.remove_prefix(unit->name.size());
        total_ms += *number * unit->ms;
        if (rest.empty()) return total_ms;
        if (total_ms > std::numeric_limits<std::int64_t>::max() / 2) break;
    }
    return fail(Code::kInvalidArgument,
                "'{}' is no duration: write it like 250ms, 90s, 15m, 2h, 1d or 1h30m", text);
}

Result<std::int64_t> parse_moment_ms(std::string_view text, std::int64_t now_ms) {
    if (text == "now") return now_ms;
    if (text.starts_with('-')) {
        MR_TRY(const std::int64_t ago_ms, parse_duration_ms(text.substr(1)));
        return now_ms - ago_ms;
    }
    if (!text.empty() && std::ranges::all_of(text, is_digit)) {
        if (text.size() == 13) return base::parse_int64(text);
        if (text.size() == 9 || text.size() == 10) {
            MR_TRY(const std::int64_t seconds, base::parse_int64(text));
            return seconds * 1000;
        }
    }
    std::int64_t moment_ms = 0;
    if (parse_date(text, moment_ms)) return moment_ms;
    return fail(Code::kInvalidArgument,
                "'{}' is no moment: write it like 2024-05-31, 2024-05-31T18:00:00Z, "
                "1717171717171 (milliseconds), 1717171717 (seconds) or -15m (ago)",
                text);
}

}  // namespace millrace::cli
