#include <charconv>
#include <cmath>
#include <cstring>

#include "columnar/batch_internal.h"
#include "columnar/display_internal.h"
#include "columnar/variant_internal.h"

namespace millrace::columnar {

using plan::DataType;
using plan::TypeKind;

namespace {

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::int64_t kDayUs = 86'400 * kSecondUs;

void append_number(std::string& to, std::int64_t value) {
    char text[24];
    const auto end = std::to_chars(text, text + sizeof(text), value).ptr;
    to.append(text, end);
}

void append_padded(std::string& to, std::int64_t value, int width) {
    char text[24];
    const auto end = std::to_chars(text, text + sizeof(text), value).ptr;
    for (auto digits = end - text; digits < width; ++digits) to.push_back('0');
    to.append(text, end);
}

// ".5", ".000001", or nothing.
void append_fraction(std::string& to, std::int64_t microseconds) {
    if (microseconds == 0) return;
    to.push_back('.');
    append_padded(to, microseconds, 6);
    while (to.back() == '0') to.pop_back();
}

template <class Real>
void append_real(std::string& to, Real value) {
    if (std::isnan(value)) {
        to += "NaN";
        return;
    }
    if (std::isinf(value)) {
        to += value < 0 ? "-Infinity" : "Infinity";
        return;
    }
    // The shortest digits that read back the same, as d.ddde±x; then laid out as Java does.
    char text[64];
    const char* end =
        std::to_chars(text, text + sizeof(text), value, std::chars_format::scientific).ptr;
    const char* at = text;
    if (*at == '-') {
        to.push_back('-');
        ++at;
    }
    char digits[32];
    int count = 0;
    for (; at < end && *at != 'e'; ++at) {
        if (*at != '.') digits[count++] = *at;
    }
    int exponent = 0;
    if (at < end) {
        ++at;
        if (*at == '+') ++at;
        std::from_chars(at, end, exponent);
    }
    if (value == 0) {
        to += "0.0";
    } else if (exponent >= -3 && exponent < 7) {
        if (exponent < 0) {
            to += "0.";
            to.append(static_cast<std::size_t>(-exponent - 1), '0');
            to.append(digits, static_cast<std::size_t>(count));
        } else {
            for (int i = 0; i <= exponent || i < count; ++i) {
                if (i == exponent + 1) to.push_back('.');
                to.push_back(i < count ? digits[i] : '0');
            }
            if (count <= exponent + 1) to += ".0";
        }
    } else {
        to.push_back(digits[0]);
        to.push_back('.');
        if (count > 1) {
            to.append(digits + 1, static_cast<std::size_t>(count - 1));
        } else {
            to.push_back('0');
        }
        to.push_back('E');
        append_number(to, exponent);
    }
}

void append_nested(std::string& to, const ColumnView& column, std::int64_t row,
                   const DisplayOptions& options) {
    if (column.is_null(row)) {
        to += options.nested_null;
    } else {
        append_display(to, column, row, options);
    }
}

void append_binary(std::string& to, std::string_view bytes, bool pretty) {
    if (!pretty) {
        to += bytes;
        return;
    }
    constexpr char kHex[] = "0123456789ABCDEF";
    to.push_back('[');
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i > 0) to.push_back(' ');
        const auto byte = static_cast<unsigned char>(bytes[i]);
        to.push_back(kHex[byte >> 4]);
        to.push_back(kHex[byte & 15]);
    }
    to.push_back(']');
}

}  // namespace

void append_double_text(std::string& to, double value) {
    append_real(to, value);
}
void append_float_text(std::string& to, float value) {
    append_real(to, value);
}

void append_decimal_text(std::string& to, __int128 unscaled, int scale) {
    char digits[48];
    int count = 0;
    const bool negative = unscaled < 0;
    auto rest = static_cast<unsigned __int128>(unscaled);
    if (negative) rest = ~rest + 1;
    do {
        digits[count++] = static_cast<char>('0' + static_cast<int>(rest % 10));
        rest /= 10;
    } while (rest != 0);
    while (count <= scale) digits[count++] = '0';
    if (negative) to.push_back('-');
    while (count > 0) {
        to.push_back(digits[--count]);
        if (count == scale && scale > 0) to.push_back('.');
    }
}

void append_date_text(std::string& to, std::int64_t days) {
    const CivilDate date = civil_from_days(days);
    std::int64_t year = date.year;
    if (year < 0) {
        to.push_back('-');
        year = -year;
    } else if (year > 9999) {
        to.push_back('+');
    }
    append_padded(to, year, 4);
    to.push_back('-');
    append_padded(to, date.month, 2);
    to.push_back('-');
    append_padded(to, date.day, 2);
}

