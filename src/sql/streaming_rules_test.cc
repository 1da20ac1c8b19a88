#include "sql/streaming_rules.h"

#include <gtest/gtest.h>

namespace millrace::sql {
namespace {

using plan::Attribute;
using plan::DataType;
using plan::LogicalPtr;
using plan::make_logical;

Attribute column(plan::AttributeId id, std::optional<std::int64_t> delay = std::nullopt) {
    return {id, "c" + std::to_string(id), DataType::timestamp(), true, {}, {}, delay};
}

LogicalPtr table(bool streaming, plan::AttributeId first = 1) {
    plan::ScanNode scan;
    scan.source.format = "rate";
    scan.is_streaming = streaming;
    scan.output = {column(first), column(first + 1)};
    return make_logical(std::move(scan));
}
LogicalPtr stream() {
    return table(true);
}
LogicalPtr batch() {
    return table(false, 3);
}

LogicalPtr watermark(LogicalPtr input) {
    auto output = plan::output_of(*input);
    output[0].watermark_delay_ms = 1000;
    const auto id = output[0].id;
    return make_logical(plan::WatermarkNode{std::move(input), id, 1000, std::move(output)});
}

plan::TypedExprPtr aggregate_call(bool distinct) {
    plan::AggregateCall call;
    call.name = "count";
    call.distinct = distinct;
    return std::make_shared<const plan::TypedExpr>(
        plan::TypedExpr{call, DataType::long_(), false, {}, {}});
}

LogicalPtr count_by_first(LogicalPtr input, bool distinct = false) {
    const Attribute key = plan::output_of(*input)[0];
    const auto reference = std::make_shared<const plan::TypedExpr>(
        plan::TypedExpr{plan::AttributeRef{key.id}, key.type, true, {}, {}});
    plan::AggregateNode node;
    node.input = std::move(input);
    node.keys = {{key, reference}};
    node.aggregates = {{column(9), aggregate_call(distinct)}};
    return make_logical(std::move(node));
}

LogicalPtr join(LogicalPtr left, LogicalPtr right, plan::JoinType type) {
    plan::JoinNode node;
    node.left = std::move(left);
    node.right = std::move(right);
    node.type = type;
    return make_logical(std::move(node));
}

LogicalPtr set_op(LogicalPtr left, LogicalPtr right, plan::SetOpType type) {
    return make_logical(plan::SetOpNode{{std::move(left), std::move(right)}, type, true, {}});
}

LogicalPtr limit(LogicalPtr input, std::int64_t rows, std::int64_t offset) {
    return make_logical(plan::LogicalLimit{std::move(input), rows, offset, false});
}

// "ok", or the condition and its parameters' values.
std::string check(const LogicalPtr& plan, StreamOutput output = StreamOutput::kAppend) {
    const auto outcome = check_streaming(plan, output);
    if (outcome) return "ok";
    const base::Condition& condition = *outcome.error().condition();
    std::string text = condition.name == "_LEGACY_ERROR_TEMP_3102" ? "" : condition.name + ":";
    for (const auto& [key, value] : condition.parameters) text += value + "|";
    return text;
}

constexpr StreamOutput kAppend = StreamOutput::kAppend;
constexpr StreamOutput kUpdate = StreamOutput::kUpdate;
constexpr StreamOutput kComplete = StreamOutput::kComplete;

TEST(StreamingRules, output_modes_follow_the_aggregation) {
    EXPECT_EQ(check(stream(), kAppend), "ok");
    EXPECT_EQ(check(stream(), kUpdate), "ok");
    EXPECT_EQ(check(stream(), kComplete),
              "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION:no streaming aggregations|complete|");
    EXPECT_EQ(check(count_by_first(stream()), kAppend),
              "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION:streaming aggregations without "
              "watermark|append|");
    EXPECT_EQ(check(count_by_first(stream()), kUpdate), "ok");
    EXPECT_EQ(check(count_by_first(stream()), kComplete), "ok");
    EXPECT_EQ(check(count_by_first(watermark(stream())), kAppend), "ok");
    EXPECT_EQ(
        check(count_by_first(stream(), true), kComplete),
        "Distinct aggregations are not supported on streaming DataFrames/Datasets. Consider using "
        "approx_count_distinct() instead.|");
}

TEST(StreamingRules, sorting_needs_a_complete_aggregation) {
    const auto sort = [](LogicalPtr input) {
        return make_logical(plan::LogicalSort{std::move(input), {}});
    };
    EXPECT_EQ(check(sort(count_by_first(stream())), kComplete), "ok");
    EXPECT_EQ(
        check(sort(count_by_first(stream())), kUpdate),
        "Sorting is not supported on streaming DataFrames/Datasets, unless it is on aggregated "
        "DataFrame/Dataset in Complete output mode|");
    EXPECT_NE(check(sort(stream()), kAppend), "ok");
}

TEST(StreamingRules, limits_and_samples) {
    EXPECT_EQ(check(limit(stream(), 3, 0), kAppend), "ok");
    EXPECT_EQ(check(limit(stream(), 3, 0), kUpdate),
              "Limits are not supported on streaming DataFrames/Datasets in Update output mode|");
    EXPECT_EQ(check(limit(stream(), -1, 3)),
              "Offset is not supported on streaming DataFrames/Datasets|");
    EXPECT_EQ(check(make_logical(plan::SampleNode{stream(), 0, 0.5, false, 1})),
              "Sampling is not supported on streaming DataFrames/Datasets|");
}

TEST(StreamingRules, set_operations) {
    using plan::SetOpType;
    EXPECT_EQ(check(set_op(stream(), stream(), SetOpType::kUnion)), "ok");
    EXPECT_EQ(check(set_op(stream(), batch(), SetOpType::kUnion)),
              "Union between streaming and batch DataFrames/Datasets is not supported|");
    EXPECT_EQ(check(set_op(stream(), batch(), SetOpType::kIntersect)),
              "Intersect of streaming DataFrames/Datasets is not supported|");
    EXPECT_EQ(check(set_op(stream(), batch(), SetOpType::kExcept)), "ok");
    EXPECT_EQ(check(set_op(batch(), stream(), SetOpType::kExcept)),
              "Except on a streaming DataFrame/Dataset on the right is not supported|");
}

TEST(StreamingRules, joins_of_a_stream_and_a_table) {
    using plan::JoinType;
    for (const JoinType type : {JoinType::kInner, JoinType::kLeftOuter, JoinType::kLeftSemi,
                                JoinType::kLeftAnti, JoinType::kCross}) {
        EXPECT_EQ(check(join(stream(), batch(), type)), "ok");
    }
    EXPECT_EQ(check(join(batch(), stream(), JoinType::kRightOuter)), "ok");
    EXPECT_EQ(check(join(batch(), stream(), JoinType::kLeftOuter)),
              "LeftOuter join with a streaming DataFrame/Dataset on the right and a static "
              "DataFrame/Dataset on the left is not supported|");
    EXPECT_EQ(check(join(stream(), batch(), JoinType::kRightOuter)),
              "RightOuter join with a streaming DataFrame/Dataset on the left and a static "
              "DataFrame/DataSet on the right not supported|");
    EXPECT_EQ(check(join(batch(), stream(), JoinType::kLeftAnti)),
              "LeftAnti joins with a streaming DataFrame/Dataset on the right are not supported|");
    EXPECT_EQ(check(join(stream(), batch(), JoinType::kFullOuter)),
              "FullOuter joins with streaming DataFrames/Datasets on the left and a static "
              "DataFrame/Dataset on the right is not supported|");
}

TEST(StreamingRules, outer_joins_of_two_streams_need_a_watermark) {
    using plan::JoinType;
    EXPECT_EQ(check(join(stream(), table(true, 5), JoinType::kInner), kUpdate), "ok");
    EXPECT_EQ(
        check(join(stream(), table(true, 5), JoinType::kLeftOuter)),
        "Stream-stream LeftOuter join between two streaming DataFrame/Datasets is not supported "
        "without a watermark in the join keys, or a watermark on the nullable side and an "
        "appropriate range condition|");
}

TEST(StreamingRules, batch_and_stream_are_told_apart) {
    EXPECT_EQ(check(batch()), "WRITE_STREAM_NOT_ALLOWED:");
    EXPECT_TRUE(check_batch(batch()).has_value());
    EXPECT_EQ(check_batch(stream()).error().condition()->name, "_LEGACY_ERROR_TEMP_3102");
}

}  // namespace
}  // namespace millrace::sql
