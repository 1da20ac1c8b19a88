// fillna, dropna, replace, describe, summary and pivot.
#include <fmt/ranges.h>

#include <algorithm>

#include "sql/analyzer_internal.h"
#include "sql/parser.h"
#include "sql/parser_internal.h"
#include "sql/result_rules_internal.h"
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
