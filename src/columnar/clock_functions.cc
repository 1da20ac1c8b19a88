// Times of day (TIME), and moves of timestamps by units.
#include <array>
#include <cmath>

#include "columnar/functions_internal.h"
#include "columnar/time_format_internal.h"
#include "columnar/time_text_internal.h"

namespace millrace::columnar {

namespace {

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::int64_t kDayUs = 86'400 * kSecondUs;

std::int64_t floor_div(std::int64_t value, std::int64_t by) {
    return value / by - (value % by < 0 ? 1 : 0);
}

bool same_unit(std::string_view text, std::string_view unit) {
    if (text.size() != unit.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (std::toupper(static_cast<unsigned char>(text[i])) != unit[i]) return false;
    }
    return true;
}

// Microseconds of the units of a clock; 0: none of them.
std::int64_t clock_unit(std::string_view unit) {
    static constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {
        {"HOUR", 3600 * kSecondUs},
        {"MINUTE", 60 * kSecondUs},
        {"SECOND", kSecondUs},
        {"MILLISECOND", 1000},
        {"MICROSECOND", 1}};
    for (const auto& [name, width] : kUnits) {
        if (same_unit(unit, name)) return width;
    }
    return 0;
}

void out_of_bounds(Call& call, std::string_view field, std::int64_t most, std::int64_t value) {
    call.fail("DATETIME_FIELD_OUT_OF_BOUNDS.WITHOUT_SUGGESTION",
              {{"rangeMessage", fmt::format("Invalid value for {} (valid values 0 - {}): {}", field,
                                            most, value)}});
}

std::int64_t time_us(std::int64_t time) {
    return time;
}

// Microseconds since midnight -> TIME
void time_of_us(Call& call) {
    const auto values = call.column<std::int64_t>(0);
    auto* out = call.results<std::int64_t>();
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (values.is_null(row)) {
            call.set_null(row);
            continue;
        }
        if (values[row] < 0 || values[row] >= kDayUs) {
            return out_of_bounds(call, "MicroOfDay", kDayUs - 1, values[row]);
        }
        out[row] = values[row];
    }
}

// (hour, minute, seconds) -> TIME
void make_time(Call& call) {
    const auto hours = call.column<std::int32_t>(0);
    const auto minutes = call.column<std::int32_t>(1);
    const auto seconds = call.column<double>(2);
    auto* out = call.results<std::int64_t>();
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (call.any_null(row)) {
            call.set_null(row);
            continue;
        }
        const auto us = static_cast<std::int64_t>(std::llround(seconds[row] * 1e6));
        if (hours[row] < 0 || hours[row] > 23) {
            return out_of_bounds(call, "HourOfDay", 23, hours[row]);
        }
        if (minutes[row] < 0 || minutes[row] > 59) {
            return out_of_bounds(call, "MinuteOfHour", 59, minutes[row]);
        }
        if (us < 0 || us >= 60 * kSecondUs) {
            return out_of_bounds(call, "SecondOfMinute", 59, floor_div(us, kSecondUs));
        }
        out[row] = (hours[row] * 60LL + minutes[row]) * 60 * kSecondUs + us;
    }
}

std::int64_t unit_or_error(Call& call, std::string_view unit, std::string_view function) {
    const std::int64_t width = clock_unit(unit);
    if (width == 0) {
        call.fail("INVALID_PARAMETER_VALUE.TIME_UNIT", {{"functionName", std::string(function)},
                                                        {"parameter", "`unit`"},
                                                        {"invalidValue", std::string(unit)}});
    }
    return width;
}

// (unit, start, end) -> whole units between
void time_diff(Call& call) {
    const auto units = call.column<duckdb_string_t>(0);
    const auto starts = call.column<std::int64_t>(1);
    const auto ends = call.column<std::int64_t>(2);
    auto* out = call.results<std::int64_t>();
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (call.any_null(row)) {
            call.set_null(row);
            continue;
        }
        const std::int64_t width = unit_or_error(call, text_of(units[row]), "`time_diff`");
        if (width == 0) return;
        out[row] = (ends[row] - starts[row]) / width;
    }
}

// (unit, time) -> time
void time_trunc(Call& call) {
    const auto units = call.column<duckdb_string_t>(0);
    const auto times = call.column<std::int64_t>(1);
    auto* out = call.results<std::int64_t>();
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (call.any_null(row)) {
            call.set_null(row);
            continue;
        }
        const std::int64_t width = unit_or_error(call, text_of(units[row]), "`time_trunc`");
        if (width == 0) return;
        out[row] = times[row] / width * width;
    }
}

