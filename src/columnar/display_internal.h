// Spark's text forms of values: show(), CAST(… AS STRING), CSV and JSON all write with these.
#pragma once

#include <cstdint>
#include <string>

#include "columnar/batch.h"
#include "columnar/time_zone_internal.h"

namespace millrace::columnar {

// Java's Double.toString: 1.0E10, 0.001, NaN, Infinity.
void append_double_text(std::string& to, double value);
void append_float_text(std::string& to, float value);
// 1.20; `plain` false: Java's BigDecimal.toString, which may use an exponent.
void append_decimal_text(std::string& to, __int128 unscaled, int scale);
void append_date_text(std::string& to, std::int64_t days);
// 2024-01-02 03:04:05[.5], of a wall-clock time.
void append_local_time_text(std::string& to, std::int64_t local_us, char separator = ' ');
void append_interval_text(std::string& to, std::int32_t months, std::int32_t days,
                          std::int64_t microseconds);
// INTERVAL '1 02:03:04' DAY TO SECOND and INTERVAL '1-2' YEAR TO MONTH.
void append_day_time_text(std::string& to, std::int64_t microseconds, const plan::DataType& type);
void append_year_month_text(std::string& to, std::int32_t months, const plan::DataType& type);

struct DisplayOptions {
    Zone* zone = nullptr;                   // Of TIMESTAMP values; null: UTC.
    std::string_view nested_null = "NULL";  // "null" in casts.
    bool pretty_binary = true;              // [41 42] as show() does; else the bytes themselves.
};
// `row` must not be null.
void append_display(std::string& to, const ColumnView& column, std::int64_t row,
                    const DisplayOptions& options);

}  // namespace millrace::columnar