void append_local_time_text(std::string& to, std::int64_t local_us, char separator) {
    std::int64_t days = local_us / kDayUs;
    std::int64_t within = local_us % kDayUs;
    if (within < 0) {
        --days;
        within += kDayUs;
    }
    append_date_text(to, days);
    to.push_back(separator);
    const std::int64_t seconds = within / kSecondUs;
    append_padded(to, seconds / 3600, 2);
    to.push_back(':');
    append_padded(to, seconds / 60 % 60, 2);
    to.push_back(':');
    append_padded(to, seconds % 60, 2);
    append_fraction(to, within % kSecondUs);
}

void append_interval_text(std::string& to, std::int32_t months, std::int32_t days,
                          std::int64_t microseconds) {
    const std::size_t start = to.size();
    const auto unit = [&](std::int64_t value, std::string_view name) {
        if (value == 0) return;
        if (to.size() != start) to.push_back(' ');
        append_number(to, value);
        to += name;
    };
    unit(months / 12, " years");
    unit(months % 12, " months");
    unit(days, " days");
    unit(microseconds / (3600 * kSecondUs), " hours");
    unit(microseconds / (60 * kSecondUs) % 60, " minutes");
    const std::int64_t rest = microseconds % (60 * kSecondUs);
    if (rest != 0) {
        if (to.size() != start) to.push_back(' ');
        if (rest < 0) to.push_back('-');
        const std::int64_t magnitude = rest < 0 ? -rest : rest;
        append_number(to, magnitude / kSecondUs);
        append_fraction(to, magnitude % kSecondUs);
        to += " seconds";
    }
    if (to.size() == start) to += "0 seconds";
}

void append_day_time_text(std::string& to, std::int64_t microseconds, const DataType& type) {
    static constexpr const char* kNames[] = {"DAY", "HOUR", "MINUTE", "SECOND"};
    const int from = type.from_unit();
    const int until = type.to_unit();
    to += "INTERVAL '";
    if (microseconds < 0) to.push_back('-');
    // Unsigned, so that the smallest value has a magnitude too.
    const std::uint64_t rest = microseconds < 0 ? ~static_cast<std::uint64_t>(microseconds) + 1
                                                : static_cast<std::uint64_t>(microseconds);
    const std::uint64_t seconds = rest / 1'000'000;
    const std::uint64_t values[] = {seconds / 86400, seconds / 3600, seconds / 60, seconds};
    const std::uint64_t within[] = {0, 24, 60, 60};
    for (int unit = from; unit <= until; ++unit) {
        if (unit == from) {
            // The leading unit takes all that is larger.
            if (unit == 3) {
                append_padded(to, static_cast<std::int64_t>(values[unit]), 2);
            } else {
                append_padded(to, static_cast<std::int64_t>(values[unit]), unit == 0 ? 1 : 2);
            }
        } else {
            to.push_back(unit == 1 ? ' ' : ':');
            append_padded(to, static_cast<std::int64_t>(values[unit] % within[unit]), 2);
        }
    }
    if (until == 3) append_fraction(to, static_cast<std::int64_t>(rest % 1'000'000));
    to += "' ";
    to += kNames[from];
    if (from != until) {
        to += " TO ";
        to += kNames[until];
    }
}

void append_year_month_text(std::string& to, std::int32_t months, const DataType& type) {
    const std::int64_t magnitude = months < 0 ? -std::int64_t{months} : months;
    to += "INTERVAL '";
    if (months < 0) to.push_back('-');
    if (type.from_unit() == 1) {
        append_number(to, magnitude);
        to += "' MONTH";
    } else if (type.to_unit() == 0) {
        append_number(to, magnitude / 12);
        to += "' YEAR";
    } else {
        append_number(to, magnitude / 12);
        to.push_back('-');
        append_number(to, magnitude % 12);
        to += "' YEAR TO MONTH";
    }
}

