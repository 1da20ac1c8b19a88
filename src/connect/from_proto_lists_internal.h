// The list-valued members of FromProto: templates, because each message has its own container.
#pragma once

#include "connect/from_proto_internal.h"

namespace millrace::connect {

template <class Messages>
Result<std::vector<plan::ExprPtr>> FromProto::expressions(const Messages& messages) const {
    std::vector<plan::ExprPtr> result;
    result.reserve(static_cast<std::size_t>(messages.size()));
    for (const auto& message : messages) {
        MR_TRY(auto expr, expression(message));
        result.push_back(std::move(expr));
    }
    return result;
}

template <class Messages>
Result<std::vector<plan::ExprPtr>> FromProto::sort_orders(const Messages& messages) const {
    std::vector<plan::ExprPtr> result;
    result.reserve(static_cast<std::size_t>(messages.size()));
    for (const auto& message : messages) {
        MR_TRY(auto order, sort_order(message));
        result.push_back(plan::make_expr(std::move(order)));
    }
    return result;
}

// Arguments of a SQL text: expressions from clients of 4.0 on, literals from older ones.
template <class Message>
Result<std::vector<std::pair<std::string, plan::ExprPtr>>> FromProto::named_arguments(
    const Message& message) const {
    std::vector<std::pair<std::string, plan::ExprPtr>> result;
    for (const auto& [name, value] : message.named_arguments()) {
        MR_TRY(auto expr, expression(value));
        result.emplace_back(name, std::move(expr));
    }
    for (const auto& [name, value] : message.args()) {
        MR_TRY(auto constant, literal_from_proto(value));
        result.emplace_back(name, plan::literal(std::move(constant)));
    }
    return result;
}

template <class Message>
Result<std::vector<plan::ExprPtr>> FromProto::positional_arguments(const Message& message) const {
    MR_TRY(auto result, expressions(message.pos_arguments()));
    for (const auto& value : message.pos_args()) {
        MR_TRY(auto constant, literal_from_proto(value));
        result.push_back(plan::literal(std::move(constant)));
    }
    return result;
}

template <class Message>
Result<plan::RelationPtr> FromProto::input(const Message& message) const {
    if (!message.has_input()) return invalid_plan("A relation lacks its input");
    return relation(message.input());
}

}  // namespace millrace::connect