// "[T]h:m[:s[.f]]", as Spark casts text to TIME.
std::optional<std::int64_t> time_in_text(std::string_view text) {
    text = trim_all(text);
    if (!text.empty() && (text.front() == 'T' || text.front() == 't')) text.remove_prefix(1);
    std::size_t at = 0;
    const auto number = [&](std::int64_t most) -> std::optional<std::int64_t> {
        const std::size_t from = at;
        std::int64_t value = 0;
        while (at < text.size() && at - from < 2 && text[at] >= '0' && text[at] <= '9') {
            value = value * 10 + (text[at++] - '0');
        }
        if (at == from || value > most) return std::nullopt;
        return value;
    };
    const auto hour = number(23);
    if (!hour || at >= text.size() || text[at++] != ':') return std::nullopt;
    const auto minute = number(59);
    if (!minute) return std::nullopt;
    std::int64_t us = (*hour * 60 + *minute) * 60 * kSecondUs;
    if (at == text.size()) return us;
    if (text[at++] != ':') return std::nullopt;
    const auto second = number(59);
    if (!second) return std::nullopt;
    us += *second * kSecondUs;
    if (at == text.size()) return us;
    if (text[at++] != '.') return std::nullopt;
    std::int64_t unit = kSecondUs / 10;
    for (; at < text.size(); ++at, unit /= 10) {
        if (text[at] < '0' || text[at] > '9') return std::nullopt;
        us += (text[at] - '0') * unit;
    }
    return us;
}

// (text, pattern or '', mode) -> TIME
void to_time(Call& call) {
    const auto texts = call.column<duckdb_string_t>(0);
    const auto patterns = call.column<duckdb_string_t>(1);
    const bool quiet = call.constant(2) == "try";
    auto* out = call.results<std::int64_t>();
    std::string compiled;
    std::optional<TimeFormat> format;
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (call.any_null(row)) {
            call.set_null(row);
            continue;
        }
        const std::string_view text = text_of(texts[row]);
        const std::string_view pattern = text_of(patterns[row]);
        std::optional<std::int64_t> parsed;
        if (pattern.empty()) {
            parsed = time_in_text(text);
        } else {
            if (!format || compiled != pattern) {
                auto made = TimeFormat::make(pattern);
                if (!made) {
                    const base::Condition* condition = made.error().condition();
                    if (condition == nullptr) return call.fail_with(made.error().message());
                    std::vector<std::pair<std::string_view, std::string>> parameters;
                    for (const auto& [key, value] : condition->parameters) {
                        parameters.emplace_back(key, value);
                    }
                    return call.fail(condition->name, parameters);
                }
                format = std::move(*made);
                compiled = pattern;
            }
            parsed = format->parse_local(text);
            if (parsed) *parsed -= floor_div(*parsed, kDayUs) * kDayUs;
        }
        if (parsed) {
            out[row] = *parsed;
        } else if (quiet) {
            call.set_null(row);
        } else {
            return call.fail(
                "CANNOT_PARSE_TIME",
                {{"input", fmt::format("'{}'", text)},
                 {"format", fmt::format("'{}'", pattern.empty() ? "HH:mm:ss.SSSSSS" : pattern)}});
        }
    }
}

// (wall-clock time, zone) -> instant
void to_instant(Call& call) {
    const auto times = call.column<std::int64_t>(0);
    const auto zones = call.column<duckdb_string_t>(1);
    auto* out = call.results<std::int64_t>();
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (call.any_null(row)) {
            call.set_null(row);
            continue;
        }
        Zone* zone = thread_zone(text_of(zones[row]));
        if (zone == nullptr) {
            return call.fail("INVALID_TIMEZONE", {{"timeZone", std::string(text_of(zones[row]))}});
        }
        out[row] = zone->to_instant(times[row]);
    }
}

// The units of timestampadd and timestampdiff: so many months, or so many microseconds.
struct CalendarUnit {
    std::string_view name;
    std::int64_t months;
    std::int64_t us;
};
constexpr std::array kCalendarUnits = {CalendarUnit{"YEAR", 12, 0},
                                       CalendarUnit{"QUARTER", 3, 0},
                                       CalendarUnit{"MONTH", 1, 0},
                                       CalendarUnit{"WEEK", 0, 7 * kDayUs},
                                       CalendarUnit{"DAY", 0, kDayUs},
                                       CalendarUnit{"DAYOFYEAR", 0, kDayUs},
                                       CalendarUnit{"HOUR", 0, 3600 * kSecondUs},
                                       CalendarUnit{"MINUTE", 0, 60 * kSecondUs},
                                       CalendarUnit{"SECOND", 0, kSecondUs},
                                       CalendarUnit{"MILLISECOND", 0, 1000},
                                       CalendarUnit{"MICROSECOND", 0, 1}};

const CalendarUnit* calendar_unit(Call& call, std::string_view name, std::string_view function) {
    for (const CalendarUnit& unit : kCalendarUnits) {
        if (same_unit(name, unit.name)) return &unit;
    }
    call.fail("INVALID_PARAMETER_VALUE.DATETIME_UNIT",
              {{"functionName", std::string(function)},
               {"parameter", "`unit`"},
               {"invalidValue", fmt::format("'{}'", name)}});
    return nullptr;
}

