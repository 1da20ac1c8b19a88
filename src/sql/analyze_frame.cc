// The DataFrame's conveniences: toDF, withColumn, drop, dropDuplicates, fillna, describe, unpivot …
#include <fmt/ranges.h>

#include <algorithm>

#include "sql/analyzer_internal.h"
#include "sql/parser.h"
#include "sql/parser_internal.h"
#include "sql/spark_text.h"

namespace millrace::sql {

using base::fail;
using plan::make_logical;
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
    node.seed = sample.seed ? *sample.seed : context_.now_us;
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

}  // namespace millrace::sql
