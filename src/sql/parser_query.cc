// Queries: SELECT, set operations, FROM, WITH, VALUES.
#include "sql/errors.h"
#include "sql/parser_internal.h"

namespace millrace::sql {

using base::fail;
using plan::Literal;
using plan::make_relation;

Result<RelationPtr> Parser::query() {
    const Deeper deeper(*this);
    if (deeper.too_deep()) return fail(too_complex());
    if (!at_word("with")) return query_body();
    take();
    plan::WithRel with;
    with.recursive = take_word("recursive");
    do {
        MR_TRY(std::string name, identifier());
        plan::SubqueryAliasRel view{.alias = name};
        if (at_symbol("(") && !at_any_word({"select", "with", "values", "from"}, 1)) {
            MR_TRY(view.column_names, identifier_list());
        }
        take_word("as");
        MR_TRY_VOID(expect_symbol("("));
        MR_TRY(view.input, query());
        MR_TRY_VOID(expect_symbol(")"));
        for (const auto& [earlier, relation] : with.views) {
            if (same_word(earlier, name)) {
                return fail(error_at({.start = peek().start, .stop = peek().stop},
                                     "DUPLICATED_CTE_NAMES",
                                     {{"duplicateNames", quoted_id(name)}}));
            }
        }
        with.views.emplace_back(std::move(name), make_relation(std::move(view)));
    } while (take_symbol(","));
    MR_TRY(with.input, query_body());
    return make_relation(std::move(with));
}

Result<RelationPtr> Parser::query_body() {
    MR_TRY(RelationPtr body, set_operations(0));
    return query_tail(std::move(body));
}

// ORDER BY, SORT BY, LIMIT, OFFSET: they belong to the whole of a set operation.
Result<RelationPtr> Parser::query_tail(RelationPtr input) {
    if (take_words({"cluster", "by"})) {
        MR_TRY(std::vector<ExprPtr> keys, sort_items());
        input = make_relation(plan::SortRel{std::move(input), std::move(keys), false});
    }
    if (take_words({"distribute", "by"})) {
        MR_TRY(const std::vector<ExprPtr> keys, sort_items());
        input = make_relation(plan::RepartitionRel{std::move(input)});
    }
    if (take_words({"sort", "by"})) {
        MR_TRY(std::vector<ExprPtr> keys, sort_items());
        input = make_relation(plan::SortRel{std::move(input), std::move(keys), false});
    }
    if (at_word("order") && at_word("by", 1)) {
        const int start = peek().start;
        take();
        take();
        MR_TRY(std::vector<ExprPtr> keys, sort_items());
        input = make_relation(plan::SortRel{std::move(input), std::move(keys), true});
        if (at_any_word({"sort", "distribute", "cluster"}) && at_word("by", 1)) {
            return fail(error_at(origin_from(start),
                                 "UNSUPPORTED_FEATURE.COMBINATION_QUERY_RESULT_CLAUSES", {}));
        }
    }
    ExprPtr limit;
    ExprPtr offset;
    while (at_word("limit") || at_word("offset")) {
        if (take_word("limit")) {
            if (limit) return fail(syntax_error());
            if (take_word("all")) continue;
            MR_TRY(limit, expression());
        } else {
            take();
            if (offset) return fail(syntax_error());
            MR_TRY(offset, expression());
            if (!take_word("rows")) take_word("row");
        }
    }
    if (offset) input = make_relation(plan::OffsetRel{std::move(input), std::move(offset)});
    if (limit) input = make_relation(plan::LimitRel{std::move(input), std::move(limit)});
    return input;
}

Result<RelationPtr> Parser::set_operations(int min_precedence) {
    const Deeper deeper(*this);
    if (deeper.too_deep()) return fail(too_complex());
    MR_TRY(RelationPtr left, query_primary());
    int links = 0;
    while (true) {
        if (++links > kMaxDepth) return fail(too_complex());
        plan::SetOpRel operation;
        int precedence = 1;
        if (at_word("intersect")) {
            operation.type = plan::SetOpType::kIntersect;
            precedence = 2;
        } else if (at_any_word({"except", "minus", "setminus"})) {
            operation.type = plan::SetOpType::kExcept;
        } else if (!at_word("union")) {
            return left;
        }
        if (precedence <= min_precedence) return left;
        take();
        operation.all = take_word("all");
        if (!operation.all) take_word("distinct");
        operation.by_name = take_words({"by", "name"});
        MR_TRY(operation.right, set_operations(precedence));
        operation.left = std::move(left);
        left = make_relation(std::move(operation));
    }
}

Result<RelationPtr> Parser::query_primary() {
    if (at_word("select")) return select();
    if (at_word("values")) {
        MR_TRY(RelationPtr rows, values());
        return table_alias(std::move(rows));
    }
    if (at_word("table") && at_identifier(1)) {
        take();
        MR_TRY(std::vector<std::string> name, name_parts());
        return make_relation(plan::NamedTableRel{.parts = std::move(name)});
    }
    if (take_symbol("(")) {
        MR_TRY(RelationPtr inner, query());
        MR_TRY_VOID(expect_symbol(")"));
        return inner;
    }
    if (at_word("from")) {
        // FROM t [WHERE c] SELECT …
        take();
        MR_TRY(RelationPtr input, from_clause());
        if (!at_word("select")) {
            return make_relation(
                plan::ProjectRel{std::move(input), {plan::make_expr(plan::StarExpr{})}});
        }
        take();
        MR_TRY(std::vector<ExprPtr> items, named_expressions());
        if (take_word("where")) {
            MR_TRY(ExprPtr condition, expression());
            input = make_relation(plan::FilterRel{std::move(input), std::move(condition)});
        }
        return make_relation(plan::ProjectRel{std::move(input), std::move(items)});
    }
    return fail(syntax_error());
}

Result<RelationPtr> Parser::values() {
    take();
    plan::LocalRel local;
    do {
        if (take_symbol("(")) {
            MR_TRY(std::vector<ExprPtr> row, expression_list(")"));
            local.rows.push_back(std::move(row));
        } else {
            MR_TRY(ExprPtr value, expression());
            local.rows.push_back({std::move(value)});
        }
    } while (take_symbol(","));
    return make_relation(std::move(local));
}

// /*+ NAME, NAME(argument, …) … */: read, and of no effect. Arguments are simple expressions.
Result<void> Parser::hints() {
    take();
    do {
        MR_TRY_VOID(identifier());
        if (take_symbol("(")) {
            do {
                take_symbol("-");
                const int start = peek().start;
                MR_TRY(ExprPtr argument, primary());
                MR_TRY_VOID(postfix(std::move(argument), start));
            } while (take_symbol(","));
            MR_TRY_VOID(expect_symbol(")"));
        }
        take_symbol(",");
    } while (!at_symbol("*/"));
    take();
    return {};
}

Result<RelationPtr> Parser::select() {
    const Deeper deeper(*this);
    if (deeper.too_deep()) return fail(too_complex());
    take();
    while (peek().kind == TokenKind::kHint) MR_TRY_VOID(hints());
    window_uses_.emplace_back();
    const bool distinct = take_word("distinct");
    if (!distinct && at_word("all") && !at_symbol(",", 1) && !at_symbol(".", 1)) take();
    MR_TRY(std::vector<ExprPtr> items, named_expressions());
    RelationPtr input;
    if (take_word("from")) {
        MR_TRY(input, from_clause());
    }
    while (at_word("lateral") && at_word("view", 1)) {
        MR_TRY(input, lateral_view(std::move(input)));
    }
    if (take_word("where")) {
        MR_TRY(ExprPtr condition, expression());
        input = make_relation(plan::FilterRel{std::move(input), std::move(condition)});
    }
    bool is_grouped = false;
    MR_TRY(RelationPtr result, grouped(std::move(input), std::move(items), is_grouped));
    if (take_word("having")) {
        MR_TRY(ExprPtr condition, expression());
        if (!is_grouped) {
            // HAVING without GROUP BY: one group of all rows.
            const auto* project = result->as<plan::ProjectRel>();
            plan::AggregateRel global{.input = project->input,
                                      .aggregates = project->expressions,
                                      .select_list_is_output = true};
            result = make_relation(std::move(global));
        }
        result = make_relation(plan::FilterRel{std::move(result), std::move(condition), true});
    }
    if (distinct) {
        result =
            make_relation(plan::DeduplicateRel{.input = std::move(result), .all_columns = true});
    }
    MR_TRY_VOID(window_clause());
    for (const NamedWindowUse& use : window_uses_.back()) {
        // ORDER BY may still use a name that WINDOW defines after it; query_tail has no such scope,
        // so a name that is left over here is an error.
        if (use.window == nullptr) continue;
        const auto* window = use.window->as<plan::WindowExpr>();
        if (window->partition_by.empty() && window->order_by.empty() && !use.name.empty()) {
            return fail(error_at(use.window->origin,
                                 "INVALID_SQL_SYNTAX.UNRESOLVED_WINDOW_REFERENCE",
                                 {{"windowName", quoted_id(use.name)}}));
        }
    }
    window_uses_.pop_back();
    return result;
}

// WINDOW name AS (…), …: fills in the OVER name of the select that is being read.
Result<void> Parser::window_clause() {
    if (window_uses_.empty() || !at_word("window") || !at_identifier(1)) return {};
    take();
    std::vector<std::string> seen;
    do {
        MR_TRY(const std::string name, identifier());
        for (const std::string& earlier : seen) {
            if (same_word(earlier, name)) {
                return fail(error_at({.start = peek().start, .stop = peek().stop},
                                     "INVALID_SQL_SYNTAX.REPETITIVE_WINDOW_DEFINITION",
                                     {{"windowName", quoted_id(name)}}));
            }
        }
        seen.push_back(name);
        MR_TRY_VOID(expect_word("as"));
        MR_TRY_VOID(expect_symbol("("));
        MR_TRY(const plan::WindowExpr definition, window_spec());
        MR_TRY_VOID(expect_symbol(")"));
        for (NamedWindowUse& use : window_uses_.back()) {
            if (use.window == nullptr || !same_word(use.name, name)) continue;
            auto& window = std::get<plan::WindowExpr>(use.window->node);
            ExprPtr function = window.function;
            window = definition;
            window.function = std::move(function);
            use.window = nullptr;
        }
    } while (take_symbol(","));
    return {};
}

Result<std::vector<ExprPtr>> Parser::grouping_set() {
    std::vector<ExprPtr> set;
    if (take_symbol("(")) {
        MR_TRY(set, expression_list(")"));
    } else {
        MR_TRY(ExprPtr single, expression());
        set.push_back(std::move(single));
    }
    return set;
}

Result<void> Parser::grouping_sets(plan::AggregateRel& aggregate) {
    MR_TRY_VOID(expect_symbol("("));
    do {
        MR_TRY(std::vector<ExprPtr> set, grouping_set());
        aggregate.grouping_sets.push_back(std::move(set));
    } while (take_symbol(","));
    aggregate.group_type = plan::GroupType::kGroupingSets;
    return expect_symbol(")");
}

Result<RelationPtr> Parser::grouped(RelationPtr input, std::vector<ExprPtr> items,
                                    bool& is_grouped) {
    if (!take_words({"group", "by"})) {
        return make_relation(plan::ProjectRel{std::move(input), std::move(items)});
    }
    is_grouped = true;
    plan::AggregateRel aggregate{
        .input = std::move(input), .aggregates = std::move(items), .select_list_is_output = true};
    do {
        if (take_words({"grouping", "sets"})) {
            MR_TRY_VOID(grouping_sets(aggregate));
        } else if ((at_word("rollup") || at_word("cube")) && at_symbol("(", 1)) {
            aggregate.group_type =
                at_word("rollup") ? plan::GroupType::kRollup : plan::GroupType::kCube;
            take();
            take();
            MR_TRY(std::vector<ExprPtr> keys, expression_list(")"));
            for (ExprPtr& key : keys) aggregate.grouping.push_back(std::move(key));
        } else {
            MR_TRY(ExprPtr key, expression());
            aggregate.grouping.push_back(std::move(key));
        }
    } while (take_symbol(","));
    if (take_words({"with", "rollup"})) {
        aggregate.group_type = plan::GroupType::kRollup;
    } else if (take_words({"with", "cube"})) {
        aggregate.group_type = plan::GroupType::kCube;
    } else if (take_words({"grouping", "sets"})) {
        MR_TRY_VOID(grouping_sets(aggregate));
    }
    return make_relation(std::move(aggregate));
}

// LATERAL VIEW [OUTER] generator(…) [table] [AS a, b]
Result<RelationPtr> Parser::lateral_view(RelationPtr input) {
    take();
    take();
    plan::GenerateRel generate{.input = std::move(input)};
    generate.outer = take_word("outer");
    const int start = peek().start;
    MR_TRY(std::vector<std::string> name, name_parts());
    MR_TRY(generate.generator, call_of(std::move(name), start));
    if (!at_word("as") && at_alias()) {
        MR_TRY(generate.table_alias, identifier());
    }
    const bool as = take_word("as");
    if (as || at_alias()) {
        do {
            MR_TRY(std::string column, identifier());
            generate.column_aliases.push_back(std::move(column));
        } while (take_symbol(","));
    }
    return make_relation(std::move(generate));
}

}  // namespace millrace::sql
