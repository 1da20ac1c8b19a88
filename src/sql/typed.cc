#include "sql/typed.h"

#include "sql/function_table.h"

namespace millrace::sql {

using namespace plan;

namespace {

template <class... Ts>
struct Overloaded : Ts... {
    using Ts::operator()...;
};

bool same_list(const std::vector<TypedExprPtr>& left, const std::vector<TypedExprPtr>& right) {
    if (left.size() != right.size()) return false;
    for (std::size_t i = 0; i < left.size(); ++i) {
        if (!same_expr(*left[i], *right[i])) return false;
    }
    return true;
}

bool same_optional(const TypedExprPtr& left, const TypedExprPtr& right) {
    if (!left || !right) return !left && !right;
    return same_expr(*left, *right);
}

}  // namespace

TypedExprPtr reference(const Attribute& attribute) {
    return typed(AttributeRef{attribute.id}, attribute.type, attribute.nullable, attribute.name);
}

TypedExprPtr literal_expr(Literal value) {
    DataType type = value.type;
    const bool nullable = value.is_null();
    return typed(std::move(value), std::move(type), nullable, nullable ? "NULL" : "");
}

TypedExprPtr function_call(std::string id, std::vector<TypedExprPtr> args, DataType type,
                           bool nullable, std::string sql_text, EvalMode mode) {
    FunctionCall call;
    call.name = std::move(id);
    call.args = std::move(args);
    call.mode = mode;
    return typed(std::move(call), std::move(type), nullable, std::move(sql_text));
}

TypedExprPtr map_children(const TypedExprPtr& expression, const Change& change) {
    TypedExpr copy = *expression;
    bool changed = false;
    const auto apply = [&](TypedExprPtr& child) {
        if (!child) return;
        TypedExprPtr next = change(child);
        if (next != child) {
            changed = true;
            child = std::move(next);
        }
    };
    std::visit(Overloaded{
                   [](Literal&) {},
                   [](AttributeRef&) {},
                   [&](FunctionCall& call) {
                       for (TypedExprPtr& arg : call.args) apply(arg);
                   },
                   [&](AggregateCall& call) {
                       for (TypedExprPtr& arg : call.args) apply(arg);
                       apply(call.filter);
                       for (auto& [key, order] : call.order_by) apply(key);
                   },
                   [&](TypedCast& cast) { apply(cast.child); },
                   [&](CaseWhen& branches) {
                       for (auto& [condition, value] : branches.branches) {
                           apply(condition);
                           apply(value);
                       }
                       apply(branches.otherwise);
                   },
                   [&](GetField& get) { apply(get.child); },
                   [&](TypedLambda& lambda) { apply(lambda.body); },
                   [&](TypedSubquery& subquery) {
                       for (TypedExprPtr& value : subquery.in_values) apply(value);
                   },
                   [&](PythonCall& call) {
                       for (TypedExprPtr& arg : call.args) apply(arg);
                   },
               },
               copy.node);
    if (!changed) return expression;
    return std::make_shared<const TypedExpr>(std::move(copy));
}

void walk(const TypedExprPtr& expression, const std::function<bool(const TypedExpr&)>& visit) {
    if (!expression || !visit(*expression)) return;
    map_children(expression, [&](const TypedExprPtr& child) {
        walk(child, visit);
        return child;
    });
}

bool contains(const TypedExprPtr& expression, const std::function<bool(const TypedExpr&)>& test) {
    bool found = false;
    walk(expression, [&](const TypedExpr& node) {
        found = found || test(node);
        return !found;
    });
    return found;
}

bool same_expr(const TypedExpr& left, const TypedExpr& right) {
    if (&left == &right) return true;
    if (left.node.index() != right.node.index() ||
        !left.type.same_ignoring_nullability(right.type)) {
        return false;
    }
    return std::visit(
        Overloaded{
            [&](const Literal& a) { return a == std::get<Literal>(right.node); },
            [&](const AttributeRef& a) { return a.id == std::get<AttributeRef>(right.node).id; },
            [&](const FunctionCall& a) {
                const auto& b = std::get<FunctionCall>(right.node);
                return a.name == b.name && a.mode == b.mode && same_list(a.args, b.args) &&
                       is_deterministic(std::make_shared<const TypedExpr>(left));
            },
            [&](const AggregateCall& a) {
                const auto& b = std::get<AggregateCall>(right.node);
                return a.name == b.name && a.distinct == b.distinct &&
                       a.ignore_nulls == b.ignore_nulls && same_list(a.args, b.args) &&
                       same_optional(a.filter, b.filter) && a.order_by.empty() &&
                       b.order_by.empty();
            },
            [&](const TypedCast& a) {
                const auto& b = std::get<TypedCast>(right.node);
                return a.mode == b.mode && same_expr(*a.child, *b.child);
            },
            [&](const CaseWhen& a) {
                const auto& b = std::get<CaseWhen>(right.node);
                if (a.branches.size() != b.branches.size()) return false;
                for (std::size_t i = 0; i < a.branches.size(); ++i) {
                    if (!same_expr(*a.branches[i].first, *b.branches[i].first) ||
                        !same_expr(*a.branches[i].second, *b.branches[i].second)) {
                        return false;
                    }
                }
                return same_optional(a.otherwise, b.otherwise);
            },
            [&](const GetField& a) {
                const auto& b = std::get<GetField>(right.node);
                return a.index == b.index && same_expr(*a.child, *b.child);
            },
            [](const TypedLambda&) { return false; },
            [](const TypedSubquery&) { return false; },
            [](const PythonCall&) { return false; },
        },
        left.node);
}

TypedExprPtr substitute(const TypedExprPtr& expression, const Substitution& by) {
    if (const auto* ref = expression->as<AttributeRef>()) {
        const auto found = by.find(ref->id);
        return found == by.end() ? expression : found->second;
    }
    return map_children(expression,
                        [&](const TypedExprPtr& child) { return substitute(child, by); });
}

std::unordered_set<AttributeId> references_of(const TypedExprPtr& expression) {
    std::unordered_set<AttributeId> result;
    walk(expression, [&](const TypedExpr& node) {
        if (const auto* ref = node.as<AttributeRef>()) result.insert(ref->id);
        return true;
    });
    return result;
}

bool is_deterministic(const TypedExprPtr& expression) {
    return !contains(expression, [](const TypedExpr& node) {
        if (const auto* call = node.as<FunctionCall>()) {
            const FunctionRow* row = function_by_id(call->name);
            return row != nullptr && !row->deterministic;
        }
        const auto* python = node.as<PythonCall>();
        return python != nullptr && !python->function->deterministic;
    });
}

bool is_foldable(const TypedExprPtr& expression) {
    return !contains(expression, [](const TypedExpr& node) {
        return node.as<AttributeRef>() != nullptr || node.as<AggregateCall>() != nullptr ||
               node.as<TypedSubquery>() != nullptr || node.as<PythonCall>() != nullptr ||
               node.as<TypedLambda>() != nullptr;
    }) && is_deterministic(expression);
}

namespace {

// Renews ids from the leaves up; a reference to an id of no node inside (an outer column) stays.
class Renewal {
public:
    explicit Renewal(Ids& ids) : ids_(ids) {}

