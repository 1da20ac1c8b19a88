// Function calls: the row that fits best becomes a call, named and typed.
#include <fmt/ranges.h>

#include <algorithm>

#include "sql/analyzer_internal.h"
#include "sql/parser.h"
#include "sql/parser_internal.h"
#include "sql/result_rules_internal.h"
#include "sql/spark_text.h"

namespace millrace::sql {

using base::fail;
using plan::TypeKind;
using Kind = TypeClass::Kind;

Result<void> Analyzer::arguments(Call& call) {
    if (!call.args.empty() || call.expr.args.empty()) return {};
    Scope inner = call.scope;
    inner.in_window = false;
    for (const ExprPtr& arg : call.expr.args) {
        if (const auto* star = arg->as<plan::StarExpr>()) {
            // f(*) takes every column.
            MR_TRY(const std::vector<Attribute> columns, expand_star(*star, inner, *arg));
            for (const Attribute& column : columns) call.args.push_back(reference(column));
            continue;
        }
        if (const auto* named_argument = arg->as<plan::NamedArgumentExpr>()) {
            MR_TRY(TypedExprPtr value, expr(named_argument->value, inner));
            call.args.push_back(std::move(value));
            continue;
        }
        MR_TRY(TypedExprPtr value, expr(arg, inner));
        call.args.push_back(std::move(value));
    }
    return {};
}

std::string Analyzer::text_of(const Call& call, const FunctionRow& row,
                              const std::vector<TypedExprPtr>& args) const {
    std::vector<std::string> texts;
    for (const TypedExprPtr& arg : args) texts.push_back(arg ? arg->sql_text : "lambda");
    return shown_text(call.name, row, texts, call.expr.distinct);
}

bool Analyzer::result_nullable(const FunctionRow& row,
                               const std::vector<TypedExprPtr>& args) const {
    const auto nullable = [](const TypedExprPtr& arg) {
        return arg->nullable && arg->as<plan::TypedLambda>() == nullptr;
    };
    switch (row.nulls) {
        case Nulls::kIfAnyArgument: return std::ranges::any_of(args, nullable);
        case Nulls::kNever: return false;
        case Nulls::kAlways: return true;
        case Nulls::kIfAllArguments: return std::ranges::all_of(args, nullable);
        case Nulls::kIfFirst: return !args.empty() && nullable(args[0]);
        case Nulls::kUnlessAnsi: return !ansi_ || std::ranges::any_of(args, nullable);
    }
    return true;
}

TypedExprPtr Analyzer::make_call(const FunctionRow& row, std::vector<TypedExprPtr> args,
                                 DataType type, std::string text, const Expr& at) {
    const bool nullable = result_nullable(row, args);
    plan::FunctionCall call;
    call.name = row.id;
    call.args = std::move(args);
    call.mode = mode();
    if (row.group == "datetime" || row.lowering.find("{tz}") != std::string_view::npos ||
        row.group == "json") {
        call.session_time_zone = time_zone_;
    }
    return typed(std::move(call), std::move(type), nullable, std::move(text), at.origin);
}

Result<TypedExprPtr> Analyzer::aggregate_call(Call& call, const FunctionRow& row,
                                              std::vector<TypedExprPtr> args, DataType type) {
    for (const TypedExprPtr& arg : args) {
        const bool nested = contains(
            arg, [](const TypedExpr& node) { return node.as<plan::AggregateCall>() != nullptr; });
        // Over a window an aggregate may stand inside; alone it may not.
        if (nested && !call.scope.in_window) {
            return fail(spark_error("NESTED_AGGREGATE_FUNCTION", {}, site(call.at)));
        }
    }
    // With an order it is shown so, however it is written.
    if (row.id == "listagg" && !call.expr.order_by.empty()) call.name = "listagg";
    std::string text = text_of(call, row, args);
    plan::AggregateCall result;
    result.name = row.id;
    result.distinct = call.expr.distinct;
    result.ignore_nulls = call.expr.ignore_nulls;
    result.mode = mode();
    // first(x, true): the flag becomes IGNORE NULLS.
    if ((row.id == "first" || row.id == "last") && args.size() == 2) {
        const auto* literal = args[1]->as<Literal>();
        const bool* flag = literal == nullptr ? nullptr : std::get_if<bool>(&literal->value);
        result.ignore_nulls = result.ignore_nulls || (flag != nullptr && *flag);
        args.pop_back();
        text = text_of(call, row, args);
    }
    if (call.expr.filter) {
        Scope inner = call.scope;
        inner.in_aggregate = true;
        MR_TRY(result.filter, expr(call.expr.filter, inner));
        if (!result.filter->type.is(TypeKind::kBoolean)) {
            result.filter = cast_to(result.filter, DataType::boolean());
        }
        text += fmt::format(" FILTER (WHERE {})", result.filter->sql_text);
    }
    if (!call.expr.order_by.empty()) {
        std::vector<std::string> keys;
        for (const ExprPtr& key : call.expr.order_by) {
            Scope inner = call.scope;
            inner.in_aggregate = true;
            MR_TRY(plan::TypedOrder order, order_of(key, inner));
            plan::SortOrderExpr direction;
            direction.ascending = order.ascending;
            direction.nulls_first = order.nulls_first;
            keys.push_back(fmt::format("{} {} NULLS {}", order.expression->sql_text,
                                       order.ascending ? "ASC" : "DESC",
                                       order.nulls_first ? "FIRST" : "LAST"));
            result.order_by.emplace_back(std::move(order.expression), std::move(direction));
        }
        text += fmt::format(" WITHIN GROUP (ORDER BY {})", fmt::join(keys, ", "));
    }
    const bool nullable = result_nullable(row, args);
    result.args = std::move(args);
    return typed(std::move(result), std::move(type), nullable, std::move(text), call.at.origin);
}

// mode(), percentile_cont(p) and percentile_disc(p) WITHIN GROUP (ORDER BY x): aggregates of x.
Result<TypedExprPtr> Analyzer::ordered_set(Call& call) {
    const bool is_mode = call.name == "mode";
    if (call.expr.order_by.empty()) {
        if (is_mode) return generic_call(call);
        return fail(spark_error("INVALID_WITHIN_GROUP_EXPRESSION.WITHIN_GROUP_MISSING",
                                {{"funcName", quoted_id(call.name)}}, site(call.at)));
    }
    if (call.expr.distinct) {
        return fail(spark_error("INVALID_WITHIN_GROUP_EXPRESSION.DISTINCT_UNSUPPORTED",
                                {{"funcName", quoted_id(call.name)}}, site(call.at)));
    }
    if (call.expr.order_by.size() != 1) {
        return fail(spark_error("INVALID_WITHIN_GROUP_EXPRESSION.WRONG_NUM_ORDERINGS",
                                {{"funcName", quoted_id(call.name)},
                                 {"expectedNum", "1"},
                                 {"actualNum", std::to_string(call.expr.order_by.size())}},
                                site(call.at)));
    }
    Scope inner = call.scope;
    inner.in_window = false;
    inner.in_aggregate = true;
    plan::FunctionExpr plain = call.expr;
    plain.order_by.clear();
    const auto* order = call.expr.order_by[0]->as<plan::SortOrderExpr>();
    const bool down = order != nullptr && !order->ascending;
    MR_TRY(plan::TypedOrder key, order_of(call.expr.order_by[0], inner));
    Call unordered{plain, call.at, call.scope, call.name, {}};
    unordered.args = {key.expression};
    std::string shown;
    for (const ExprPtr& arg : call.expr.args) {
        MR_TRY(TypedExprPtr value, expr(arg, inner));
        shown += (shown.empty() ? "" : ", ") + value->sql_text;
        unordered.args.push_back(std::move(value));
    }
    plain.args.resize(unordered.args.size());
    MR_TRY(TypedExprPtr result, generic_call(unordered));
    TypedExpr copy = *result;
    auto* made = std::get_if<plan::AggregateCall>(&copy.node);
    if (made == nullptr) return result;
    plan::SortOrderExpr direction;
    direction.ascending = !down;
    direction.nulls_first = !down;
    made->order_by.emplace_back(made->args[0], std::move(direction));
    // Spark's mode shows the order that it falls back to, which runs the other way.
    copy.sql_text = fmt::format("{}({}) WITHIN GROUP (ORDER BY {}{})", call.name, shown,
                                key.expression->sql_text, down != is_mode ? " DESC" : "");
    if (made->filter) {
        copy.sql_text += fmt::format(" FILTER (WHERE {})", made->filter->sql_text);
    }
    return std::make_shared<const TypedExpr>(std::move(copy));
}

Result<TypedExprPtr> Analyzer::generic_call(Call& call) {
    const auto candidates = functions_named(call.name);
    std::vector<const FunctionRow*> rows(candidates.begin(), candidates.end());
    if (rows.empty()) {
        // A qualified name may be system.builtin.f.
        const std::size_t dot = call.name.rfind('.');
        const std::string_view prefix =
            std::string_view(call.name).substr(0, dot == std::string::npos ? 0 : dot);
        if (prefix == "builtin" || prefix == "system.builtin") {
            call.name = call.name.substr(dot + 1);
            return generic_call(call);
        }
        std::vector<std::string> parts = {call.expr.name};
        if (auto split = plan::split_name(call.expr.name)) parts = std::move(*split);
        return fail(spark_error("UNRESOLVED_ROUTINE",
                                {{"routineName", quoted_id(parts)},
                                 {"searchPath",
                                  "[`system`.`builtin`, `system`.`session`, "
                                  "`spark_catalog`.`default`]"}},
                                site(call.at)));
    }
    // Lambdas are typed by the signature; everything else first.
    Scope inner = call.scope;
    inner.in_window = false;
    inner.in_aggregate = inner.in_aggregate || rows[0]->kind == FunctionKind::kAggregate;
    if (call.args.empty()) {
        for (const ExprPtr& arg : call.expr.args) {
            if (arg->as<plan::LambdaExpr>() != nullptr) {
                call.args.push_back(nullptr);
                continue;
            }
            ExprPtr value = arg;
            if (const auto* named_argument = arg->as<plan::NamedArgumentExpr>()) {
                value = named_argument->value;
            }
            if (const auto* star = value->as<plan::StarExpr>()) {
                MR_TRY(const std::vector<Attribute> columns, expand_star(*star, inner, *value));
                for (const Attribute& column : columns) call.args.push_back(reference(column));
                continue;
            }
            MR_TRY(TypedExprPtr typed_value, expr(value, inner));
            call.args.push_back(std::move(typed_value));
        }
    }
    std::optional<Match> best;
    for (const FunctionRow* row : rows) {
        for (const Signature& signature : signatures_of(*row)) {
            const bool has_lambda =
                std::ranges::any_of(call.args, [](const auto& a) { return !a; });
            const bool wants_lambda = std::ranges::any_of(
                signature.arguments, [](const TypeClass& c) { return c.kind == Kind::kLambda; });
            if (has_lambda && !wants_lambda) continue;
            MR_TRY(auto found, match(call, *row, signature));
            if (found && (!best || found->level < best->level)) best = std::move(found);
        }
    }
    if (!best) {
        if (std::ranges::any_of(call.args, [](const auto& a) { return !a; }) &&
            std::ranges::none_of(rows, [](const FunctionRow* row) {
                return row->signature.find("fn(") != std::string_view::npos;
            })) {
            return fail(spark_error("INVALID_LAMBDA_FUNCTION_CALL.NON_HIGHER_ORDER_FUNCTION",
                                    {{"class", call.name}}, site(call.at)));
        }
        return fail(mismatch(call, rows));
    }
    const FunctionRow& row = *best->row;
    if (row.kind == FunctionKind::kAggregate) {
        return aggregate_call(call, row, std::move(best->args), std::move(best->type));
    }
    if (call.expr.distinct || call.expr.filter) {
        return fail(spark_error("INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX",
                                {{"prettyName", quoted_id(call.name)},
                                 {"syntax", call.expr.distinct ? "DISTINCT" : "FILTER CLAUSE"}},
                                site(call.at)));
    }
    if (row.kind == FunctionKind::kWindow && !call.scope.in_window) {
        return fail(spark_error("WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE",
                                {{"funcName", quoted_expr(text_of(call, row, best->args))}},
                                site(call.at)));
    }
    std::string text = text_of(call, row, best->args);
    if (row.id == "aggregate" && best->args.size() == 3) {
        // The finish function that was left out is shown all the same.
        text.pop_back();
        text += ", lambdafunction(namedlambdavariable(), namedlambdavariable()))";
    }
    return make_call(row, std::move(best->args), std::move(best->type), std::move(text), call.at);
}

Result<TypedExprPtr> Analyzer::node(const plan::FunctionExpr& function, const Expr& at,
                                    const Scope& scope) {
    Call call{function, at, scope, {}, {}};
    for (const char c : function.name) {
        call.name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    const auto& special = handlers();
    if (const auto found = special.find(call.name); found != special.end()) {
        return (this->*found->second)(call);
    }
    return generic_call(call);
}

}  // namespace millrace::sql
