// Expressions.
#include <algorithm>

#include "sql/errors.h"
#include "sql/parser_internal.h"

namespace millrace::sql {

using base::fail;
using plan::Literal;
using plan::make_expr;

namespace {

enum Precedence {
    kNone,
    kOr,
    kAnd,
    kNot,
    kPredicate,
    kComparison,
    kBitOr,
    kBitXor,
    kBitAnd,
    kShift,
    kAdd,
    kMultiply,
    kUnary
};

struct Operator {
    std::string_view symbol;
    std::string_view function;
    int precedence;
};
constexpr Operator kOperators[] = {
    {"=", "==", kComparison},  {"==", "==", kComparison}, {"<=>", "<=>", kComparison},
    {"<>", "!=", kComparison}, {"!=", "!=", kComparison}, {"<", "<", kComparison},
    {"<=", "<=", kComparison}, {"!>", "<=", kComparison}, {">", ">", kComparison},
    {">=", ">=", kComparison}, {"!<", ">=", kComparison}, {"|", "|", kBitOr},
    {"^", "^", kBitXor},       {"&", "&", kBitAnd},       {"<<", "<<", kShift},
    {">>", ">>", kShift},      {">>>", ">>>", kShift},    {"+", "+", kAdd},
    {"-", "-", kAdd},          {"||", "||", kAdd},        {"*", "*", kMultiply},
    {"/", "/", kMultiply},     {"%", "%", kMultiply},
};

}  // namespace

ExprPtr Parser::call(std::string name, std::vector<ExprPtr> args, int start) {
    plan::FunctionExpr function;
    function.name = std::move(name);
    function.args = std::move(args);
    return make_expr(std::move(function), origin_from(start));
}

// a OR b OR c … as a balanced tree, so that long conditions stay shallow.
ExprPtr Parser::balanced(const std::string& name, std::vector<ExprPtr> terms, int start) {
    while (terms.size() > 2) {
        std::vector<ExprPtr> next;
        for (std::size_t i = 0; i + 1 < terms.size(); i += 2) {
            next.push_back(call(name, {terms[i], terms[i + 1]}, start));
        }
        if (terms.size() % 2 == 1) next.push_back(terms.back());
        terms = std::move(next);
    }
    return terms.size() == 1 ? terms[0] : call(name, std::move(terms), start);
}

Result<ExprPtr> Parser::expression(int min_precedence) {
    const Deeper deeper(*this);
    if (deeper.too_deep()) return fail(too_complex());
    const int start = peek().start;
    MR_TRY(ExprPtr left, prefix());
    int links = 0;
    while (true) {
        if (++links > kMaxDepth) return fail(too_complex());
        const Token& token = peek();
        if (token.kind == TokenKind::kSymbol) {
            if (token.text == "!" &&
                at_any_word({"between", "in", "like", "ilike", "rlike", "regexp"}, 1)) {
                return fail(error_at({.start = token.start, .stop = token.stop},
                                     "SYNTAX_DISCONTINUED.BANG_EQUALS_NOT", {{"clause", "!"}}));
            }
            const auto* found = std::ranges::find(kOperators, token.text, &Operator::symbol);
            if (found == std::end(kOperators) || found->precedence <= min_precedence) return left;
            take();
            MR_TRY(ExprPtr right, expression(found->precedence));
            left = call(std::string(found->function), {std::move(left), std::move(right)}, start);
            continue;
        }
        if (token.kind != TokenKind::kWord) return left;
        if (at_word("div") && kMultiply > min_precedence) {
            take();
            MR_TRY(ExprPtr right, expression(kMultiply));
            left = call("div", {std::move(left), std::move(right)}, start);
        } else if ((at_word("and") && kAnd > min_precedence) ||
                   (at_word("or") && kOr > min_precedence)) {
            const bool is_and = at_word("and");
            std::vector<ExprPtr> terms = {std::move(left)};
            while (take_word(is_and ? "and" : "or")) {
                MR_TRY(ExprPtr right, expression(is_and ? kAnd : kOr));
                terms.push_back(std::move(right));
            }
            left = balanced(is_and ? "and" : "or", std::move(terms), start);
        } else if (kPredicate > min_precedence &&
                   (at_any_word({"between", "in", "like", "ilike", "rlike", "regexp", "is"}) ||
                    (at_word("not") &&
                     at_any_word({"between", "in", "like", "ilike", "rlike", "regexp"}, 1)))) {
            MR_TRY(left, predicate(std::move(left), start));
        } else {
            return left;
        }
    }
}

Result<ExprPtr> Parser::predicate(ExprPtr left, int start) {
    const bool negated = take_word("not");
    const auto finished = [&](ExprPtr result) {
        return negated ? call("not", {std::move(result)}, start) : result;
    };
    if (take_word("between")) {
        take_word("symmetric");
        MR_TRY(ExprPtr low, expression(kPredicate));
        MR_TRY_VOID(expect_word("and"));
        MR_TRY(ExprPtr high, expression(kPredicate));
        return finished(call("between", {std::move(left), std::move(low), std::move(high)}, start));
    }
    if (take_word("in")) {
        MR_TRY_VOID(expect_symbol("("));
        if (at_any_word({"select", "with", "values", "table"})) {
            MR_TRY(RelationPtr subquery, query());
            MR_TRY_VOID(expect_symbol(")"));
            plan::SubqueryExpr in{.kind = plan::SubqueryKind::kIn, .relation = std::move(subquery)};
            // (a, b) IN (SELECT …) compares column by column.
            const auto* row = left->as<plan::FunctionExpr>();
            if (row != nullptr && row->name == "struct" && row->is_internal) {
                in.in_values = row->args;
            } else {
                in.in_values = {std::move(left)};
            }
            return finished(make_expr(std::move(in), origin_from(start)));
        }
        if (at_symbol(")")) {
            return fail(error_at(origin_from(start), "INVALID_SQL_SYNTAX.EMPTY_IN_PREDICATE", {}));
        }
        MR_TRY(std::vector<ExprPtr> list, expression_list(")"));
        list.insert(list.begin(), std::move(left));
        return finished(call("in", std::move(list), start));
    }
    for (const std::string_view word : {"like", "ilike"}) {
        if (!take_word(word)) continue;
        if (at_any_word({"any", "some", "all"}) && at_symbol("(", 1)) {
            const bool all = at_word("all");
            take();
            take();
            MR_TRY(const std::vector<ExprPtr> patterns, expression_list(")"));
            std::vector<ExprPtr> terms;
            for (const ExprPtr& pattern : patterns) {
                ExprPtr one = call(std::string(word), {left, pattern}, start);
                terms.push_back(negated ? call("not", {one}, start) : one);
            }
            return balanced(all ? "and" : "or", std::move(terms), start);
        }
        MR_TRY(ExprPtr pattern, expression(kPredicate));
        std::vector<ExprPtr> args = {std::move(left), std::move(pattern)};
        if (take_word("escape")) {
            if (peek().kind != TokenKind::kString) return fail(syntax_error());
            args.push_back(plan::literal(Literal::string(take().value)));
        }
        return finished(call(std::string(word), std::move(args), start));
    }
    if (at_word("rlike") || at_word("regexp")) {
        take();
        MR_TRY(ExprPtr pattern, expression(kPredicate));
        return finished(call("rlike", {std::move(left), std::move(pattern)}, start));
    }
    MR_TRY_VOID(expect_word("is"));
    if (at_symbol("!")) {
        return fail(error_at({.start = peek().start, .stop = peek().stop},
                             "SYNTAX_DISCONTINUED.BANG_EQUALS_NOT", {{"clause", "!"}}));
    }
    const bool is_not = take_word("not");
    const auto test = [&](ExprPtr positive) {
        return is_not ? call("not", {std::move(positive)}, start) : positive;
    };
    if (take_word("null")) {
        return call(is_not ? "isnotnull" : "isnull", {std::move(left)}, start);
    }
    if (at_word("true") || at_word("false")) {
        const bool value = take_word("true");
        if (!value) take();
        return test(call("<=>", {std::move(left), plan::literal(Literal::boolean(value))}, start));
    }
    if (take_word("unknown")) {
        return call(is_not ? "isnotnull" : "isnull", {std::move(left)}, start);
    }
    if (take_word("distinct")) {
        MR_TRY_VOID(expect_word("from"));
        MR_TRY(ExprPtr right, expression(kPredicate));
        ExprPtr same = call("<=>", {std::move(left), std::move(right)}, start);
        return is_not ? same : call("not", {std::move(same)}, start);
    }
    return fail(syntax_error());
}

Result<ExprPtr> Parser::prefix() {
    const int start = peek().start;
    if (at_word("not") || at_symbol("!")) {
        take();
        MR_TRY(ExprPtr child, expression(kNot - 1));
        return call("not", {std::move(child)}, start);
    }
    if (take_symbol("-")) {
        if (peek().kind == TokenKind::kNumber) {
            const Token token = take();
            MR_TRY(ExprPtr value, number(token, true));
            return postfix(std::move(value), start);
        }
        MR_TRY(ExprPtr child, expression(kMultiply));
        plan::FunctionExpr minus;
        minus.name = "negative";
        minus.args = {std::move(child)};
        minus.is_internal = true;  // The operator, which is shown as one.
        return make_expr(std::move(minus), origin_from(start));
    }
    if (take_symbol("+")) {
        MR_TRY(ExprPtr child, expression(kMultiply));
        return call("positive", {std::move(child)}, start);
    }
    if (take_symbol("~")) {
        MR_TRY(ExprPtr child, expression(kMultiply));
        return call("~", {std::move(child)}, start);
    }
    MR_TRY(ExprPtr base, primary());
    return postfix(std::move(base), start);
}

Result<ExprPtr> Parser::postfix(ExprPtr base, int start) {
    int links = 0;
    while (true) {
        if (++links > kMaxDepth) return fail(too_complex());
        if (take_symbol("[")) {
            MR_TRY(ExprPtr key, expression());
            MR_TRY_VOID(expect_symbol("]"));
            base = make_expr(plan::ExtractValueExpr{std::move(base), std::move(key)},
                             origin_from(start));
        } else if (at_symbol(".") && at_identifier(1)) {
            take();
            MR_TRY(std::string field, identifier());
            base =
                make_expr(plan::ExtractValueExpr{std::move(base),
                                                 plan::literal(Literal::string(std::move(field)))},
                          origin_from(start));
        } else if (take_symbol("::")) {
            MR_TRY(DataType target, type());
            plan::CastExpr cast{.child = std::move(base), .type = std::move(target)};
            base = make_expr(std::move(cast), origin_from(start));
        } else {
            return base;
        }
    }
}

Result<ExprPtr> Parser::primary() {
    const Token& token = peek();
    const int start = token.start;
    switch (token.kind) {
        case TokenKind::kNumber: {
            const Token value = take();
            return number(value, false);
        }
        case TokenKind::kString: {
            std::string value = take().value;
            while (peek().kind == TokenKind::kString) value += take().value;
            return make_expr(Literal::string(std::move(value)), origin_from(start));
        }
        case TokenKind::kQuotedWord:
        case TokenKind::kWord: return word_primary();
        case TokenKind::kSymbol: break;
        default: return fail(syntax_error());
    }
    if (at_symbol("(")) return parenthesized();
    if (take_symbol("*")) return make_expr(plan::StarExpr{}, origin_from(start));
    if (take_symbol("?")) {
        return make_expr(plan::ParameterExpr{{}, parameters_++}, origin_from(start));
    }
    if (at_symbol(":") && at_identifier(1)) {
        take();
        MR_TRY(std::string name, identifier());
        return make_expr(plan::ParameterExpr{std::move(name), 0}, origin_from(start));
    }
    return fail(syntax_error());
}

Result<ExprPtr> Parser::parenthesized() {
    const int start = peek().start;
    // (a, b) -> … is a lambda.
    if (at_identifier(1) && (at_symbol(",", 2) || (at_symbol(")", 2) && at_symbol("->", 3)))) {
        const std::size_t before = mark();
        auto names = identifier_list();
        if (names && at_symbol("->")) {
            take();
            return lambda(std::move(*names), start);
        }
        reset(before);
    }
    MR_TRY_VOID(expect_symbol("("));
    if (at_any_word({"select", "with", "values", "from"}) ||
        (at_word("table") && at_identifier(1))) {
        MR_TRY(RelationPtr subquery, query());
        MR_TRY_VOID(expect_symbol(")"));
        return make_expr(plan::SubqueryExpr{.kind = plan::SubqueryKind::kScalar,
                                            .relation = std::move(subquery)},
                         origin_from(start));
    }
    MR_TRY(ExprPtr first, named_expression());
    if (take_symbol(")")) {
        // Keep the parentheses' extent: error positions include them.
        return first;
    }
    std::vector<ExprPtr> items = {std::move(first)};
    while (take_symbol(",")) {
        MR_TRY(ExprPtr item, named_expression());
        items.push_back(std::move(item));
    }
    MR_TRY_VOID(expect_symbol(")"));
    plan::FunctionExpr row;
    row.name = "struct";
    row.args = std::move(items);
    row.is_internal = true;  // A row constructor: IN takes it apart.
    return make_expr(std::move(row), origin_from(start));
}

Result<ExprPtr> Parser::lambda(std::vector<std::string> parameters, int start) {
    MR_TRY(ExprPtr body, expression());
    return make_expr(plan::LambdaExpr{std::move(body), std::move(parameters)}, origin_from(start));
}

Result<std::vector<ExprPtr>> Parser::expression_list(std::string_view closing) {
    std::vector<ExprPtr> result;
    if (take_symbol(closing)) return result;
    do {
        const int start = peek().start;
        // name => value, and lambdas.
        if (at_identifier() && at_symbol("=>", 1)) {
            MR_TRY(std::string name, identifier());
            take();
            MR_TRY(ExprPtr value, expression());
            result.push_back(make_expr(plan::NamedArgumentExpr{std::move(name), std::move(value)},
                                       origin_from(start)));
            continue;
        }
        MR_TRY(ExprPtr next, named_expression());
        result.push_back(std::move(next));
    } while (take_symbol(","));
    MR_TRY_VOID(expect_symbol(closing));
    return result;
}

Result<ExprPtr> Parser::case_when() {
    const int start = peek().start;
    take();
    ExprPtr subject;
    if (!at_word("when")) {
        MR_TRY(subject, expression());
    }
    std::vector<ExprPtr> args;
    if (!at_word("when")) return fail(syntax_error());
    while (take_word("when")) {
        const int when = peek().start;
        MR_TRY(ExprPtr condition, expression());
        if (subject) condition = call("==", {subject, std::move(condition)}, when);
        MR_TRY_VOID(expect_word("then"));
        MR_TRY(ExprPtr value, expression());
        args.push_back(std::move(condition));
        args.push_back(std::move(value));
    }
    if (take_word("else")) {
        MR_TRY(ExprPtr value, expression());
        args.push_back(std::move(value));
    }
    MR_TRY_VOID(expect_word("end"));
    return call("when", std::move(args), start);
}

Result<ExprPtr> Parser::cast(bool is_try) {
    const int start = peek().start;
    take();
    MR_TRY_VOID(expect_symbol("("));
    MR_TRY(ExprPtr child, expression());
    MR_TRY_VOID(expect_word("as"));
    MR_TRY(DataType target, type());
    MR_TRY_VOID(expect_symbol(")"));
    plan::CastExpr cast{.child = std::move(child), .type = std::move(target)};
    if (is_try) cast.mode = plan::EvalMode::kTry;
    return make_expr(std::move(cast), origin_from(start));
}

Result<ExprPtr> Parser::word_primary() {
    const int start = peek().start;
    const bool bare = peek().kind == TokenKind::kWord;
    if (bare) {
        const Token& token = peek();
        if (same_word(token.text, "null")) {
            take();
            return make_expr(Literal::null(), origin_from(start));
        }
        if (same_word(token.text, "true") || same_word(token.text, "false")) {
            const bool value = same_word(take().text, "true");
            return make_expr(Literal::boolean(value), origin_from(start));
        }
        if (peek(1).kind == TokenKind::kString) {
            static constexpr std::string_view kTyped[] = {
                "date", "timestamp", "timestamp_ntz", "timestamp_ltz", "x", "time"};
            const std::string type(token.text);
            if (std::ranges::any_of(kTyped, [&](auto word) { return same_word(word, type); })) {
                take();
                return typed_literal(type, start);
            }
        }
        if (at_word("interval") &&
            (peek(1).kind == TokenKind::kString || peek(1).kind == TokenKind::kNumber ||
             ((at_symbol("-", 1) || at_symbol("+", 1)) &&
              (peek(2).kind == TokenKind::kString || peek(2).kind == TokenKind::kNumber)))) {
            take();
            return interval(start);
        }
        if (at_word("case")) return case_when();
        if (at_word("cast") && at_symbol("(", 1)) return cast(false);
        if (at_word("try_cast") && at_symbol("(", 1)) return cast(true);
        if (at_word("exists") && at_symbol("(", 1) &&
            at_any_word({"select", "with", "values", "table", "from"}, 2)) {
            take();
            take();
            MR_TRY(RelationPtr subquery, query());
            MR_TRY_VOID(expect_symbol(")"));
            return make_expr(plan::SubqueryExpr{.kind = plan::SubqueryKind::kExists,
                                                .relation = std::move(subquery)},
                             origin_from(start));
        }
        if (at_symbol("(", 1)) {
            std::string name(token.text);
            bool handled = false;
            auto special = special_call(name, start, handled);
            if (handled) return special;
        }
        // Words that can begin no operand.
        if (at_any_word({"from", "where", "group", "having", "order", "union", "select", "then",
                         "when", "else", "end", "on", "using"}) &&
            !at_symbol(".", 1) && !at_symbol("(", 1)) {
            return fail(syntax_error());
        }
    }
    if (at_symbol("->", 1)) {
        MR_TRY(std::string parameter, identifier());
        take();
        return lambda({std::move(parameter)}, start);
    }
    std::vector<std::string> parts;
    MR_TRY(std::string first, identifier());
    parts.push_back(std::move(first));
    while (at_symbol(".")) {
        if (at_symbol("*", 1)) {
            take();
            take();
            return make_expr(plan::StarExpr{.qualifier = std::move(parts)}, origin_from(start));
        }
        if (!at_identifier(1)) break;
        take();
        MR_TRY(std::string part, identifier());
        parts.push_back(std::move(part));
    }
    if (at_symbol("(")) return call_of(std::move(parts), start);
    return make_expr(plan::AttributeExpr{std::move(parts), std::nullopt}, origin_from(start));
}

Result<ExprPtr> Parser::named_expression() {
    const int start = peek().start;
    MR_TRY(ExprPtr result, expression());
    if (const auto* star = result->as<plan::StarExpr>();
        star != nullptr && at_word("except") && at_symbol("(", 1)) {
        take();
        take();
        plan::StarExpr with_except = *star;
        do {
            MR_TRY(std::vector<std::string> name, name_parts());
            with_except.except.push_back(std::move(name));
        } while (take_symbol(","));
        MR_TRY_VOID(expect_symbol(")"));
        return make_expr(std::move(with_except), origin_from(start));
    }
    if (take_word("as")) {
        plan::AliasExpr alias{.child = std::move(result)};
        if (at_symbol("(")) {
            MR_TRY(alias.names, identifier_list());
        } else {
            const int name_start = peek().start;
            MR_TRY(std::string name, identifier());
            MR_TRY_VOID(no_hyphen(name_start));
            alias.names.push_back(std::move(name));
        }
        return make_expr(std::move(alias), origin_from(start));
    }
    if (at_alias()) {
        MR_TRY(std::string name, identifier());
        return make_expr(plan::AliasExpr{.child = std::move(result), .names = {std::move(name)}},
                         origin_from(start));
    }
    return result;
}

Result<std::vector<ExprPtr>> Parser::named_expressions() {
    std::vector<ExprPtr> result;
    do {
        MR_TRY(ExprPtr next, named_expression());
        result.push_back(std::move(next));
    } while (take_symbol(","));
    return result;
}

Result<ExprPtr> Parser::sort_item() {
    const int start = peek().start;
    plan::SortOrderExpr order;
    MR_TRY(order.child, expression());
    if (take_word("desc")) {
        order.ascending = false;
    } else {
        take_word("asc");
    }
    if (take_words({"nulls", "first"})) {
        order.nulls_first = true;
    } else if (take_words({"nulls", "last"})) {
        order.nulls_first = false;
    }
    return make_expr(std::move(order), origin_from(start));
}

Result<std::vector<ExprPtr>> Parser::sort_items() {
    std::vector<ExprPtr> result;
    do {
        MR_TRY(ExprPtr next, sort_item());
        result.push_back(std::move(next));
    } while (take_symbol(","));
    return result;
}

}  // namespace millrace::sql
