// The parser's class: recursive descent over the lexer's tokens, precedence climbing for operators.
//
// Depth is bounded by `kMaxDepth` nested constructs and as many links of a left-leaning chain, so
// that neither parsing nor the tree's later walkers can exhaust the stack. One Parser parses one
// text and is then thrown away.
#pragma once

#include <deque>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "plan/command.h"
#include "sql/lexer_internal.h"

namespace millrace::sql {

using base::Result;
using plan::DataType;
using plan::ExprPtr;
using plan::RelationPtr;

class Parser {
public:
    explicit Parser(std::string_view text) : lexer_(text) {}

    // Whole-text entries: trailing input is an error.
    Result<plan::Statement> statement_only();
    Result<ExprPtr> expression_only();
    Result<DataType> type_only();

private:
    static constexpr int kMaxDepth = 400;

    // Tokens.
    const Token& peek(std::size_t ahead = 0);
    Token take();
    bool at_symbol(std::string_view symbol, std::size_t ahead = 0);
    bool at_word(std::string_view keyword, std::size_t ahead = 0);
    bool at_any_word(std::initializer_list<std::string_view> keywords, std::size_t ahead = 0);
    bool at_end() { return peek().kind == TokenKind::kEnd; }
    bool take_symbol(std::string_view symbol);
    bool take_word(std::string_view keyword);
    // Take all or none.
    bool take_words(std::initializer_list<std::string_view> keywords);
    Result<void> expect_symbol(std::string_view symbol);
    Result<void> expect_word(std::string_view keyword);
    std::size_t mark();
    void reset(std::size_t mark);

    // Errors.
    base::Error syntax_error(std::string hint = {});
    base::Error error_at(const plan::Origin& origin, std::string_view condition,
                         std::map<std::string, std::string> parameters);
    base::Error too_complex();
    plan::Origin origin_from(int start) const;

    // Names.
    bool at_identifier(std::size_t ahead = 0);
    Result<std::string> identifier();
    Result<std::vector<std::string>> name_parts();
    // A bare name with a hyphen in it (test-table) is told from a subtraction.
    Result<void> no_hyphen(int start);
    // Names where no expression can stand: a hyphen behind one is a mistake.
    Result<std::string> strict_identifier();
    Result<std::vector<std::string>> strict_name();
    Result<std::vector<std::string>> identifier_list();  // ( a, b )
    bool at_alias();

    // Expressions (parser_expression.cc).
    Result<ExprPtr> expression(int min_precedence = 0);
    Result<ExprPtr> prefix();
    Result<ExprPtr> predicate(ExprPtr left, int start);
    Result<ExprPtr> postfix(ExprPtr base, int start);
    Result<ExprPtr> primary();
    Result<ExprPtr> word_primary();
    Result<ExprPtr> parenthesized();
    Result<ExprPtr> number(const Token& token, bool negative);
    Result<ExprPtr> typed_literal(std::string_view type, int start);
    Result<ExprPtr> case_when();
    Result<ExprPtr> cast(bool is_try);
    Result<ExprPtr> call_of(std::vector<std::string> name, int start);
    Result<ExprPtr> function_tail(plan::FunctionExpr function, int start);
    Result<ExprPtr> special_call(std::string_view name, int start, bool& handled);
    Result<ExprPtr> over(ExprPtr function, int start);
    Result<plan::WindowExpr> window_spec();
    Result<plan::FrameBound> frame_bound();
    Result<ExprPtr> lambda(std::vector<std::string> parameters, int start);
    Result<ExprPtr> interval(int start);
    Result<std::vector<ExprPtr>> expression_list(std::string_view closing);
    Result<ExprPtr> named_expression();
    Result<std::vector<ExprPtr>> named_expressions();
    Result<std::vector<ExprPtr>> sort_items();
    Result<ExprPtr> sort_item();
    ExprPtr call(std::string name, std::vector<ExprPtr> args, int start);
    ExprPtr balanced(const std::string& name, std::vector<ExprPtr> terms, int start);

    // Types (parser_type.cc).
    Result<DataType> type();
    Result<DataType> struct_fields(std::string_view closing);
    Result<plan::Field> field(bool with_colon);
    Result<DataType> interval_type();