    LogicalPtr plan(const LogicalPtr& node) {
        if (!node) return node;
        std::vector<LogicalPtr> inputs;
        for (const LogicalPtr& input : inputs_of(*node)) inputs.push_back(plan(input));
        LogicalNode copy = inputs.empty() ? *node : *with_inputs(*node, std::move(inputs));
        std::visit([&](auto& held) { renew(held); }, copy.node);
        return std::make_shared<const LogicalNode>(std::move(copy));
    }

private:
    void fresh(Attribute& attribute) {
        const auto [found, added] = map_.try_emplace(attribute.id, 0);
        if (added) found->second = ids_.next();
        attribute.id = found->second;
    }
    // An attribute that passes through keeps what its source was given.
    AttributeId renamed(AttributeId id) const {
        const auto found = map_.find(id);
        return found == map_.end() ? id : found->second;
    }
    TypedExprPtr expr(const TypedExprPtr& expression) {
        if (!expression) return expression;
        if (const auto* ref = expression->as<AttributeRef>()) {
            TypedExpr copy = *expression;
            copy.node = AttributeRef{renamed(ref->id)};
            return std::make_shared<const TypedExpr>(std::move(copy));
        }
        if (const auto* lambda = expression->as<TypedLambda>()) {
            TypedLambda copy = *lambda;
            for (Attribute& parameter : copy.parameters) fresh(parameter);
            copy.body = expr(copy.body);
            TypedExpr result = *expression;
            result.node = std::move(copy);
            return std::make_shared<const TypedExpr>(std::move(result));
        }
        if (const auto* subquery = expression->as<TypedSubquery>()) {
            TypedSubquery copy = *subquery;
            copy.plan = plan(copy.plan);
            for (TypedExprPtr& value : copy.in_values) value = expr(value);
            TypedExpr result = *expression;
            result.node = std::move(copy);
            return std::make_shared<const TypedExpr>(std::move(result));
        }
        return map_children(expression, [&](const TypedExprPtr& child) { return expr(child); });
    }
    void named(std::vector<NamedExpr>& columns) {
        for (NamedExpr& column : columns) column.expression = expr(column.expression);
        for (NamedExpr& column : columns) fresh(column.output);
    }
    void all(std::vector<Attribute>& attributes) {
        for (Attribute& attribute : attributes) fresh(attribute);
    }

