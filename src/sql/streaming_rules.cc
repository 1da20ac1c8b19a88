#include "sql/streaming_rules.h"

#include <algorithm>
#include <functional>
#include <vector>

namespace millrace::sql {

using base::Code;
using base::fail;
using base::Result;
using plan::JoinType;
using plan::LogicalNode;
using plan::LogicalPtr;

namespace {

std::unexpected<base::Error> unsupported(std::string text) {
    base::Condition condition{.name = "_LEGACY_ERROR_TEMP_3102", .parameters = {{"msg", text}}};
    return fail(base::Error(Code::kAnalysis, text + ";", std::move(condition)));
}

std::unexpected<base::Error> bad_mode(const std::string& mode, const std::string& operation) {
    return fail(base::Error(
        Code::kAnalysis,
        fmt::format("[STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION] Invalid streaming output mode: "
                    "{}. This output mode is not supported for {} on streaming "
                    "DataFrames/DataSets. SQLSTATE: 42KDE",
                    mode, operation),
        {.name = "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION",
         .sql_state = "42KDE",
         .parameters = {{"outputMode", mode}, {"operation", operation}}}));
}

std::unexpected<base::Error> on_streams(std::string_view what) {
    return unsupported(fmt::format("{} not supported on streaming DataFrames/Datasets", what));
}

bool streams(const LogicalPtr& node) {
    return plan::is_streaming(*node);
}

// Spark counts DISTINCT as an aggregation; here it is an AggregateNode or a DeduplicateNode.
bool is_streaming_aggregate(const LogicalNode& node) {
    const auto* aggregate = node.as<plan::AggregateNode>();
    return aggregate != nullptr && streams(aggregate->input);
}

void visit(const LogicalPtr& node, const std::function<void(const LogicalNode&)>& see) {
    see(*node);
    for (const LogicalPtr& input : plan::inputs_of(*node)) visit(input, see);
}

bool has_watermarked_key(const plan::AggregateNode& aggregate) {
    return std::ranges::any_of(aggregate.keys, [](const plan::NamedExpr& key) {
        return key.output.watermark_delay_ms.has_value();
    });
}

std::string_view output_name(StreamOutput output) {
    switch (output) {
        case StreamOutput::kAppend: return "append";
        case StreamOutput::kUpdate: return "update";
        case StreamOutput::kComplete: return "complete";
    }
    return "";
}

Result<void> check_aggregate(const plan::AggregateNode& aggregate, StreamOutput output) {
    for (const plan::NamedExpr& named : aggregate.aggregates) {
        const auto* call = named.expression->as<plan::AggregateCall>();
        if (call != nullptr && call->distinct) {
            return unsupported(
                "Distinct aggregations are not supported on streaming DataFrames/Datasets. "
                "Consider "
                "using approx_count_distinct() instead.");
        }
    }
    if (output == StreamOutput::kAppend && !has_watermarked_key(aggregate)) {
        return bad_mode("append", "streaming aggregations without watermark");
    }
    return {};
}

bool has_watermark(const LogicalPtr& node) {
    return std::ranges::any_of(plan::output_of(*node), [](const plan::Attribute& column) {
        return column.watermark_delay_ms.has_value();
    });
}

bool needs_watermark(JoinType type) {
    return type == JoinType::kLeftOuter || type == JoinType::kRightOuter ||
           type == JoinType::kFullOuter || type == JoinType::kLeftSemi;
}

// The side of a join whose rows come out with nulls on the other must not wait for a stream that it
// cannot see the end of.
Result<void> check_join(const plan::JoinNode& join, StreamOutput output) {
    const bool left = streams(join.left);
    const bool right = streams(join.right);
    if (!left && !right) return {};
    const auto one_side = [&](std::string_view type, bool stream_is_left) {
        return unsupported(fmt::format(
            "{} join with a streaming DataFrame/Dataset on the {} and a static DataFrame/Dataset "
            "on the "
            "{} is not supported",
            type, stream_is_left ? "left" : "right", stream_is_left ? "right" : "left"));
    };
    if (left && right &&
        (output == StreamOutput::kComplete ||
         (output == StreamOutput::kUpdate && join.type != JoinType::kInner))) {
        return bad_mode(std::string(output_name(output)), "streaming joins");
    }
    if (left && right && needs_watermark(join.type) && !has_watermark(join.left) &&
        !has_watermark(join.right)) {
        return unsupported(fmt::format(
            "Stream-stream {} join between two streaming DataFrame/Datasets is not supported "
            "without a watermark in the join keys, or a watermark on the nullable side and an "
            "appropriate range condition",
            join.type == JoinType::kLeftOuter    ? "LeftOuter"
            : join.type == JoinType::kRightOuter ? "RightOuter"
            : join.type == JoinType::kFullOuter  ? "FullOuter"
                                                 : "LeftSemi"));
    }
    switch (join.type) {
        case JoinType::kInner:
        case JoinType::kCross: break;
        case JoinType::kFullOuter:
            if (left != right) {
                return unsupported(fmt::format(
                    "FullOuter joins with streaming DataFrames/Datasets on the {} and a static "
                    "DataFrame/Dataset on the {} is not supported",
                    left ? "left" : "right", left ? "right" : "left"));
            }
            break;
        case JoinType::kLeftOuter:
            if (!left) return one_side("LeftOuter", false);
            break;
        case JoinType::kLeftSemi:
            if (!left) return one_side("LeftSemi", false);
            break;
        case JoinType::kLeftAnti:
            if (right) {
                return unsupported(
                    "LeftAnti joins with a streaming DataFrame/Dataset on the right are not "
                    "supported");
            }
            break;
        case JoinType::kRightOuter:
            if (!right) {
                return unsupported(
                    "RightOuter join with a streaming DataFrame/Dataset on the left and a static "
                    "DataFrame/DataSet on the right not supported");
            }
            break;
    }
    return {};
}

Result<void> check_set_op(const plan::SetOpNode& set_op) {
    const auto streaming = std::ranges::count_if(set_op.inputs, streams);
    if (streaming == 0) return {};
    switch (set_op.type) {
        case plan::SetOpType::kUnion:
            if (static_cast<std::size_t>(streaming) != set_op.inputs.size()) {
                return unsupported(
                    "Union between streaming and batch DataFrames/Datasets is not supported");
            }
            return {};
        case plan::SetOpType::kIntersect:
            return unsupported("Intersect of streaming DataFrames/Datasets is not supported");
        case plan::SetOpType::kExcept:
            if (streams(set_op.inputs.back())) {
                return unsupported(
                    "Except on a streaming DataFrame/Dataset on the right is not supported");
            }
            return {};
    }
    return {};
}

std::unexpected<base::Error> not_a_time_window(const plan::WindowNode::Function& function) {
    const auto upper = [](std::string text) {
        std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
        return text;
    };
    const std::string name = upper(plan::to_text(*function.call));
    const std::string column = fmt::format("`{}`", function.output.name);
    std::string specification = "(PARTITION BY";
    for (const auto& key : function.partition_by) specification += ' ' + upper(plan::to_text(*key));
    specification += " ORDER BY";
    for (const auto& order : function.order_by) {
        specification +=
            fmt::format(" {} {} NULLS {}", upper(plan::to_text(*order.expression)),
                        order.ascending ? "ASC" : "DESC", order.nulls_first ? "FIRST" : "LAST");
    }
    specification += ')';
    return fail(base::Error(
        Code::kAnalysis,
        fmt::format("[NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING] Window function is not supported "
                    "in {} (as column {}) on streaming DataFrames/Datasets.\nStructured Streaming "
                    "only supports time-window aggregation using the WINDOW function. (window "
                    "specification: {}) SQLSTATE: 42KDE",
                    name, column, specification),
        {.name = "NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING",
         .sql_state = "42KDE",
         .parameters = {
             {"windowFunc", name}, {"columnName", column}, {"windowSpec", specification}}}));
}

Result<void> check_node(const LogicalNode& node, StreamOutput output,
                        bool complete_aggregate_below) {
    if (const auto* aggregate = node.as<plan::AggregateNode>()) {
        return streams(aggregate->input) ? check_aggregate(*aggregate, output) : Result<void>{};
    }
    if (const auto* join = node.as<plan::JoinNode>()) return check_join(*join, output);
    if (const auto* set_op = node.as<plan::SetOpNode>()) return check_set_op(*set_op);
    if (const auto* sort = node.as<plan::LogicalSort>()) {
        if (streams(sort->input) && !complete_aggregate_below) {
            return unsupported(
                "Sorting is not supported on streaming DataFrames/Datasets, unless it is on "
                "aggregated "
                "DataFrame/Dataset in Complete output mode");
        }
    }
    if (const auto* limit = node.as<plan::LogicalLimit>()) {
        if (!streams(limit->input)) return {};
        if (limit->offset != 0) return on_streams("Offset is");
        if (limit->from_end) return on_streams("Tail is");
        if (output == StreamOutput::kUpdate) {
            return unsupported(
                "Limits are not supported on streaming DataFrames/Datasets in Update output mode");
        }
    }
    if (const auto* sample = node.as<plan::SampleNode>()) {
        if (streams(sample->input)) return on_streams("Sampling is");
    }
    if (const auto* window = node.as<plan::WindowNode>()) {
        if (streams(window->input)) {
            return not_a_time_window(window->functions.front());
        }
    }
    if (const auto* deduplicate = node.as<plan::DeduplicateNode>()) {
        if (!deduplicate->within_watermark || !streams(deduplicate->input)) return {};
        const std::vector<plan::Attribute> columns = plan::output_of(*deduplicate->input);
        if (std::ranges::none_of(columns, [](const plan::Attribute& column) {
                return column.watermark_delay_ms.has_value();
            })) {
            return unsupported(
                "dropDuplicatesWithinWatermark is not supported on streaming DataFrames/DataSets "
                "without "
                "watermark");
        }
    }
    return {};
}

}  // namespace

Result<void> check_streaming(const LogicalPtr& plan, StreamOutput output) {
    if (!streams(plan)) {
        return fail(base::Error(Code::kAnalysis,
                                "[WRITE_STREAM_NOT_ALLOWED] `writeStream` can be called only on "
                                "streaming Dataset/DataFrame. SQLSTATE: 42601",
                                {.name = "WRITE_STREAM_NOT_ALLOWED", .sql_state = "42601"}));
    }
    bool aggregated = false;
    visit(plan, [&](const LogicalNode& node) { aggregated |= is_streaming_aggregate(node); });
    if (output == StreamOutput::kComplete && !aggregated) {
        return bad_mode("complete", "no streaming aggregations");
    }
    Result<void> outcome;
    visit(plan, [&](const LogicalNode& node) {
        if (!outcome) return;
        bool aggregate_below = false;
        for (const LogicalPtr& input : plan::inputs_of(node)) {
            visit(input, [&](const LogicalNode& below) {
                aggregate_below |= is_streaming_aggregate(below);
            });
        }
        outcome = check_node(node, output, aggregate_below && output == StreamOutput::kComplete);
    });
    return outcome;
}

Result<void> check_batch(const LogicalPtr& plan) {
    if (!streams(plan)) return {};
    return unsupported(
        "Queries with streaming sources must be executed with writeStream.start(), or from a "
        "streaming table or flow definition within a Spark Declarative Pipeline.");
}

}  // namespace millrace::sql
