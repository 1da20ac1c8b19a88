#include "streaming/state_column.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "runtime/sim/sim_disk.h"
#include "state/store.h"

namespace millrace::streaming {
namespace {

using columnar::Batch;
using columnar::BatchBuilder;
using plan::DataType;
using sql::Combine;

// Merges batches into one group, and shows its columns.
class Merged {
public:
    explicit Merged(std::vector<StateColumn> columns) : columns_(std::move(columns)) {
        state::Schema schema;
        for (const auto& column : columns_) schema.values.push_back(cell_kind(column.type));
        store_ = std::move(*state::Store::open(disk_, "/s", schema, {}, 0));
    }
    BatchBuilder builder() const {
        std::vector<plan::Field> fields;
        for (const auto& column : columns_) fields.push_back({column.name, column.type, true, {}});
        return BatchBuilder(fields);
    }
    Result<void> add(BatchBuilder builder) {
        const Batch batch = *builder.finish();
        state::KeyBatch keys;
        std::vector<std::int64_t> sources;
        std::vector<columnar::ColumnView> views;
        for (std::size_t i = 0; i < columns_.size(); ++i) views.push_back(batch.column(i));
        for (std::int64_t row = 0; row < batch.rows(); ++row) {
            keys.end_key();
            sources.push_back(row);
        }
        std::vector<state::Row*> rows;
        std::vector<std::uint8_t> inserted;
        store_->upsert(keys, rows, inserted);
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            MR_TRY_VOID(
                merge_column(columns_, i, views, {store_->layout(), rows, sources, inserted}));
        }
        return {};
    }
    // "a | b | …"
    std::string show() const {
        std::vector<state::Row*> rows;
        store_->for_each([&](state::Row& row) { rows.push_back(&row); });
        auto out = builder();
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            EXPECT_TRUE(append_column(columns_[i], i, store_->layout(), rows, out.column(i)));
        }
        const Batch batch = *out.finish();
        std::string text;
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            text += (i == 0 ? "" : " | ") + columnar::to_display(batch.column(i), 0, "UTC");
        }
        return text;
    }

private:
    const std::vector<StateColumn> columns_;
    runtime::SimDisk disk_{1};
    std::unique_ptr<state::Store> store_;
};

std::string merge_longs(Combine combine, const std::vector<std::optional<std::int64_t>>& values,
                        bool ignore_nulls = false) {
    Merged merged({{"v", DataType::long_(), combine, ignore_nulls}});
    for (const auto& value : values) {
        auto builder = merged.builder();
        value ? builder.column(0).append_int(*value) : builder.column(0).append_null();
        EXPECT_TRUE(merged.add(std::move(builder)));
    }
    return merged.show();
}

TEST(StateColumn, merges_whole_numbers) {
    EXPECT_EQ(merge_longs(Combine::kSum, {1, std::nullopt, 5}), "6");
    EXPECT_EQ(merge_longs(Combine::kSum, {std::nullopt}), "NULL");
    EXPECT_EQ(merge_longs(Combine::kMin, {3, std::nullopt, -2}), "-2");
    EXPECT_EQ(merge_longs(Combine::kMax, {3, 9, 4}), "9");
    EXPECT_EQ(merge_longs(Combine::kAnd, {6, 3}), "2");
    EXPECT_EQ(merge_longs(Combine::kXor, {6, 3}), "5");
    EXPECT_EQ(merge_longs(Combine::kLast, {6, 3}), "3");
    EXPECT_EQ(merge_longs(Combine::kLast, {6, std::nullopt}), "NULL");
    EXPECT_EQ(merge_longs(Combine::kLast, {6, std::nullopt}, true), "6");
    EXPECT_EQ(merge_longs(Combine::kFirst, {std::nullopt, 6}), "NULL");
    EXPECT_EQ(merge_longs(Combine::kFirst, {std::nullopt, 6}, true), "6");
}

TEST(StateColumn, a_sum_that_overflows_fails_as_ansi_asks_and_wraps_in_legacy_mode) {
    for (const auto mode : {plan::EvalMode::kAnsi, plan::EvalMode::kLegacy}) {
        Merged merged({{"v", DataType::long_(), Combine::kSum, false, mode}});
        auto builder = merged.builder();
        builder.column(0).append_int(std::numeric_limits<std::int64_t>::max());
        builder.column(0).append_int(1);
        const auto outcome = merged.add(std::move(builder));
        if (mode == plan::EvalMode::kAnsi) {
            ASSERT_FALSE(outcome);
            EXPECT_EQ(outcome.error().condition()->name, "ARITHMETIC_OVERFLOW");
        } else {
            EXPECT_TRUE(outcome);
            EXPECT_EQ(merged.show(), "-9223372036854775808");
        }
    }
}

TEST(StateColumn, nan_is_the_largest_number) {
    Merged merged(
        {{"a", DataType::double_(), Combine::kMax}, {"b", DataType::double_(), Combine::kMin}});
    for (const double value : {1.0, std::nan(""), 2.0}) {
        auto builder = merged.builder();
        builder.column(0).append_double(value);
        builder.column(1).append_double(value);
        ASSERT_TRUE(merged.add(std::move(builder)));
    }
    EXPECT_EQ(merged.show(), "NaN | 1.0");
}

TEST(StateColumn, texts_and_what_they_order) {
    Merged merged({{"value", DataType::string(), Combine::kByOrder},
                   {"order", DataType::string(), Combine::kMax},
                   {"least", DataType::string(), Combine::kMin}});
    for (const char* text : {"b", "c", "a"}) {
        auto builder = merged.builder();
        builder.column(0).append_text(std::string("of ") + text);
        builder.column(1).append_text(text);
        builder.column(2).append_text(text);
        ASSERT_TRUE(merged.add(std::move(builder)));
    }
    EXPECT_EQ(merged.show(), "of c | c | a");
}

TEST(StateColumn, moments_of_parts_are_those_of_the_whole) {
    Merged merged({{"count", DataType::long_(), Combine::kMoments},
                   {"mean", DataType::double_(), Combine::kMoments},
                   {"m2", DataType::double_(), Combine::kMoments}});
    const auto add = [&](std::int64_t count, double mean, double m2) {
        auto builder = merged.builder();
        builder.column(0).append_int(count);
        builder.column(1).append_double(mean);
        builder.column(2).append_double(m2);
        ASSERT_TRUE(merged.add(std::move(builder)));
    };
    add(2, 1.5, 0.5);  // 1, 2
    add(2, 5.5, 4.5);  // 4, 7
    EXPECT_EQ(merged.show(), "4 | 3.5 | 21.0");
}

TEST(StateColumn, arrays_are_joined_or_united) {
    for (const auto& [combine, expected] :
         {std::pair(Combine::kAppend, "[x, y, y, z]"), std::pair(Combine::kUnion, "[x, y, z]")}) {
        Merged merged({{"v", DataType::array(DataType::string()), combine}});
        for (const auto& part : {std::vector<std::string>{"x", "y"}, {"y", "z"}}) {
            auto builder = merged.builder();
            for (const auto& text : part) builder.column(0).child(0).append_text(text);
            builder.column(0).append_nested(part.size());
            ASSERT_TRUE(merged.add(std::move(builder)));
        }
        EXPECT_EQ(merged.show(), expected);
    }
}

}  // namespace
}  // namespace millrace::streaming
