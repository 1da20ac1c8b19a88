// Window functions and sort orders.
#include <fmt/ranges.h>

#include <algorithm>

#include "sql/analyzer_internal.h"
#include "sql/parser.h"
#include "sql/parser_internal.h"
#include "sql/result_rules_internal.h"
#include "sql/spark_text.h"

namespace millrace::sql {

using base::fail;

Result<TypedExprPtr> Analyzer::node(const plan::SortOrderExpr& order, const Expr&,
                                    const Scope& scope) {
    return expr(order.child, scope);
}

Result<plan::TypedOrder> Analyzer::order_of(const ExprPtr& expression, const Scope& scope) {
    plan::TypedOrder result;
    ExprPtr child = expression;
    if (const auto* order = expression->as<plan::SortOrderExpr>()) {
        child = order->child;
        result.ascending = order->ascending;
        result.nulls_first = order->nulls_first.value_or(order->ascending);
    }
    MR_TRY(result.expression, expr(child, scope));
    if (!is_orderable(result.expression->type)) {
        return fail(spark_error("DATATYPE_MISMATCH.INVALID_ORDERING_TYPE",
                                {{"sqlExpr", quoted_expr(order_text(result))},
                                 {"functionName", "`sortorder`"},
                                 {"dataType", quoted_type(result.expression->type)}},
                                site(*expression)));
    }
    return result;
}

Result<TypedExprPtr> Analyzer::node(const plan::WindowExpr& window, const Expr& at,
                                    const Scope& scope) {
    using Bound = plan::FrameBound::Kind;
    if (scope.pending == nullptr) {
        return fail(spark_error("UNSUPPORTED_EXPR_FOR_WINDOW", {{"sqlExpr", quoted_expr("window")}},
                                site(at)));
    }
    Scope inner = scope;
    inner.in_window = true;
    MR_TRY(TypedExprPtr function, expr(window.function, inner));
    const auto* call = function->as<plan::FunctionCall>();
    const FunctionRow* row = call != nullptr ? function_by_id(call->name) : nullptr;
    const bool ranking = row != nullptr && row->kind == FunctionKind::kWindow;
    const auto* aggregate = function->as<plan::AggregateCall>();
    if (!ranking && aggregate == nullptr) {
        return fail(spark_error("UNSUPPORTED_EXPR_FOR_WINDOW",
                                {{"sqlExpr", quoted_expr(function->sql_text)}}, site(at)));
    }
    if (aggregate != nullptr && aggregate->distinct) {
        return fail(spark_error("DISTINCT_WINDOW_FUNCTION_UNSUPPORTED",
                                {{"windowExpr", quoted_expr(function->sql_text)}}, site(at)));
    }
    Scope plain = scope;
    plain.in_aggregate = false;
    plan::WindowNode::Function result;
    for (const ExprPtr& key : window.partition_by) {
        MR_TRY(TypedExprPtr value, expr(key, plain));
        result.partition_by.push_back(std::move(value));
    }
    for (const ExprPtr& key : window.order_by) {
        MR_TRY(plan::TypedOrder order, order_of(key, plain));
        result.order_by.push_back(std::move(order));
    }
    const bool ordered = !result.order_by.empty();
    if (ranking && !ordered && row->id != "nth_value") {
        return fail(spark_error("WINDOW_FUNCTION_AND_FRAME_MISMATCH",
                                {{"funcName", quoted_expr(function->sql_text)},
                                 {"windowExpr", quoted_expr("(PARTITION BY …)")}},
                                site(at)));
    }
    // The frame: given, or the function's own, or Spark's default.
    auto& frame = result.frame;
    if (window.frame != plan::FrameKind::kUndefined) {
        frame.kind = window.frame;
        frame.lower_kind = window.lower.kind;
        frame.upper_kind = window.upper.kind;
        if (frame.lower_kind == Bound::kValue) {
            MR_TRY(frame.lower, expr(window.lower.value, plain));
        }
        if (frame.upper_kind == Bound::kValue) {
            MR_TRY(frame.upper, expr(window.upper.value, plain));
        }
        if (frame.kind == plan::FrameKind::kRange &&
            (frame.lower_kind == Bound::kValue || frame.upper_kind == Bound::kValue)) {
            const ErrorParameters parameters = {{"sqlExpr", quoted_expr(window_text(result))},
                                                {"orderSpec", ""}};
            if (!ordered) {
                return fail(spark_error("DATATYPE_MISMATCH.RANGE_FRAME_WITHOUT_ORDER", parameters,
                                        site(at)));
            }
            if (result.order_by.size() > 1) {
                return fail(
                    spark_error("DATATYPE_MISMATCH.RANGE_FRAME_MULTI_ORDER", parameters, site(at)));
            }
        }
    } else if (ranking && (row->id == "lag" || row->id == "lead")) {
        frame.kind = plan::FrameKind::kRows;
        frame.lower_kind = Bound::kValue;
        frame.upper_kind = Bound::kValue;
        TypedExprPtr offset = call->args[1];
        if (row->id == "lag") {
            const auto* literal = offset->as<Literal>();
            const auto* number =
                literal == nullptr ? nullptr : std::get_if<std::int64_t>(&literal->value);
            if (number != nullptr) {
                offset = typed(Literal{DataType::integer(), -*number}, DataType::integer(), false,
                               fmt::format("{}", -*number));
            }
        }
        frame.lower = offset;
        frame.upper = offset;
    } else if (ranking && row->id != "nth_value") {
        frame.kind = plan::FrameKind::kRows;
    } else if (!ordered) {
        frame.kind = plan::FrameKind::kRows;
        frame.upper_kind = Bound::kUnboundedFollowing;
    }
    const DataType type = function->type;
    const bool nullable = function->nullable;
    const std::string text = fmt::format("{} OVER {}", function->sql_text, window_text(result));
    result.call = std::move(function);
    result.output = attribute(text, type, nullable);
    TypedExpr output = *reference(result.output);
    output.sql_text = text;
    output.origin = at.origin;
    scope.pending->windows.push_back(std::move(result));
    return std::make_shared<const TypedExpr>(std::move(output));
}

}  // namespace millrace::sql
