#include "streaming/aggregate_operator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/sim/sim_disk.h"

namespace millrace::streaming {
namespace {

using columnar::Batches;
using plan::DataType;

constexpr std::int64_t kMinute = 60'000'000;

DataType window_type() {
    return DataType::structure(
        {{"start", DataType::timestamp(), true, {}}, {"end", DataType::timestamp(), true, {}}});
}

// Counts per window of 30 minutes every 10 and page; times in minutes.
class AggregateTest : public testing::Test {
protected:
    struct Partial {
        std::int64_t pane;  // Its start.
        std::string page;
        std::int64_t count;
    };

    void make() {
        AggregateSpec spec;
        spec.keys = {{"window", window_type(), true, {}}, {"page", DataType::string(), true, {}}};
        spec.window_key = 0;
        spec.event_time_key = 0;
        spec.panes = {30 * kMinute, 10 * kMinute, 0};
        spec.values = {{"count", DataType::long_(), sql::Combine::kSum}};
        operator_ = make_aggregate_operator(std::move(spec));
        const auto opened = operator_->open(disk_, "/state/0", {}, version_);
        ASSERT_TRUE(opened) << opened.error().to_string();
    }
    static Batches batch_of(const std::vector<Partial>& rows) {
        columnar::BatchBuilder builder({{"window", window_type(), true, {}},
                                        {"page", DataType::string(), true, {}},
                                        {"count", DataType::long_(), true, {}}});
        for (const Partial& row : rows) {
            builder.column(0).child(0).append_int(row.pane * kMinute);
            builder.column(0).child(1).append_int((row.pane + 10) * kMinute);
            builder.column(0).append_nested();
            builder.column(1).append_text(row.page);
            builder.column(2).append_int(row.count);
        }
        return {*builder.finish()};
    }
    // "start-end page count" of each row that comes out, sorted.
    std::vector<std::string> run(OutputMode mode, const std::vector<Partial>& rows,
                                 std::int64_t late, std::int64_t evict) {
        operator_->metrics() = {};
        const auto out = operator_->process(
            {rows.empty() ? Batches() : batch_of(rows)},
            {.mode = mode, .late_us = late * kMinute, .evict_us = evict * kMinute});
        EXPECT_TRUE(out);
        std::vector<std::string> lines;
        for (const auto& batch : *out) {
            for (std::int64_t i = 0; i < batch.rows(); ++i) {
                const auto window = batch.column(0);
                lines.push_back(
                    fmt::format("{}-{} {} {}", window.children[0].value<std::int64_t>(i) / kMinute,
                                window.children[1].value<std::int64_t>(i) / kMinute,
                                batch.column(1).text(i), batch.column(2).value<std::int64_t>(i)));
            }
        }
        std::ranges::sort(lines);
        EXPECT_TRUE(operator_->store()->commit());
        ++version_;
        return lines;
    }

    using Lines = std::vector<std::string>;
    runtime::SimDisk disk_{1};
    std::int64_t version_ = 0;
    std::unique_ptr<StatefulOperator> operator_;
};

TEST_F(AggregateTest, a_pane_goes_into_each_window_that_holds_it) {
    make();
    EXPECT_EQ(run(OutputMode::kUpdate, {{50, "a", 2}}, 0, 0),
              (Lines{"30-60 a 2", "40-70 a 2", "50-80 a 2"}));
    EXPECT_EQ(run(OutputMode::kUpdate, {{60, "a", 1}}, 0, 0),
              (Lines{"40-70 a 3", "50-80 a 3", "60-90 a 1"}));
}

TEST_F(AggregateTest, append_gives_a_window_once_when_the_watermark_reaches_its_end) {
    make();
    EXPECT_EQ(run(OutputMode::kAppend, {{50, "a", 2}}, 0, 0), Lines());
    EXPECT_EQ(run(OutputMode::kAppend, {}, 0, 59), Lines());
    EXPECT_EQ(run(OutputMode::kAppend, {}, 59, 60), (Lines{"30-60 a 2"}));
    EXPECT_EQ(run(OutputMode::kAppend, {}, 60, 60), Lines());
    EXPECT_EQ(run(OutputMode::kAppend, {}, 60, 200), (Lines{"40-70 a 2", "50-80 a 2"}));
    EXPECT_EQ(operator_->store()->rows(), 0U);
}

TEST_F(AggregateTest, late_groups_are_dropped_and_counted_once) {
    make();
    // The windows that end at 60 and 70 are closed; two panes of each count as one group each.
    EXPECT_EQ(run(OutputMode::kUpdate, {{50, "a", 2}, {40, "a", 1}}, 70, 70), (Lines{"50-80 a 2"}));
    // 20-50 (late), 30-60, 40-70 of pane 40; 30-60, 40-70 of pane 50.
    EXPECT_EQ(operator_->metrics().rows_dropped_by_watermark, 3);
}

TEST_F(AggregateTest, update_gives_a_group_that_it_then_evicts) {
    make();
    EXPECT_EQ(run(OutputMode::kUpdate, {{50, "a", 2}}, 0, 60).size(), 3U);
    EXPECT_EQ(operator_->store()->rows(), 2U);
}

TEST_F(AggregateTest, complete_gives_all_and_drops_nothing) {
    make();
    run(OutputMode::kComplete, {{50, "a", 2}}, 1000, 1000);
    EXPECT_EQ(run(OutputMode::kComplete, {}, 1000, 1000).size(), 3U);
    EXPECT_EQ(operator_->metrics().rows_dropped_by_watermark, 0);
}

TEST_F(AggregateTest, state_comes_back_after_a_restart) {
    make();
    run(OutputMode::kAppend, {{50, "a", 2}, {50, "b", 1}}, 0, 0);
    make();
    EXPECT_EQ(run(OutputMode::kAppend, {{50, "a", 5}}, 0, 60), (Lines{"30-60 a 7", "30-60 b 1"}));
}

TEST_F(AggregateTest, windows_before_the_epoch_hold_their_panes) {
    make();
    EXPECT_EQ(run(OutputMode::kUpdate, {{-10, "a", 1}}, -1000, -1000),
              (Lines{"-10-20 a 1", "-20-10 a 1", "-30-0 a 1"}));
}

}  // namespace
}  // namespace millrace::streaming
