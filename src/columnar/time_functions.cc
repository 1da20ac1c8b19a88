// Time windows, formats and calendar arithmetic.
#include <cmath>

#include "columnar/display_internal.h"
#include "columnar/functions_internal.h"
#include "columnar/time_format_internal.h"
#include "columnar/time_text_internal.h"

namespace millrace::columnar {

namespace {

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::int64_t kDayUs = 86'400 * kSecondUs;

std::int64_t floor_mod(std::int64_t value, std::int64_t by) {
    const std::int64_t rest = value % by;
    return rest < 0 ? rest + by : rest;
}
std::int64_t floor_div(std::int64_t value, std::int64_t by) {
    return value / by - (value % by < 0 ? 1 : 0);
}

// time -> the struct<start, end> of its tumbling window; a null time has none.
void fill_window(Call& call, std::int64_t duration, std::int64_t start) {
    const auto times = call.column<std::int64_t>(0);
    auto* starts = static_cast<std::int64_t*>(
        duckdb_vector_get_data(duckdb_struct_vector_get_child(call.output(), 0)));
    auto* ends = static_cast<std::int64_t*>(
        duckdb_vector_get_data(duckdb_struct_vector_get_child(call.output(), 1)));
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (times.is_null(row)) {
            call.set_null(row);
            starts[row] = 0;
            ends[row] = 0;
            continue;
        }
        starts[row] = times[row] - floor_mod(times[row] - start, duration);
        ends[row] = starts[row] + duration;
    }
}

void fill_windows(Call& call, std::int64_t duration, std::int64_t slide, std::int64_t start) {
    const auto times = call.column<std::int64_t>(0);
    auto* entries = call.results<duckdb_list_entry>();
    idx_t total = 0;
    // The latest window that begins at or before the time, then earlier ones while they hold it.
    const auto latest = [&](std::int64_t time) { return time - floor_mod(time - start, slide); };
    for (idx_t row = 0; row < call.rows(); ++row) {
        entries[row] = {.offset = total, .length = 0};
        if (times.is_null(row)) continue;
        const std::int64_t room = duration - (times[row] - latest(times[row]));
        if (room > 0) entries[row].length = static_cast<idx_t>((room + slide - 1) / slide);
        total += entries[row].length;
    }
    duckdb_list_vector_reserve(call.output(), total);
    duckdb_list_vector_set_size(call.output(), total);
    entries = call.results<duckdb_list_entry>();
    const duckdb_vector windows = duckdb_list_vector_get_child(call.output());
    auto* starts = static_cast<std::int64_t*>(
        duckdb_vector_get_data(duckdb_struct_vector_get_child(windows, 0)));
    auto* ends = static_cast<std::int64_t*>(
        duckdb_vector_get_data(duckdb_struct_vector_get_child(windows, 1)));
    for (idx_t row = 0; row < call.rows(); ++row) {
        std::int64_t begin = entries[row].length == 0 ? 0 : latest(times[row]);
        for (idx_t i = 0; i < entries[row].length; ++i) {
            starts[entries[row].offset + i] = begin;
            ends[entries[row].offset + i] = begin + duration;
            begin -= slide;
        }
    }
}

}  // namespace

void run_time_window(Call& call) {
    const auto& span = *static_cast<const WindowSpan*>(call.extra());
    fill_window(call, span.duration_us, span.start_us);
}

void run_time_windows(Call& call) {
    const auto& span = *static_cast<const WindowSpan*>(call.extra());
    fill_windows(call, span.duration_us, span.slide_us, span.start_us);
}

namespace {

// A compiled pattern, kept for the next chunk: patterns are nearly always constants.
const TimeFormat* cached_format(Call& call, std::string_view pattern) {
    thread_local std::string last_pattern;
    thread_local std::optional<TimeFormat> last;
    if (last && last_pattern == pattern) return &*last;
    auto made = TimeFormat::make(pattern);
    if (!made) {
        const base::Condition* condition = made.error().condition();
        if (condition != nullptr) {
            std::vector<std::pair<std::string_view, std::string>> parameters;
            for (const auto& [key, value] : condition->parameters)
                parameters.emplace_back(key, value);
            call.fail(condition->name, parameters);
        } else {
            call.fail_with(made.error().message());
        }
        return nullptr;
    }
    last = std::move(*made);
    last_pattern = pattern;
    return &*last;
}

// (time, pattern, zone) -> text
void date_format(Call& call) {
    const auto times = call.column<std::int64_t>(0);
    const auto patterns = call.column<duckdb_string_t>(1);
    const std::string_view zone_name = call.constant(2);
    Zone* zone = thread_zone(zone_name);
    std::string text;
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (call.any_null(row) || zone == nullptr) {
            call.set_null(row);
            continue;
        }
        const TimeFormat* format = cached_format(call, text_of(patterns[row]));
        if (format == nullptr) return;
        const std::int64_t offset = zone->offset_at(times[row]);
        text.clear();
        format->append(text, times[row] + offset, offset, zone_name);
        call.set_text(row, text);
    }
}