    // Queries (parser_query.cc).
    Result<RelationPtr> query();
    Result<RelationPtr> query_body();
    Result<RelationPtr> set_operations(int min_precedence);
    Result<RelationPtr> query_primary();
    Result<RelationPtr> select();
    Result<void> hints();
    Result<RelationPtr> query_tail(RelationPtr input);
    Result<RelationPtr> grouped(RelationPtr input, std::vector<ExprPtr> items, bool& grouped);
    Result<void> grouping_sets(plan::AggregateRel& aggregate);
    Result<std::vector<ExprPtr>> grouping_set();
    Result<RelationPtr> lateral_view(RelationPtr input);
    Result<RelationPtr> from_clause();
    Result<RelationPtr> joined();
    Result<RelationPtr> joins_after(RelationPtr left);
    Result<void> nearest_by(plan::JoinType type);
    Result<RelationPtr> relation_primary();
    Result<RelationPtr> relation_extras(RelationPtr input);
    Result<RelationPtr> table_alias(RelationPtr input);
    Result<RelationPtr> values();
    Result<RelationPtr> table_function(std::vector<std::string> name, int start);
    Result<RelationPtr> pivot(RelationPtr input);
    Result<RelationPtr> unpivot(RelationPtr input);
    Result<RelationPtr> sample(RelationPtr input);
    Result<void> window_clause();

    // Statements (parser_statement.cc).
    Result<plan::Statement> statement();
    Result<plan::Statement> create();
    Result<std::vector<std::string>> view_columns();
    Result<plan::Statement> drop();
    Result<plan::Statement> set();
    Result<plan::Statement> show();
    Result<plan::Statement> describe();
    Result<plan::Statement> explain();

    // Statements that are read for their mistakes and then refused (parser_table.cc,
    // parser_alter.cc).
    Result<bool> refused_statement(std::string_view what, int start);
    Result<void> invalid_clause(int start, std::string_view operation);
    Result<void> bang_is_not();
    Result<void> property_list();
    Result<void> string_literal();
    Result<void> comment_text();
    Result<void> partition_spec();
    Result<void> partition_fields(bool& typed_columns);
    Result<void> identity_spec(const DataType& type, int start);
    Result<bool> table_constraint(bool of_column);
    Result<void> column_options(const std::string& name, const DataType& type, int start,
                                std::string_view alter);
    Result<void> table_elements();
    Result<std::string> row_format();
    Result<void> table_definition(int start, bool temporary, bool replace);
    Result<void> create_database();
    Result<void> alter(int start);
    Result<void> alter_table(int start, bool is_view);
    Result<void> altered_columns(std::string_view kind, bool closed);
    Result<void> alter_column_action();
    Result<void> analyze_table(int start);
    Result<bool> target_alias();
    Result<void> assignments();
    Result<void> update_or_delete(int start, bool update);
    Result<void> merge_into(int start);

    // OVER name is resolved when the WINDOW clause of its SELECT has been read.
    struct NamedWindowUse {
        std::string name;
        std::shared_ptr<plan::Expr> window;
    };

    Lexer lexer_;
    std::deque<Token> ahead_;
    int last_stop_ = -1;  // Last byte of the last taken token.
    int depth_ = 0;
    int parameters_ = 0;
    int attempts_ = 0;
    std::vector<std::vector<NamedWindowUse>> window_uses_;

    // Counts nesting while it lives.
    class Deeper {
    public:
        explicit Deeper(Parser& parser) : parser_(parser) { ++parser_.depth_; }
        ~Deeper() { --parser_.depth_; }
        Deeper(const Deeper&) = delete;
        bool too_deep() const { return parser_.depth_ > kMaxDepth; }

    private:
        Parser& parser_;
    };
    friend class Deeper;
};

bool same_word(std::string_view left, std::string_view right);  // Without regard to case.

// Interval text (interval.cc): months, days and microseconds of "1 day 2 hours"; and the units met,
// as bits: 1 year, 2 month, 4 day (and week), 8 hour, 16 minute, 32 second and finer.
struct ParsedInterval {
    std::int64_t months = 0;
    std::int64_t days = 0;
    std::int64_t microseconds = 0;
    unsigned units = 0;
};
Result<ParsedInterval> parse_units(std::string_view text);
// INTERVAL 'text' FROM TO TO: the value in months or microseconds.
Result<std::int64_t> parse_unit_range(std::string_view text, std::string_view from,
                                      std::string_view to);
// Adds `number` (decimal text, maybe with a fraction) of a unit; false for an unknown unit.
Result<bool> add_unit(ParsedInterval& interval, std::string_view number, std::string_view unit);
// The narrowest interval literal of what was met: year-month, day-time, or calendar when mixed.
plan::Literal interval_literal(const ParsedInterval& interval);

// Days since the epoch of "2020-01-31" (also "2020", "2020-1"); nothing when it is no date.
std::optional<std::int32_t> parse_date(std::string_view text);
// "2020-01-31 12:00:00.5+01:00": microseconds, and whether a zone was given (then they are UTC's).
struct ParsedTimestamp {
    std::int64_t microseconds = 0;
    bool has_zone = false;
    std::string zone;  // A named region, left to the engine: microseconds are then its wall clock.
};
std::optional<ParsedTimestamp> parse_timestamp(std::string_view text);
std::int64_t days_from_civil(std::int64_t year, unsigned month, unsigned day);

}  // namespace millrace::sql
