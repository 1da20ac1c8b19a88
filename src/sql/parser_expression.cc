// Expressions.
#include <algorithm>
#include <charconv>

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

std::string upper(std::string_view text) {
    std::string result(text);
    for (char& c : result) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return result;
}

// Digits without the dot, and how many follow it.
std::optional<Literal> decimal_literal(std::string_view text, bool negative) {
    std::string digits;
    int scale = 0;
    bool after_dot = false;
    std::size_t at = 0;
    for (; at < text.size() && text[at] != 'e' && text[at] != 'E'; ++at) {
        if (text[at] == '.') {
            after_dot = true;
        } else {
            digits += text[at];
            if (after_dot) ++scale;
        }
    }
    if (at < text.size()) {
        int exponent = 0;
        std::string_view rest = text.substr(at + 1);
        if (rest.starts_with('+')) rest.remove_prefix(1);
        const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), exponent);
        if (error != std::errc() || exponent > 60 || exponent < -60) return std::nullopt;
        scale -= exponent;
    }
    while (scale < 0) {
        digits += '0';
        ++scale;
    }
    const std::size_t first = digits.find_first_not_of('0');
    std::string significant = first == std::string::npos ? "" : digits.substr(first);
    const int precision = std::max<int>(static_cast<int>(significant.size()), std::max(scale, 1));
    if (precision > 38) return std::nullopt;
    unsigned __int128 value = 0;
    for (const char c : significant) value = value * 10 + static_cast<unsigned>(c - '0');
    auto signed_value = static_cast<__int128>(value);
    if (negative) signed_value = -signed_value;
    return Literal{DataType::decimal(precision, scale),
                   plan::DecimalValue{static_cast<std::int64_t>(signed_value >> 64),
                                      static_cast<std::uint64_t>(signed_value)}};
}

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