    void renew(ScanNode& scan) {
        scan.scan_id = static_cast<std::int64_t>(ids_.next());
        all(scan.output);
    }
    void renew(LocalDataNode& local) { all(local.output); }
    void renew(RangeNode& range) { fresh(range.output); }
    void renew(ProjectNode& project) { named(project.columns); }
    void renew(LogicalFilter& filter) { filter.condition = expr(filter.condition); }
    void renew(JoinNode& join) {
        all(join.output);
        join.condition = expr(join.condition);
    }
    void renew(AggregateNode& aggregate) {
        named(aggregate.keys);
        named(aggregate.aggregates);
        if (aggregate.grouping_id) fresh(*aggregate.grouping_id);
    }
    void renew(WindowNode& window) {
        for (auto& function : window.functions) {
            function.call = expr(function.call);
            for (TypedExprPtr& key : function.partition_by) key = expr(key);
            for (TypedOrder& order : function.order_by) order.expression = expr(order.expression);
            function.frame.lower = expr(function.frame.lower);
            function.frame.upper = expr(function.frame.upper);
        }
        for (auto& function : window.functions) fresh(function.output);
    }
    void renew(TimeWindowNode& window) {
        window.time = expr(window.time);
        fresh(window.window);
    }
    void renew(SessionWindowNode& window) {
        window.time = expr(window.time);
        window.gap = expr(window.gap);
        fresh(window.window);
    }
    void renew(LogicalSort& sort) {
        for (TypedOrder& order : sort.orders) order.expression = expr(order.expression);
    }
    void renew(LogicalLimit&) {}
    void renew(SetOpNode& set_op) { all(set_op.output); }
    void renew(DeduplicateNode& deduplicate) {
        for (AttributeId& key : deduplicate.keys) key = renamed(key);
    }
    void renew(GenerateNode& generate) {
        generate.generator = expr(generate.generator);
        all(generate.output);
    }
    void renew(WatermarkNode& watermark) {
        watermark.event_time = renamed(watermark.event_time);
        all(watermark.output);
    }
    void renew(SampleNode&) {}
    void renew(ObserveNode& observe) { named(observe.metrics); }

    Ids& ids_;
    std::unordered_map<AttributeId, AttributeId> map_;
};

}  // namespace

LogicalPtr with_fresh_ids(const LogicalPtr& plan, Ids& ids) {
    return Renewal(ids).plan(plan);
}

}  // namespace millrace::sql