void append_display(std::string& to, const ColumnView& column, std::int64_t row,
                    const DisplayOptions& options) {
    switch (column.type.kind()) {
        case TypeKind::kNull: to += options.nested_null; return;
        case TypeKind::kBoolean: to += column.boolean(row) ? "true" : "false"; return;
        case TypeKind::kByte: append_number(to, column.value<std::int8_t>(row)); return;
        case TypeKind::kShort: append_number(to, column.value<std::int16_t>(row)); return;
        case TypeKind::kInteger: append_number(to, column.value<std::int32_t>(row)); return;
        case TypeKind::kLong: append_number(to, column.value<std::int64_t>(row)); return;
        case TypeKind::kFloat: append_float_text(to, column.value<float>(row)); return;
        case TypeKind::kDouble: append_double_text(to, column.value<double>(row)); return;
        case TypeKind::kDecimal: {
            __int128 unscaled = 0;
            std::memcpy(&unscaled, static_cast<const char*>(column.values) + row * 16, 16);
            append_decimal_text(to, unscaled, column.type.scale());
            return;
        }
        case TypeKind::kString:
        case TypeKind::kChar:
        case TypeKind::kVarchar: to += column.text(row); return;
        case TypeKind::kBinary: append_binary(to, column.text(row), options.pretty_binary); return;
        case TypeKind::kDate: append_date_text(to, column.value<std::int32_t>(row)); return;
        case TypeKind::kTimestamp: {
            const auto instant = column.value<std::int64_t>(row);
            const std::int64_t offset =
                options.zone == nullptr ? 0 : options.zone->offset_at(instant);
            append_local_time_text(to, instant + offset);
            return;
        }
        case TypeKind::kTimestampNtz:
            append_local_time_text(to, column.value<std::int64_t>(row));
            return;
        case TypeKind::kTime: {
            const std::int64_t micros = column.value<std::int64_t>(row) / 1000;
            append_padded(to, micros / (3600 * kSecondUs), 2);
            to.push_back(':');
            append_padded(to, micros / (60 * kSecondUs) % 60, 2);
            to.push_back(':');
            append_padded(to, micros / kSecondUs % 60, 2);
            append_fraction(to, micros % kSecondUs);
            return;
        }
        case TypeKind::kCalendarInterval: {
            struct Parts {
                std::int32_t months;
                std::int32_t days;
                std::int64_t nanoseconds;
            };
            const Parts parts = column.value<Parts>(row);
            append_interval_text(to, parts.months, parts.days, parts.nanoseconds / 1000);
            return;
        }
        case TypeKind::kYearMonthInterval:
            append_year_month_text(to, column.value<std::int32_t>(row), column.type);
            return;
        case TypeKind::kDayTimeInterval:
            append_day_time_text(to, column.value<std::int64_t>(row), column.type);
            return;
        case TypeKind::kArray: {
            to.push_back('[');
            for (std::int64_t i = column.offsets32[row]; i < column.offsets32[row + 1]; ++i) {
                if (i > column.offsets32[row]) to += ", ";
                append_nested(to, column.children[0], i, options);
            }
            to.push_back(']');
            return;
        }
        case TypeKind::kMap: {
            const ColumnView& pairs = column.children[0];
            to.push_back('{');
            for (std::int64_t i = column.offsets32[row]; i < column.offsets32[row + 1]; ++i) {
                if (i > column.offsets32[row]) to += ", ";
                append_nested(to, pairs.children[0], i, options);
                to += " -> ";
                append_nested(to, pairs.children[1], i, options);
            }
            to.push_back('}');
            return;
        }
        case TypeKind::kStruct: {
            to.push_back('{');
            for (std::size_t i = 0; i < column.children.size(); ++i) {
                if (i > 0) to += ", ";
                append_nested(to, column.children[i], row, options);
            }
            to.push_back('}');
            return;
        }
        case TypeKind::kVariant:
            VariantView(column.children[0].text(row), column.children[1].text(row))
                .append_json(to, options.zone);
            return;
    }
}

std::string to_display(const ColumnView& column, std::int64_t row, const std::string& time_zone) {
    if (column.is_null(row)) return "NULL";
    std::string text;
    DisplayOptions options;
    if (time_zone == "UTC" || !(column.type.is(TypeKind::kTimestamp) || column.type.is_nested())) {
        append_display(text, column, row, options);
        return text;
    }
    // show() asks value by value: the zone found last is kept.
    thread_local std::string last_name;
    thread_local std::optional<Zone> last_zone;
    if (!last_zone || last_name != time_zone) {
        auto found = Zone::find(time_zone);
        if (found)
            last_zone = std::move(*found);
        else
            last_zone.reset();
        last_name = time_zone;
    }
    if (last_zone) options.zone = &*last_zone;
    append_display(text, column, row, options);
    return text;
}

}  // namespace millrace::columnar
