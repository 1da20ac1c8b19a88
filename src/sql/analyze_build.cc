// A SELECT block to nodes in the normal forms of plan/logical.h: aggregates, windows and generators
// are taken out of the expressions they stand in.
#include <fmt/ranges.h>

#include <algorithm>

#include "sql/analyzer_internal.h"
#include "sql/parser.h"
#include "sql/parser_internal.h"
#include "sql/result_rules_internal.h"
#include "sql/spark_text.h"

namespace millrace::sql {

using base::fail;
using plan::AggregateCall;
using plan::AttributeRef;
using plan::make_logical;
using plan::ProjectNode;

namespace {

bool has_aggregate(const TypedExprPtr& expression) {
    return contains(expression, [](const TypedExpr& node) {
        return node.as<plan::AggregateCall>() != nullptr;
    });
}

}  // namespace

namespace {

// Takes aggregates and grouping keys out of expressions that stand above an aggregate.
class Extraction {
public:
    Extraction(const Block& block, Ids& ids, std::optional<Attribute>& grouping_id)
        : block_(block), ids_(ids), grouping_id_(grouping_id) {
        for (const Attribute& column : block.input.columns) input_.insert(column.id);
        for (const NamedExpr& key : block.keys) keys_.insert(key.output.id);
    }

    std::vector<NamedExpr> aggregates;
    std::optional<base::Error> error;

    TypedExprPtr operator()(const TypedExprPtr& expression, const Site& site) {
        for (const NamedExpr& key : block_.keys) {
            if (same_expr(*expression, *key.expression)) {
                TypedExpr ref = *reference(key.output);
                ref.sql_text = expression->sql_text;
                // With grouping sets a key is null in the sets that leave it out.
                if (!block_.grouping_sets.empty()) ref.nullable = true;
                return std::make_shared<const TypedExpr>(std::move(ref));
            }
        }
        if (const auto* call = expression->as<AggregateCall>()) {
            if (call->name == "grouping" || call->name == "grouping_id") {
                return grouping(*call, expression, site);
            }
            for (const NamedExpr& known : aggregates) {
                if (same_expr(*known.expression, *expression)) {
                    TypedExpr ref = *reference(known.output);
                    ref.sql_text = expression->sql_text;
                    return std::make_shared<const TypedExpr>(std::move(ref));
                }
            }
            Attribute output;
            output.id = ids_.next();
            output.name = expression->sql_text;
            output.type = expression->type;
            output.nullable = expression->nullable;
            TypedExpr ref = *reference(output);
            ref.sql_text = expression->sql_text;
            aggregates.push_back({std::move(output), expression});
            return std::make_shared<const TypedExpr>(std::move(ref));
        }
        if (const auto* ref = expression->as<AttributeRef>();
            ref != nullptr && input_.contains(ref->id) && !keys_.contains(ref->id)) {
            if (!error) {
                error =
                    block_.keys.empty()
                        ? spark_error("MISSING_GROUP_BY", {}, site)
                        : spark_error(
                              "MISSING_AGGREGATION",
                              {{"expression", quoted_expr(expression->sql_text)},
                               {"expressionAnyValue",
                                quoted_expr(fmt::format("any_value({})", expression->sql_text))}},
                              site);
            }
            return expression;
        }
        return map_children(expression,
                            [&](const TypedExprPtr& child) { return (*this)(child, site); });
    }

private:
    TypedExprPtr grouping(const AggregateCall& call, const TypedExprPtr& expression,
                          const Site& site) {
        if (block_.grouping_sets.empty()) {
            if (!error) error = spark_error("UNSUPPORTED_GROUPING_EXPRESSION", {}, site);
            return expression;
        }
        if (!grouping_id_) {
            Attribute id;
            id.id = ids_.next();
            id.name = "spark_grouping_id";
            id.type = DataType::long_();
            id.nullable = false;
            grouping_id_ = std::move(id);
        }
        if (call.name == "grouping_id") {
            TypedExpr ref = *reference(*grouping_id_);
            ref.sql_text = expression->sql_text;
            return std::make_shared<const TypedExpr>(std::move(ref));
        }
        for (std::size_t i = 0; i < block_.keys.size(); ++i) {
            if (!same_expr(*call.args[0], *block_.keys[i].expression)) continue;
            const auto shift = static_cast<std::int32_t>(block_.keys.size() - 1 - i);
            TypedExprPtr bits =
                function_call("shiftright",
                              {reference(*grouping_id_),
                               typed(Literal::integer(shift), DataType::integer(), false, "")},
                              DataType::long_(), false, "");
            bits = function_call(
                "&", {std::move(bits), typed(Literal::long_(1), DataType::long_(), false, "")},
                DataType::long_(), false, "");
            plan::TypedCast cast;
            cast.child = std::move(bits);
            return typed(std::move(cast), DataType::byte_(), false, expression->sql_text);
        }
        if (!error) {
            std::vector<std::string> names;
            for (const NamedExpr& key : block_.keys) names.push_back(key.expression->sql_text);
            error = spark_error(
                "GROUPING_COLUMN_MISMATCH",
                {{"grouping", quoted_expr(call.args[0]->sql_text)},
                 {"groupingColumns", quoted_expr(fmt::format("{}", fmt::join(names, ",")))}},
                site);
        }
        return expression;
    }

