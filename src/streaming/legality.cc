#include "streaming/legality.h"

#include "sql/parser.h"

namespace millrace::streaming {

using base::Code;
using base::fail;
using plan::AggregateNode;
using plan::LogicalNode;

namespace {

std::unexpected<base::Error> illegal(std::string text) {
    base::Condition condition{.name = "_LEGACY_ERROR_TEMP_3102"};
    condition.parameters = {{"msg", text}};
    return fail(base::Error(Code::kAnalysis, std::move(text), std::move(condition)));
}

// A streaming aggregation or distinct at or below `node`.
bool has_aggregate(const LogicalNode& node) {
    if (!plan::is_streaming(node)) return false;
    if (node.as<AggregateNode>() != nullptr) return true;
    for (const auto& input : plan::inputs_of(node)) {
        if (has_aggregate(*input)) return true;
    }
    return false;
}

Result<void> check_node(const LogicalNode& node, OutputMode mode) {
    if (!plan::is_streaming(node)) return {};
    const auto inputs = plan::inputs_of(node);
    const bool above_aggregate = !inputs.empty() && has_aggregate(*inputs[0]);
    if (const auto* aggregate = node.as<AggregateNode>();
        mode == OutputMode::kAppend && aggregate) {
        bool has_watermark = false;
        for (const auto& key : aggregate->keys) {
            has_watermark = has_watermark || key.output.watermark_delay_ms.has_value();
        }
        if (!has_watermark) {
            return illegal(
                "Append output mode not supported when there are streaming aggregations on "
                "streaming "
                "DataFrames/DataSets without watermark");
        }
    }
    if (node.as<plan::LogicalSort>() != nullptr &&
        !(mode == OutputMode::kComplete && above_aggregate)) {
        return illegal(
            "Sorting is not supported on streaming DataFrames/Datasets, unless it is on aggregated "
            "DataFrame/Dataset in Complete output mode");
    }
    if (const auto* limit = node.as<plan::LogicalLimit>()) {
        if (limit->offset > 0) {
            return illegal("Offset is not supported on streaming DataFrames/Datasets");
        }
        if (mode == OutputMode::kUpdate) {
            return illegal(
                "Limits are not supported on streaming DataFrames/Datasets in Update output mode");
        }
    }
    if (const auto* distinct = node.as<plan::DeduplicateNode>()) {
        if (mode != OutputMode::kAppend && above_aggregate) {
            return illegal(
                "dropDuplicates is not supported after aggregation on a streaming DataFrame");
        }
        bool has_watermark = false;
        for (const auto& column : plan::output_of(*distinct->input)) {
            has_watermark = has_watermark || column.watermark_delay_ms.has_value();
        }
        if (distinct->within_watermark && !has_watermark) {
            return illegal(
                "dropDuplicatesWithinWatermark is not supported on streaming DataFrames/DataSets "
                "without watermark");
        }
    }
    if (node.as<plan::SampleNode>() != nullptr) {
        return illegal("Sampling is not supported on streaming DataFrames/Datasets");
    }
    if (node.as<plan::WindowNode>() != nullptr) {
        return fail(
            base::Error(Code::kAnalysis,
                        "[NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING] Window function is not "
                        "supported as column on "
                        "streaming DataFrames/Datasets. Structured Streaming only supports "
                        "time-window aggregation "
                        "using the WINDOW function. SQLSTATE: 42KDE",
                        base::Condition{.name = "NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING",
                                        .sql_state = "42KDE"}));
    }
    if (const auto* set = node.as<plan::SetOpNode>()) {
        if (set->type == plan::SetOpType::kIntersect) {
            return illegal("Intersect of streaming DataFrames/Datasets is not supported");
        }
        if (set->type == plan::SetOpType::kExcept && plan::is_streaming(*set->inputs.back())) {
            return illegal("Except on a streaming DataFrame/Dataset on the right is not supported");
        }
        for (const auto& input : set->inputs) {
            if (set->type == plan::SetOpType::kUnion && !plan::is_streaming(*input)) {
                return illegal(
                    "Union between streaming and batch DataFrames/Datasets is not supported");
            }
        }
    }
    if (const auto* join = node.as<plan::JoinNode>()) {
        const bool left = plan::is_streaming(*join->left);
        const bool right = plan::is_streaming(*join->right);
        const auto one_sided = [&](std::string_view type, std::string_view streaming,
                                   std::string_view fixed) {
            return illegal(
                fmt::format("{} join with a streaming DataFrame/Dataset on the {} and a static "
                            "DataFrame/Dataset "
                            "on the {} is not supported",
                            type, streaming, fixed));
        };
        switch (join->type) {
            case plan::JoinType::kFullOuter:
                if (left != right) {
                    return illegal(fmt::format(
                        "FullOuter joins with streaming DataFrames/Datasets on the {} and a static "
                        "DataFrame/Dataset on the {} is not supported",
                        left ? "left" : "right", left ? "right" : "left"));
                }
                break;
            case plan::JoinType::kLeftOuter:
                if (!left && right) return one_sided("LeftOuter", "right", "left");
                break;
            case plan::JoinType::kLeftSemi:
                if (!left && right) return one_sided("LeftSemi", "right", "left");
                break;
            case plan::JoinType::kRightOuter:
                if (left && !right) return one_sided("RightOuter", "left", "right");
                break;
            case plan::JoinType::kLeftAnti:
                if (right) {
                    return illegal(
                        "LeftAnti joins with a streaming DataFrame/Dataset on the right are not "
                        "supported");
                }
                break;
            default: break;
        }
    }
    for (const auto& input : inputs) MR_TRY_VOID(check_node(*input, mode));
    return {};
}

}  // namespace

Result<void> check_legality(const QuerySpec& spec) {
    if (!plan::is_streaming(*spec.plan)) {
        return illegal(
            "Queries without streaming sources cannot be executed with writeStream.start()");
    }
    if (spec.mode == OutputMode::kComplete && !has_aggregate(*spec.plan)) {
        return illegal(
            "Complete output mode not supported when there are no streaming aggregations on "
            "streaming "
            "DataFrames/Datasets");
    }
    return check_node(*spec.plan, spec.mode);
}

Result<std::int64_t> trigger_interval_ms(const plan::Trigger& trigger) {
    switch (trigger.kind) {
        case plan::TriggerKind::kProcessingTime: {
            MR_TRY(const std::int64_t us, sql::parse_interval_us(trigger.interval));
            if (us < 0) {
                return fail(Code::kInvalidArgument,
                            "the interval of a trigger should not be negative");
            }
            return us / 1000;
        }
        case plan::TriggerKind::kContinuous:
            return illegal(
                "Continuous processing does not support this query: the trigger is not "
                "supported; use processingTime or availableNow");
        case plan::TriggerKind::kRealTime:
            return illegal("Real-time mode is not supported; use processingTime or availableNow");
        default: return 0;
    }
}

}  // namespace millrace::streaming
