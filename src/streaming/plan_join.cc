#include <algorithm>

#include "sql/errors.h"
#include "sql/join_condition.h"
#include "sql/typed.h"
#include "streaming/incremental_plan.h"
#include "streaming/plan_join_internal.h"

namespace millrace::streaming {

using plan::Attribute;
using plan::DataType;
using plan::JoinNode;
using plan::JoinType;
using plan::LogicalPtr;
using plan::TypedExprPtr;
using sql::JoinCondition;

namespace {

TypedExprPtr all_of(const std::vector<TypedExprPtr>& conditions) {
    TypedExprPtr all;
    for (const TypedExprPtr& condition : conditions) {
        all = all == nullptr
                  ? condition
                  : sql::function_call("and", {all, condition}, DataType::boolean(), true, "");
    }
    return all;
}

plan::Field field_of(const Attribute& attribute) {
    return {attribute.name, attribute.type, attribute.nullable, attribute.metadata_json};
}

// The side's columns, its keys, and whether a row passes what is asked of this side alone.
LogicalPtr plan_side(const std::vector<Attribute>& columns, const JoinCondition& condition,
                     bool is_left, LogicalPtr input, JoinSpec::Side& spec,
                     const std::function<plan::AttributeId()>& fresh) {
    plan::ProjectNode project;
    project.input = std::move(input);
    for (const Attribute& column : columns) {
        spec.fields.push_back(field_of(column));
        project.columns.push_back({column, sql::reference(column)});
    }
    const auto add = [&](std::string name, const TypedExprPtr& value) {
        const Attribute added{.id = fresh(), .name = std::move(name), .type = value->type};
        project.columns.push_back({added, value});
        return field_of(added);
    };
    for (const JoinCondition::Key& key : condition.keys) {
        spec.keys.push_back(add("key", is_left ? key.left : key.right));
    }
    if (const TypedExprPtr own = all_of(is_left ? condition.left : condition.right)) {
        add("passes", own);
        spec.filtered = true;
    }
    spec.event_time = event_time_column(columns);
    return plan::make_logical(std::move(project));
}

// A watermark among the keys frees both sides by the key; else each side is freed by what the
// ranges of the condition say of its own event time.
void plan_state_end(const JoinNode& join, std::optional<std::size_t> watermarked_key, bool is_left,
                    JoinSpec::Side& spec) {
    if (watermarked_key) {
        spec.state_time = static_cast<int>(spec.fields.size() + *watermarked_key);
        return;
    }
    const auto offset_ms = sql::state_offset_ms(join, is_left);
    if (!offset_ms || spec.event_time < 0) return;
    spec.state_time = spec.event_time;
    spec.state_offset_us = *offset_ms * 1000;
}

LogicalPtr plan_inner(const TypedExprPtr& condition, const std::vector<Attribute>& left,
                      const std::vector<Attribute>& right, std::int64_t scan_id, JoinSpec& spec,
                      const std::function<plan::AttributeId()>& fresh) {
    const auto references = sql::references_of(condition);
    plan::ScanNode scan;
    scan.scan_id = scan_id;
    scan.source.format = "stage";
    scan.is_streaming = true;
    for (const bool is_left : {true, false}) {
        const std::vector<Attribute>& columns = is_left ? left : right;
        for (std::size_t i = 0; i < columns.size(); ++i) {
            if (!references.contains(columns[i].id)) continue;
            spec.inner.push_back({is_left, i});
            scan.output.push_back(columns[i]);
            scan.output.back().nullable = true;
        }
    }
    const Attribute number{
        .id = fresh(), .name = "candidate", .type = DataType::long_(), .nullable = false};
    scan.output.push_back(number);
    spec.has_inner = true;
    return plan::make_logical(plan::ProjectNode{
        plan::make_logical(plan::LogicalFilter{plan::make_logical(std::move(scan)), condition}),
        {{number, sql::reference(number)}}});
}

}  // namespace

Result<JoinPlan> plan_join(const JoinNode& join, LogicalPtr left, LogicalPtr right,
                           std::int64_t inner_scan,
                           const std::function<plan::AttributeId()>& fresh) {
    const JoinCondition condition = sql::split_join(join);
    if (condition.keys.empty()) {
        return base::fail(
            sql::legacy_error("_LEGACY_ERROR_TEMP_1181",
                              "Stream-stream join without equality predicate is not supported."));
    }
    const auto left_columns = plan::output_of(*join.left);
    const auto right_columns = plan::output_of(*join.right);
    JoinPlan result;
    JoinSpec& spec = result.spec;
    spec.type = join.type == JoinType::kCross ? JoinType::kInner : join.type;
    for (const JoinCondition::Key& key : condition.keys) spec.null_safe.push_back(key.null_safe);
    result.left = plan_side(left_columns, condition, true, std::move(left), spec.left, fresh);
    result.right = plan_side(right_columns, condition, false, std::move(right), spec.right, fresh);
    const auto watermarked = sql::watermarked_key(join, condition);
    plan_state_end(join, watermarked, true, spec.left);
    plan_state_end(join, watermarked, false, spec.right);
    if (const TypedExprPtr rest = all_of(condition.both)) {
        result.inner = plan_inner(rest, left_columns, right_columns, inner_scan, spec, fresh);
    }
    for (const Attribute& column : join.output) spec.output.push_back(field_of(column));
    return result;
}

}  // namespace millrace::streaming
