#include "sql/streaming_rules.h"

#include <algorithm>

#include "sql/errors.h"
#include "sql/join_condition.h"
#include "sql/parser_internal.h"
#include "sql/typed.h"

namespace millrace::sql {

using base::fail;
using namespace plan;

namespace {

enum class Mode { kAppend, kUpdate, kComplete };

base::Error refused(std::string text) {
    return legacy_error("_LEGACY_ERROR_TEMP_3102", std::move(text));
}

bool has_watermark(const std::vector<Attribute>& attributes) {
    return std::ranges::any_of(attributes,
                               [](const Attribute& a) { return a.watermark_delay_ms.has_value(); });
}

// A DISTINCT (a deduplication by SQL's keyword is one too) keeps state as an aggregation does.
bool is_streaming_aggregate(const LogicalNode& node) {
    return node.as<AggregateNode>() != nullptr && is_streaming(node);
}

// An operator that would take rows which its input may still change. A deduplication counts when
// the event time is among its keys.
bool is_stateful(const LogicalNode& node) {
    if (const auto* join = node.as<JoinNode>()) {
        return is_streaming(*join->left) && is_streaming(*join->right);
    }
    if (const auto* deduplicate = node.as<DeduplicateNode>()) {
        const auto columns = output_of(*deduplicate->input);
        return is_streaming(node) && (deduplicate->within_watermark ||
                                      std::ranges::any_of(columns, [&](const Attribute& column) {
                                          return column.watermark_delay_ms.has_value() &&
                                                 std::ranges::find(deduplicate->keys, column.id) !=
                                                     deduplicate->keys.end();
                                      }));
    }
    return is_streaming_aggregate(node);
}

bool any_node(const LogicalNode& node, const std::function<bool(const LogicalNode&)>& test) {
    if (test(node)) return true;
    return std::ranges::any_of(inputs_of(node),
                               [&](const LogicalPtr& input) { return any_node(*input, test); });
}

void each_node(const LogicalNode& node, const std::function<void(const LogicalNode&)>& visit) {
    visit(node);
    for (const LogicalPtr& input : inputs_of(node)) each_node(*input, visit);
}

std::vector<TypedExprPtr> expressions_of(const LogicalNode& node) {
    std::vector<TypedExprPtr> result;
    if (const auto* project = node.as<ProjectNode>()) {
        for (const NamedExpr& column : project->columns) result.push_back(column.expression);
    } else if (const auto* filter = node.as<LogicalFilter>()) {
        result.push_back(filter->condition);
    } else if (const auto* aggregate = node.as<AggregateNode>()) {
        for (const NamedExpr& key : aggregate->keys) result.push_back(key.expression);
        for (const NamedExpr& call : aggregate->aggregates) result.push_back(call.expression);
    }
    return result;
}

const char* name_of(JoinType type) {
    switch (type) {
        case JoinType::kInner: return "Inner";
        case JoinType::kCross: return "Cross";
        case JoinType::kLeftOuter: return "LeftOuter";
        case JoinType::kRightOuter: return "RightOuter";
        case JoinType::kFullOuter: return "FullOuter";
        case JoinType::kLeftSemi: return "LeftSemi";
        case JoinType::kLeftAnti: return "LeftAnti";
    }
    return "";
}

// A row without a partner is known to have none only when its state is let go: by a watermark among
// the keys, or by a range of times that bounds the side which is kept.
base::Result<void> check_state_ends(const JoinNode& join) {
    const bool left = join.type != JoinType::kRightOuter && state_offset_ms(join, true).has_value();
    const bool right = (join.type == JoinType::kRightOuter || join.type == JoinType::kFullOuter) &&
                       state_offset_ms(join, false).has_value();
    if (left || right || watermarked_key(join, split_join(join))) return {};
    return fail(refused(fmt::format(
        "Stream-stream {} join between two streaming DataFrame/Datasets is not supported without a "
        "watermark in the join keys, or a watermark on the nullable side and an appropriate range "
        "condition",
        name_of(join.type))));
}

base::Result<void> check_join(const JoinNode& join, Mode mode) {
    const bool left = is_streaming(*join.left);
    const bool right = is_streaming(*join.right);
    // What comes out of an inner or a semi join never changes; a row without a partner may.
    const bool updates = join.type == JoinType::kInner || join.type == JoinType::kCross ||
                         join.type == JoinType::kLeftSemi;
    if (left && right && join.type != JoinType::kLeftAnti &&
        (mode == Mode::kComplete || (mode == Mode::kUpdate && !updates))) {
        return fail(refused(fmt::format(
            "{} join between two streaming DataFrames/Datasets is not supported in {} output mode, "
            "only in Append {}",
            name_of(join.type), mode == Mode::kUpdate ? "Update" : "Complete",
            updates ? "and Update output modes" : "output mode")));
    }
    switch (join.type) {
        case JoinType::kInner:
        case JoinType::kCross: return {};
        case JoinType::kFullOuter:
            if (left && right) return check_state_ends(join);
            if (left != right) {
                return fail(refused(fmt::format(
                    "FullOuter joins with streaming DataFrames/Datasets on the {} and a static "
                    "DataFrame/Dataset on the {} is not supported",
                    left ? "left" : "right", left ? "right" : "left")));
            }
            return {};
        case JoinType::kLeftOuter:
        case JoinType::kLeftSemi: {
            if (!left && right) {
                return fail(refused(fmt::format(
                    "{} join with a streaming DataFrame/Dataset on the right and a static "
                    "DataFrame/Dataset on the left is not supported",
                    name_of(join.type))));
            }
            return left && right ? check_state_ends(join) : base::Result<void>();
        }
        case JoinType::kRightOuter:
            if (left && !right) {
                return fail(refused(
                    "RightOuter join with a streaming DataFrame/Dataset on the left and a static "
                    "DataFrame/DataSet on the right not supported"));
            }
            return left && right ? check_state_ends(join) : base::Result<void>();
        case JoinType::kLeftAnti:
            if (right) {
                return fail(refused(
                    "LeftAnti joins with a streaming DataFrame/Dataset on the right are not "
                    "supported"));
            }
            return {};
    }
    return {};
}

base::Result<void> check_node(const LogicalNode& node, Mode mode, bool has_aggregate) {
    if (!is_streaming(node)) return {};
    if (const auto* aggregate = node.as<AggregateNode>()) {
        if (!aggregate->grouping_sets.empty()) {
            return fail(refused("Grouping Sets is not supported on streaming DataFrames/Datasets"));
        }
        for (const NamedExpr& call : aggregate->aggregates) {
            const auto* held = call.expression->as<AggregateCall>();
            if (held != nullptr && held->distinct) {
                return fail(refused(
                    "Distinct aggregations are not supported on streaming DataFrames/Datasets. "
                    "Consider using approx_count_distinct() instead."));
            }
        }
        const bool session = any_node(*aggregate->input, [](const LogicalNode& below) {
            return below.as<SessionWindowNode>() != nullptr;
        });
        if (session && mode == Mode::kUpdate) {
            return fail(spark_error("STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION",
                                    {{"outputMode", "update"},
                                     {"operation", "session window streaming aggregations"}}));
        }
    } else if (const auto* sort = node.as<LogicalSort>()) {
        (void)sort;
        if (!(mode == Mode::kComplete && has_aggregate)) {
            return fail(
                refused("Sorting is not supported on streaming DataFrames/Datasets, unless it is "
                        "on aggregated DataFrame/Dataset in Complete output mode"));
        }
    } else if (const auto* limit = node.as<LogicalLimit>()) {
        if (limit->offset != 0) {
            return fail(refused("Offset is not supported on streaming DataFrames/Datasets"));
        }
        if (limit->from_end) {
            return fail(refused("Tail is not supported on streaming DataFrames/Datasets"));
        }
        if (mode == Mode::kUpdate) {
            return fail(refused(
                "Limits are not supported on streaming DataFrames/Datasets in Update output mode"));
        }
    } else if (node.as<SampleNode>() != nullptr) {
        return fail(refused("Sampling is not supported on streaming DataFrames/Datasets"));
    } else if (const auto* window = node.as<WindowNode>()) {
        const auto& function = window->functions[0];
        return fail(spark_error("NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING",
                                {{"windowFunc", function.call->sql_text},
                                 {"columnName", quoted_id(function.output.name)},
                                 {"windowSpec", function.output.name}}));
    } else if (const auto* set_op = node.as<SetOpNode>()) {
        const auto streaming = [](const LogicalPtr& input) { return is_streaming(*input); };
        if (set_op->type == SetOpType::kIntersect) {
            if (std::ranges::all_of(set_op->inputs, streaming)) {
                return fail(refused("Intersect of streaming DataFrames/Datasets is not supported"));
            }
        } else if (set_op->type == SetOpType::kExcept) {
            if (streaming(set_op->inputs.back())) {
                return fail(refused(
                    "Except on a streaming DataFrame/Dataset on the right is not supported"));
            }
        } else if (!std::ranges::all_of(set_op->inputs, streaming)) {
            return fail(
                refused("Union between streaming and batch DataFrames/Datasets is not supported"));
        }
    } else if (const auto* deduplicate = node.as<DeduplicateNode>()) {
        if (deduplicate->within_watermark && !has_watermark(output_of(*deduplicate->input))) {
            return fail(refused(
                "dropDuplicatesWithinWatermark is not supported on streaming DataFrames/DataSets "
                "without watermark"));
        }
    } else if (const auto* join = node.as<JoinNode>()) {
        MR_TRY_VOID(check_join(*join, mode));
    }
    for (const TypedExprPtr& expression : expressions_of(node)) {
        const bool found = contains(expression, [](const TypedExpr& below) {
            const auto* call = below.as<FunctionCall>();
            return call != nullptr && call->name == "monotonically_increasing_id";
        });
        if (found) {
            return fail(refused(
                fmt::format("Expression(s): {} is not supported with streaming DataFrames/Datasets",
                            expression->sql_text)));
        }
    }
    for (const LogicalPtr& input : inputs_of(node)) {
        MR_TRY_VOID(check_node(*input, mode, has_aggregate));
    }
    return {};
}

}  // namespace

base::Result<void> check_streaming(const LogicalNode& plan, std::string_view output_mode) {
    Mode mode = Mode::kAppend;
    if (same_word(output_mode, "update")) {
        mode = Mode::kUpdate;
    } else if (same_word(output_mode, "complete")) {
        mode = Mode::kComplete;
    } else if (!output_mode.empty() && !same_word(output_mode, "append")) {
        return fail(spark_error("STREAMING_OUTPUT_MODE.INVALID",
                                {{"outputMode", std::string(output_mode)}}));
    }
    if (!is_streaming(plan)) {
        return fail(spark_error("WRITE_STREAM_NOT_ALLOWED", {}));
    }
    const bool has_aggregate = any_node(plan, is_streaming_aggregate);
    if (mode == Mode::kComplete && !has_aggregate) {
        return fail(
            spark_error("STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION",
                        {{"outputMode", "complete"}, {"operation", "no streaming aggregations"}}));
    }
    bool without_watermark = false;
    each_node(plan, [&](const LogicalNode& node) {
        if (!is_streaming_aggregate(node)) return;
        const auto& keys = node.as<AggregateNode>()->keys;
        without_watermark = without_watermark || std::ranges::none_of(keys, [](const NamedExpr& k) {
                                return k.output.watermark_delay_ms.has_value();
                            });
    });
    if (mode == Mode::kAppend && without_watermark) {
        return fail(spark_error(
            "STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION",
            {{"outputMode", "append"}, {"operation", "streaming aggregations without watermark"}}));
    }
    const bool above_aggregate = any_node(plan, [](const LogicalNode& node) {
        return is_stateful(node) && std::ranges::any_of(inputs_of(node), [](const auto& input) {
                   return any_node(*input, is_streaming_aggregate);
               });
    });
    if (above_aggregate && mode != Mode::kAppend) {
        return fail(refused(
            "Detected pattern of possible 'correctness' issue due to global watermark. The query "
            "contains stateful operation which can emit rows older than the current watermark plus "
            "allowed late record delay, which are \"late rows\" in downstream stateful operations "
            "and these rows can be discarded. Please refer the programming guide doc for more "
            "details. If you understand the possible risk of correctness issue and still need to "
            "run the query, you can disable this check by setting the config "
            "`spark.sql.streaming.statefulOperator.checkCorrectness.enabled` to false."));
    }
    return check_node(plan, mode, has_aggregate);
}

base::Result<void> check_batch(const LogicalNode& plan) {
    if (is_streaming(plan)) {
        return fail(
            refused("Queries with streaming sources must be executed with writeStream.start()"));
    }
    const bool within_watermark = any_node(plan, [](const LogicalNode& node) {
        const auto* deduplicate = node.as<DeduplicateNode>();
        return deduplicate != nullptr && deduplicate->within_watermark;
    });
    if (within_watermark) {
        return fail(refused(
            "dropDuplicatesWithinWatermark is not supported with batch DataFrames/DataSets"));
    }
    return {};
}

}  // namespace millrace::sql