enum class Parsed : std::uint8_t { kInstant, kLocal, kDate, kSeconds };

// (text, pattern, [zone,] mode): the parsed time; refused text is null or Spark's error.
template <Parsed what>
void parse_time(Call& call) {
    const auto texts = call.column<duckdb_string_t>(0);
    const auto patterns = call.column<duckdb_string_t>(1);
    const bool zoned = call.arguments() == 4;
    Zone* zone = thread_zone(zoned ? call.constant(2) : "UTC");
    const bool ansi = raises(call, zoned ? 3 : 2);
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (call.any_null(row) || zone == nullptr) {
            call.set_null(row);
            continue;
        }
        const std::string_view text = text_of(texts[row]);
        const TimeFormat* format = cached_format(call, text_of(patterns[row]));
        if (format == nullptr) return;
        bool good = false;
        if constexpr (what == Parsed::kDate) {
            const auto days = format->parse_date(text);
            good = days.has_value();
            if (good) call.results<std::int32_t>()[row] = *days;
        } else {
            const auto us = what == Parsed::kLocal ? format->parse_local(text)
                                                   : format->parse_instant(text, *zone);
            good = us.has_value();
            if (good) {
                call.results<std::int64_t>()[row] =
                    what == Parsed::kSeconds ? floor_div(*us, kSecondUs) : *us;
            }
        }
        if (good) continue;
        if (ansi) {
            call.fail(
                "CANNOT_PARSE_TIMESTAMP",
                {{"message", fmt::format("Text '{}' could not be parsed", text.substr(0, 200))},
                 {"func", "`try_to_timestamp`"}});
            return;
        }
        call.set_null(row);
    }
}

std::string upper(std::string_view text) {
    std::string result(text);
    for (char& c : result) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return result;
}

// The start of the unit that a wall-clock time lies in; false for a unit that is none.
bool truncate(std::string_view raw_unit, std::int64_t local, std::int64_t& result) {
    const std::string unit = upper(raw_unit);
    const std::int64_t days = floor_div(local, kDayUs);
    const CivilDate date = civil_from_days(days);
    const auto at_day = [&](std::int64_t day) {
        result = day * kDayUs;
        return true;
    };
    if (unit == "YEAR" || unit == "YYYY" || unit == "YY")
        return at_day(days_from_civil(date.year, 1, 1));
    if (unit == "QUARTER")
        return at_day(days_from_civil(date.year, (date.month - 1) / 3 * 3 + 1, 1));
    if (unit == "MONTH" || unit == "MM" || unit == "MON") {
        return at_day(days_from_civil(date.year, date.month, 1));
    }
    if (unit == "WEEK") return at_day(days - floor_mod(days + 3, 7));
    if (unit == "DAY" || unit == "DD") return at_day(days);
    const std::int64_t width = unit == "HOUR"          ? 3600 * kSecondUs
                               : unit == "MINUTE"      ? 60 * kSecondUs
                               : unit == "SECOND"      ? kSecondUs
                               : unit == "MILLISECOND" ? 1000
                               : unit == "MICROSECOND" ? 1
                                                       : 0;
    if (width == 0) return false;
    result = local - floor_mod(local, width);
    return true;
}

// (unit, time, zone) -> time
void date_trunc(Call& call) {
    const auto units = call.column<duckdb_string_t>(0);
    const auto times = call.column<std::int64_t>(1);
    Zone* zone = thread_zone(call.constant(2));
    auto* out = call.results<std::int64_t>();
    for (idx_t row = 0; row < call.rows(); ++row) {
        std::int64_t local = 0;
        if (call.any_null(row) || zone == nullptr ||
            !truncate(text_of(units[row]), times[row] + zone->offset_at(times[row]), local)) {
            call.set_null(row);
            continue;
        }
        out[row] = zone->to_instant(local);
    }
}

