#include "columnar/live_fields_internal.h"

#include <algorithm>
#include <vector>

namespace millrace::columnar {

using plan::TypedExpr;
using plan::TypedExprPtr;

LiveFields LiveFields::of(const plan::LogicalNode& plan) {
    LiveFields live;
    live.known_ = true;
    live.use_all(plan::output_of(plan));
    live.visit(plan);
    return live;
}

bool LiveFields::is_live(plan::AttributeId id) const {
    return !known_ || used_.contains(id);
}

FieldSet LiveFields::fields(plan::AttributeId id) const {
    const auto found = used_.find(id);
    return !known_ || found == used_.end() ? std::nullopt : found->second;
}

void LiveFields::use_all(const std::vector<plan::Attribute>& attributes) {
    for (const plan::Attribute& attribute : attributes) used_[attribute.id] = std::nullopt;
}

// Without recursion: a chain of ANDs may be long.
void LiveFields::use(const TypedExpr& expression) {
    std::vector<const TypedExpr*> waiting = {&expression};
    const auto add = [&](const TypedExprPtr& part) {
        if (part != nullptr) waiting.push_back(part.get());
    };
    while (!waiting.empty()) {
        const TypedExpr& next = *waiting.back();
        waiting.pop_back();
        if (const auto* ref = next.as<plan::AttributeRef>()) {
            used_[ref->id] = std::nullopt;
        } else if (const auto* field = next.as<plan::GetField>()) {
            const auto* whole = field->child->as<plan::AttributeRef>();
            if (whole == nullptr) {
                add(field->child);
                continue;
            }
            const auto [entry, is_new] = used_.try_emplace(whole->id, std::set<int>());
            if (entry->second) entry->second->insert(field->index);
        } else if (const auto* call = next.as<plan::FunctionCall>()) {
            std::ranges::for_each(call->args, add);
        } else if (const auto* aggregate = next.as<plan::AggregateCall>()) {
            std::ranges::for_each(aggregate->args, add);
            add(aggregate->filter);
            for (const auto& [value, order] : aggregate->order_by) add(value);
        } else if (const auto* cast = next.as<plan::TypedCast>()) {
            add(cast->child);
        } else if (const auto* choice = next.as<plan::CaseWhen>()) {
            for (const auto& [condition, value] : choice->branches) {
                add(condition);
                add(value);
            }
            add(choice->otherwise);
        } else if (const auto* lambda = next.as<plan::TypedLambda>()) {
            add(lambda->body);
        } else if (const auto* python = next.as<plan::PythonCall>()) {
            std::ranges::for_each(python->args, add);
        } else if (next.as<plan::TypedSubquery>() != nullptr) {
            // It may name any column of the queries around it.
            known_ = false;
        }
    }
}

// Every node comes after those above it, so that what they use of its output is known.
void LiveFields::visit(const plan::LogicalNode& node) {
    if (const auto* project = node.as<plan::ProjectNode>()) {
        for (const plan::NamedExpr& column : project->columns) {
            if (!used_.contains(column.output.id)) continue;
            // A column under a new name: of its fields only those are used that are used of it.
            const auto* ref = column.expression->as<plan::AttributeRef>();
            const FieldSet wanted = used_[column.output.id];
            if (ref == nullptr || !wanted) {
                use(*column.expression);
                continue;
            }
            const auto [entry, is_new] = used_.try_emplace(ref->id, wanted);
            if (entry->second) entry->second->insert(wanted->begin(), wanted->end());
        }
    } else if (const auto* filter = node.as<plan::LogicalFilter>()) {
        use(*filter->condition);
    } else if (const auto* aggregate = node.as<plan::AggregateNode>()) {
        for (const plan::NamedExpr& key : aggregate->keys) use(*key.expression);
        for (const plan::NamedExpr& value : aggregate->aggregates) use(*value.expression);
    } else if (const auto* window = node.as<plan::TimeWindowNode>()) {
        use(*window->time);
    } else if (const auto* sort = node.as<plan::LogicalSort>()) {
        for (const plan::TypedOrder& order : sort->orders) use(*order.expression);
    } else if (const auto* join = node.as<plan::JoinNode>()) {
        if (join->condition != nullptr) use(*join->condition);
        // The right side may name any column of the left, and is met later.
        if (join->lateral) use_all(plan::output_of(*join->left));
    } else if (node.as<plan::LogicalLimit>() == nullptr &&
               node.as<plan::WatermarkNode>() == nullptr) {
        // Set operations compare whole rows; the others are rare.
        for (const plan::LogicalPtr& input : plan::inputs_of(node)) {
            if (input != nullptr) use_all(plan::output_of(*input));
        }
        if (const auto* generate = node.as<plan::GenerateNode>()) use(*generate->generator);
        if (const auto* functions = node.as<plan::WindowNode>()) {
            for (const auto& function : functions->functions) {
                use(*function.call);
                for (const auto& key : function.partition_by) use(*key);
                for (const auto& order : function.order_by) use(*order.expression);
            }
        }
    }
    for (const plan::LogicalPtr& input : plan::inputs_of(node)) {
        if (input != nullptr) visit(*input);
    }
}

}  // namespace millrace::columnar
