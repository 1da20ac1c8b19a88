#include "session/scans.h"

namespace millrace::session {

namespace {

using Visit = std::function<void(const plan::LogicalNode&)>;

void in_expression(const plan::TypedExprPtr& expression, const Visit& visit) {
    if (expression == nullptr) return;
    const auto all = [&](const std::vector<plan::TypedExprPtr>& children) {
        for (const auto& child : children) in_expression(child, visit);
    };
    if (const auto* call = expression->as<plan::FunctionCall>()) {
        all(call->args);
    } else if (const auto* aggregate = expression->as<plan::AggregateCall>()) {
        all(aggregate->args);
        in_expression(aggregate->filter, visit);
    } else if (const auto* cast = expression->as<plan::TypedCast>()) {
        in_expression(cast->child, visit);
    } else if (const auto* choice = expression->as<plan::CaseWhen>()) {
        for (const auto& [condition, value] : choice->branches) {
            in_expression(condition, visit);
            in_expression(value, visit);
        }
        in_expression(choice->otherwise, visit);
    } else if (const auto* field = expression->as<plan::GetField>()) {
        in_expression(field->child, visit);
    } else if (const auto* lambda = expression->as<plan::TypedLambda>()) {
        in_expression(lambda->body, visit);
    } else if (const auto* python = expression->as<plan::PythonCall>()) {
        all(python->args);
    } else if (const auto* subquery = expression->as<plan::TypedSubquery>()) {
        all(subquery->in_values);
        if (subquery->plan != nullptr) for_each_node(*subquery->plan, visit);
    }
}

void in_named(const std::vector<plan::NamedExpr>& columns, const Visit& visit) {
    for (const auto& column : columns) in_expression(column.expression, visit);
}

void in_orders(const std::vector<plan::TypedOrder>& orders, const Visit& visit) {
    for (const auto& order : orders) in_expression(order.expression, visit);
}

}  // namespace

void for_each_node(const plan::LogicalNode& root, const Visit& visit) {
    visit(root);
    for (const auto& input : plan::inputs_of(root)) for_each_node(*input, visit);
    if (const auto* project = root.as<plan::ProjectNode>()) {
        in_named(project->columns, visit);
    } else if (const auto* filter = root.as<plan::LogicalFilter>()) {
        in_expression(filter->condition, visit);
    } else if (const auto* join = root.as<plan::JoinNode>()) {
        in_expression(join->condition, visit);
    } else if (const auto* aggregate = root.as<plan::AggregateNode>()) {
        in_named(aggregate->keys, visit);
        in_named(aggregate->aggregates, visit);
    } else if (const auto* window = root.as<plan::WindowNode>()) {
        for (const auto& function : window->functions) {
            in_expression(function.call, visit);
            for (const auto& key : function.partition_by) in_expression(key, visit);
            in_orders(function.order_by, visit);
        }
    } else if (const auto* sort = root.as<plan::LogicalSort>()) {
        in_orders(sort->orders, visit);
    } else if (const auto* generate = root.as<plan::GenerateNode>()) {
        in_expression(generate->generator, visit);
    } else if (const auto* observe = root.as<plan::ObserveNode>()) {
        in_named(observe->metrics, visit);
    } else if (const auto* local = root.as<plan::LocalDataNode>()) {
        for (const auto& row : local->rows) {
            for (const auto& value : row) in_expression(value, visit);
        }
    }
}

}  // namespace millrace::session