// (unit, count, time, zone): days and more move the wall clock, the rest moves the instant.
template <bool instant>
void timestamp_add(Call& call) {
    const auto units = call.column<duckdb_string_t>(0);
    const auto counts = call.column<std::int64_t>(1);
    const auto times = call.column<std::int64_t>(2);
    Zone* zone = thread_zone(instant ? call.constant(3) : "UTC");
    auto* out = call.results<std::int64_t>();
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (call.any_null(row) || zone == nullptr) {
            call.set_null(row);
            continue;
        }
        const CalendarUnit* unit = calendar_unit(call, text_of(units[row]), "`timestampadd`");
        if (unit == nullptr) return;
        const auto overflow = [&] {
            call.fail("DATETIME_OVERFLOW", {{"operation", fmt::format("add {} {} to the timestamp",
                                                                      counts[row], unit->name)}});
        };
        std::int64_t local = times[row] + zone->offset_at(times[row]);
        std::int64_t rest = 0;
        if (unit->months != 0) {
            std::int64_t months = 0;
            constexpr std::int64_t kMost = 12LL * 300'000;
            if (__builtin_mul_overflow(counts[row], unit->months, &months) ||
                std::abs(months) > 2 * kMost) {
                return overflow();
            }
            const std::int64_t days = floor_div(local, kDayUs);
            const CivilDate date = civil_from_days(days);
            const std::int64_t month = date.year * 12 + date.month - 1 + months;
            const std::int64_t year = floor_div(month, 12);
            const int of_year = static_cast<int>(month - year * 12) + 1;
            if (std::abs(year) > 294'000) return overflow();
            const int day = std::min(date.day, days_in_month(year, of_year));
            local += (days_from_civil(year, of_year, day) - days) * kDayUs;
        } else {
            std::int64_t us = 0;
            if (__builtin_mul_overflow(counts[row], unit->us, &us)) return overflow();
            rest = us % kDayUs;
            if (__builtin_add_overflow(local, us - rest, &local)) return overflow();
        }
        std::int64_t result = zone->to_instant(local);
        if (__builtin_add_overflow(result, rest, &result)) return overflow();
        out[row] = result;
    }
}

// Whole months from one wall-clock time to another, as java.time counts them.
std::int64_t months_until(std::int64_t from, std::int64_t to) {
    std::int64_t first = floor_div(from, kDayUs);
    std::int64_t last = floor_div(to, kDayUs);
    const std::int64_t first_clock = from - first * kDayUs;
    const std::int64_t last_clock = to - last * kDayUs;
    if (last > first && last_clock < first_clock) --last;
    if (last < first && last_clock > first_clock) ++last;
    const CivilDate a = civil_from_days(first);
    const CivilDate b = civil_from_days(last);
    return ((b.year * 12 + b.month) * 32 + b.day - (a.year * 12 + a.month) * 32 - a.day) / 32;
}

// (unit, start, end, zone) -> whole units
template <bool instant>
void timestamp_diff(Call& call) {
    const auto units = call.column<duckdb_string_t>(0);
    const auto starts = call.column<std::int64_t>(1);
    const auto ends = call.column<std::int64_t>(2);
    Zone* zone = thread_zone(instant ? call.constant(3) : "UTC");
    auto* out = call.results<std::int64_t>();
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (call.any_null(row) || zone == nullptr) {
            call.set_null(row);
            continue;
        }
        const CalendarUnit* unit = calendar_unit(call, text_of(units[row]), "`timestampdiff`");
        if (unit == nullptr) return;
        const std::int64_t from = starts[row] + zone->offset_at(starts[row]);
        const std::int64_t to = ends[row] + zone->offset_at(ends[row]);
        out[row] =
            unit->months != 0 ? months_until(from, to) / unit->months : (to - from) / unit->us;
    }
}

}  // namespace

void add_clock_functions(FunctionList& list) {
    constexpr auto kText = DUCKDB_TYPE_VARCHAR;
    constexpr auto kLong = DUCKDB_TYPE_BIGINT;
    constexpr auto kTime = DUCKDB_TYPE_TIME;
    constexpr auto kLocal = DUCKDB_TYPE_TIMESTAMP;
    constexpr auto kInstant = DUCKDB_TYPE_TIMESTAMP_TZ;
    list.add("mr_time_us", {{kTime}, kLong, unary<std::int64_t, std::int64_t, time_us>});
    list.add("mr_time_of_us", {{kLong}, kTime, time_of_us});
    list.add("mr_make_time",
             {{DUCKDB_TYPE_INTEGER, DUCKDB_TYPE_INTEGER, DUCKDB_TYPE_DOUBLE}, kTime, make_time});
    list.add("mr_time_diff", {{kText, kTime, kTime}, kLong, time_diff});
    list.add("mr_time_trunc", {{kText, kTime}, kTime, time_trunc});
    list.add("mr_to_time", {{kText, kText, kText}, kTime, to_time});
    list.add("mr_to_instant", {{kLocal, kText}, kInstant, to_instant});
    list.add("mr_timestamp_add", {{kText, kLong, kInstant, kText}, kInstant, timestamp_add<true>});
    list.add("mr_timestamp_add", {{kText, kLong, kLocal, kText}, kLocal, timestamp_add<false>});
    list.add("mr_timestamp_diff",
             {{kText, kInstant, kInstant, kText}, kLong, timestamp_diff<true>});
    list.add("mr_timestamp_diff", {{kText, kLocal, kLocal, kText}, kLong, timestamp_diff<false>});
}

}  // namespace millrace::columnar
