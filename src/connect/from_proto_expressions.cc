#include <algorithm>

#include "connect/from_proto_internal.h"
#include "connect/from_proto_lists_internal.h"
#include "spark/connect/expressions.pb.h"

namespace millrace::connect {

namespace {

// "`a.b`.*" -> {"a.b"}; "*" or nothing -> {}.
Result<std::vector<std::string>> star_qualifier(const std::string& target) {
    if (target.empty() || target == "*") return std::vector<std::string>{};
    if (!target.ends_with(".*")) {
        return invalid_plan(
            fmt::format("UnresolvedStar requires a target that ends with '.*', "
                        "but got '{}'",
                        target));
    }
    return plan::split_name(std::string_view(target).substr(0, target.size() - 2));
}

template <class Message>
std::optional<std::int64_t> plan_id_of(const Message& message) {
    return message.has_plan_id() ? std::optional(message.plan_id()) : std::nullopt;
}

}  // namespace

Result<plan::ExprPtr> FromProto::expression(const proto::Expression& message) const {
    MR_TRY(auto node, expression_node(message));
    plan::Expr expr{std::move(node), {}, {}, {}};
    const auto& origin = message.common().origin();
    if (origin.has_python_origin()) {
        expr.fragment = origin.python_origin().fragment();
        expr.call_site = origin.python_origin().call_site();
    }
    return std::make_shared<const plan::Expr>(std::move(expr));
}

Result<plan::Expr::Node> FromProto::alias(const proto::Expression_Alias& message) const {
    MR_TRY(auto child, expression(message.expr()));
    if (message.name_size() == 0) return invalid_plan("An alias needs a name");
    return plan::AliasExpr{
        std::move(child), {message.name().begin(), message.name().end()}, message.metadata()};
}

Result<plan::SortOrderExpr> FromProto::sort_order(
    const proto::Expression_SortOrder& message) const {
    using Order = proto::Expression_SortOrder;
    MR_TRY(auto child, expression(message.child()));
    plan::SortOrderExpr order;
    order.child = std::move(child);
    order.ascending = message.direction() != Order::SORT_DIRECTION_DESCENDING;
    if (message.null_ordering() == Order::SORT_NULLS_FIRST) order.nulls_first = true;
    if (message.null_ordering() == Order::SORT_NULLS_LAST) order.nulls_first = false;
    return order;
}

Result<plan::Expr::Node> FromProto::window(const proto::Expression_Window& message) const {
    using Frame = proto::Expression_Window_WindowFrame;
    plan::WindowExpr window;
    MR_TRY(window.function, expression(message.window_function()));
    MR_TRY(window.partition_by, expressions(message.partition_spec()));
    MR_TRY(window.order_by, sort_orders(message.order_spec()));
    if (!message.has_frame_spec()) return window;

    const auto bound = [&](const proto::Expression_Window_WindowFrame_FrameBoundary& boundary,
                           bool lower) -> Result<plan::FrameBound> {
        using Kind = plan::FrameBound::Kind;
        if (boundary.has_current_row()) return plan::FrameBound{Kind::kCurrentRow, nullptr};
        if (boundary.has_unbounded()) {
            return plan::FrameBound{lower ? Kind::kUnboundedPreceding : Kind::kUnboundedFollowing,
                                    nullptr};
        }
        if (!boundary.has_value()) return invalid_plan("A window frame needs both boundaries");
        MR_TRY(auto value, expression(boundary.value()));
        return plan::FrameBound{Kind::kValue, std::move(value)};
    };
    switch (message.frame_spec().frame_type()) {
        case Frame::FRAME_TYPE_ROW: window.frame = plan::FrameKind::kRows; break;
        case Frame::FRAME_TYPE_RANGE: window.frame = plan::FrameKind::kRange; break;
        default: return invalid_plan("A window frame is of rows or of a range");
    }
    MR_TRY(window.lower, bound(message.frame_spec().lower(), true));
    MR_TRY(window.upper, bound(message.frame_spec().upper(), false));
    return window;
}

Result<plan::Expr::Node> FromProto::subquery(const proto::SubqueryExpression& message) const {
    plan::SubqueryExpr subquery;
    subquery.plan_id = message.plan_id();
    MR_TRY(subquery.in_values, expressions(message.in_subquery_values()));
    switch (message.subquery_type()) {
        case proto::SubqueryExpression::SUBQUERY_TYPE_SCALAR:
            subquery.kind = plan::SubqueryKind::kScalar;
            return subquery;
        case proto::SubqueryExpression::SUBQUERY_TYPE_EXISTS:
            subquery.kind = plan::SubqueryKind::kExists;
            return subquery;
        case proto::SubqueryExpression::SUBQUERY_TYPE_IN:
            subquery.kind = plan::SubqueryKind::kIn;
            return subquery;
        case proto::SubqueryExpression::SUBQUERY_TYPE_TABLE_ARG:
            subquery.kind = plan::SubqueryKind::kTableArgument;
            return subquery;
        default: return invalid_plan("A subquery of an unknown kind");
    }
}

Result<plan::Expr::Node> FromProto::expression_node(const proto::Expression& message) const {
    using Kind = proto::Expression;
    switch (message.expr_type_case()) {
        case Kind::kLiteral: {
            MR_TRY(auto value, literal_from_proto(message.literal()));
            return value;
        }
        case Kind::kUnresolvedAttribute: {
            const auto& attribute = message.unresolved_attribute();
            MR_TRY(auto parts, plan::split_name(attribute.unparsed_identifier()));
            return plan::AttributeExpr{std::move(parts), plan_id_of(attribute),
                                       attribute.is_metadata_column()};
        }
        case Kind::kUnresolvedFunction: {
            const auto& call = message.unresolved_function();
            plan::FunctionExpr function;
            function.name = call.function_name();
            MR_TRY(function.args, expressions(call.arguments()));
            function.distinct = call.is_distinct();
            function.is_internal = call.is_internal();
            return function;
        }
        case Kind::kExpressionString:
            return plan::TextExpr{message.expression_string().expression()};
        case Kind::kUnresolvedStar: {
            const auto& star = message.unresolved_star();
            MR_TRY(auto qualifier, star_qualifier(star.unparsed_target()));
            return plan::StarExpr{std::move(qualifier), plan_id_of(star), {}};
        }
        case Kind::kAlias: return alias(message.alias());
        case Kind::kCast: {
            plan::CastExpr cast;
            MR_TRY(cast.child, expression(message.cast().expr()));
            if (message.cast().has_type()) {
                MR_TRY(cast.type, type_from_proto(message.cast().type()));
            } else {
                cast.type_text = message.cast().type_str();
            }
            switch (message.cast().eval_mode()) {
                case proto::Expression_Cast::EVAL_MODE_LEGACY:
                    cast.mode = plan::EvalMode::kLegacy;
                    break;
                case proto::Expression_Cast::EVAL_MODE_ANSI:
                    cast.mode = plan::EvalMode::kAnsi;
                    break;
                case proto::Expression_Cast::EVAL_MODE_TRY: cast.mode = plan::EvalMode::kTry; break;
                default: break;
            }
            return cast;
        }
        case Kind::kUnresolvedRegex:
            return plan::RegexExpr{message.unresolved_regex().col_name(),
                                   plan_id_of(message.unresolved_regex())};
        case Kind::kSortOrder: {
            MR_TRY(auto order, sort_order(message.sort_order()));
            return order;
        }
        case Kind::kLambdaFunction: {
            plan::LambdaExpr lambda;
            MR_TRY(lambda.body, expression(message.lambda_function().function()));
            for (const auto& argument : message.lambda_function().arguments()) {
                if (argument.name_parts_size() != 1) {
                    return invalid_plan("A lambda's argument has one name");
                }
                lambda.parameters.push_back(argument.name_parts(0));
            }
            return lambda;
        }
        case Kind::kWindow: return window(message.window());
        case Kind::kUnresolvedExtractValue: {
            MR_TRY(auto child, expression(message.unresolved_extract_value().child()));
            MR_TRY(auto key, expression(message.unresolved_extract_value().extraction()));
            return plan::ExtractValueExpr{std::move(child), std::move(key)};
        }
        case Kind::kUpdateFields: {
            plan::UpdateFieldsExpr update;
            MR_TRY(update.child, expression(message.update_fields().struct_expression()));
            update.field = message.update_fields().field_name();
            if (message.update_fields().has_value_expression()) {
                MR_TRY(update.value, expression(message.update_fields().value_expression()));
            }
            return update;
        }
        case Kind::kUnresolvedNamedLambdaVariable: {
            const auto& parts = message.unresolved_named_lambda_variable().name_parts();
            return plan::LambdaVariableExpr{{parts.begin(), parts.end()}};
        }
        case Kind::kCommonInlineUserDefinedFunction: {
            const auto& udf = message.common_inline_user_defined_function();
            if (!udf.has_python_udf()) {
                return fail(Code::kUnsupported, "Functions in Scala or Java are not supported: {}",
                            udf.function_name());
            }
            plan::PythonFunctionExpr function;
            function.name = udf.function_name();
            MR_TRY(function.args, expressions(udf.arguments()));
            function.deterministic = udf.deterministic();
            MR_TRY(function.output_type, type_from_proto(udf.python_udf().output_type()));
            function.eval_type = udf.python_udf().eval_type();
            function.command = udf.python_udf().command();
            function.python_version = udf.python_udf().python_ver();
            return function;
        }
        case Kind::kCallFunction: {
            plan::FunctionExpr function;
            function.name = message.call_function().function_name();
            MR_TRY(function.args, expressions(message.call_function().arguments()));
            return function;
        }
        case Kind::kNamedArgumentExpression: {
            MR_TRY(auto value, expression(message.named_argument_expression().value()));
            return plan::NamedArgumentExpr{message.named_argument_expression().key(),
                                           std::move(value)};
        }
        case Kind::kSubqueryExpression: return subquery(message.subquery_expression());
        case Kind::kMergeAction: return fail(Code::kUnsupported, "MERGE INTO is not supported");
        case Kind::kTypedAggregateExpression:
            return fail(Code::kUnsupported, "Typed aggregates of Scala are not supported");
        case Kind::kDirectShufflePartitionId: {
            MR_TRY(auto child, expression(message.direct_shuffle_partition_id().child()));
            return child->node;
        }
        case Kind::kExtension:
            return fail(Code::kUnsupported, "Expression extensions are not supported");
        case Kind::EXPR_TYPE_NOT_SET: break;
    }
    return invalid_plan("An expression of an unknown kind");
}

}  // namespace millrace::connect
