// Function calls, those with a syntax of their own, and OVER.

#include "sql/errors.h"
#include "sql/parser_internal.h"

namespace millrace::sql {

using base::fail;
using plan::Literal;
using plan::make_expr;

namespace {

// Binds tighter than IN, LIKE and the like: see the precedences of parser_expression.cc.
constexpr int kAbovePredicates = 4;

}  // namespace

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
            MR_TRY(ExprPtr first, expression(same_word(name, "position") ? kAbovePredicates : 0));
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

}  // namespace millrace::sql