// (date, unit) -> date; units below a week are none.
void trunc_date(Call& call) {
    const auto dates = call.column<std::int32_t>(0);
    const auto units = call.column<duckdb_string_t>(1);
    auto* out = call.results<std::int32_t>();
    for (idx_t row = 0; row < call.rows(); ++row) {
        std::int64_t local = 0;
        if (call.any_null(row)) {
            call.set_null(row);
            continue;
        }
        const std::string unit = upper(text_of(units[row]));
        const bool coarse = unit == "YEAR" || unit == "YYYY" || unit == "YY" || unit == "QUARTER" ||
                            unit == "MONTH" || unit == "MM" || unit == "MON" || unit == "WEEK";
        if (!coarse || !truncate(unit, dates[row] * kDayUs, local)) {
            call.set_null(row);
            continue;
        }
        out[row] = static_cast<std::int32_t>(local / kDayUs);
    }
}

// (date, day name, mode) -> date
void next_day(Call& call) {
    const auto dates = call.column<std::int32_t>(0);
    const auto names = call.column<duckdb_string_t>(1);
    const bool ansi = raises(call, 2);
    auto* out = call.results<std::int32_t>();
    static constexpr std::string_view kNames[][3] = {
        {"MO", "MON", "MONDAY"},   {"TU", "TUE", "TUESDAY"}, {"WE", "WED", "WEDNESDAY"},
        {"TH", "THU", "THURSDAY"}, {"FR", "FRI", "FRIDAY"},  {"SA", "SAT", "SATURDAY"},
        {"SU", "SUN", "SUNDAY"}};
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (call.any_null(row)) {
            call.set_null(row);
            continue;
        }
        const std::string name = upper(trim_all(text_of(names[row])));
        std::int64_t wanted = -1;
        for (std::int64_t day = 0; day < 7; ++day) {
            for (const std::string_view form : kNames[day]) {
                if (form == name) wanted = day;
            }
        }
        if (wanted < 0) {
            if (ansi) {
                call.fail("ILLEGAL_DAY_OF_WEEK", {{"string", std::string(text_of(names[row]))}});
                return;
            }
            call.set_null(row);
            continue;
        }
        const std::int64_t today = floor_mod(dates[row] + 3, 7);
        const std::int64_t ahead = floor_mod(wanted - today - 1, 7) + 1;
        out[row] = dates[row] + static_cast<std::int32_t>(ahead);
    }
}

// (time1, time2, round off, zone) -> months, a month being 31 days where they do not match.
void months_between(Call& call) {
    const auto first = call.column<std::int64_t>(0);
    const auto second = call.column<std::int64_t>(1);
    const auto round_off = call.column<bool>(2);
    Zone* zone = thread_zone(call.constant(3));
    auto* out = call.results<double>();
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (call.any_null(row) || zone == nullptr) {
            call.set_null(row);
            continue;
        }
        const std::int64_t local1 = first[row] + zone->offset_at(first[row]);
        const std::int64_t local2 = second[row] + zone->offset_at(second[row]);
        const CivilDate a = civil_from_days(floor_div(local1, kDayUs));
        const CivilDate b = civil_from_days(floor_div(local2, kDayUs));
        const auto months = static_cast<double>((a.year - b.year) * 12 + a.month - b.month);
        const bool both_last =
            a.day == days_in_month(a.year, a.month) && b.day == days_in_month(b.year, b.month);
        if (a.day == b.day || both_last) {
            out[row] = months;
            continue;
        }
        const double seconds1 = std::floor(static_cast<double>(floor_mod(local1, kDayUs)) / 1e6);
        const double seconds2 = std::floor(static_cast<double>(floor_mod(local2, kDayUs)) / 1e6);
        const double days = (a.day - b.day) + (seconds1 - seconds2) / 86400.0;
        double value = months + days / 31.0;
        if (round_off[row]) value = std::round(value * 1e8) / 1e8;
        out[row] = value;
    }
}

void make_date(Call& call) {
    const auto years = call.column<std::int32_t>(0);
    const auto months = call.column<std::int32_t>(1);
    const auto days = call.column<std::int32_t>(2);
    const bool ansi = raises(call, 3);
    auto* out = call.results<std::int32_t>();
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (call.any_null(row)) {
            call.set_null(row);
            continue;
        }
        const int month = months[row];
        const int day = days[row];
        if (month < 1 || month > 12 || day < 1 || day > days_in_month(years[row], month)) {
            if (ansi) {
                const std::string message =
                    month < 1 || month > 12
                        ? fmt::format("Invalid value for MonthOfYear (valid values 1 - 12): {}",
                                      month)
                    : day < 1 || day > 31
                        ? fmt::format("Invalid value for DayOfMonth (valid values 1 - 28/31): {}",
                                      day)
                        : fmt::format("Invalid date '{} {}'", month, day);
                call.fail("DATETIME_FIELD_OUT_OF_BOUNDS.WITH_SUGGESTION",
                          {{"rangeMessage", message}});
                return;
            }
            call.set_null(row);
            continue;
        }
        out[row] = static_cast<std::int32_t>(days_from_civil(years[row], month, day));
    }
}

