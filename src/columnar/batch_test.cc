#include "columnar/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::columnar {
namespace {

using base::Code;
using plan::DataType;
using plan::Field;

Field field(std::string name, DataType type) {
    return {.name = std::move(name), .type = std::move(type)};
}

TEST(Batch, an_empty_batch_has_no_columns_and_no_rows) {
    const Batch batch;
    EXPECT_EQ(batch.rows(), 0);
    EXPECT_TRUE(batch.fields().empty());
}

// One row of each type, then a row of nulls.
Batch every_type() {
    BatchBuilder builder(
        {field("bool", DataType::boolean()), field("byte", DataType::byte_()),
         field("short", DataType::short_()), field("int", DataType::integer()),
         field("long", DataType::long_()), field("float", DataType::float_()),
         field("double", DataType::double_()), field("decimal", DataType::decimal(10, 2)),
         field("string", DataType::string()), field("binary", DataType::binary()),
         field("date", DataType::date()), field("ts", DataType::timestamp()),
         field("ntz", DataType::timestamp_ntz()), field("ym", DataType::year_month_interval()),
         field("dt", DataType::day_time_interval()),
         field("array", DataType::array(DataType::integer())),
         field("map", DataType::map(DataType::string(), DataType::long_())),
         field("struct", DataType::structure(
                             {field("x", DataType::integer()), field("y", DataType::string())})),
         field("null", DataType::null())});
    builder.column(0).append_bool(true);
    builder.column(1).append_int(-1);
    builder.column(2).append_int(-300);
    builder.column(3).append_int(70000);
    builder.column(4).append_int(1LL << 40);
    builder.column(5).append_double(1.5);
    builder.column(6).append_double(1e10);
    builder.column(7).append_decimal(-1, static_cast<std::uint64_t>(-12345));
    builder.column(8).append_text("hello");
    builder.column(9).append_text(std::string_view("\0\x01", 2));
    builder.column(10).append_int(1);
    builder.column(11).append_int(1'500'000);
    builder.column(12).append_int(0);
    builder.column(13).append_int(14);
    builder.column(14).append_int(90'000'000);
    auto& array = builder.column(15);
    array.append_nested(2);
    array.child(0).append_int(1);
    array.child(0).append_null();
    auto& map = builder.column(16);
    map.append_nested(1);
    map.child(0).append_text("a");
    map.child(1).append_int(7);
    auto& row = builder.column(17);
    row.append_nested(1);
    row.child(0).append_int(5);
    row.child(1).append_null();
    builder.column(18).append_null();
    for (std::size_t i = 0; i < 19; ++i) builder.column(i).append_null();
    return builder.finish().value();
}

void expect_every_type(const Batch& batch) {
    ASSERT_EQ(batch.rows(), 2);
    EXPECT_TRUE(batch.column(0).boolean(0));
    EXPECT_EQ(batch.column(1).value<std::int8_t>(0), -1);
    EXPECT_EQ(batch.column(2).value<std::int16_t>(0), -300);
    EXPECT_EQ(batch.column(3).value<std::int32_t>(0), 70000);
    EXPECT_EQ(batch.column(4).value<std::int64_t>(0), 1LL << 40);
    EXPECT_EQ(batch.column(5).value<float>(0), 1.5F);
    EXPECT_EQ(batch.column(6).value<double>(0), 1e10);
    EXPECT_EQ(batch.column(7).value<std::int64_t>(0), -12345);
    EXPECT_EQ(batch.column(8).text(0), "hello");
    EXPECT_EQ(batch.column(9).text(0), std::string_view("\0\x01", 2));
    EXPECT_EQ(batch.column(10).value<std::int32_t>(0), 1);
    EXPECT_EQ(batch.column(11).value<std::int64_t>(0), 1'500'000);
    EXPECT_EQ(batch.column(13).value<std::int32_t>(0), 14);
    EXPECT_EQ(batch.column(14).value<std::int64_t>(0), 90'000'000);
    const ColumnView array = batch.column(15);
    EXPECT_EQ(array.offsets32[1] - array.offsets32[0], 2);
    EXPECT_EQ(array.children[0].value<std::int32_t>(array.offsets32[0]), 1);
    EXPECT_TRUE(array.children[0].is_null(array.offsets32[0] + 1));
    const ColumnView map = batch.column(16);
    EXPECT_EQ(map.children[0].children[0].text(map.offsets32[0]), "a");
    EXPECT_EQ(map.children[0].children[1].value<std::int64_t>(map.offsets32[0]), 7);
    const ColumnView row = batch.column(17);
    EXPECT_EQ(row.children[0].value<std::int32_t>(0), 5);
    EXPECT_TRUE(row.children[1].is_null(0));
    for (std::size_t i = 0; i < batch.fields().size(); ++i) {
        EXPECT_EQ(batch.column(i).is_null(0), i == 18) << batch.fields()[i].name;
        EXPECT_TRUE(batch.column(i).is_null(1)) << batch.fields()[i].name;
    }
}

TEST(Batch, holds_what_was_built) {
    expect_every_type(every_type());
}

TEST(Batch, survives_ipc_with_every_type) {
    for (const bool large : {false, true}) {
        const Batch batch = every_type();
        const std::string stream =
            to_ipc(batch, {.time_zone = "Europe/Berlin", .large_var_types = large}).value();
        const Batches read = from_ipc(stream).value();
        ASSERT_EQ(read.size(), 1U);
        expect_every_type(read[0]);
        for (std::size_t i = 0; i < batch.fields().size(); ++i) {
            EXPECT_EQ(read[0].fields()[i].type, batch.fields()[i].type);
        }
    }
}

TEST(Batch, a_slice_shows_its_rows_only) {
    BatchBuilder builder({field("n", DataType::long_()), field("s", DataType::string()),
                          field("b", DataType::boolean()),
                          field("r", DataType::structure({field("x", DataType::integer())})),
                          field("a", DataType::array(DataType::string()))});
    for (int i = 0; i < 20; ++i) {
        if (i % 5 == 0) {
            for (std::size_t c = 0; c < 5; ++c) builder.column(c).append_null();
            continue;
        }
        builder.column(0).append_int(i);
        builder.column(1).append_text(std::to_string(i));
        builder.column(2).append_bool(i % 2 == 0);
        builder.column(3).append_nested();
        builder.column(3).child(0).append_int(i);
        builder.column(4).append_nested(1);
        builder.column(4).child(0).append_text(std::to_string(i * 10));
    }
    const Batch slice = builder.finish().value().slice(9, 4).slice(1, 3);  // rows 10, 11, 12
    const auto check = [](const Batch& batch) {
        ASSERT_EQ(batch.rows(), 3);
        for (std::size_t c = 0; c < 5; ++c) EXPECT_TRUE(batch.column(c).is_null(0));
        EXPECT_EQ(batch.column(0).value<std::int64_t>(1), 11);
        EXPECT_EQ(batch.column(1).text(2), "12");
        EXPECT_FALSE(batch.column(2).boolean(1));
        EXPECT_TRUE(batch.column(2).boolean(2));
        EXPECT_EQ(batch.column(3).children[0].value<std::int32_t>(2), 12);
        const ColumnView array = batch.column(4);
        EXPECT_EQ(array.children[0].text(array.offsets32[1]), "110");
    };
    check(slice);
    check(from_ipc(to_ipc(slice, {}).value()).value()[0]);
    EXPECT_LT(slice.memory_bytes(), 400U);
}

TEST(Batch, append_from_copies_any_row) {
    const Batch batch = every_type();
    BatchBuilder builder(batch.fields());
    for (const std::int64_t row : {0, 1}) {
        for (std::size_t c = 0; c < batch.fields().size(); ++c) {
            builder.column(c).append_from(batch.column(c), row);
        }
    }
    expect_every_type(builder.finish().value());
}

TEST(Batch, append_many_takes_values_and_nulls) {
    BatchBuilder builder({field("n", DataType::integer())});
    const std::vector<std::int32_t> values = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    const std::vector<std::uint8_t> valid = {1, 1, 0, 1, 1, 1, 1, 1, 0, 1};
    builder.column(0).append_many(values.data(), nullptr, 10);
    builder.column(0).append_many(values.data(), valid.data(), 10);
    builder.column(0).append_int(11);
    const Batch batch = builder.finish().value();
    const ColumnView column = batch.column(0);
    ASSERT_EQ(batch.rows(), 21);
    for (std::int64_t row = 0; row < 21; ++row) {
        EXPECT_EQ(column.is_null(row), row == 12 || row == 18) << row;
    }
    EXPECT_EQ(column.value<std::int32_t>(19), 10);
    EXPECT_EQ(column.value<std::int32_t>(20), 11);
}

TEST(Batch, text_is_handed_over_whole) {
    BatchBuilder builder({field("s", DataType::string())});
    ASSERT_TRUE(builder.set_text_column(0, "abcdef", {0, 3, 3, 6}, {0, 1, 0}));
    const Batch batch = builder.finish().value();
    EXPECT_EQ(batch.column(0).text(0), "abc");
    EXPECT_TRUE(batch.column(0).is_null(1));
    EXPECT_EQ(batch.column(0).text(2), "def");
    const auto read = from_ipc(to_ipc(batch, {}).value()).value();
    EXPECT_EQ(read[0].column(0).text(2), "def");
}

TEST(Batch, text_that_does_not_fit_its_offsets_is_refused) {
    BatchBuilder builder({field("s", DataType::string())});
    EXPECT_FALSE(builder.set_text_column(0, "abc", {0, 4}, {}));
    EXPECT_FALSE(builder.set_text_column(0, "abc", {2, 1}, {}));
    EXPECT_FALSE(builder.set_text_column(0, "abc", {}, {}));
    EXPECT_FALSE(builder.set_text_column(0, "abc", {0, 1}, {0, 0}));
}

TEST(Batch, columns_of_different_length_are_refused) {
    BatchBuilder builder({field("a", DataType::long_()), field("b", DataType::long_())});
    builder.column(0).append_int(1);
    EXPECT_FALSE(builder.finish());
    BatchBuilder nested({field("a", DataType::array(DataType::long_()))});
    nested.column(0).append_nested(3);
    EXPECT_FALSE(nested.finish());
}

TEST(Batch, hostile_ipc_is_an_error) {
    EXPECT_FALSE(from_ipc(""));
    EXPECT_FALSE(from_ipc("no arrow at all, just words that go on for a while"));
    const std::string stream = to_ipc(every_type(), {}).value();
    // Cut anywhere: an error, or no batch, but never half of one.
    for (std::size_t length = 0; length < stream.size(); length += 7) {
        const auto read = from_ipc(std::string_view(stream).substr(0, length));
        if (read) EXPECT_TRUE(read->empty() || total_rows(*read) == 2) << length;
    }
    // Any byte changed: an error or a valid batch.
    for (std::size_t at = 0; at < stream.size(); ++at) {
        for (const char value : {'\xFF', '\x7F', '\0'}) {
            std::string broken = stream;
            broken[at] = value;
            const auto read = from_ipc(broken);
            if (!read) continue;
            for (const Batch& batch : *read) (void)to_ipc(batch, {});
        }
    }
}

}  // namespace
}  // namespace millrace::columnar
