// FROM: tables, joins, table-valued functions, pivots and samples.
#include <cstdlib>

#include "sql/errors.h"
#include "sql/parser_internal.h"

namespace millrace::sql {

using base::fail;
using plan::Literal;
using plan::make_relation;

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
    const int start = peek().start;
    bool lateral_views = false;
    while (at_word("lateral") && at_word("view", 1)) {
        MR_TRY(left, lateral_view(std::move(left)));
        lateral_views = true;
    }
    const bool is_pivot = at_word("pivot") && at_symbol("(", 1);
    if (lateral_views && (is_pivot || at_word("unpivot"))) {
        MR_TRY_VOID(is_pivot ? pivot(std::move(left)) : unpivot(std::move(left)));
        return fail(error_at(origin_from(start),
                             is_pivot ? "NOT_ALLOWED_IN_FROM.LATERAL_WITH_PIVOT"
                                      : "NOT_ALLOWED_IN_FROM.LATERAL_WITH_UNPIVOT",
                             {}));
    }
    if (is_pivot) return pivot(std::move(left));
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
        } else if (at_any_word({"approx", "exact"}) && at_word("nearest", 1)) {
            MR_TRY_VOID(nearest_by(join.type));
        }
        auto relation = std::make_shared<plan::Relation>(plan::Relation{std::move(join), {}, {}});
        relation->origin = origin_from(start);
        left = std::move(relation);
    }
}

// JOIN … APPROX NEAREST k BY DISTANCE x: its mistakes, then that it is not there.
Result<void> Parser::nearest_by(plan::JoinType type) {
    const int start = peek().start;
    take();
    take();
    std::string count = "1";
    if (peek().kind == TokenKind::kNumber) count = take().text;
    MR_TRY_VOID(expect_word("by"));
    if (!take_word("similarity")) MR_TRY_VOID(expect_word("distance"));
    MR_TRY_VOID(expression());
    const plan::Origin origin = origin_from(start);
    if (type != plan::JoinType::kInner && type != plan::JoinType::kLeftOuter) {
        static constexpr std::pair<plan::JoinType, std::string_view> kNames[] = {
            {plan::JoinType::kCross, "CROSS"},
            {plan::JoinType::kRightOuter, "RIGHT OUTER"},
            {plan::JoinType::kFullOuter, "FULL OUTER"},
            {plan::JoinType::kLeftSemi, "LEFT SEMI"},
            {plan::JoinType::kLeftAnti, "LEFT ANTI"}};
        std::string name;
        for (const auto& [known, text] : kNames) {
            if (known == type) name = text;
        }
        return fail(error_at(origin, "NEAREST_BY_JOIN.UNSUPPORTED_JOIN_TYPE",
                             {{"joinType", name}, {"supported", "'INNER', 'LEFT OUTER'"}}));
    }
    constexpr long long kMost = 100'000;
    const long long number = std::strtoll(count.c_str(), nullptr, 10);
    if (number < 1 || number > kMost) {
        return fail(
            error_at(origin, "NEAREST_BY_JOIN.NUM_RESULTS_OUT_OF_RANGE",
                     {{"numResults", count}, {"min", "1"}, {"max", std::to_string(kMost)}}));
    }
    return fail(unsupported("the join NEAREST BY.", {lexer_.text(), origin}));
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

// TABLESAMPLE [SYSTEM | BERNOULLI] (n PERCENT | n ROWS | BUCKET x OUT OF y) [REPEATABLE (seed)]
Result<RelationPtr> Parser::sample(RelationPtr input) {
    const int start = peek().start;
    take();
    const bool system = take_word("system");
    if (!system) take_word("bernoulli");
    MR_TRY_VOID(expect_symbol("("));
    const auto no_such = [&](std::string_view method, std::string_view statement) {
        if (system) {
            return fail(error_at(origin_from(start),
                                 "UNSUPPORTED_FEATURE.TABLESAMPLE_SYSTEM_SAMPLE_METHOD",
                                 {{"sampleMethod", std::string(method)}}));
        }
        return fail(error_at(origin_from(start), "INVALID_STATEMENT_OR_CLAUSE",
                             {{"operation", std::string(statement)}}));
    };
    if (take_word("bucket")) {
        if (peek().kind != TokenKind::kNumber) return fail(syntax_error());
        const double numerator = std::strtod(std::string(take().text).c_str(), nullptr);
        if (!take_words({"out", "of"}) || peek().kind != TokenKind::kNumber) {
            return fail(syntax_error());
        }
        const double denominator = std::strtod(std::string(take().text).c_str(), nullptr);
        bool on = false;
        bool of_function = false;
        if (take_word("on")) {
            on = true;
            MR_TRY_VOID(strict_name());
            if (take_symbol("(")) {
                of_function = true;
                MR_TRY_VOID(expect_symbol(")"));
            }
        }
        MR_TRY_VOID(expect_symbol(")"));
        if (system) return no_such("BUCKET", "");
        if (of_function) return no_such("", "TABLESAMPLE(BUCKET x OUT OF y ON function)");
        if (on) return no_such("", "TABLESAMPLE(BUCKET x OUT OF y ON colname)");
        plan::SampleRel sample{.input = std::move(input)};
        sample.upper = numerator / denominator;
        return make_relation(std::move(sample));
    }
    const bool negative = take_symbol("-");
    const bool is_number = peek().kind == TokenKind::kNumber;
    const std::string number(peek().text);
    if (is_number && at_word("percent", 1)) {
        take();
        take();
        plan::SampleRel sample{.input = std::move(input)};
        sample.upper = (negative ? -1 : 1) * std::strtod(number.c_str(), nullptr) / 100;
        MR_TRY_VOID(expect_symbol(")"));
        if (take_word("repeatable")) {
            MR_TRY_VOID(expect_symbol("("));
            if (peek().kind != TokenKind::kNumber) return fail(syntax_error());
            sample.seed = std::strtoll(std::string(take().text).c_str(), nullptr, 10);
            MR_TRY_VOID(expect_symbol(")"));
            if (system) {
                return fail(error_at(origin_from(start),
                                     "UNSUPPORTED_FEATURE.TABLESAMPLE_SYSTEM_REPEATABLE", {}));
            }
        }
        if (system) {
            return fail(error_at(origin_from(start), "UNSUPPORTED_FEATURE.TABLESAMPLE_SYSTEM", {}));
        }
        return make_relation(std::move(sample));
    }
    MR_TRY(ExprPtr count, expression());
    if (take_word("rows")) {
        MR_TRY_VOID(expect_symbol(")"));
        if (system) return no_such("ROWS", "");
        return make_relation(plan::LimitRel{std::move(input), std::move(count)});
    }
    MR_TRY_VOID(expect_symbol(")"));
    // 300M, 1G: so many bytes.
    return no_such("BYTES", "TABLESAMPLE(byteLengthLiteral)");
}

}  // namespace millrace::sql
