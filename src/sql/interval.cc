// Text of intervals, dates and timestamps to numbers.
#include <array>
#include <cctype>
#include <cmath>

#include "sql/errors.h"
#include "sql/parser.h"
#include "sql/parser_internal.h"

namespace millrace::sql {

using base::fail;

namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kDay = 86'400 * kSecond;

struct Unit {
    std::string_view name;
    unsigned bit;
    std::int64_t months;
    std::int64_t days;
    std::int64_t microseconds;
};
constexpr std::array kUnits = {
    Unit{"year", 1, 12, 0, 0},
    Unit{"month", 2, 1, 0, 0},
    Unit{"week", 4, 0, 7, 0},
    Unit{"day", 4, 0, 1, 0},
    Unit{"hour", 8, 0, 0, 3600 * kSecond},
    Unit{"minute", 16, 0, 0, 60 * kSecond},
    Unit{"second", 32, 0, 0, kSecond},
    Unit{"millisecond", 32, 0, 0, 1000},
    Unit{"microsecond", 32, 0, 0, 1},
};

bool add_product(std::int64_t& into, std::int64_t number, std::int64_t factor) {
    std::int64_t product = 0;
    return !__builtin_mul_overflow(number, factor, &product) &&
           !__builtin_add_overflow(into, product, &into);
}

// "-12.5" as whole part and microseconds of the fraction.
bool split_number(std::string_view text, std::int64_t& whole, std::int64_t& fraction,
                  bool& has_fraction) {
    std::size_t at = 0;
    bool negative = false;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) negative = text[at++] == '-';
    const std::size_t digits = at;
    whole = 0;
    fraction = 0;
    has_fraction = false;
    while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0) {
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, text[at] - '0', &whole)) {
            return false;
        }
        ++at;
    }
    const bool any = at > digits;
    if (at < text.size() && text[at] == '.') {
        ++at;
        has_fraction = true;
        std::int64_t scale = 100'000;
        const std::size_t from = at;
        while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0) {
            fraction += (text[at] - '0') * scale;
            scale /= 10;
            ++at;
        }
        if (at == from && !any) return false;
    } else if (!any) {
        return false;
    }
    if (negative) {
        whole = -whole;
        fraction = -fraction;
    }
    return at == text.size();
}

base::Error bad_interval(std::string_view condition, std::string_view input,
                         std::map<std::string, std::string> parameters = {}) {
    parameters["input"] = fmt::format("'{}'", input);
    return spark_error(fmt::format("INVALID_INTERVAL_FORMAT.{}", condition), parameters);
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return result;
}

}  // namespace

Result<bool> add_unit(ParsedInterval& interval, std::string_view number, std::string_view unit) {
    const std::string name = lower(unit);
    for (const Unit& candidate : kUnits) {
        if (name != candidate.name && name != std::string(candidate.name) + "s") continue;
        std::int64_t whole = 0;
        std::int64_t fraction = 0;
        bool has_fraction = false;
        if (!split_number(number, whole, fraction, has_fraction)) {
            return fail(bad_interval("INVALID_VALUE", number, {{"value", std::string(number)}}));
        }
        if (has_fraction && candidate.name != "second") {
            return fail(bad_interval("INVALID_VALUE", number, {{"value", std::string(number)}}));
        }
        interval.units |= candidate.bit;
        if (!add_product(interval.months, whole, candidate.months) ||
            !add_product(interval.days, whole, candidate.days) ||
            !add_product(interval.microseconds, whole, candidate.microseconds) ||
            !add_product(interval.microseconds, fraction, 1)) {
            return fail(bad_interval("ARITHMETIC_EXCEPTION", number));
        }
        return true;
    }
    return false;
}

Result<ParsedInterval> parse_units(std::string_view text) {
    ParsedInterval result;
    std::size_t at = 0;
    const auto skip = [&] {
        while (at < text.size() && std::isspace(static_cast<unsigned char>(text[at])) != 0) ++at;
    };
    const auto word = [&] {
        const std::size_t from = at;
        while (at < text.size() && std::isspace(static_cast<unsigned char>(text[at])) == 0) ++at;
        return text.substr(from, at - from);
    };
    skip();
    if (at == text.size()) return fail(bad_interval("INPUT_IS_EMPTY", text));
    if (lower(text.substr(at, 8)) == "interval" &&
        (at + 8 == text.size() || std::isspace(static_cast<unsigned char>(text[at + 8])) != 0)) {
        at += 8;
    }
    skip();
    if (at == text.size()) return fail(bad_interval("INPUT_IS_EMPTY", text));
    while (at < text.size()) {
        std::string number(word());
        // "- 1 day" and "1day" are as good as "-1 day" and "1 day".
        if (number == "-" || number == "+") {
            skip();
            number += word();
        }
        std::size_t digits = 0;
        while (digits < number.size() &&
               std::isalpha(static_cast<unsigned char>(number[digits])) == 0) {
            ++digits;
        }
        std::string unit = number.substr(digits);
        number.resize(digits);
        if (number.empty()) {
            return fail(bad_interval("UNRECOGNIZED_NUMBER", text, {{"number", unit}}));
        }
        if (unit.empty()) {
            skip();
            unit = std::string(word());
        }
        if (unit.empty()) return fail(bad_interval("MISSING_UNIT", text, {{"word", number}}));
        MR_TRY(const bool known, add_unit(result, number, unit));
        if (!known) return fail(bad_interval("INVALID_UNIT", text, {{"unit", unit}}));
        skip();
    }
    return result;
}

