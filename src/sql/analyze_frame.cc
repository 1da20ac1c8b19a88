// The DataFrame's conveniences: toDF, withColumn, drop, dropDuplicates, fillna, describe, unpivot …
#include <fmt/ranges.h>

#include <algorithm>
#include <random>

#include "sql/analyzer_internal.h"
#include "sql/parser.h"
#include "sql/parser_internal.h"
#include "sql/spark_text.h"

namespace millrace::sql {

using base::fail;
using plan::make_logical;
using plan::make_relation;
using plan::TypeKind;

namespace {

TypedExprPtr text_constant(const std::string& text) {
    return typed(Literal::string(text), DataType::string(), false, text);
}

}  // namespace

Result<Analyzed> Analyzer::rel(const plan::ToDfRel& to_df, const plan::Relation&) {
    MR_TRY(Analyzed input, relation(to_df.input));
    if (to_df.names.size() != input.columns.size()) {
        return fail(spark_error("ASSIGNMENT_ARITY_MISMATCH",
                                {{"numTarget", std::to_string(to_df.names.size())},
                                 {"numExpr", std::to_string(input.columns.size())}}));
    }
    std::vector<NamedExpr> columns;
    for (std::size_t i = 0; i < input.columns.size(); ++i) {
        columns.push_back(named(reference(input.columns[i]), to_df.names[i], &input));
    }
    return projected(std::move(input), std::move(columns));
}

Result<Analyzed> Analyzer::rel(const plan::WithColumnsRel& with, const plan::Relation&) {
    Block block;
    MR_TRY(block.input, relation(with.input));
    const Scope scope{.input = &block.input,
                      .outer = outer_,
                      .pending = &block.pending,
                      .aggregates_allowed = true};
    std::vector<NamedExpr> added;
    for (const ExprPtr& column : with.columns) {
        std::vector<NamedExpr> one;
        MR_TRY_VOID(select_item(column, scope, one));
        for (NamedExpr& item : one) {
            for (const NamedExpr& earlier : added) {
                if (same_name(earlier.output.name, item.output.name)) {
                    return fail(spark_error("COLUMN_ALREADY_EXISTS",
                                            {{"columnName", quoted_id(item.output.name)}}));
                }
            }
            added.push_back(std::move(item));
        }
    }
    std::vector<bool> used(added.size(), false);
    for (const Attribute& column : block.input.columns) {
        bool replaced = false;
        for (std::size_t i = 0; i < added.size(); ++i) {
            if (!same_name(added[i].output.name, column.name)) continue;
            replaced = true;
            block.items.push_back(added[i]);
            if (used[i]) block.items.back().output.id = ids_.next();
            used[i] = true;
        }
        if (!replaced) block.items.push_back({column, reference(column)});
    }
    for (std::size_t i = 0; i < added.size(); ++i) {
        if (!used[i]) block.items.push_back(added[i]);
    }
    // A computed column may not keep the id of the one it replaces.
    for (NamedExpr& item : block.items) {
        const auto* ref = item.expression->as<plan::AttributeRef>();
        if (ref == nullptr || ref->id == item.output.id) continue;
        item.output.qualifier.clear();
    }
    return build(std::move(block));
}

Result<Analyzed> Analyzer::rel(const plan::WithColumnsRenamedRel& with, const plan::Relation&) {
    MR_TRY(Analyzed input, relation(with.input));
    std::vector<std::string> names;
    for (const Attribute& column : input.columns) names.push_back(column.name);
    bool changed = false;
    // One after the other: a later rename sees the earlier one's name.
    for (const auto& [from, to] : with.renames) {
        for (std::string& name : names) {
            if (!same_name(name, from)) continue;
            name = to;
            changed = true;
        }
    }
    if (!changed) return input;
    std::vector<NamedExpr> columns;
    for (std::size_t i = 0; i < input.columns.size(); ++i) {
        if (names[i] == input.columns[i].name) {
            columns.push_back({input.columns[i], reference(input.columns[i])});
        } else {
            columns.push_back(named(reference(input.columns[i]), names[i], &input));
        }
    }
    return projected(std::move(input), std::move(columns));
}

Result<Analyzed> Analyzer::rel(const plan::DropRel& drop, const plan::Relation&) {
    MR_TRY(Analyzed input, relation(drop.input));
    std::unordered_set<AttributeId> gone;
    for (const std::string& name : drop.names) {
        for (const Attribute* column : columns_named(input, name)) gone.insert(column->id);
    }
    const Scope scope{.input = &input, .outer = outer_};
    for (const ExprPtr& expression : drop.columns) {
        const auto* name = expression->as<plan::AttributeExpr>();
        if (name != nullptr && !name->plan_id && name->parts.size() == 1) {
            for (const Attribute* column : columns_named(input, name->parts[0])) {
                gone.insert(column->id);
            }
            continue;
        }
        // A column that is not there is no error.
        const auto value = expr(expression, scope);
        if (!value) continue;
        if (const auto* ref = (*value)->as<plan::AttributeRef>()) gone.insert(ref->id);
    }
    std::vector<NamedExpr> columns;
    for (const Attribute& column : input.columns) {
        if (!gone.contains(column.id)) columns.push_back({column, reference(column)});
    }
    if (columns.size() == input.columns.size()) return input;
    return projected(std::move(input), std::move(columns));
}

Result<Analyzed> Analyzer::rel(const plan::DeduplicateRel& deduplicate, const plan::Relation&) {
    MR_TRY(Analyzed input, relation(deduplicate.input));
    plan::DeduplicateNode node;
    node.within_watermark = deduplicate.within_watermark;
    if (deduplicate.all_columns || deduplicate.columns.empty()) {
        // Hidden columns of a join would make equal rows differ.
        if (output_of(*input.plan).size() != input.columns.size()) {
            std::vector<NamedExpr> columns;
            for (const Attribute& column : input.columns) {
                columns.push_back({column, reference(column)});
            }
            input = projected(std::move(input), std::move(columns));
        }
        for (const Attribute& column : input.columns) {
            if (column.type.is(TypeKind::kMap)) {
                return fail(spark_error(
                    "UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE",
                    {{"colName", quoted_id(column.name)}, {"dataType", quoted_type(column.type)}}));
            }
            node.keys.push_back(column.id);
        }
    } else {
        for (const std::string& name : deduplicate.columns) {
            const auto found = columns_named(input, name);
            if (found.empty()) {
                const Scope scope{.input = &input};
                return fail(unresolved({name}, scope, {}));
            }
            for (const Attribute* column : found) node.keys.push_back(column->id);
        }
    }
    node.input = input.plan;
    LogicalPtr plan = make_logical(std::move(node));
    return over(std::move(plan), std::move(input));
}

Result<Analyzed> Analyzer::rel(const plan::WithWatermarkRel& watermark, const plan::Relation&) {
    MR_TRY(Analyzed input, relation(watermark.input));
    const auto delay = parse_interval_us(watermark.delay);
    if (!delay) {
        return fail(spark_error("CANNOT_PARSE_INTERVAL", {{"intervalString", watermark.delay}}));
    }
    if (*delay < 0) {
        return fail(base::Code::kInvalidArgument,
                    "requirement failed: delay threshold ({}) should not be negative.",
                    watermark.delay);
    }
    MR_TRY(const std::vector<std::string> parts, plan::split_name(watermark.event_time));
    MR_TRY(const auto found, find_name(parts, input.columns, {}));
    if (!found) {
        const Scope scope{.input = &input};
        return fail(unresolved(parts, scope, {}));
    }
    const auto* ref = (*found)->as<plan::AttributeRef>();
    const DataType& type = (*found)->type;
    const bool is_window = type.is(TypeKind::kStruct) && type.fields().size() == 2 &&
                           type.fields()[1].name == "end" &&
                           type.fields()[1].type.is(TypeKind::kTimestamp);
    if (ref == nullptr ||
        (!type.is(TypeKind::kTimestamp) && !type.is(TypeKind::kTimestampNtz) && !is_window)) {
        return fail(
            spark_error("EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE",
                        {{"eventName", quoted_id(parts)}, {"eventType", quoted_type(type)}}));
    }
    plan::WatermarkNode node;
    node.input = input.plan;
    node.event_time = ref->id;
    node.delay_ms = *delay / 1000;
    const auto mark = [&](std::vector<Attribute>& columns) {
        for (Attribute& column : columns) {
            if (column.id == ref->id) column.watermark_delay_ms = *delay / 1000;
        }
    };
    node.output = output_of(*input.plan);
    mark(node.output);
    mark(input.columns);
    LogicalPtr plan = make_logical(std::move(node));
    return over(std::move(plan), std::move(input));
}

// show() is asked of the session, which runs what lies below.
Result<Analyzed> Analyzer::rel(const plan::ShowStringRel& show, const plan::Relation&) {
    return relation(show.input);
}
Result<Analyzed> Analyzer::rel(const plan::HtmlStringRel& show, const plan::Relation&) {
    return relation(show.input);
}

Result<Analyzed> Analyzer::rel(const plan::SampleRel& sample, const plan::Relation&) {
    MR_TRY(Analyzed input, relation(sample.input));
    plan::SampleNode node{input.plan, sample.lower, sample.upper, sample.with_replacement, 0};
    node.seed = sample.seed ? *sample.seed : static_cast<std::int64_t>(std::random_device{}());
    LogicalPtr plan = make_logical(std::move(node));
    return over(std::move(plan), std::move(input));
}

Result<Analyzed> Analyzer::rel(const plan::RepartitionRel& repartition, const plan::Relation&) {
    return relation(repartition.input);
}
Result<Analyzed> Analyzer::rel(const plan::HintRel& hint, const plan::Relation&) {
    return relation(hint.input);
}

Result<Analyzed> Analyzer::rel(const plan::ToSchemaRel& to_schema, const plan::Relation&) {
    MR_TRY(Analyzed input, relation(to_schema.input));
    std::vector<NamedExpr> columns;
    const Scope scope{.input = &input};
    for (const plan::Field& field : to_schema.schema.fields()) {
        const auto found = columns_named(input, field.name);
        if (found.empty()) {
            if (!field.nullable) return fail(unresolved({field.name}, scope, {}));
            columns.push_back(named(literal_expr(Literal::null(field.type)), field.name, nullptr));
            continue;
        }
        MR_TRY(const Attribute* column, column_named(input, field.name));
        if (column->nullable && !field.nullable) {
            return fail(spark_error("NULLABLE_COLUMN_OR_FIELD", {{"name", quoted_id(field.name)}}));
        }
        if (!can_pass(column->type, field.type, true)) {
            return fail(spark_error("INVALID_COLUMN_OR_FIELD_DATA_TYPE",
                                    {{"name", quoted_id(field.name)},
                                     {"type", quoted_type(column->type)},
                                     {"expectedType", quoted_type(field.type)}}));
        }
        NamedExpr item = named(cast_to(reference(*column), field.type), field.name, &input);
        item.output.nullable = field.nullable;
        columns.push_back(std::move(item));
    }
    return projected(std::move(input), std::move(columns));
}

Result<Analyzed> Analyzer::rel(const plan::UnpivotRel& unpivot, const plan::Relation&) {
    MR_TRY(Analyzed input, relation(unpivot.input));
    Pending pending;
    const Scope scope{.input = &input, .outer = outer_, .pending = &pending};
    std::vector<NamedExpr> ids;
    std::vector<NamedExpr> values;
    MR_TRY_VOID(select_items(unpivot.ids, scope, ids));
    const auto is_in = [](const std::vector<NamedExpr>& list, AttributeId id) {
        return std::ranges::any_of(list, [&](const NamedExpr& e) { return e.output.id == id; });
    };
    if (unpivot.values) {
        MR_TRY_VOID(select_items(*unpivot.values, scope, values));
    } else {
        for (const Attribute& column : input.columns) {
            if (!is_in(ids, column.id)) values.push_back({column, reference(column)});
        }
    }
    if (values.empty()) return fail(spark_error("UNPIVOT_REQUIRES_VALUE_COLUMNS", {}));
    if (unpivot.ids.empty() && unpivot.values) {
        // SQL's UNPIVOT keeps what it does not turn.
        for (const Attribute& column : input.columns) {
            const bool turned = std::ranges::any_of(values, [&](const NamedExpr& value) {
                const auto* ref = value.expression->as<plan::AttributeRef>();
                return ref != nullptr && ref->id == column.id;
            });
            if (!turned) ids.push_back({column, reference(column)});
        }
    }
    std::vector<DataType> types;
    for (const NamedExpr& value : values) types.push_back(value.expression->type);
    std::optional<DataType> common = DataType::null();
    for (const DataType& type : types) {
        if (common) common = tightest_common_type(*common, type, ansi_);
    }
    if (!common) {
        std::vector<std::string> names;
        for (const NamedExpr& value : values) {
            names.push_back(fmt::format("{} ({})", quoted_type(value.expression->type),
                                        quoted_id(value.output.name)));
        }
        return fail(spark_error("UNPIVOT_VALUE_DATA_TYPE_MISMATCH",
                                {{"types", fmt::format("{}", fmt::join(names, ", "))}}));
    }
    // stack(n, name1, value1, name2, value2, …) beside the ids.
    plan::GenerateNode node;
    node.input = input.plan;
    std::vector<TypedExprPtr> args = {typed(Literal::integer(static_cast<int>(values.size())),
                                            DataType::integer(), false,
                                            std::to_string(values.size()))};
    bool nullable = false;
    for (const NamedExpr& value : values) {
        args.push_back(text_constant(value.output.name));
        args.push_back(cast_to(value.expression, *common));
        nullable = nullable || value.expression->nullable;
    }
    node.generator = function_call("stack", std::move(args), DataType::string(), true, "stack");
    node.output = {attribute(unpivot.variable_column, DataType::string(), false),
                   attribute(unpivot.value_column, *common, nullable)};
    std::vector<NamedExpr> columns = ids;
    for (const Attribute& column : node.output) columns.push_back({column, reference(column)});
    input.plan = make_logical(std::move(node));
    return projected(std::move(input), std::move(columns));
}

Result<Analyzed> Analyzer::rel(const plan::NaFillRel& fill, const plan::Relation&) {
    MR_TRY(Analyzed input, relation(fill.input));
    std::vector<NamedExpr> columns;
    for (const std::string& name : fill.columns) {
        MR_TRY(const Attribute* column, column_named(input, name));
        (void)column;
    }
    for (const Attribute& column : input.columns) {
        const Literal* with = nullptr;
        for (std::size_t i = 0; i < fill.columns.size(); ++i) {
            if (same_name(fill.columns[i], column.name)) {
                with = &fill.values[fill.values.size() == 1 ? 0 : i];
            }
        }
        if (fill.columns.empty() && fill.values.size() == 1) with = &fill.values[0];
        const auto fits = [&] {
            if (with == nullptr) return false;
            if (with->type.is_numeric()) return column.type.is_numeric();
            if (with->type.is_string()) return column.type.is_string();
            return with->type.is(TypeKind::kBoolean) && column.type.is(TypeKind::kBoolean);
        };
        if (!fits()) {
            columns.push_back({column, reference(column)});
            continue;
        }
        TypedExprPtr value = reference(column);
        if (column.type.is(TypeKind::kFloat) || column.type.is(TypeKind::kDouble)) {
            value = function_call("nanvl", {value, literal_expr(Literal::null(column.type))},
                                  column.type, true, column.name);
        }
        TypedExprPtr other = typed(*with, with->type, false, literal_text(*with, time_zone_));
        other = cast_to(std::move(other), column.type);
        value = function_call("coalesce", {std::move(value), std::move(other)}, column.type, false,
                              column.name);
        columns.push_back(named(std::move(value), column.name, &input));
    }
    return projected(std::move(input), std::move(columns));
}

Result<Analyzed> Analyzer::rel(const plan::NaDropRel& drop, const plan::Relation&) {
    MR_TRY(Analyzed input, relation(drop.input));
    std::vector<Attribute> looked_at;
    if (drop.columns.empty()) {
        looked_at = input.columns;
    } else {
        for (const std::string& name : drop.columns) {
            MR_TRY(const Attribute* column, column_named(input, name));
            looked_at.push_back(*column);
        }
    }
    const int least = drop.min_non_nulls.value_or(static_cast<int>(looked_at.size()));
    TypedExprPtr count;
    for (const Attribute& column : looked_at) {
        TypedExprPtr present =
            function_call("isnotnull", {reference(column)}, DataType::boolean(), false, "");
        if (column.type.is(TypeKind::kFloat) || column.type.is(TypeKind::kDouble)) {
            TypedExprPtr nan =
                function_call("isnan", {cast_to(reference(column), DataType::double_())},
                              DataType::boolean(), false, "");
            present = function_call(
                "and", {present, function_call("not", {nan}, DataType::boolean(), false, "")},
                DataType::boolean(), false, "");
        }
        plan::CaseWhen one;
        one.branches.emplace_back(std::move(present),
                                  typed(Literal::integer(1), DataType::integer(), false, "1"));
        one.otherwise = typed(Literal::integer(0), DataType::integer(), false, "0");
        TypedExprPtr value = typed(std::move(one), DataType::integer(), false, "");
        count = count ? function_call("+", {count, value}, DataType::integer(), false, "") : value;
    }
    if (!count) return input;
    TypedExprPtr enough =
        function_call(">=", {count, typed(Literal::integer(least), DataType::integer(), false, "")},
                      DataType::boolean(), false, fmt::format("atleastnnonnulls({})", least));
    LogicalPtr plan = make_logical(plan::LogicalFilter{input.plan, std::move(enough)});
    return over(std::move(plan), std::move(input));
}

Result<Analyzed> Analyzer::rel(const plan::NaReplaceRel& replace, const plan::Relation&) {
    MR_TRY(Analyzed input, relation(replace.input));
    std::vector<NamedExpr> columns;
    for (const std::string& name : replace.columns) {
        MR_TRY(const Attribute* column, column_named(input, name));
        (void)column;
    }
    for (const Attribute& column : input.columns) {
        const bool wanted =
            replace.columns.empty() || std::ranges::any_of(replace.columns, [&](const auto& name) {
                return same_name(name, column.name);
            });
        plan::CaseWhen branches;
        if (wanted) {
            for (const auto& [from, to] : replace.replacements) {
                const bool fits =
                    (from.type.is_numeric() && column.type.is_numeric()) ||
                    (from.type.is_string() && column.type.is_string()) ||
                    (from.type.is(TypeKind::kBoolean) && column.type.is(TypeKind::kBoolean));
                if (!fits) continue;
                TypedExprPtr old = cast_to(typed(from, from.type, false, ""), column.type);
                TypedExprPtr fresh = cast_to(typed(to, to.type, to.is_null(), ""), column.type);
                branches.branches.emplace_back(
                    function_call("==", {reference(column), old}, DataType::boolean(), true, ""),
                    fresh);
            }
        }
        if (branches.branches.empty()) {
            columns.push_back({column, reference(column)});
            continue;
        }
        branches.otherwise = reference(column);
        columns.push_back(
            named(typed(std::move(branches), column.type, true, column.name), column.name, &input));
    }
    return projected(std::move(input), std::move(columns));
}

// describe() and summary(): one aggregate, turned into a row for each statistic.
Result<Analyzed> Analyzer::rel(const plan::DescribeRel& describe, const plan::Relation&) {
    std::vector<std::string> statistics = describe.statistics;
    if (statistics.empty()) {
        statistics = {"count", "mean", "stddev", "min", "max"};
        if (describe.is_summary) {
            statistics = {"count", "mean", "stddev", "min", "25%", "50%", "75%", "max"};
        }
    }
    MR_TRY(Analyzed input, relation(describe.input));
    std::vector<Attribute> columns;
    if (describe.columns.empty()) {
        for (const Attribute& column : input.columns) {
            if (column.type.is_numeric() || column.type.is_string()) columns.push_back(column);
        }
    } else {
        for (const std::string& name : describe.columns) {
            MR_TRY(const Attribute* column, column_named(input, name));
            columns.push_back(*column);
        }
    }
    plan::AggregateNode aggregate;
    aggregate.input = input.plan;
    const auto add = [&](std::string id, std::vector<TypedExprPtr> args, const DataType& type) {
        plan::AggregateCall call;
        call.name = std::move(id);
        call.args = std::move(args);
        call.mode = mode();
        Attribute output = attribute(call.name, type, true);
        aggregate.aggregates.push_back({output, typed(std::move(call), type, true, output.name)});
        return reference(output);
    };
    std::vector<std::vector<TypedExprPtr>> rows;
    for (const std::string& statistic : statistics) {
        std::vector<TypedExprPtr> row = {text_constant(statistic)};
        for (const Attribute& column : columns) {
            const TypedExprPtr value = reference(column);
            TypedExprPtr number = value;
            if (column.type.is_string()) {
                plan::TypedCast cast;
                cast.child = value;
                cast.mode = EvalMode::kTry;
                number = typed(std::move(cast), DataType::double_(), true, column.name);
            } else {
                number = cast_to(value, DataType::double_());
            }
            TypedExprPtr cell;
            if (statistic == "count") {
                cell = add("count", {value}, DataType::long_());
            } else if (statistic == "count_distinct") {
                cell = add("count", {value}, DataType::long_());
                auto& call = aggregate.aggregates.back();
                TypedExpr distinct = *call.expression;
                std::get<plan::AggregateCall>(distinct.node).distinct = true;
                call.expression = std::make_shared<const TypedExpr>(std::move(distinct));
            } else if (statistic == "approx_count_distinct") {
                cell = add("approx_count_distinct", {value}, DataType::long_());
            } else if (statistic == "mean") {
                cell = add("avg", {number}, DataType::double_());
            } else if (statistic == "stddev") {
                cell = add("stddev_samp", {number}, DataType::double_());
            } else if (statistic == "min" || statistic == "max") {
                cell = add(statistic, {value}, column.type);
            } else if (statistic.ends_with('%')) {
                const double share = std::strtod(statistic.c_str(), nullptr) / 100;
                if (!(share >= 0 && share <= 1)) {
                    return fail(base::Code::kInvalidArgument,
                                "requirement failed: Percentiles must be in the range [0, 1]");
                }
                cell = add("percentile_approx",
                           {number, typed(Literal::double_(share), DataType::double_(), false, ""),
                            typed(Literal::integer(10000), DataType::integer(), false, "")},
                           DataType::double_());
            } else {
                return fail(base::Code::kInvalidArgument, "{} is not a recognised statistic",
                            statistic);
            }
            row.push_back(cast_to(cell, DataType::string()));
        }
        rows.push_back(std::move(row));
    }
    plan::GenerateNode node;
    std::vector<TypedExprPtr> args = {
        typed(Literal::integer(static_cast<int>(rows.size())), DataType::integer(), false, "")};
    for (const auto& row : rows) args.insert(args.end(), row.begin(), row.end());
    node.input = make_logical(std::move(aggregate));
    node.generator = function_call("stack", std::move(args), DataType::string(), true, "stack");
    node.output.push_back(attribute("summary", DataType::string(), true));
    for (const Attribute& column : columns) {
        node.output.push_back(attribute(column.name, DataType::string(), true));
    }
    Analyzed result;
    std::vector<NamedExpr> kept;
    for (const Attribute& column : node.output) kept.push_back({column, reference(column)});
    result.plan = make_logical(std::move(node));
    return projected(std::move(result), std::move(kept));
}

Result<Analyzed> Analyzer::rel(const plan::ObserveRel& observe, const plan::Relation&) {
    MR_TRY(Analyzed input, relation(observe.input));
    Pending pending;
    const Scope scope{.input = &input, .pending = &pending, .aggregates_allowed = true};
    plan::ObserveNode node;
    node.name = observe.name;
    MR_TRY_VOID(select_items(observe.metrics, scope, node.metrics));
    node.input = input.plan;
    LogicalPtr plan = make_logical(std::move(node));
    return over(std::move(plan), std::move(input));
}

// PIVOT: one aggregate with a filter for each value. Without values they would have to be looked up
// in the data first, which is the session's to do.
Result<Analyzed> Analyzer::pivot(const plan::AggregateRel& aggregate) {
    if (aggregate.pivot_values.empty()) {
        return fail(unsupported("pivot without a list of values."));
    }
    plan::AggregateRel plain;
    plain.input = aggregate.input;
    plain.grouping = aggregate.grouping;
    if (aggregate.select_list_is_output) {
        // SQL groups by what neither the aggregates nor the pivot column name.
        MR_TRY(const Analyzed input, relation(aggregate.input));
        std::vector<std::string> used;
        const std::function<void(const ExprPtr&)> collect = [&](const ExprPtr& e) {
            if (!e) return;
            if (const auto* name = e->as<plan::AttributeExpr>()) used.push_back(name->parts.back());
            if (const auto* function = e->as<plan::FunctionExpr>()) {
                for (const ExprPtr& arg : function->args) collect(arg);
            }
            if (const auto* alias = e->as<plan::AliasExpr>()) collect(alias->child);
            if (const auto* cast = e->as<plan::CastExpr>()) collect(cast->child);
        };
        for (const ExprPtr& e : aggregate.aggregates) collect(e);
        collect(aggregate.pivot_column);
        for (const Attribute& column : input.columns) {
            const bool is_used = std::ranges::any_of(
                used, [&](const std::string& name) { return same_name(name, column.name); });
            if (!is_used) plain.grouping.push_back(plan::column({column.name}));
        }
    }
    for (const ExprPtr& value : aggregate.pivot_values) {
        std::string label;
        ExprPtr constant = value;
        if (const auto* alias = value->as<plan::AliasExpr>()) {
            label = alias->names[0];
            constant = alias->child;
        }
        if (label.empty()) {
            const auto* literal = constant->as<Literal>();
            if (literal == nullptr)
                return fail(unsupported("pivot by a value that is no literal."));
            label = literal->is_null() ? "null" : literal_text(*literal, time_zone_);
        }
        for (const ExprPtr& item : aggregate.aggregates) {
            ExprPtr inner = item;
            std::string name = label;
            if (const auto* alias = item->as<plan::AliasExpr>()) {
                inner = alias->child;
                if (aggregate.aggregates.size() > 1) name += "_" + alias->names[0];
            } else if (aggregate.aggregates.size() > 1) {
                MR_TRY(const Analyzed input, relation(aggregate.input));
                const Scope scope{.input = &input, .aggregates_allowed = true};
                MR_TRY(const TypedExprPtr shown, expr(inner, scope));
                name += "_" + shown->sql_text;
            }
            const auto* function = inner->as<plan::FunctionExpr>();
            if (function == nullptr) {
                return fail(unsupported("pivot over an expression of aggregates."));
            }
            plan::FunctionExpr filtered = *function;
            ExprPtr matches = plan::call("<=>", {aggregate.pivot_column, constant});
            filtered.filter =
                filtered.filter ? plan::call("and", {filtered.filter, matches}) : matches;
            plain.aggregates.push_back(
                plan::alias(plan::make_expr(std::move(filtered), inner->origin), name));
        }
    }
    return relation(make_relation(std::move(plain)));
}

}  // namespace millrace::sql