    const Block& block_;
    Ids& ids_;
    std::optional<Attribute>& grouping_id_;
    std::unordered_set<AttributeId> input_;
    std::unordered_set<AttributeId> keys_;
};

}  // namespace

LogicalPtr Analyzer::with_windows(LogicalPtr plan, const Pending& pending) {
    for (plan::TimeWindowNode window : pending.time_windows) {
        window.input = std::move(plan);
        plan = make_logical(std::move(window));
    }
    for (plan::SessionWindowNode window : pending.session_windows) {
        window.input = std::move(plan);
        plan = make_logical(std::move(window));
    }
    return plan;
}

Result<Analyzed> Analyzer::build(Block block) {
    LogicalPtr plan = with_windows(block.input.plan, block.pending);
    // Order keys that are not columns of the list are computed in it, under no name.
    std::vector<NamedExpr> extras;
    std::vector<std::pair<std::size_t, bool>> order_places;
    Substitution outputs;
    for (const NamedExpr& item : block.items) outputs[item.output.id] = item.expression;
    std::vector<TypedExprPtr> order_values;
    for (plan::TypedOrder& order : block.orders) {
        const auto ids = references_of(order.expression);
        const bool from_list =
            !has_aggregate(order.expression) &&
            std::ranges::all_of(ids, [&](AttributeId id) { return outputs.contains(id); });
        order_places.emplace_back(order_values.size(), from_list);
        order_values.push_back(from_list ? order.expression
                                         : substitute(order.expression, outputs));
    }
    if (block.is_aggregate) {
        std::optional<Attribute> grouping_id;
        Extraction extract(block, ids_, grouping_id);
        const auto in_place = [&](TypedExprPtr& expression) {
            if (!expression) return;
            const Site where{text_, expression->origin};
            expression = extract(expression, where);
        };
        for (NamedExpr& item : block.items) {
            in_place(item.expression);
            item.output.nullable = item.expression->nullable;
        }
        in_place(block.having);
        for (std::size_t i = 0; i < order_values.size(); ++i) {
            if (!order_places[i].second) in_place(order_values[i]);
        }
        for (auto& window : block.pending.windows) {
            // The window's own function stays; its arguments are the aggregate's business.
            window.call = map_children(window.call, [&](const TypedExprPtr& child) {
                return extract(child, Site{text_, child->origin});
            });
            for (TypedExprPtr& key : window.partition_by) in_place(key);
            for (plan::TypedOrder& order : window.order_by) in_place(order.expression);
        }
        for (auto& generator : block.pending.generators) in_place(generator.call);
        if (extract.error) return fail(*extract.error);
        plan::AggregateNode aggregate;
        aggregate.input = std::move(plan);
        aggregate.keys = block.keys;
        aggregate.aggregates = std::move(extract.aggregates);
        if (!block.grouping_sets.empty()) {
            aggregate.grouping_sets = block.grouping_sets;
            aggregate.grouping_id = grouping_id;
            for (NamedExpr& key : aggregate.keys) key.output.nullable = true;
        }
        plan = make_logical(std::move(aggregate));
    }
    if (block.having) {
        plan = make_logical(plan::LogicalFilter{std::move(plan), block.having});
    }
    if (!block.pending.windows.empty()) {
        plan = make_logical(plan::WindowNode{std::move(plan), block.pending.windows});
    }
    for (Pending::Generator& generator : block.pending.generators) {
        plan::GenerateNode generate;
        generate.input = std::move(plan);
        generate.generator = generator.call;
        generate.outer = generator.outer;
        generate.output = generator.output;
        plan = make_logical(std::move(generate));
    }
    Analyzed result;
    result.plan_ids = std::move(block.input.plan_ids);
    for (const NamedExpr& item : block.items) result.columns.push_back(item.output);

    for (std::size_t i = 0; i < block.orders.size(); ++i) {
        if (order_places[i].second) continue;
        const TypedExprPtr& value = order_values[i];
        const auto same = std::ranges::find_if(block.items, [&](const NamedExpr& item) {
            return same_expr(*item.expression, *value);
        });
        if (same != block.items.end()) {
            block.orders[i].expression = reference(same->output);
            continue;
        }
        NamedExpr extra = named(value, "", nullptr);
        // A column of the input passes through under its own id.
        if (const auto* ref = value->as<AttributeRef>()) extra.output.id = ref->id;
        extra.output.name = value->sql_text;
        block.orders[i].expression = reference(extra.output);
        const bool known = std::ranges::any_of(
            extras, [&](const NamedExpr& e) { return e.output.id == extra.output.id; });
        if (!known) extras.push_back(std::move(extra));
    }
    std::vector<NamedExpr> columns = block.items;
    columns.insert(columns.end(), extras.begin(), extras.end());
    plan = make_logical(ProjectNode{std::move(plan), std::move(columns)});
    if (block.has_orders) {
        plan = make_logical(plan::LogicalSort{std::move(plan), std::move(block.orders)});
    }
    if (!extras.empty()) {
        std::vector<NamedExpr> kept;
        for (const Attribute& column : result.columns) kept.push_back({column, reference(column)});
        plan = make_logical(ProjectNode{std::move(plan), std::move(kept)});
    }
    result.plan = std::move(plan);
    return result;
}

}  // namespace millrace::sql