plan::Literal interval_literal(const ParsedInterval& interval) {
    const bool year_month = (interval.units & 3U) != 0;
    const bool day_time = (interval.units & ~3U) != 0;
    if (year_month && day_time) {
        return {
            DataType::calendar_interval(),
            plan::IntervalValue{static_cast<std::int32_t>(interval.months),
                                static_cast<std::int32_t>(interval.days), interval.microseconds}};
    }
    if (year_month) {
        const int from = (interval.units & 1U) != 0 ? 0 : 1;
        const int to = (interval.units & 2U) != 0 ? 1 : 0;
        return {DataType::year_month_interval(from, to), interval.months};
    }
    int from = 3;
    int to = 0;
    for (int unit = 0; unit < 4; ++unit) {
        if ((interval.units & (4U << unit)) == 0) continue;
        from = std::min(from, unit);
        to = std::max(to, unit);
    }
    return {DataType::day_time_interval(from, to), interval.days * kDay + interval.microseconds};
}

Result<std::int64_t> parse_unit_range(std::string_view text, std::string_view from,
                                      std::string_view to) {
    const auto mismatch = [&] {
        return fail(bad_interval("UNMATCHED_FORMAT_STRING", text,
                                 {{"typeName", "interval"},
                                  {"intervalStr", fmt::format("{} to {}", from, to)},
                                  {"supportedFormat", "`[+|-]d h:m:s`"}}));
    };
    std::string_view rest = text;
    while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
    while (!rest.empty() && rest.back() == ' ') rest.remove_suffix(1);
    std::int64_t sign = 1;
    if (!rest.empty() && (rest.front() == '-' || rest.front() == '+')) {
        if (rest.front() == '-') sign = -1;
        rest.remove_prefix(1);
    }
    // The fields in between, each with what separates it from the one before.
    static constexpr std::string_view kNames[] = {"year", "month",  "day",
                                                  "hour", "minute", "second"};
    int first = -1;
    int last = -1;
    for (int i = 0; i < 6; ++i) {
        if (same_word(kNames[i], from)) first = i;
        if (same_word(kNames[i], to)) last = i;
    }
    if (first < 0 || last < first) return mismatch();
    ParsedInterval interval;
    for (int i = first; i <= last; ++i) {
        if (i > first) {
            const char separator = i == 1 ? '-' : i == 3 ? ' ' : ':';
            if (rest.empty() || rest.front() != separator) return mismatch();
            rest.remove_prefix(1);
        }
        std::size_t end = 0;
        while (end < rest.size() && (std::isdigit(static_cast<unsigned char>(rest[end])) != 0 ||
                                     (i == 5 && rest[end] == '.'))) {
            ++end;
        }
        if (end == 0) return mismatch();
        MR_TRY(const bool known, add_unit(interval, rest.substr(0, end), kNames[i]));
        if (!known) return mismatch();
        rest.remove_prefix(end);
    }
    if (!rest.empty()) return mismatch();
    if (first < 2) return sign * interval.months;
    return sign * (interval.days * kDay + interval.microseconds);
}

Result<std::int64_t> parse_interval_us(std::string_view text) {
    MR_TRY(const ParsedInterval interval, parse_units(text));
    if (interval.months != 0) {
        return fail(bad_interval("INVALID_UNIT", text, {{"unit", "month"}}));
    }
    std::int64_t result = interval.microseconds;
    if (!add_product(result, interval.days, kDay)) {
        return fail(bad_interval("ARITHMETIC_EXCEPTION", text));
    }
    return result;
}

std::int64_t days_from_civil(std::int64_t year, unsigned month, unsigned day) {
    year -= month <= 2 ? 1 : 0;
    const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
    const auto year_of_era = static_cast<unsigned>(year - era * 400);
    const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    const unsigned day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + static_cast<std::int64_t>(day_of_era) - 719468;
}

