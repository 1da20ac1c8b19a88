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

Result<RelationPtr> Parser::select() {
    const Deeper deeper(*this);
    if (deeper.too_deep()) return fail(too_complex());
    take();
    if (peek().kind == TokenKind::kHint) {
        while (!at_symbol("*/")) {
            if (at_end()) return fail(syntax_error());
            take();
        }
        take();
    }
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

Result<RelationPtr> Parser::from_clause() {
    MR_TRY(RelationPtr left, joined());
    while (take_symbol(",")) {
        const bool lateral = at_word("lateral") && !at_word("view", 1);
        if (lateral) take();
        MR_TRY(RelationPtr right, joined());
        left = make_relation(plan::JoinRel{.left = std::move(left),
                                           .right = std::move(right),
                                           .type = plan::JoinType::kInner,
                                           .lateral = lateral});
    }
    while (at_word("lateral") && at_word("view", 1)) {
        MR_TRY(left, lateral_view(std::move(left)));
    }
    if (at_word("pivot") && at_symbol("(", 1)) return pivot(std::move(left));
    if (at_word("unpivot")) return unpivot(std::move(left));
    return left;
}

Result<RelationPtr> Parser::joined() {
    const Deeper deeper(*this);
    if (deeper.too_deep()) return fail(too_complex());
    MR_TRY(RelationPtr left, relation_primary());
    return joins_after(std::move(left));
}

Result<RelationPtr> Parser::joins_after(RelationPtr left) {
    int links = 0;
    while (true) {
        if (++links > kMaxDepth) return fail(too_complex());
        plan::JoinRel join;
        std::size_t ahead = 0;
        const auto next = [&](std::string_view word) {
            if (!at_word(word, ahead)) return false;
            ++ahead;
            return true;
        };
        join.natural = next("natural");
        if (next("inner")) {
            join.type = plan::JoinType::kInner;
        } else if (next("cross")) {
            join.type = plan::JoinType::kCross;
        } else if (next("left")) {
            join.type = next("semi")   ? plan::JoinType::kLeftSemi
                        : next("anti") ? plan::JoinType::kLeftAnti
                                       : plan::JoinType::kLeftOuter;
            next("outer");
        } else if (next("right")) {
            join.type = plan::JoinType::kRightOuter;
            next("outer");
        } else if (next("full")) {
            join.type = plan::JoinType::kFullOuter;
            next("outer");
        } else if (next("semi")) {
            join.type = plan::JoinType::kLeftSemi;
        } else if (next("anti")) {
            join.type = plan::JoinType::kLeftAnti;
        }
        if (!next("join")) return left;
        if (join.natural && join.type == plan::JoinType::kCross) {
            return fail(error_at({.start = peek().start, .stop = peek().stop},
                                 "INCOMPATIBLE_JOIN_TYPES",
                                 {{"joinType1", "NATURAL"}, {"joinType2", "CROSS"}}));
        }
        const int start = peek().start;
        for (std::size_t i = 0; i < ahead; ++i) take();
        join.lateral = take_word("lateral");
        MR_TRY(join.right, relation_primary());
        join.left = std::move(left);
        if (take_word("on")) {
            MR_TRY(join.condition, expression());
        } else if (take_word("using")) {
            MR_TRY(join.using_columns, identifier_list());
        }
        auto relation = std::make_shared<plan::Relation>(plan::Relation{std::move(join), {}, {}});
        relation->origin = origin_from(start);
        left = std::move(relation);
    }
}

Result<RelationPtr> Parser::relation_primary() {
    const Deeper deeper(*this);
    if (deeper.too_deep()) return fail(too_complex());
    const int start = peek().start;
    if (take_word("lateral")) {
        MR_TRY(RelationPtr inner, relation_primary());
        return inner;
    }
    if (at_symbol("(")) {
        take();
        // A subquery, or joins in parentheses.
        if (at_any_word({"select", "with", "values", "from"}) ||
            (at_word("table") && at_identifier(1))) {
            MR_TRY(RelationPtr inner, query());
            MR_TRY_VOID(expect_symbol(")"));
            MR_TRY(inner, relation_extras(std::move(inner)));
            return table_alias(std::move(inner));
        }
        // ((SELECT …) UNION (SELECT …)) begins like joins in parentheses: try the query first, a
        // bounded number of times, since each level of parentheses could ask for it again.
        constexpr int kMaxAttempts = 32;
        if (at_symbol("(") && ++attempts_ <= kMaxAttempts) {
            const std::size_t before = mark();
            const int parameters = parameters_;
            auto inner = query();
            if (inner && take_symbol(")")) return table_alias(std::move(*inner));
            reset(before);
            parameters_ = parameters;
        }
        MR_TRY(RelationPtr inner, joined());
        MR_TRY_VOID(expect_symbol(")"));
        return table_alias(std::move(inner));
    }
    if (at_word("values")) {
        MR_TRY(RelationPtr rows, values());
        return table_alias(std::move(rows));
    }
    MR_TRY(std::vector<std::string> name, name_parts());
    MR_TRY_VOID(no_hyphen(start));
    if (at_symbol("(")) return table_function(std::move(name), start);
    auto table = std::make_shared<plan::Relation>(
        plan::Relation{plan::NamedTableRel{.parts = std::move(name)}, {}, origin_from(start)});
    MR_TRY(RelationPtr result, relation_extras(std::move(table)));
    return table_alias(std::move(result));
}

// TABLESAMPLE, PIVOT, UNPIVOT behind a relation.
Result<RelationPtr> Parser::relation_extras(RelationPtr input) {
    if (at_word("tablesample")) return sample(std::move(input));
    return input;
}

Result<RelationPtr> Parser::table_alias(RelationPtr input) {
    if (at_word("pivot") && at_symbol("(", 1)) return pivot(std::move(input));
    if (at_word("unpivot")) return unpivot(std::move(input));
    const bool as = take_word("as");
    if (!as && !at_alias()) return input;
    plan::SubqueryAliasRel alias{.input = std::move(input)};
    MR_TRY(alias.alias, identifier());
    if (at_symbol("(")) {
        MR_TRY(alias.column_names, identifier_list());
    }
    RelationPtr result = make_relation(std::move(alias));
    if (at_word("pivot") && at_symbol("(", 1)) return pivot(std::move(result));
    if (at_word("unpivot")) return unpivot(std::move(result));
    return result;
}

Result<RelationPtr> Parser::table_function(std::vector<std::string> name, int start) {
    MR_TRY(ExprPtr call, call_of(std::move(name), start));
    const auto* function = call->as<plan::FunctionExpr>();
    if (function == nullptr) return fail(syntax_error());
    if (same_word(function->name, "range")) {
        // range([start,] end [, step [, partitions]]): constants only.
        std::vector<std::int64_t> numbers;
        for (const ExprPtr& argument : function->args) {
            const auto* literal = argument->as<Literal>();
            const auto* value =
                literal == nullptr ? nullptr : std::get_if<std::int64_t>(&literal->value);
            if (value == nullptr) return fail(syntax_error());
            numbers.push_back(*value);
        }
        if (numbers.empty() || numbers.size() > 4) return fail(syntax_error());
        plan::RangeRel range;
        range.end = numbers[0];
        if (numbers.size() > 1) {
            range.start = numbers[0];
            range.end = numbers[1];
        }
        if (numbers.size() > 2) range.step = numbers[2];
        return table_alias(make_relation(std::move(range)));
    }
    plan::GenerateRel generate{.generator = std::move(call)};
    const bool as = take_word("as");
    if (as || at_alias()) {
        MR_TRY(generate.table_alias, identifier());
        if (at_symbol("(")) {
            MR_TRY(generate.column_aliases, identifier_list());
        }
    }
    return make_relation(std::move(generate));
}

// PIVOT (aggregates FOR column IN (values))
Result<RelationPtr> Parser::pivot(RelationPtr input) {
    take();
    MR_TRY_VOID(expect_symbol("("));
    plan::AggregateRel aggregate{.input = std::move(input), .group_type = plan::GroupType::kPivot};
    MR_TRY(aggregate.aggregates, named_expressions());
    MR_TRY_VOID(expect_word("for"));
    MR_TRY(aggregate.pivot_column, expression(4));
    MR_TRY_VOID(expect_word("in"));
    MR_TRY_VOID(expect_symbol("("));
    MR_TRY(aggregate.pivot_values, expression_list(")"));
    MR_TRY_VOID(expect_symbol(")"));
    aggregate.select_list_is_output = true;
    return table_alias(make_relation(std::move(aggregate)));
}

// UNPIVOT (value FOR name IN (columns))
Result<RelationPtr> Parser::unpivot(RelationPtr input) {
    take();
    if (!take_words({"include", "nulls"})) take_words({"exclude", "nulls"});
    MR_TRY_VOID(expect_symbol("("));
    plan::UnpivotRel unpivot{.input = std::move(input)};
    MR_TRY(unpivot.value_column, identifier());
    MR_TRY_VOID(expect_word("for"));
    MR_TRY(unpivot.variable_column, identifier());
    MR_TRY_VOID(expect_word("in"));
    MR_TRY_VOID(expect_symbol("("));
    MR_TRY(unpivot.values, expression_list(")"));
    MR_TRY_VOID(expect_symbol(")"));
    return table_alias(make_relation(std::move(unpivot)));
}

// TABLESAMPLE (n PERCENT | n ROWS) [REPEATABLE (seed)]
Result<RelationPtr> Parser::sample(RelationPtr input) {
    take();
    MR_TRY_VOID(expect_symbol("("));
    if (peek().kind != TokenKind::kNumber) return fail(syntax_error());
    const std::string number(take().text);
    RelationPtr result;
    if (take_word("percent")) {
        plan::SampleRel sample{.input = std::move(input)};
        sample.upper = std::strtod(number.c_str(), nullptr) / 100;
        MR_TRY_VOID(expect_symbol(")"));
        if (take_word("repeatable")) {
            MR_TRY_VOID(expect_symbol("("));
            if (peek().kind != TokenKind::kNumber) return fail(syntax_error());
            sample.seed = std::strtoll(std::string(take().text).c_str(), nullptr, 10);
            MR_TRY_VOID(expect_symbol(")"));
        }
        return make_relation(std::move(sample));
    }
    MR_TRY_VOID(expect_word("rows"));
    MR_TRY_VOID(expect_symbol(")"));
    const long long rows = std::strtoll(number.c_str(), nullptr, 10);
    return make_relation(plan::LimitRel{std::move(input), plan::literal(Literal::long_(rows))});
}

}  // namespace millrace::sql