// (mode, zone, year, month, day, hour, minute, seconds as text, zone of the call): an instant.
void make_timestamp(Call& call) {
    const bool ansi = raises(call, 0);
    const bool instant = call.arguments() == 9;
    const auto fields = [&](idx_t index, idx_t row) {
        return call.column<std::int32_t>(2 + index)[row];
    };
    const auto seconds = call.column<double>(7);
    auto* out = call.results<std::int64_t>();
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (call.any_null(row)) {
            call.set_null(row);
            continue;
        }
        const auto total_us = static_cast<std::int64_t>(std::llround(seconds[row] * 1e6));
        const std::int64_t year = fields(0, row);
        const int month = fields(1, row);
        const int day = fields(2, row);
        const int hour = fields(3, row);
        const int minute = fields(4, row);
        const bool good = month >= 1 && month <= 12 && day >= 1 &&
                          day <= days_in_month(year, month) && hour >= 0 && hour < 24 &&
                          minute >= 0 && minute < 60 && total_us >= 0 && total_us <= 60 * kSecondUs;
        Zone* zone = nullptr;
        if (instant) {
            const auto names = call.column<duckdb_string_t>(8);
            const std::string_view name = text_of(names[row]);
            zone = thread_zone(name.empty() ? text_of(call.column<duckdb_string_t>(1)[row]) : name);
        }
        if (!good || (instant && zone == nullptr)) {
            if (ansi) {
                call.fail("DATETIME_FIELD_OUT_OF_BOUNDS.WITH_SUGGESTION",
                          {{"rangeMessage", "A field of the timestamp is out of its range"}});
                return;
            }
            call.set_null(row);
            continue;
        }
        const std::int64_t local = days_from_civil(year, month, day) * kDayUs +
                                   (hour * 60LL + minute) * 60 * kSecondUs + total_us;
        out[row] = instant ? zone->to_instant(local) : local;
    }
}

}  // namespace

void add_time_functions(FunctionList& list) {
    constexpr auto kText = DUCKDB_TYPE_VARCHAR;
    constexpr auto kInt = DUCKDB_TYPE_INTEGER;
    constexpr auto kInstant = DUCKDB_TYPE_TIMESTAMP_TZ;
    list.add("mr_date_format", {{kInstant, kText, kText}, kText, date_format});
    list.add("mr_to_timestamp",
             {{kText, kText, kText, kText}, kInstant, parse_time<Parsed::kInstant>});
    list.add("mr_to_timestamp_ntz",
             {{kText, kText, kText}, DUCKDB_TYPE_TIMESTAMP, parse_time<Parsed::kLocal>});
    list.add("mr_to_date", {{kText, kText, kText}, DUCKDB_TYPE_DATE, parse_time<Parsed::kDate>});
    list.add("mr_unix_timestamp",
             {{kText, kText, kText, kText}, DUCKDB_TYPE_BIGINT, parse_time<Parsed::kSeconds>});
    list.add("mr_date_trunc", {{kText, kInstant, kText}, kInstant, date_trunc});
    list.add("mr_trunc", {{DUCKDB_TYPE_DATE, kText}, DUCKDB_TYPE_DATE, trunc_date});
    list.add("mr_next_day", {{DUCKDB_TYPE_DATE, kText, kText}, DUCKDB_TYPE_DATE, next_day});
    list.add(
        "mr_months_between",
        {{kInstant, kInstant, DUCKDB_TYPE_BOOLEAN, kText}, DUCKDB_TYPE_DOUBLE, months_between});
    list.add("mr_make_date", {{kInt, kInt, kInt, kText}, DUCKDB_TYPE_DATE, make_date});
    list.add("mr_timestamp_of",
             {{kText, kText, kInt, kInt, kInt, kInt, kInt, DUCKDB_TYPE_DOUBLE, kText},
              kInstant,
              make_timestamp});
    list.add("mr_timestamp_ntz_of",
             {{kText, kText, kInt, kInt, kInt, kInt, kInt, DUCKDB_TYPE_DOUBLE},
              DUCKDB_TYPE_TIMESTAMP,
              make_timestamp});
}

}  // namespace millrace::columnar