namespace {

// Reads up to `max` digits; -1 when there is none.
std::int64_t take_digits(std::string_view& text, std::size_t max) {
    std::int64_t value = 0;
    std::size_t count = 0;
    while (count < max && count < text.size() &&
           std::isdigit(static_cast<unsigned char>(text[count])) != 0) {
        value = value * 10 + (text[count] - '0');
        ++count;
    }
    text.remove_prefix(count);
    return count == 0 ? -1 : value;
}

bool take_char(std::string_view& text, char c) {
    if (text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
}

unsigned days_in_month(std::int64_t year, unsigned month) {
    static constexpr unsigned kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : kDays[month - 1];
}

// The date at the front of `text`; `whole` tells whether month and day were both given.
std::optional<std::int64_t> take_date(std::string_view& text, bool& whole) {
    const bool negative = take_char(text, '-');
    if (!negative) take_char(text, '+');
    const std::size_t before = text.size();
    std::int64_t year = take_digits(text, 7);
    if (year < 0 || before - text.size() < 4) return std::nullopt;
    if (negative) year = -year;
    std::int64_t month = 1;
    std::int64_t day = 1;
    whole = false;
    if (take_char(text, '-')) {
        month = take_digits(text, 2);
        if (month < 1 || month > 12) return std::nullopt;
        if (take_char(text, '-')) {
            day = take_digits(text, 2);
            whole = true;
        }
    }
    const auto number = static_cast<unsigned>(month);
    if (day < 1 || day > days_in_month(year, number)) return std::nullopt;
    return days_from_civil(year, number, static_cast<unsigned>(day));
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
    while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
    return text;
}

}  // namespace

std::optional<std::int32_t> parse_date(std::string_view text) {
    std::string_view rest = trimmed(text);
    bool whole = false;
    const auto days = take_date(rest, whole);
    if (!days) return std::nullopt;
    // After a whole date a time may follow, which does not count.
    if (!rest.empty() && !(whole && (rest.front() == ' ' || rest.front() == 'T'))) {
        return std::nullopt;
    }
    return static_cast<std::int32_t>(*days);
}

std::optional<ParsedTimestamp> parse_timestamp(std::string_view text) {
    std::string_view rest = trimmed(text);
    bool whole = false;
    const auto days = take_date(rest, whole);
    if (!days) return std::nullopt;
    ParsedTimestamp result;
    result.microseconds = *days * kDay;
    if (rest.empty()) return result;
    if (!whole || (rest.front() != ' ' && rest.front() != 'T')) return std::nullopt;
    rest.remove_prefix(1);
    const std::int64_t hour = take_digits(rest, 2);
    std::int64_t minute = 0;
    std::int64_t second = 0;
    std::int64_t fraction = 0;
    if (hour < 0 || hour > 23) return std::nullopt;
    if (take_char(rest, ':')) {
        minute = take_digits(rest, 2);
        if (minute < 0 || minute > 59) return std::nullopt;
        if (take_char(rest, ':')) {
            second = take_digits(rest, 2);
            if (second < 0 || second > 59) return std::nullopt;
            if (take_char(rest, '.')) {
                std::int64_t scale = 100'000;
                while (!rest.empty() && std::isdigit(static_cast<unsigned char>(rest[0])) != 0) {
                    fraction += (rest[0] - '0') * scale;
                    scale /= 10;
                    rest.remove_prefix(1);
                }
            }
        }
    }
    result.microseconds += ((hour * 60 + minute) * 60 + second) * kSecond + fraction;
    rest = trimmed(rest);
    if (rest.empty()) return result;
    result.has_zone = true;
    if (rest == "Z" || rest == "UTC" || rest == "GMT") return result;
    if (rest.starts_with("UTC") || rest.starts_with("GMT")) rest.remove_prefix(3);
    if (rest.front() == '+' || rest.front() == '-') {
        const std::int64_t sign = rest.front() == '-' ? -1 : 1;
        rest.remove_prefix(1);
        const std::int64_t hours = take_digits(rest, 2);
        std::int64_t minutes = 0;
        if (take_char(rest, ':')) minutes = take_digits(rest, 2);
        if (hours < 0 || hours > 18 || minutes < 0 || minutes > 59 || !rest.empty()) {
            return std::nullopt;
        }
        result.microseconds -= sign * (hours * 60 + minutes) * 60 * kSecond;
        return result;
    }
    // A region such as Europe/Paris: letters, digits and _ / + - only.
    for (const char c : rest) {
        if (std::isalnum(static_cast<unsigned char>(c)) == 0 &&
            std::string_view("_/+-").find(c) == std::string_view::npos) {
            return std::nullopt;
        }
    }
    result.zone = std::string(rest);
    return result;
}

}  // namespace millrace::sql