Result<ExprPtr> Parser::number(const Token& token, bool negative) {
    std::string_view text = token.text;
    const int start = negative ? token.start - 1 : token.start;
    const plan::Origin origin = origin_from(start);
    const auto suffix_of = [&] {
        std::size_t end = text.size();
        while (end > 0 && std::isalpha(static_cast<unsigned char>(text[end - 1])) != 0) --end;
        return upper(text.substr(end));
    };
    const std::string suffix = suffix_of();
    text.remove_suffix(suffix.size());
    const auto out_of_range = [&](std::string_view type, std::string_view low,
                                  std::string_view high) {
        return fail(
            error_at(origin, "INVALID_NUMERIC_LITERAL_RANGE",
                     {{"rawStrippedQualifier", fmt::format("{}{}", negative ? "-" : "", text)},
                      {"minValue", std::string(low)},
                      {"maxValue", std::string(high)},
                      {"typeName", std::string(type)}}));
    };
    const bool plain = text.find_first_of(".eE") == std::string_view::npos;
    std::string signed_text = negative ? "-" : "";
    signed_text += text;
    const auto integer = [&](std::int64_t& value) {
        const auto [end, error] =
            std::from_chars(signed_text.data(), signed_text.data() + signed_text.size(), value);
        return error == std::errc() && end == signed_text.data() + signed_text.size();
    };
    std::int64_t value = 0;
    if (suffix == "L" || suffix == "S" || suffix == "Y") {
        if (!plain) return fail(syntax_error());
        const std::int64_t limit = suffix == "L" ? INT64_MAX : suffix == "S" ? INT16_MAX : INT8_MAX;
        const auto low = -limit - 1;
        if (!integer(value) || value > limit || value < low) {
            return out_of_range(suffix == "L"   ? "bigint"
                                : suffix == "S" ? "smallint"
                                                : "tinyint",
                                std::to_string(low), std::to_string(limit));
        }
        const DataType type = suffix == "L"   ? DataType::long_()
                              : suffix == "S" ? DataType::short_()
                                              : DataType::byte_();
        return make_expr(Literal{type, value}, origin);
    }
    if (suffix == "F" || suffix == "D" ||
        (suffix.empty() && !plain && text.find_first_of("eE") != std::string_view::npos)) {
        double parsed = 0;
        const auto [end, error] =
            std::from_chars(signed_text.data(), signed_text.data() + signed_text.size(), parsed);
        if (error == std::errc::result_out_of_range && suffix.empty()) {
            // Too large for a double: a decimal when it fits there.
        } else if (error != std::errc() && error != std::errc::result_out_of_range) {
            return fail(syntax_error());
        } else if (error == std::errc::result_out_of_range) {
            return out_of_range(suffix == "F" ? "float" : "double", "-1.7976931348623157E+308",
                                "1.7976931348623157E+308");
        }
        if (suffix == "F") {
            return make_expr(
                Literal{DataType::float_(), static_cast<double>(static_cast<float>(parsed))},
                origin);
        }
        return make_expr(Literal::double_(parsed), origin);
    }
    if (plain && suffix.empty() && integer(value)) {
        if (value >= INT32_MIN && value <= INT32_MAX) {
            return make_expr(Literal{DataType::integer(), value}, origin);
        }
        return make_expr(Literal::long_(value), origin);
    }
    if (auto decimal = decimal_literal(text, negative)) {
        return make_expr(std::move(*decimal), origin);
    }
    return fail(error_at(origin, "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION",
                         {{"precision", std::to_string(text.size())}, {"maxPrecision", "38"}}));
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

// DATE '…', TIMESTAMP '…', X'…': the word has been taken, the string is next.
Result<ExprPtr> Parser::typed_literal(std::string_view type, int start) {
    const std::string kind = upper(type);
    const std::string text = take().value;
    const plan::Origin origin = origin_from(start);
    const auto invalid = [&] {
        return fail(error_at(origin, "INVALID_TYPED_LITERAL",
                             {{"valueType", "\"" + kind + "\""}, {"value", "'" + text + "'"}}));
    };
    if (kind == "DATE") {
        const auto days = parse_date(text);
        if (!days) return invalid();
        return make_expr(Literal{DataType::date(), std::int64_t{*days}}, origin);
    }
    if (kind == "TIMESTAMP_NTZ") {
        const auto parsed = parse_timestamp(text);
        if (!parsed || parsed->has_zone) return invalid();
        return make_expr(Literal{DataType::timestamp_ntz(), parsed->microseconds}, origin);
    }
    if (kind == "TIMESTAMP" || kind == "TIMESTAMP_LTZ") {
        const auto parsed = parse_timestamp(text);
        if (!parsed) return invalid();
        if (parsed->has_zone && parsed->zone.empty()) {
            return make_expr(Literal{DataType::timestamp(), parsed->microseconds}, origin);
        }
        // Without an offset the session's zone decides: the analyzer knows it.
        plan::FunctionExpr local;
        local.name = "timestamp_literal";
        local.args = {make_expr(Literal::string(text), origin)};
        local.is_internal = true;
        return make_expr(std::move(local), origin);
    }
    if (kind == "X") {
        std::string bytes;
        std::string digits = text;
        if (digits.size() % 2 == 1) digits.insert(digits.begin(), '0');
        for (std::size_t i = 0; i < digits.size(); i += 2) {
            unsigned value = 0;
            const auto [end, error] =
                std::from_chars(digits.data() + i, digits.data() + i + 2, value, 16);
            if (error != std::errc() || end != digits.data() + i + 2) return invalid();
            bytes += static_cast<char>(value);
        }
        return make_expr(Literal{DataType::binary(), std::move(bytes)}, origin);
    }
    if (kind == "TIME") {
        const auto parsed = parse_timestamp("1970-01-01 " + text);
        if (!parsed || parsed->has_zone) return invalid();
        return make_expr(Literal{DataType::time(6), parsed->microseconds}, origin);
    }
    return fail(
        error_at(origin, "UNSUPPORTED_FEATURE.LITERAL_TYPE", {{"value", text}, {"type", kind}}));
}

Result<ExprPtr> Parser::interval(int start) {
    const auto unit_ahead = [&](std::size_t ahead) {
        static constexpr std::string_view kUnits[] = {
            "year",   "years",   "month",       "months",       "week",        "weeks",
            "day",    "days",    "hour",        "hours",        "minute",      "minutes",
            "second", "seconds", "millisecond", "milliseconds", "microsecond", "microseconds"};
        return peek(ahead).kind == TokenKind::kWord &&
               std::ranges::any_of(kUnits, [&](std::string_view unit) {
                   return same_word(peek(ahead).text, unit);
               });
    };
    const auto located = [&](const base::Error& error) {
        if (error.condition() == nullptr) return error;
        return error_at(origin_from(start), error.condition()->name, error.condition()->parameters);
    };
    ParsedInterval total;
    bool any = false;
    while (true) {
        const bool negative = at_symbol("-") && (peek(1).kind == TokenKind::kNumber ||
                                                 peek(1).kind == TokenKind::kString);
        const std::size_t at = negative || at_symbol("+") ? 1 : 0;
        const TokenKind kind = peek(at).kind;
        if (kind != TokenKind::kNumber && kind != TokenKind::kString) break;
        if (kind == TokenKind::kString && !any && !unit_ahead(at + 1)) {
            // INTERVAL '1 day 2 hours'
            for (std::size_t i = 0; i < at; ++i) take();
            const std::string text = take().value;
            auto parsed = parse_units(text);
            if (!parsed) return fail(located(parsed.error()));
            if (negative) {
                parsed->months = -parsed->months;
                parsed->days = -parsed->days;
                parsed->microseconds = -parsed->microseconds;
            }
            return make_expr(interval_literal(*parsed), origin_from(start));
        }
        if (!unit_ahead(at + 1)) break;
        for (std::size_t i = 0; i < at; ++i) take();
        const Token value = take();
        const Token unit = take();
        if (!any && kind == TokenKind::kString && at_word("to")) {
            take();
            const Token to = take();
            auto parsed = parse_unit_range((negative ? "-" : "") + value.value, unit.text, to.text);
            if (!parsed) return fail(located(parsed.error()));
            const auto index = [](std::string_view name) {
                return same_word(name, "year")     ? 0
                       : same_word(name, "month")  ? 1
                       : same_word(name, "day")    ? 0
                       : same_word(name, "hour")   ? 1
                       : same_word(name, "minute") ? 2
                                                   : 3;
            };
            const bool months = same_word(unit.text, "year") || same_word(unit.text, "month");
            DataType type = months ? DataType::year_month_interval(index(unit.text), index(to.text))
                                   : DataType::day_time_interval(index(unit.text), index(to.text));
            return make_expr(Literal{std::move(type), *parsed}, origin_from(start));
        }
        std::string digits = negative ? "-" : "";
        digits += kind == TokenKind::kString ? value.value : std::string(value.text);
        auto known = add_unit(total, digits, unit.text);
        if (!known) return fail(located(known.error()));
        any = true;
    }
    if (!any) return fail(syntax_error());
    return make_expr(interval_literal(total), origin_from(start));
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
        if (!at_symbol("(", 1) && !at_symbol(".", 1) &&
            at_any_word({"current_date", "current_timestamp", "current_user", "user",
                         "session_user", "localtimestamp", "current_time"})) {
            std::string name(take().text);
            return call(std::move(name), {}, start);
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

// Calls whose arguments are not a plain list.
Result<ExprPtr> Parser::special_call(std::string_view name, int start, bool& handled) {
    handled = true;
    const std::size_t before = mark();
    if (same_word(name, "extract")) {
        take();
        take();
        if (peek().kind == TokenKind::kWord && at_word("from", 1)) {
            std::string field(take().text);
            take();
            MR_TRY(ExprPtr source, expression());
            MR_TRY_VOID(expect_symbol(")"));
            plan::FunctionExpr extract;
            extract.name = "extract";
            extract.args = {plan::literal(Literal::string(std::move(field))), std::move(source)};
            return make_expr(std::move(extract), origin_from(start));
        }
    } else if (same_word(name, "trim")) {
        take();
        take();
        std::string which = "trim";
        bool keyword = false;
        if (at_any_word({"both", "leading", "trailing"}) && !at_symbol(",", 1) &&
            !at_symbol(")", 1) && !at_symbol(".", 1)) {
            which = at_word("leading") ? "ltrim" : at_word("trailing") ? "rtrim" : "trim";
            take();
            keyword = true;
        }
        ExprPtr characters;
        if (!at_word("from")) {
            MR_TRY(characters, expression());
        }
        if (take_word("from")) {
            MR_TRY(ExprPtr source, expression());
            MR_TRY_VOID(expect_symbol(")"));
            std::vector<ExprPtr> args = {std::move(source)};
            if (characters) args.push_back(std::move(characters));
            return call(std::move(which), std::move(args), start);
        }
        if (keyword) {
            MR_TRY_VOID(expect_symbol(")"));
            return call(std::move(which), {std::move(characters)}, start);
        }
    } else if (same_word(name, "substring") || same_word(name, "substr") ||
               same_word(name, "overlay") || same_word(name, "position")) {
        take();
        take();
        if (!at_symbol(")")) {
            // POSITION's IN must not be taken for the predicate.
            MR_TRY(ExprPtr first, expression(same_word(name, "position") ? kPredicate : kNone));
            std::vector<ExprPtr> args = {std::move(first)};
            const bool overlay = same_word(name, "overlay");
            if (same_word(name, "position") && take_word("in")) {
                MR_TRY(ExprPtr second, expression());
                args.push_back(std::move(second));
                MR_TRY_VOID(expect_symbol(")"));
                return call("locate", std::move(args), start);
            }
            if (at_word(overlay ? "placing" : "from")) {
                for (const std::string_view word : {"placing", "from", "for"}) {
                    if (!take_word(word)) continue;
                    MR_TRY(ExprPtr next, expression());
                    args.push_back(std::move(next));
                }
                MR_TRY_VOID(expect_symbol(")"));
                return call(overlay ? "overlay" : "substring", std::move(args), start);
            }
        }
    } else if (same_word(name, "timestampadd") || same_word(name, "dateadd") ||
               same_word(name, "date_add") || same_word(name, "timestampdiff") ||
               same_word(name, "datediff") || same_word(name, "date_diff")) {
        take();
        take();
        if (at_any_word({"year", "quarter", "month", "week", "day", "dayofyear", "hour", "minute",
                         "second", "millisecond", "microsecond"}) &&
            at_symbol(",", 1)) {
            const bool add = name.size() >= 3 && same_word(name.substr(name.size() - 3), "add");
            std::string unit(take().text);
            take();
            MR_TRY(std::vector<ExprPtr> args, expression_list(")"));
            // With two arguments in all, `day` was a column: date_add(day, 1).
            if (args.size() == 2) {
                args.insert(args.begin(), plan::literal(Literal::string(std::move(unit))));
                return call(add ? "timestampadd" : "timestampdiff", std::move(args), start);
            }
        }
    }
    reset(before);
    handled = false;
    return fail(syntax_error());
}

Result<ExprPtr> Parser::call_of(std::vector<std::string> name, int start) {
    MR_TRY_VOID(expect_symbol("("));
    plan::FunctionExpr function;
    function.name = name.size() == 1 ? name[0] : plan::quote_name(name);
    if (take_word("distinct")) {
        function.distinct = true;
    } else if (at_word("all") && !at_symbol(")", 1) && !at_symbol(",", 1) && !at_symbol(".", 1)) {
        take();
    }
    MR_TRY(function.args, expression_list(")"));
    return function_tail(std::move(function), start);
}

Result<ExprPtr> Parser::function_tail(plan::FunctionExpr function, int start) {
    if (take_words({"within", "group"})) {
        MR_TRY_VOID(expect_symbol("("));
        MR_TRY_VOID(expect_word("order"));
        MR_TRY_VOID(expect_word("by"));
        MR_TRY(function.order_by, sort_items());
        MR_TRY_VOID(expect_symbol(")"));
    }
    if (at_word("filter") && at_symbol("(", 1)) {
        take();
        take();
        MR_TRY_VOID(expect_word("where"));
        MR_TRY(function.filter, expression());
        MR_TRY_VOID(expect_symbol(")"));
    }
    if (take_words({"ignore", "nulls"})) {
        function.ignore_nulls = true;
    } else {
        take_words({"respect", "nulls"});
    }
    ExprPtr result = make_expr(std::move(function), origin_from(start));
    if (at_word("over")) return over(std::move(result), start);
    return result;
}

Result<ExprPtr> Parser::over(ExprPtr function, int start) {
    take();
    plan::WindowExpr window;
    std::string reference;
    if (at_identifier()) {
        MR_TRY(reference, identifier());
    } else {
        MR_TRY_VOID(expect_symbol("("));
        if (at_identifier() && at_symbol(")", 1)) {
            MR_TRY(reference, identifier());
        } else {
            MR_TRY(window, window_spec());
        }
        MR_TRY_VOID(expect_symbol(")"));
    }
    window.function = std::move(function);
    auto expr =
        std::make_shared<plan::Expr>(plan::Expr{std::move(window), origin_from(start), {}, {}});
    if (!reference.empty()) {
        if (window_uses_.empty()) {
            return fail(error_at(origin_from(start),
                                 "INVALID_SQL_SYNTAX.UNRESOLVED_WINDOW_REFERENCE",
                                 {{"windowName", quoted_id(reference)}}));
        }
        window_uses_.back().push_back({std::move(reference), expr});
    }
    return ExprPtr(std::move(expr));
}

Result<plan::WindowExpr> Parser::window_spec() {
    plan::WindowExpr window;
    if (take_words({"cluster", "by"})) {
        do {
            MR_TRY(ExprPtr next, expression());
            window.partition_by.push_back(std::move(next));
        } while (take_symbol(","));
    }
    if (take_words({"partition", "by"}) || take_words({"distribute", "by"})) {
        do {
            MR_TRY(ExprPtr next, expression());
            window.partition_by.push_back(std::move(next));
        } while (take_symbol(","));
    }
    if (take_words({"order", "by"}) || take_words({"sort", "by"})) {
        MR_TRY(window.order_by, sort_items());
    }
    if (at_word("rows") || at_word("range")) {
        window.frame =
            take_word("rows") ? plan::FrameKind::kRows : (take(), plan::FrameKind::kRange);
        if (take_word("between")) {
            MR_TRY(window.lower, frame_bound());
            MR_TRY_VOID(expect_word("and"));
            MR_TRY(window.upper, frame_bound());
        } else {
            MR_TRY(window.lower, frame_bound());
            window.upper = {};
        }
    }
    return window;
}

Result<plan::FrameBound> Parser::frame_bound() {
    using Kind = plan::FrameBound::Kind;
    if (take_words({"unbounded", "preceding"}))
        return plan::FrameBound{Kind::kUnboundedPreceding, {}};
    if (take_words({"unbounded", "following"}))
        return plan::FrameBound{Kind::kUnboundedFollowing, {}};
    if (take_words({"current", "row"})) return plan::FrameBound{Kind::kCurrentRow, {}};
    const int start = peek().start;
    MR_TRY(ExprPtr value, expression());
    if (take_word("preceding")) {
        value = call("negative", {std::move(value)}, start);
    } else {
        MR_TRY_VOID(expect_word("following"));
    }
    return plan::FrameBound{Kind::kValue, std::move(value)};
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
