#include "columnar/display_internal.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace millrace::columnar {
namespace {

using plan::DataType;

std::string real(double value) {
    std::string text;
    append_double_text(text, value);
    return text;
}
std::string narrow(float value) {
    std::string text;
    append_float_text(text, value);
    return text;
}
std::string decimal(__int128 unscaled, int scale) {
    std::string text;
    append_decimal_text(text, unscaled, scale);
    return text;
}

TEST(Display, doubles_look_as_in_java) {
    EXPECT_EQ(real(0), "0.0");
    EXPECT_EQ(real(-0.0), "-0.0");
    EXPECT_EQ(real(1), "1.0");
    EXPECT_EQ(real(1.5), "1.5");
    EXPECT_EQ(real(100), "100.0");
    EXPECT_EQ(real(1234567), "1234567.0");
    EXPECT_EQ(real(9999999.5), "9999999.5");
    EXPECT_EQ(real(1e7), "1.0E7");
    EXPECT_EQ(real(1.234e10), "1.234E10");
    EXPECT_EQ(real(0.001), "0.001");
    EXPECT_EQ(real(0.0123), "0.0123");
    EXPECT_EQ(real(0.00012), "1.2E-4");
    EXPECT_EQ(real(-2.5e-5), "-2.5E-5");
    EXPECT_EQ(real(std::nan("")), "NaN");
    EXPECT_EQ(real(-std::numeric_limits<double>::infinity()), "-Infinity");
    EXPECT_EQ(real(std::numeric_limits<double>::max()), "1.7976931348623157E308");
    EXPECT_EQ(narrow(0.1F), "0.1");
    EXPECT_EQ(narrow(16777216.F), "1.6777216E7");
}

TEST(Display, decimals_keep_their_scale) {
    EXPECT_EQ(decimal(12345, 2), "123.45");
    EXPECT_EQ(decimal(-5, 2), "-0.05");
    EXPECT_EQ(decimal(0, 3), "0.000");
    EXPECT_EQ(decimal(42, 0), "42");
}

TEST(Display, dates_and_times) {
    const auto date = [](std::int64_t days) {
        std::string text;
        append_date_text(text, days);
        return text;
    };
    EXPECT_EQ(date(0), "1970-01-01");
    EXPECT_EQ(date(-1), "1969-12-31");
    EXPECT_EQ(date(19782), "2024-02-29");
    EXPECT_EQ(date(days_from_civil(10000, 1, 1)), "+10000-01-01");
    EXPECT_EQ(date(days_from_civil(-1, 3, 1)), "-0001-03-01");
    const auto time = [](std::int64_t us) {
        std::string text;
        append_local_time_text(text, us);
        return text;
    };
    EXPECT_EQ(time(0), "1970-01-01 00:00:00");
    EXPECT_EQ(time(-1), "1969-12-31 23:59:59.999999");
    EXPECT_EQ(time(1'500'000), "1970-01-01 00:00:01.5");
}

TEST(Display, intervals) {
    const auto day_time = [](std::int64_t us, int from, int to) {
        std::string text;
        append_day_time_text(text, us, DataType::day_time_interval(from, to));
        return text;
    };
    EXPECT_EQ(day_time(93'784'500'000, 0, 3), "INTERVAL '1 02:03:04.5' DAY TO SECOND");
    EXPECT_EQ(day_time(-3'600'000'000, 1, 2), "INTERVAL '-01:00' HOUR TO MINUTE");
    EXPECT_EQ(day_time(86'400'000'000, 0, 0), "INTERVAL '1' DAY");
    const auto year_month = [](std::int32_t months) {
        std::string text;
        append_year_month_text(text, months, DataType::year_month_interval());
        return text;
    };
    EXPECT_EQ(year_month(14), "INTERVAL '1-2' YEAR TO MONTH");
    EXPECT_EQ(year_month(-1), "INTERVAL '-0-1' YEAR TO MONTH");
    std::string text;
    append_interval_text(text, 14, -3, 1'500'000);
    EXPECT_EQ(text, "1 years 2 months -3 days 1.5 seconds");
}

TEST(Display, nested_values) {
    BatchBuilder builder(
        {{.name = "a", .type = DataType::array(DataType::integer())},
         {.name = "m", .type = DataType::map(DataType::string(), DataType::double_())},
         {.name = "s",
          .type = DataType::structure({{.name = "x", .type = DataType::integer()},
                                       {.name = "y", .type = DataType::string()}})},
         {.name = "b", .type = DataType::binary()}});
    auto& array = builder.column(0);
    array.append_nested(2);
    array.child(0).append_int(1);
    array.child(0).append_null();
    auto& map = builder.column(1);
    map.append_nested(1);
    map.child(0).append_text("k");
    map.child(1).append_double(2);
    auto& row = builder.column(2);
    row.append_nested();
    row.child(0).append_int(1);
    row.child(1).append_text("x");
    builder.column(3).append_text("AB");
    const Batch batch = builder.finish().value();
    EXPECT_EQ(to_display(batch.column(0), 0, "UTC"), "[1, NULL]");
    EXPECT_EQ(to_display(batch.column(1), 0, "UTC"), "{k -> 2.0}");
    EXPECT_EQ(to_display(batch.column(2), 0, "UTC"), "{1, x}");
    EXPECT_EQ(to_display(batch.column(3), 0, "UTC"), "[41 42]");
}

TEST(Display, timestamps_are_shown_in_their_zone) {
    BatchBuilder builder({{.name = "t", .type = DataType::timestamp()}});
    builder.column(0).append_int(0);
    builder.column(0).append_null();
    const Batch batch = builder.finish().value();
    EXPECT_EQ(to_display(batch.column(0), 0, "UTC"), "1970-01-01 00:00:00");
    EXPECT_EQ(to_display(batch.column(0), 0, "America/Los_Angeles"), "1969-12-31 16:00:00");
    EXPECT_EQ(to_display(batch.column(0), 0, "+05:30"), "1970-01-01 05:30:00");
    EXPECT_EQ(to_display(batch.column(0), 1, "UTC"), "NULL");
}

TEST(Zone, gaps_and_overlaps_resolve_as_in_java) {
    Zone zone = Zone::find("Europe/Berlin").value();
    const auto local = [](int month, int day, int hour, int minute) {
        return (days_from_civil(2024, month, day) * 86400LL + hour * 3600 + minute * 60) *
               1'000'000;
    };
    // 31 March 02:30 does not exist: it becomes 03:30 summer time.
    EXPECT_EQ(zone.to_instant(local(3, 31, 2, 30)), local(3, 31, 1, 30));
    // 27 October 02:30 exists twice: the earlier one, in summer time.
    EXPECT_EQ(zone.to_instant(local(10, 27, 2, 30)), local(10, 27, 0, 30));
    EXPECT_EQ(zone.to_instant(local(7, 1, 12, 0)), local(7, 1, 10, 0));
    EXPECT_EQ(zone.to_instant(local(1, 1, 12, 0)), local(1, 1, 11, 0));
    EXPECT_FALSE(Zone::find("Nowhere/City"));
    EXPECT_FALSE(Zone::find("+25:00"));
}

}  // namespace
}  // namespace millrace::columnar
