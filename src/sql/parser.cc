#include "sql/parser.h"

#include <algorithm>

#include "base/strings.h"
#include "sql/errors.h"
#include "sql/parser_internal.h"

namespace millrace::sql {

using base::Error;
using base::fail;
using plan::Origin;

bool same_word(std::string_view left, std::string_view right) {
    return std::ranges::equal(left, right, [](unsigned char a, unsigned char b) {
        return std::tolower(a) == std::tolower(b);
    });
}

const Token& Parser::peek(std::size_t ahead) {
    while (ahead_.size() <= ahead) ahead_.push_back(lexer_.next());
    return ahead_[ahead];
}

Token Parser::take() {
    peek();
    Token token = std::move(ahead_.front());
    ahead_.pop_front();
    if (token.kind != TokenKind::kEnd) last_stop_ = token.stop;
    return token;
}

bool Parser::at_symbol(std::string_view symbol, std::size_t ahead) {
    const Token& token = peek(ahead);
    return token.kind == TokenKind::kSymbol && token.text == symbol;
}

bool Parser::at_word(std::string_view keyword, std::size_t ahead) {
    const Token& token = peek(ahead);
    return token.kind == TokenKind::kWord && same_word(token.text, keyword);
}

bool Parser::at_any_word(std::initializer_list<std::string_view> keywords, std::size_t ahead) {
    return std::ranges::any_of(keywords,
                               [&](std::string_view keyword) { return at_word(keyword, ahead); });
}

bool Parser::take_symbol(std::string_view symbol) {
    if (!at_symbol(symbol)) return false;
    take();
    return true;
}

bool Parser::take_word(std::string_view keyword) {
    if (!at_word(keyword)) return false;
    take();
    return true;
}

bool Parser::take_words(std::initializer_list<std::string_view> keywords) {
    std::size_t ahead = 0;
    for (const std::string_view keyword : keywords) {
        if (!at_word(keyword, ahead++)) return false;
    }
    for (std::size_t i = 0; i < ahead; ++i) take();
    return true;
}

Result<void> Parser::expect_symbol(std::string_view symbol) {
    if (take_symbol(symbol)) return {};
    return fail(syntax_error(fmt::format(": missing '{}'", symbol)));
}

Result<void> Parser::expect_word(std::string_view keyword) {
    if (take_word(keyword)) return {};
    return fail(syntax_error());
}

std::size_t Parser::mark() {
    return ahead_.empty() ? lexer_.position() : static_cast<std::size_t>(ahead_.front().start);
}

void Parser::reset(std::size_t mark) {
    ahead_.clear();
    lexer_.move_to(mark);
}

Error Parser::syntax_error(std::string hint) {
    const Token& token = peek();
    const Origin origin{.start = token.start, .stop = std::max(token.stop, token.start)};
    if (token.kind == TokenKind::kUnclosed && token.text.starts_with("/*")) {
        return parse_error("UNCLOSED_BRACKETED_COMMENT", {}, {lexer_.text(), origin});
    }
    constexpr std::size_t kMaxShown = 200;
    const std::string near =
        token.kind == TokenKind::kEnd
            ? "end of input"
            : fmt::format("'{}'", token.text.substr(0, std::min(token.text.size(), kMaxShown)));
    return parse_error("PARSE_SYNTAX_ERROR", {{"error", near}, {"hint", std::move(hint)}},
                       {lexer_.text(), origin});
}

Error Parser::error_at(const Origin& origin, std::string_view condition,
                       std::map<std::string, std::string> parameters) {
    return parse_error(condition, parameters, {lexer_.text(), origin});
}

Error Parser::too_complex() {
    return parse_error("FAILED_TO_PARSE_TOO_COMPLEX", {},
                       {lexer_.text(), {.start = peek().start, .stop = peek().stop}});
}

Origin Parser::origin_from(int start) const {
    return {.start = start, .stop = last_stop_};
}

bool Parser::at_identifier(std::size_t ahead) {
    const Token& token = peek(ahead);
    return token.kind == TokenKind::kWord || token.kind == TokenKind::kQuotedWord;
}

Result<std::string> Parser::identifier() {
    if (!at_identifier()) return fail(syntax_error());
    Token token = take();
    if (token.kind == TokenKind::kQuotedWord) return std::move(token.value);
    const bool ascii = std::ranges::all_of(token.text, [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
    });
    if (!ascii) {
        return fail(error_at({.start = token.start, .stop = token.stop}, "INVALID_IDENTIFIER",
                             {{"ident", std::string(token.text)}}));
    }
    return std::string(token.text);
}

Result<std::string> Parser::strict_identifier() {
    const int start = peek().start;
    MR_TRY(std::string name, identifier());
    if (!at_symbol("-") || !at_identifier(1)) return name;
    std::string ident(name);
    while (at_symbol("-") && at_identifier(1)) {
        take();
        MR_TRY(const std::string next, identifier());
        ident += "-" + next;
    }
    return fail(error_at(origin_from(start), "INVALID_IDENTIFIER", {{"ident", ident}}));
}

Result<std::vector<std::string>> Parser::strict_name() {
    std::vector<std::string> parts;
    do {
        MR_TRY(std::string part, strict_identifier());
        parts.push_back(std::move(part));
    } while (take_symbol("."));
    return parts;
}

// `!` where NOT is wanted, as in IF ! EXISTS.
Result<void> Parser::bang_is_not() {
    const Token& token = peek();
    return fail(error_at({.start = token.start, .stop = token.stop},
                         "SYNTAX_DISCONTINUED.BANG_EQUALS_NOT", {{"clause", "!"}}));
}

Result<std::vector<std::string>> Parser::name_parts() {
    std::vector<std::string> parts;
    do {
        MR_TRY(std::string part, identifier());
        parts.push_back(std::move(part));
    } while (take_symbol("."));
    return parts;
}

Result<void> Parser::no_hyphen(int start) {
    const int end = last_stop_;
    if (!at_symbol("-") || peek().start != end + 1) return {};
    const Token& after = peek(1);
    const bool joined = (after.kind == TokenKind::kWord || after.kind == TokenKind::kNumber) &&
                        after.start == end + 2;
    if (!joined) return {};
    const auto from = static_cast<std::size_t>(start);
    const auto length = static_cast<std::size_t>(after.stop - start + 1);
    const std::string name(lexer_.text().substr(from, length));
    return fail(
        error_at({.start = start, .stop = after.stop}, "INVALID_IDENTIFIER", {{"ident", name}}));
}

Result<std::vector<std::string>> Parser::identifier_list() {
    MR_TRY_VOID(expect_symbol("("));
    std::vector<std::string> names;
    do {
        MR_TRY(std::string name, strict_identifier());
        names.push_back(std::move(name));
    } while (take_symbol(","));
    MR_TRY_VOID(expect_symbol(")"));
    return names;
}

// Words that end an item instead of naming it when AS is left out.
bool Parser::at_alias() {
    if (peek().kind == TokenKind::kQuotedWord) return true;
    if (peek().kind != TokenKind::kWord) return false;
    if (at_any_word({"approx", "exact"}) && at_word("nearest", 1)) return false;
    return !at_any_word(
        {"from",  "where",   "group",       "having",    "order",    "limit",  "offset",
         "union", "except",  "minus",       "intersect", "setminus", "window", "lateral",
         "sort",  "cluster", "distribute",  "join",      "on",       "using",  "cross",
         "inner", "left",    "right",       "full",      "natural",  "semi",   "anti",
         "pivot", "unpivot", "tablesample", "and",       "or",       "when",   "then",
         "else",  "end",     "between",     "in",        "is",       "like",   "ilike",
         "rlike", "not",     "as",          "div",       "select",   "with",   "qualify",
         "asc",   "desc",    "for",         "nulls",     "escape",   "regexp"});
}

Result<plan::Statement> Parser::statement_only() {
    if (at_end()) {
        return fail(error_at({.start = 0, .stop = 0}, "PARSE_EMPTY_STATEMENT", {}));
    }
    MR_TRY(plan::Statement result, statement());
    while (take_symbol(";")) {
    }
    if (!at_end()) {
        const bool last = peek(1).kind == TokenKind::kEnd;
        return fail(
            syntax_error(last ? fmt::format(": extra input '{}'", peek().text) : std::string()));
    }
    return result;
}

Result<ExprPtr> Parser::expression_only() {
    if (at_end()) {
        return fail(error_at({.start = 0, .stop = 0}, "PARSE_EMPTY_STATEMENT", {}));
    }
    MR_TRY(ExprPtr result, named_expression());
    if (!at_end()) {
        const bool last = peek(1).kind == TokenKind::kEnd;
        return fail(
            syntax_error(last ? fmt::format(": extra input '{}'", peek().text) : std::string()));
    }
    return result;
}

namespace {

// Names and strings go into JSON, Arrow and messages, all of which want UTF-8.
Result<void> check_text(std::string_view text) {
    if (base::is_valid_utf8(text)) return {};
    return fail(base::Code::kParse, "the SQL text is not well-formed UTF-8");
}

}  // namespace

Result<plan::Statement> parse_statement(std::string_view text) {
    MR_TRY_VOID(check_text(text));
    return Parser(text).statement_only();
}

Result<ExprPtr> parse_expression(std::string_view text) {
    MR_TRY_VOID(check_text(text));
    return Parser(text).expression_only();
}

Result<DataType> parse_type(std::string_view text) {
    MR_TRY_VOID(check_text(text));
    return Parser(text).type_only();
}

Result<DataType> parse_schema(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first != std::string_view::npos && (text[first] == '{' || text[first] == '"')) {
        return plan::type_from_json(text);
    }
    return parse_type(text);
}

}  // namespace millrace::sql
