#include "connect/to_proto_internal.h"
#include "spark/connect/expressions.pb.h"

namespace millrace::connect {

namespace {

namespace proto = ::spark::connect;
using base::Code;
using base::Result;

template <class Repeated>
Result<void> all(const std::vector<plan::ExprPtr>& expressions, Repeated* into) {
    for (const auto& expression : expressions) MR_TRY_VOID(to_proto(*expression, *into->Add()));
    return {};
}

Result<void> sort_order(const plan::SortOrderExpr& order, proto::Expression_SortOrder& message) {
    using Order = proto::Expression_SortOrder;
    MR_TRY_VOID(to_proto(*order.child, *message.mutable_child()));
    message.set_direction(order.ascending ? Order::SORT_DIRECTION_ASCENDING
                                          : Order::SORT_DIRECTION_DESCENDING);
    const bool nulls_first = order.nulls_first.value_or(order.ascending);
    message.set_null_ordering(nulls_first ? Order::SORT_NULLS_FIRST : Order::SORT_NULLS_LAST);
    return {};
}

Result<void> frame_bound(const plan::FrameBound& bound,
                         proto::Expression_Window_WindowFrame_FrameBoundary& message) {
    switch (bound.kind) {
        case plan::FrameBound::Kind::kCurrentRow: message.set_current_row(true); return {};
        case plan::FrameBound::Kind::kUnboundedPreceding:
        case plan::FrameBound::Kind::kUnboundedFollowing: message.set_unbounded(true); return {};
        case plan::FrameBound::Kind::kValue: break;
    }
    return to_proto(*bound.value, *message.mutable_value());
}

// One overload for each node: the visitor below picks it.
class Writer {
public:
    explicit Writer(proto::Expression& message) : message_(message) {}

