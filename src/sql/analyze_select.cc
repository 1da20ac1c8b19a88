// SELECT: project and aggregate blocks, HAVING, ORDER BY, and their normal form.
//
// A block is built in this order, each step only where it is needed: input, time windows,
// aggregate, HAVING, window functions, generators, project, sort, and a last project that drops
// what only the sort wanted.
#include <fmt/ranges.h>

#include <algorithm>

#include "sql/analyzer_internal.h"
#include "sql/name_pattern.h"
#include "sql/parser.h"
#include "sql/spark_text.h"

namespace millrace::sql {

using base::fail;
using plan::AggregateCall;
using plan::AttributeRef;
using plan::make_logical;
using plan::TypeKind;

namespace {

bool has_aggregate(const TypedExprPtr& expression) {
    return contains(expression,
                    [](const TypedExpr& node) { return node.as<AggregateCall>() != nullptr; });
}

}  // namespace

Attribute Analyzer::attribute(std::string name, DataType type, bool nullable) {
    Attribute result;
    result.id = ids_.next();
    result.name = std::move(name);
    result.type = std::move(type);
    result.nullable = nullable;
    return result;
}

// A column of a select list. One that passes through keeps its id, qualifier and metadata.
NamedExpr Analyzer::named(TypedExprPtr expression, std::string name, const Analyzed* input,
                          std::string metadata) {
    Attribute output = attribute(std::move(name), expression->type, expression->nullable);
    if (const auto* ref = expression->as<AttributeRef>(); ref != nullptr && input != nullptr) {
        for (const Attribute& source : input->columns) {
            if (source.id != ref->id) continue;
            output.metadata_json = source.metadata_json;
            output.watermark_delay_ms = source.watermark_delay_ms;
        }
    }
    if (!metadata.empty()) output.metadata_json = std::move(metadata);
    return {std::move(output), std::move(expression)};
}

std::string Analyzer::auto_name(const Expr& expression, const TypedExprPtr& typed) const {
    if (const auto* attribute = expression.as<plan::AttributeExpr>()) {
        // A function without parentheses is called as it would be with them.
        if (attribute->parts.size() == 1 && is_bare_function(attribute->parts[0]) &&
            typed->as<AttributeRef>() == nullptr) {
            return typed->sql_text;
        }
        return attribute->parts.empty() ? typed->sql_text : attribute->parts.back();
    }
    if (const auto* cast = expression.as<plan::CastExpr>()) {
        // CAST(name AS …) keeps the name.
        if (cast->child->as<plan::AttributeExpr>() != nullptr &&
            !cast->child->as<plan::AttributeExpr>()->parts.empty()) {
            return cast->child->as<plan::AttributeExpr>()->parts.back();
        }
    }
    return typed->sql_text;
}

Result<std::vector<Attribute>> Analyzer::expand_star(const plan::StarExpr& star, const Scope& scope,
                                                     const Expr& at) {
    std::vector<Attribute> result;
    if (scope.input == nullptr) return result;
    const Analyzed& input = *scope.input;
    if (star.plan_id) {
        for (const auto& [id, columns] : input.plan_ids) {
            if (id == *star.plan_id) result = columns;
        }
        return result;
    }
    for (const Attribute& column : input.columns) {
        bool matches = star.qualifier.size() <= column.qualifier.size();
        for (std::size_t i = 0; matches && i < star.qualifier.size(); ++i) {
            const std::size_t from = column.qualifier.size() - star.qualifier.size();
            matches = same_name(star.qualifier[i], column.qualifier[from + i]);
        }
        if (matches) result.push_back(column);
    }
    if (result.empty() && !star.qualifier.empty()) {
        std::vector<std::string> names;
        for (const Attribute& column : input.columns) names.push_back(quoted_id(column.name));
        return fail(spark_error("CANNOT_RESOLVE_STAR_EXPAND",
                                {{"targetString", quoted_id(star.qualifier)},
                                 {"columns", fmt::format("{}", fmt::join(names, ", "))}},
                                site(at)));
    }
    for (const std::vector<std::string>& name : star.except) {
        const auto removed = std::erase_if(
            result, [&](const Attribute& column) { return same_name(column.name, name.back()); });
        if (removed == 0) return fail(unresolved(name, scope, site(at)));
    }
    return result;
}

Result<void> Analyzer::generator_item(const Pending::Generator& generator,
                                      const std::vector<std::string>& names,
                                      std::vector<NamedExpr>& items, const Scope&) {
    if (!names.empty() && names.size() != generator.output.size()) {
        return fail(spark_error("UDTF_ALIAS_NUMBER_MISMATCH",
                                {{"aliasesSize", std::to_string(generator.output.size())},
                                 {"aliasesNames", fmt::format("{}", fmt::join(names, ","))}}));
    }
    for (std::size_t i = 0; i < generator.output.size(); ++i) {
        Attribute output = generator.output[i];
        TypedExprPtr value = reference(output);
        if (!names.empty()) output.name = names[i];
        items.push_back({std::move(output), std::move(value)});
    }
    return {};
}

Result<void> Analyzer::select_item(const ExprPtr& expression, const Scope& scope,
                                   std::vector<NamedExpr>& items) {
    const auto pass_through = [&](const Attribute& column) {
        // An id may stand once in a node's output: a repeated column gets an id of its own.
        const bool repeated = std::ranges::any_of(
            items, [&](const NamedExpr& item) { return item.output.id == column.id; });
        if (!repeated) {
            items.push_back({column, reference(column)});
            return;
        }
        NamedExpr again = named(reference(column), column.name, scope.input);
        again.output.qualifier = column.qualifier;
        items.push_back(std::move(again));
    };
    if (const auto* star = expression->as<plan::StarExpr>()) {
        // s.* of a struct column gives its fields.
        if (!star->qualifier.empty() && scope.input != nullptr) {
            const bool is_table =
                std::ranges::any_of(scope.input->columns, [&](const Attribute& column) {
                    return !column.qualifier.empty() &&
                           same_name(column.qualifier.back(), star->qualifier.back());
                });
            if (!is_table) {
                MR_TRY(auto found,
                       find_name(star->qualifier, scope.input->columns, site(*expression)));
                if (found && (*found)->type.is(TypeKind::kStruct)) {
                    for (const plan::Field& field : (*found)->type.fields()) {
                        MR_TRY(TypedExprPtr value,
                               extract(*found, literal_expr(Literal::string(field.name)),
                                       site(*expression)));
                        items.push_back(named(std::move(value), field.name, scope.input));
                    }
                    return {};
                }
            }
        }
        MR_TRY(const std::vector<Attribute> columns, expand_star(*star, scope, *expression));
        for (const Attribute& column : columns) pass_through(column);
        return {};
    }
    if (const auto* regex = expression->as<plan::RegexExpr>()) {
        std::string pattern = regex->pattern;
        if (pattern.size() >= 2 && pattern.front() == '`' && pattern.back() == '`') {
            pattern = pattern.substr(1, pattern.size() - 2);
        }
        const auto compiled = NamePattern::make(pattern, case_sensitive_);
        if (!compiled)
            return fail(unsupported(fmt::format("the pattern {} of colRegex.", pattern)));
        for (const Attribute& column : scope.input->columns) {
            if (compiled->matches(column.name)) pass_through(column);
        }
        return {};
    }
    if (const auto* text = expression->as<plan::TextExpr>()) {
        MR_TRY(const ExprPtr parsed, parse_expression(text->text));
        const std::string_view before = text_;
        text_ = text->text;
        auto done = select_item(parsed, scope, items);
        text_ = before;
        return done;
    }
    std::vector<std::string> names;
    std::string metadata;
    ExprPtr inner = expression;
    if (const auto* alias = expression->as<plan::AliasExpr>()) {
        names = alias->names;
        metadata = alias->metadata_json;
        inner = alias->child;
    }
    const std::size_t generators = scope.pending->generators.size();
    MR_TRY(TypedExprPtr value, expr(inner, scope));
    if (scope.pending->generators.size() > generators) {
        const Pending::Generator& generator = scope.pending->generators.back();
        const auto* ref = value->as<AttributeRef>();
        if (ref == nullptr || ref->id != generator.output[0].id) {
            return fail(spark_error("UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS",
                                    {{"expression", quoted_expr(value->sql_text)}},
                                    site(*expression)));
        }
        if (scope.pending->generators.size() > 1) {
            std::vector<std::string> texts;
            for (const auto& each : scope.pending->generators) {
                texts.push_back(quoted_expr(each.call->sql_text));
            }
            return fail(spark_error("UNSUPPORTED_GENERATOR.MULTI_GENERATOR",
                                    {{"num", std::to_string(texts.size())},
                                     {"generators", fmt::format("{}", fmt::join(texts, ", "))}},
                                    site(*expression)));
        }
        return generator_item(generator, names, items, scope);
    }
    if (names.size() > 1) {
        return fail(spark_error("MULTI_ALIAS_WITHOUT_GENERATOR",
                                {{"expr", quoted_expr(value->sql_text)},
                                 {"names", fmt::format("{}", fmt::join(names, ", "))}},
                                site(*expression)));
    }
    if (names.empty() && value->as<AttributeRef>() != nullptr &&
        inner->as<plan::AttributeExpr>() != nullptr && scope.input != nullptr) {
        const AttributeId id = value->as<AttributeRef>()->id;
        for (const auto* columns : {&scope.input->columns, &scope.input->hidden}) {
            for (const Attribute& column : *columns) {
                if (column.id != id) continue;
                Attribute shown = column;
                shown.name = inner->as<plan::AttributeExpr>()->parts.back();
                pass_through(shown);
                return {};
            }
        }
    }
    std::string name = names.empty() ? auto_name(*inner, value) : names[0];
    items.push_back(named(std::move(value), std::move(name), scope.input, std::move(metadata)));
    carry_event_time(items.back(), scope.input, scope.pending);
    return {};
}

Result<void> Analyzer::select_items(const std::vector<ExprPtr>& expressions, Scope scope,
                                    std::vector<NamedExpr>& items) {
    scope.earlier = &items;
    for (const ExprPtr& expression : expressions) {
        MR_TRY_VOID(select_item(expression, scope, items));
    }
    return {};
}

Result<Block> Analyzer::project_block(const plan::ProjectRel& project) {
    Block block;
    if (project.input) {
        MR_TRY(block.input, relation(project.input));
    }
    Scope scope{.input = &block.input,
                .outer = outer_,
                .pending = &block.pending,
                .aggregates_allowed = true};
    MR_TRY_VOID(select_items(project.expressions, scope, block.items));
    const auto aggregates = [](const TypedExprPtr& expression) {
        return has_aggregate(expression);
    };
    for (const NamedExpr& item : block.items) {
        block.is_aggregate = block.is_aggregate || aggregates(item.expression);
    }
    // Only in SQL may a window's own argument be an aggregate of the whole query: sum(sum(x)) OVER.
    for (const auto& window : block.pending.windows) {
        const auto* call = window.call->as<AggregateCall>();
        const auto* ranking = window.call->as<plan::FunctionCall>();
        const auto& args = call != nullptr ? call->args : ranking->args;
        for (const TypedExprPtr& arg : args) block.is_aggregate |= aggregates(arg);
        for (const TypedExprPtr& key : window.partition_by) block.is_aggregate |= aggregates(key);
        for (const auto& order : window.order_by) {
            block.is_aggregate |= aggregates(order.expression);
        }
    }
    return block;
}

Result<Block> Analyzer::aggregate_block(const plan::AggregateRel& aggregate) {
    Block block;
    block.is_aggregate = true;
    if (aggregate.input) {
        MR_TRY(block.input, relation(aggregate.input));
    }
    Scope scope{.input = &block.input,
                .outer = outer_,
                .pending = &block.pending,
                .sql = aggregate.select_list_is_output};
    // The select list of SQL, unresolved, for ordinals and aliases in GROUP BY.
    const auto& list = aggregate.aggregates;
    const auto item_behind = [&](const ExprPtr& key) -> Result<ExprPtr> {
        if (!aggregate.select_list_is_output) return key;
        if (const auto* literal = key->as<Literal>();
            literal != nullptr && literal->type.is(TypeKind::kInteger)) {
            const std::int64_t position = std::get<std::int64_t>(literal->value);
            if (position < 1 || position > static_cast<std::int64_t>(list.size())) {
                return fail(spark_error(
                    "GROUP_BY_POS_OUT_OF_RANGE",
                    {{"index", std::to_string(position)}, {"size", std::to_string(list.size())}},
                    site(*key)));
            }
            ExprPtr item = list[static_cast<std::size_t>(position - 1)];
            if (item->as<plan::StarExpr>() != nullptr) {
                return fail(spark_error("STAR_GROUP_BY_POS", {}, site(*key)));
            }
            if (const auto* alias = item->as<plan::AliasExpr>()) item = alias->child;
            return item;
        }
        const auto* name = key->as<plan::AttributeExpr>();
        if (name == nullptr || name->parts.size() != 1) return key;
        MR_TRY(auto found, find_name(name->parts, block.input.columns, site(*key)));
        if (found) return key;
        for (const ExprPtr& item : list) {
            const auto* alias = item->as<plan::AliasExpr>();
            if (alias != nullptr && alias->names.size() == 1 &&
                same_name(alias->names[0], name->parts[0])) {
                return alias->child;
            }
        }
        return key;
    };
    const auto add_key = [&](const ExprPtr& key) -> Result<int> {
        MR_TRY(const ExprPtr meant, item_behind(key));
        std::string name;
        std::string metadata;
        ExprPtr inner = meant;
        if (const auto* alias = meant->as<plan::AliasExpr>(); alias != nullptr) {
            name = alias->names.empty() ? "" : alias->names[0];
            metadata = alias->metadata_json;
            inner = alias->child;
        }
        Scope key_scope = scope;
        key_scope.aggregates_allowed = true;
        MR_TRY(TypedExprPtr value, expr(inner, key_scope));
        if (has_aggregate(value)) {
            return fail(
                spark_error("GROUP_BY_AGGREGATE", {{"sqlExpr", value->sql_text}}, site(*key)));
        }
        if (value->type.is(TypeKind::kMap) || value->type.is(TypeKind::kVariant)) {
            return fail(spark_error(
                "GROUP_EXPRESSION_TYPE_IS_NOT_ORDERABLE",
                {{"sqlExpr", quoted_expr(value->sql_text)}, {"dataType", quoted_type(value->type)}},
                site(*key)));
        }
        for (std::size_t i = 0; i < block.keys.size(); ++i) {
            if (name.empty() && same_expr(*block.keys[i].expression, *value)) {
                return static_cast<int>(i);
            }
        }
        if (const auto* ref = value->as<AttributeRef>(); ref != nullptr && name.empty()) {
            for (const Attribute& column : block.input.columns) {
                if (column.id != ref->id) continue;
                block.keys.push_back({column, value});
                return static_cast<int>(block.keys.size() - 1);
            }
            // A window that was asked for just now: its column comes with the node.
            for (const auto& window : block.pending.time_windows) {
                if (window.window.id != ref->id) continue;
                block.keys.push_back({window.window, value});
                return static_cast<int>(block.keys.size() - 1);
            }
            for (const auto& window : block.pending.session_windows) {
                if (window.window.id != ref->id) continue;
                block.keys.push_back({window.window, value});
                return static_cast<int>(block.keys.size() - 1);
            }
        }
        if (name.empty()) name = auto_name(*inner, value);
        block.keys.push_back(named(std::move(value), std::move(name), &block.input, metadata));
        carry_event_time(block.keys.back(), &block.input, &block.pending);
        return static_cast<int>(block.keys.size() - 1);
    };
    // GROUP BY ALL: every item without an aggregate.
    const auto* all =
        aggregate.grouping.size() == 1 ? aggregate.grouping[0]->as<plan::AttributeExpr>() : nullptr;
    bool group_by_all = false;
    if (all != nullptr && aggregate.select_list_is_output && all->parts.size() == 1 &&
        same_name(all->parts[0], "all")) {
        MR_TRY(auto column,
               find_name(all->parts, block.input.columns, site(*aggregate.grouping[0])));
        group_by_all = !column;
    }
    std::vector<int> plain;
    if (group_by_all) {
        for (const ExprPtr& item : list) {
            ExprPtr inner = item;
            if (const auto* alias = item->as<plan::AliasExpr>()) inner = alias->child;
            Scope probe = scope;
            probe.aggregates_allowed = true;
            MR_TRY(const TypedExprPtr value, expr(inner, probe));
            if (has_aggregate(value)) continue;
            MR_TRY(const int index, add_key(inner));
            plain.push_back(index);
        }
    } else {
        for (const ExprPtr& key : aggregate.grouping) {
            MR_TRY(const int index, add_key(key));
            plain.push_back(index);
        }
    }
    using plan::GroupType;
    if (aggregate.group_type == GroupType::kRollup) {
        for (std::size_t n = plain.size() + 1; n-- > 0;) {
            block.grouping_sets.emplace_back(plain.begin(), plain.begin() + static_cast<long>(n));
        }
    } else if (aggregate.group_type == GroupType::kCube) {
        constexpr std::size_t kMaxCube = 12;
        if (plain.size() > kMaxCube) {
            return fail(unsupported(fmt::format("CUBE over more than {} columns.", kMaxCube)));
        }
        const std::size_t sets = std::size_t{1} << plain.size();
        for (std::size_t mask = 0; mask < sets; ++mask) {
            std::vector<int> set;
            for (std::size_t i = 0; i < plain.size(); ++i) {
                // The first set holds every key.
                if ((mask >> (plain.size() - 1 - i) & 1) == 0) set.push_back(plain[i]);
            }
            block.grouping_sets.push_back(std::move(set));
        }
    } else if (aggregate.group_type == GroupType::kGroupingSets) {
        for (const auto& members : aggregate.grouping_sets) {
            std::vector<int> set;
            for (const ExprPtr& member : members) {
                MR_TRY(const int index, add_key(member));
                set.push_back(index);
            }
            block.grouping_sets.push_back(std::move(set));
        }
    }
    // What follows may name the window of the grouping: `window`.
    Analyzed visible = block.input;
    for (const auto& window : block.pending.time_windows) {
        visible.columns.push_back(window.window);
    }
    for (const auto& window : block.pending.session_windows) {
        visible.columns.push_back(window.window);
    }
    block.input.columns = visible.columns;
    scope.aggregates_allowed = true;
    if (!aggregate.select_list_is_output) {
        for (const NamedExpr& key : block.keys) {
            block.items.push_back({key.output, reference(key.output)});
        }
        // A key that computes is referred to by what it computes, so that extraction finds it.
        for (std::size_t i = 0; i < block.keys.size(); ++i) {
            block.items[i].expression = block.keys[i].expression;
        }
    }
    MR_TRY_VOID(select_items(list, scope, block.items));
    return block;
}

Result<Block> Analyzer::block_of(const plan::Relation& relation) {
    if (const auto* project = relation.as<plan::ProjectRel>()) return project_block(*project);
    return aggregate_block(*relation.as<plan::AggregateRel>());
}

Result<void> Analyzer::add_having(Block& block, const ExprPtr& condition) {
    Scope scope{.input = &block.input,
                .outer = outer_,
                .outputs = &block.items,
                .pending = &block.pending,
                .aggregates_allowed = true,
                .sql = true};
    MR_TRY(TypedExprPtr typed_condition, expr(condition, scope));
    if (!typed_condition->type.is(TypeKind::kBoolean)) {
        if (!typed_condition->type.is(TypeKind::kNull)) {
            return fail(spark_error("DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN",
                                    {{"sqlExpr", quoted_expr(typed_condition->sql_text)},
                                     {"filter", quoted_expr(typed_condition->sql_text)},
                                     {"type", quoted_type(typed_condition->type)}},
                                    site(*condition)));
        }
        typed_condition = cast_to(std::move(typed_condition), DataType::boolean());
    }
    // Aliases stand for what they name, below the project.
    Substitution by;
    for (const NamedExpr& item : block.items) by[item.output.id] = item.expression;
    for (const NamedExpr& key : block.keys) by.erase(key.output.id);
    block.having = substitute(typed_condition, by);
    if (!block.is_aggregate && has_aggregate(block.having)) block.is_aggregate = true;
    return {};
}

Result<void> Analyzer::add_orders(Block& block, const std::vector<ExprPtr>& orders) {
    block.has_orders = true;
    Scope scope{.input = &block.input,
                .outer = outer_,
                .outputs = &block.items,
                .pending = &block.pending,
                .aggregates_allowed = true,
                .sql = true};
    for (const ExprPtr& order : orders) {
        ExprPtr child = order;
        const auto* sort = order->as<plan::SortOrderExpr>();
        if (sort != nullptr) child = sort->child;
        if (const auto* literal = child->as<Literal>();
            literal != nullptr && literal->type.is(TypeKind::kInteger)) {
            const std::int64_t position = std::get<std::int64_t>(literal->value);
            if (position < 1 || position > static_cast<std::int64_t>(block.items.size())) {
                return fail(spark_error("ORDER_BY_POS_OUT_OF_RANGE",
                                        {{"index", std::to_string(position)},
                                         {"size", std::to_string(block.items.size())}},
                                        site(*child)));
            }
            plan::TypedOrder typed_order;
            typed_order.expression =
                reference(block.items[static_cast<std::size_t>(position - 1)].output);
            if (sort != nullptr) {
                typed_order.ascending = sort->ascending;
                typed_order.nulls_first = sort->nulls_first.value_or(sort->ascending);
            }
            block.orders.push_back(std::move(typed_order));
            continue;
        }
        // ORDER BY ALL.
        if (const auto* name = child->as<plan::AttributeExpr>();
            name != nullptr && name->parts.size() == 1 && same_name(name->parts[0], "all") &&
            orders.size() == 1 && !name->plan_id) {
            const bool is_column = std::ranges::any_of(
                block.items, [&](const NamedExpr& i) { return same_name(i.output.name, "all"); });
            if (!is_column) {
                for (const NamedExpr& item : block.items) {
                    plan::TypedOrder typed_order;
                    typed_order.expression = reference(item.output);
                    if (sort != nullptr) {
                        typed_order.ascending = sort->ascending;
                        typed_order.nulls_first = sort->nulls_first.value_or(sort->ascending);
                    }
                    block.orders.push_back(std::move(typed_order));
                }
                continue;
            }
        }
        MR_TRY(plan::TypedOrder typed_order, order_of(order, scope));
        block.orders.push_back(std::move(typed_order));
    }
    return {};
}

Result<Analyzed> Analyzer::rel(const plan::ProjectRel& project, const plan::Relation&) {
    MR_TRY(Block block, project_block(project));
    return build(std::move(block));
}

Result<Analyzed> Analyzer::rel(const plan::AggregateRel& aggregate, const plan::Relation&) {
    if (aggregate.group_type == plan::GroupType::kPivot) return pivot(aggregate);
    MR_TRY(Block block, aggregate_block(aggregate));
    return build(std::move(block));
}

Result<Analyzed> Analyzer::rel(const plan::SortRel& sort, const plan::Relation&) {
    // A sort right above a SELECT may use what the SELECT does not put out.
    const plan::Relation* below = sort.input.get();
    const plan::FilterRel* having = below->as<plan::FilterRel>();
    if (having != nullptr && having->is_having) {
        below = having->input.get();
    } else {
        having = nullptr;
    }
    const auto* aggregate = below->as<plan::AggregateRel>();
    const bool is_block =
        below->as<plan::ProjectRel>() != nullptr ||
        (aggregate != nullptr && aggregate->group_type != plan::GroupType::kPivot);
    if (is_block) {
        MR_TRY(Block block, block_of(*below));
        if (having != nullptr) MR_TRY_VOID(add_having(block, having->condition));
        MR_TRY_VOID(add_orders(block, sort.orders));
        const auto id = below->plan_id;
        MR_TRY(Analyzed result, build(std::move(block)));
        for (const auto& plan_id : {id, sort.input->plan_id}) {
            if (plan_id) result.plan_ids.emplace_back(*plan_id, result.columns);
        }
        return result;
    }
    MR_TRY(Analyzed input, relation(sort.input));
    Block block;
    for (const Attribute& column : input.columns) {
        block.items.push_back({column, reference(column)});
    }
    block.input = std::move(input);
    MR_TRY_VOID(add_orders(block, sort.orders));
    if (!block.pending.windows.empty() || !block.pending.generators.empty()) {
        return build(std::move(block));
    }
    const bool aggregates = std::ranges::any_of(block.orders, [](const plan::TypedOrder& order) {
        return has_aggregate(order.expression);
    });
    if (aggregates) return build(std::move(block));
    LogicalPtr plan = make_logical(plan::LogicalSort{block.input.plan, std::move(block.orders)});
    return over(std::move(plan), std::move(block.input));
}

}  // namespace millrace::sql