    Result<void> operator()(const plan::Literal& literal) {
        to_proto(literal, *message_.mutable_literal());
        return {};
    }
    Result<void> operator()(const plan::AttributeExpr& attribute) {
        auto* to = message_.mutable_unresolved_attribute();
        to->set_unparsed_identifier(plan::quote_name(attribute.parts));
        if (attribute.plan_id) to->set_plan_id(*attribute.plan_id);
        if (attribute.is_metadata_column) to->set_is_metadata_column(true);
        return {};
    }
    Result<void> operator()(const plan::StarExpr& star) {
        auto* to = message_.mutable_unresolved_star();
        if (!star.except.empty()) return unsupported("* EXCEPT outside SQL");
        if (!star.qualifier.empty()) {
            to->set_unparsed_target(plan::quote_name(star.qualifier) + ".*");
        }
        if (star.plan_id) to->set_plan_id(*star.plan_id);
        return {};
    }
    Result<void> operator()(const plan::RegexExpr& regex) {
        message_.mutable_unresolved_regex()->set_col_name(regex.pattern);
        if (regex.plan_id) message_.mutable_unresolved_regex()->set_plan_id(*regex.plan_id);
        return {};
    }
    Result<void> operator()(const plan::FunctionExpr& function) {
        if (function.filter != nullptr || function.ignore_nulls || !function.order_by.empty()) {
            return unsupported("FILTER, IGNORE NULLS and WITHIN GROUP outside SQL");
        }
        auto* to = message_.mutable_unresolved_function();
        to->set_function_name(function.name);
        to->set_is_distinct(function.distinct);
        if (function.is_internal) to->set_is_internal(true);
        return all(function.args, to->mutable_arguments());
    }
    Result<void> operator()(const plan::AliasExpr& alias) {
        auto* to = message_.mutable_alias();
        for (const auto& name : alias.names) to->add_name(name);
        if (!alias.metadata_json.empty()) to->set_metadata(alias.metadata_json);
        return to_proto(*alias.child, *to->mutable_expr());
    }
    Result<void> operator()(const plan::CastExpr& cast) {
        auto* to = message_.mutable_cast();
        if (cast.type) {
            to_proto(*cast.type, *to->mutable_type());
        } else {
            to->set_type_str(cast.type_text);
        }
        using Cast = proto::Expression_Cast;
        switch (cast.mode) {
            case plan::EvalMode::kDefault: break;
            case plan::EvalMode::kLegacy: to->set_eval_mode(Cast::EVAL_MODE_LEGACY); break;
            case plan::EvalMode::kAnsi: to->set_eval_mode(Cast::EVAL_MODE_ANSI); break;
            case plan::EvalMode::kTry: to->set_eval_mode(Cast::EVAL_MODE_TRY); break;
        }
        return to_proto(*cast.child, *to->mutable_expr());
    }
    Result<void> operator()(const plan::SortOrderExpr& order) {
        return sort_order(order, *message_.mutable_sort_order());
    }
    Result<void> operator()(const plan::WindowExpr& window) {
        auto* to = message_.mutable_window();
        MR_TRY_VOID(to_proto(*window.function, *to->mutable_window_function()));
        MR_TRY_VOID(all(window.partition_by, to->mutable_partition_spec()));
        for (const auto& expression : window.order_by) {
            const auto* order = expression->as<plan::SortOrderExpr>();
            plan::SortOrderExpr plain;
            plain.child = expression;
            MR_TRY_VOID(sort_order(order == nullptr ? plain : *order, *to->add_order_spec()));
        }
        if (window.frame == plan::FrameKind::kUndefined) return {};
        using Frame = proto::Expression_Window_WindowFrame;
        auto* frame = to->mutable_frame_spec();
        frame->set_frame_type(window.frame == plan::FrameKind::kRows ? Frame::FRAME_TYPE_ROW
                                                                     : Frame::FRAME_TYPE_RANGE);
        MR_TRY_VOID(frame_bound(window.lower, *frame->mutable_lower()));
        return frame_bound(window.upper, *frame->mutable_upper());
    }
    Result<void> operator()(const plan::ExtractValueExpr& extract) {
        auto* to = message_.mutable_unresolved_extract_value();
        MR_TRY_VOID(to_proto(*extract.child, *to->mutable_child()));
        return to_proto(*extract.key, *to->mutable_extraction());
    }
    Result<void> operator()(const plan::UpdateFieldsExpr& update) {
        auto* to = message_.mutable_update_fields();
        to->set_field_name(update.field);
        MR_TRY_VOID(to_proto(*update.child, *to->mutable_struct_expression()));
        if (update.value == nullptr) return {};
        return to_proto(*update.value, *to->mutable_value_expression());
    }
    Result<void> operator()(const plan::LambdaExpr& lambda) {
        auto* to = message_.mutable_lambda_function();
        for (const auto& name : lambda.parameters) to->add_arguments()->add_name_parts(name);
        return to_proto(*lambda.body, *to->mutable_function());
    }
    Result<void> operator()(const plan::LambdaVariableExpr& variable) {
        auto* to = message_.mutable_unresolved_named_lambda_variable();
        for (const auto& part : variable.parts) to->add_name_parts(part);
        return {};
    }
    Result<void> operator()(const plan::TextExpr& text) {
        message_.mutable_expression_string()->set_expression(text.text);
        return {};
    }
    Result<void> operator()(const plan::NamedArgumentExpr& argument) {
        auto* to = message_.mutable_named_argument_expression();
        to->set_key(argument.name);
        return to_proto(*argument.value, *to->mutable_value());
    }
    Result<void> operator()(const plan::SubqueryExpr& subquery) {
        if (!subquery.plan_id) return unsupported("a subquery without a plan id");
        auto* to = message_.mutable_subquery_expression();
        to->set_plan_id(*subquery.plan_id);
        using Subquery = proto::SubqueryExpression;
        switch (subquery.kind) {
            case plan::SubqueryKind::kScalar:
                to->set_subquery_type(Subquery::SUBQUERY_TYPE_SCALAR);
                break;
            case plan::SubqueryKind::kExists:
                to->set_subquery_type(Subquery::SUBQUERY_TYPE_EXISTS);
                break;
            case plan::SubqueryKind::kIn: to->set_subquery_type(Subquery::SUBQUERY_TYPE_IN); break;
            case plan::SubqueryKind::kTableArgument:
                to->set_subquery_type(Subquery::SUBQUERY_TYPE_TABLE_ARG);
                break;
        }
        return all(subquery.in_values, to->mutable_in_subquery_values());
    }
    Result<void> operator()(const plan::PythonFunctionExpr& function) {
        auto* to = message_.mutable_common_inline_user_defined_function();
        to->set_function_name(function.name);
        to->set_deterministic(function.deterministic);
        auto* udf = to->mutable_python_udf();
        to_proto(function.output_type, *udf->mutable_output_type());
        udf->set_eval_type(function.eval_type);
        udf->set_command(function.command);
        udf->set_python_ver(function.python_version);
        return all(function.args, to->mutable_arguments());
    }
    Result<void> operator()(const plan::ParameterExpr&) {
        return unsupported("a parameter outside its SQL text");
    }

private:
    static std::unexpected<base::Error> unsupported(std::string_view what) {
        return base::fail(Code::kUnsupported, "Spark Connect cannot say {}", what);
    }

    proto::Expression& message_;
};

}  // namespace

Result<void> to_proto(const plan::Expr& expression, ::spark::connect::Expression& message) {
    return std::visit(Writer(message), expression.node);
}

}  // namespace millrace::connect
