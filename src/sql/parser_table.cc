// CREATE TABLE and REPLACE TABLE: read by Spark's whole grammar, so that a mistake gets Spark's own
// condition; what is right is then refused by the caller, since there are no stored tables.
#include <array>

#include "sql/errors.h"
#include "sql/parser_internal.h"

namespace millrace::sql {

using base::fail;
using plan::Origin;
using plan::TypeKind;

namespace {

// The clauses behind the columns, in the order in which Spark looks for repetitions.
enum Clause : std::uint8_t {
    kPartitionedBy,
    kTblProperties,
    kOptions,
    kClusteredBy,
    kSkewedBy,
    kClusterBy,
    kRowFormat,
    kStoredAs,
    kLocation,
    kComment,
    kCollation,
    kClauses,
};
constexpr std::array<std::string_view, kClauses> kClauseNames = {
    "PARTITIONED BY", "TBLPROPERTIES", "OPTIONS",  "CLUSTERED BY", "SKEWED BY",        "CLUSTER BY",
    "ROW FORMAT",     "STORED AS/BY",  "LOCATION", "COMMENT",      "DEFAULT COLLATION"};

}  // namespace

Result<void> Parser::invalid_clause(int start, std::string_view operation) {
    return fail(error_at(origin_from(start), "INVALID_STATEMENT_OR_CLAUSE",
                         {{"operation", std::string(operation)}}));
}

// `(k 'v', k = v, a.b.c = TRUE …)`
Result<void> Parser::property_list() {
    MR_TRY_VOID(expect_symbol("("));
    do {
        if (peek().kind == TokenKind::kString) {
            take();
        } else {
            MR_TRY_VOID(strict_name());
        }
        const bool equals = take_symbol("=");
        take_symbol("-");
        if (peek().kind == TokenKind::kString || peek().kind == TokenKind::kNumber ||
            at_any_word({"true", "false"})) {
            take();
        } else if (equals) {
            MR_TRY_VOID(expression());
        }
    } while (take_symbol(","));
    return expect_symbol(")");
}

Result<void> Parser::string_literal() {
    if (peek().kind != TokenKind::kString) return fail(syntax_error());
    take();
    return {};
}

// COMMENT's text, which may be NULL.
Result<void> Parser::comment_text() {
    if (take_word("null")) return {};
    return string_literal();
}

// PARTITION (a, b = 1 …)
Result<void> Parser::partition_spec() {
    MR_TRY_VOID(expect_word("partition"));
    MR_TRY_VOID(expect_symbol("("));
    do {
        MR_TRY_VOID(strict_identifier());
        if (take_symbol("=")) {
            MR_TRY_VOID(expression());
        } else if (take_word("like")) {
            MR_TRY_VOID(string_literal());
        }
    } while (take_symbol(","));
    return expect_symbol(")");
}

// IDENTITY (START WITH 1 INCREMENT BY 1)
Result<void> Parser::identity_spec(const DataType& type, int start) {
    if (take_symbol("(")) {
        bool seen_start = false;
        bool seen_step = false;
        while (!take_symbol(")")) {
            const bool is_start = take_words({"start", "with"});
            if (!is_start && !take_words({"increment", "by"})) return fail(syntax_error());
            const bool negative = take_symbol("-");
            if (peek().kind != TokenKind::kNumber) return fail(syntax_error());
            const std::string number = (negative ? "-" : "") + std::string(take().text);
            bool& seen = is_start ? seen_start : seen_step;
            if (seen) {
                return fail(error_at(origin_from(start),
                                     "IDENTITY_COLUMNS_DUPLICATED_SEQUENCE_GENERATOR_OPTION",
                                     {{"sequenceGeneratorOption", is_start ? "START" : "STEP"}}));
            }
            seen = true;
            if (!is_start && std::strtoll(number.c_str(), nullptr, 10) == 0) {
                return fail(error_at(origin_from(start), "IDENTITY_COLUMNS_ILLEGAL_STEP", {}));
            }
        }
    }
    if (!type.is(TypeKind::kInteger) && !type.is(TypeKind::kLong)) {
        return fail(error_at(origin_from(start), "IDENTITY_COLUMNS_UNSUPPORTED_DATA_TYPE",
                             {{"dataType", type.simple_string()}}));
    }
    return {};
}

// [CONSTRAINT name] CHECK (c) | UNIQUE (…) | PRIMARY KEY (…) | FOREIGN KEY … | REFERENCES …, and
// what may stand behind; false when none begins here.
Result<bool> Parser::table_constraint(bool of_column) {
    if (!at_any_word({"constraint", "check", "unique", "primary", "foreign", "references"})) {
        return false;
    }
    const bool named = at_word("constraint") && at_identifier(1);
    const bool begins = named || (at_word("check") && at_symbol("(", 1)) ||
                        (at_word("primary") && at_word("key", 1)) ||
                        (at_word("foreign") && at_word("key", 1)) ||
                        (at_word("unique") && (of_column || at_symbol("(", 1))) ||
                        (of_column && at_word("references"));
    if (!begins) return false;
    if (named) {
        take();
        MR_TRY_VOID(strict_identifier());
    }
    const auto references = [&]() -> Result<void> {
        MR_TRY_VOID(expect_word("references"));
        MR_TRY_VOID(strict_name());
        if (at_symbol("(")) MR_TRY_VOID(identifier_list());
        return {};
    };
    if (take_word("check")) {
        MR_TRY_VOID(expect_symbol("("));
        MR_TRY_VOID(expression());
        MR_TRY_VOID(expect_symbol(")"));
    } else if (take_word("unique") || take_words({"primary", "key"})) {
        if (!of_column) MR_TRY_VOID(identifier_list());
    } else if (take_words({"foreign", "key"})) {
        MR_TRY_VOID(identifier_list());
        MR_TRY_VOID(references());
    } else {
        MR_TRY_VOID(references());
    }
    while (take_words({"not", "enforced"}) || take_word("enforced") || take_word("rely") ||
           take_word("norely") || take_words({"not", "deferrable"}) ||
           take_words({"initially", "deferred"}) || take_words({"match", "full"}) ||
           take_words({"on", "update", "no", "action"}) ||
           take_words({"on", "delete", "no", "action"})) {
    }
    return true;
}

// NOT NULL, DEFAULT x, GENERATED …, COMMENT 'x' behind a column's type, each once; `alter` is the
// kind of ALTER TABLE that the column stands in, empty in a CREATE TABLE.
Result<void> Parser::column_options(const std::string& name, const DataType& type, int start,
                                    std::string_view alter) {
    std::vector<std::string_view> seen;
    const auto once = [&](std::string_view option) -> Result<void> {
        for (const std::string_view earlier : seen) {
            if (earlier != option) continue;
            if (alter.empty()) {
                return fail(error_at(origin_from(start), "CREATE_TABLE_COLUMN_DESCRIPTOR_DUPLICATE",
                                     {{"columnName", name}, {"optionName", std::string(option)}}));
            }
            return fail(error_at(origin_from(start), "ALTER_TABLE_COLUMN_DESCRIPTOR_DUPLICATE",
                                 {{"type", std::string(alter)},
                                  {"columnName", name},
                                  {"optionName", std::string(option)}}));
        }
        seen.push_back(option);
        return {};
    };
    // Repetitions are told once the whole column has been read.
    Result<void> repeated;
    const auto note = [&](std::string_view option) {
        if (auto result = once(option); !result && repeated) repeated = std::move(result);
    };
    while (true) {
        if (at_symbol("!") && at_word("null", 1)) return bang_is_not();
        if (take_words({"not", "null"})) {
            note("NOT NULL");
        } else if (take_word("default")) {
            MR_TRY_VOID(expression());
            note("DEFAULT");
        } else if (take_word("comment")) {
            MR_TRY_VOID(comment_text());
            note("COMMENT");
        } else if (alter.empty() && take_word("generated")) {
            const bool by_default = take_words({"by", "default"});
            if (!by_default) MR_TRY_VOID(expect_word("always"));
            MR_TRY_VOID(expect_word("as"));
            if (take_word("identity")) {
                MR_TRY_VOID(identity_spec(type, start));
                note("GENERATED ALWAYS AS IDENTITY");
            } else {
                if (by_default) return fail(syntax_error());
                MR_TRY_VOID(expect_symbol("("));
                MR_TRY_VOID(expression());
                MR_TRY_VOID(expect_symbol(")"));
                note("GENERATED ALWAYS AS");
            }
        } else if (!alter.empty() && (at_word("first") || at_word("after"))) {
            if (take_word("after")) {
                MR_TRY_VOID(strict_identifier());
            } else {
                take();
            }
            note("FIRST|AFTER");
        } else {
            if (alter.empty()) {
                MR_TRY(const bool constraint, table_constraint(true));
                if (constraint) continue;
            }
            break;
        }
    }
    return repeated;
}

Result<void> Parser::table_elements() {
    MR_TRY_VOID(expect_symbol("("));
    do {
        MR_TRY(const bool constraint, table_constraint(false));
        if (constraint) continue;
        const int start = peek().start;
        MR_TRY(const std::string name, strict_identifier());
        MR_TRY(const DataType column, type());
        MR_TRY_VOID(column_options(name, column, start, {}));
    } while (take_symbol(","));
    return expect_symbol(")");
}

// ROW FORMAT SERDE 'x' [WITH SERDEPROPERTIES (…)] or DELIMITED …; gives how Spark names it.
Result<std::string> Parser::row_format() {
    if (take_word("serde")) {
        const std::string serde = peek().value;
        MR_TRY_VOID(string_literal());
        if (take_words({"with", "serdeproperties"})) MR_TRY_VOID(property_list());
        return " SERDE " + serde;
    }
    MR_TRY_VOID(expect_word("delimited"));
    if (take_words({"fields", "terminated", "by"})) {
        MR_TRY_VOID(string_literal());
        if (take_words({"escaped", "by"})) MR_TRY_VOID(string_literal());
    }
    if (take_words({"collection", "items", "terminated", "by"})) MR_TRY_VOID(string_literal());
    if (take_words({"map", "keys", "terminated", "by"})) MR_TRY_VOID(string_literal());
    if (take_words({"lines", "terminated", "by"})) MR_TRY_VOID(string_literal());
    if (take_words({"null", "defined", "as"})) MR_TRY_VOID(string_literal());
    return std::string(" DELIMITED");
}

// A column with its type, or a transform: bucket(4, a), years(ts), a.b
Result<void> Parser::partition_fields(bool& typed_columns) {
    MR_TRY_VOID(expect_symbol("("));
    do {
        MR_TRY_VOID(strict_name());
        if (take_symbol("(")) {
            MR_TRY_VOID(expression_list(")"));
        } else if (at_identifier()) {
            MR_TRY_VOID(type());
            typed_columns = true;
            take_words({"not", "null"});
            if (take_word("comment")) MR_TRY_VOID(comment_text());
        }
    } while (take_symbol(","));
    return expect_symbol(")");
}

// [CREATE | REPLACE …] TABLE from the name on.
Result<void> Parser::table_definition(int start, bool temporary, bool replace) {
    if (at_word("if") && at_symbol("!", 1) && at_word("exists", 2) && !replace) {
        take();
        return bang_is_not();
    }
    if (!replace) take_words({"if", "not", "exists"});
    MR_TRY_VOID(strict_name());
    if (!replace && take_word("like")) {
        MR_TRY_VOID(strict_name());
    }
    const bool columns = at_symbol("(");
    if (columns) MR_TRY_VOID(table_elements());
    const bool provider = take_word("using");
    if (provider) MR_TRY_VOID(strict_name());
    std::array<int, kClauses> count{};
    bool typed_partitions = false;
    std::string stored;
    std::string row;
    while (true) {
        if (take_word("options")) {
            ++count[kOptions];
            MR_TRY_VOID(property_list());
        } else if (take_words({"partitioned", "by"})) {
            ++count[kPartitionedBy];
            MR_TRY_VOID(partition_fields(typed_partitions));
        } else if (take_words({"skewed", "by"})) {
            ++count[kSkewedBy];
            MR_TRY_VOID(identifier_list());
            MR_TRY_VOID(expect_word("on"));
            MR_TRY_VOID(expect_symbol("("));
            MR_TRY_VOID(expression_list(")"));
            take_words({"stored", "as", "directories"});
        } else if (take_words({"cluster", "by"})) {
            ++count[kClusterBy];
            if (!take_word("auto")) {
                MR_TRY_VOID(expect_symbol("("));
                do {
                    MR_TRY_VOID(strict_name());
                } while (take_symbol(","));
                MR_TRY_VOID(expect_symbol(")"));
            }
        } else if (take_words({"clustered", "by"})) {
            ++count[kClusteredBy];
            MR_TRY_VOID(identifier_list());
            if (take_words({"sorted", "by"})) {
                MR_TRY_VOID(expect_symbol("("));
                do {
                    MR_TRY_VOID(strict_identifier());
                    if (!take_word("asc")) take_word("desc");
                } while (take_symbol(","));
                MR_TRY_VOID(expect_symbol(")"));
            }
            MR_TRY_VOID(expect_word("into"));
            if (peek().kind != TokenKind::kNumber) return fail(syntax_error());
            take();
            MR_TRY_VOID(expect_word("buckets"));
        } else if (take_words({"row", "format"})) {
            ++count[kRowFormat];
            MR_TRY(row, row_format());
        } else if (take_words({"stored", "by"})) {
            MR_TRY_VOID(string_literal());
            if (take_words({"with", "serdeproperties"})) MR_TRY_VOID(property_list());
            return invalid_clause(start, "STORED BY");
        } else if (take_words({"stored", "as"})) {
            ++count[kStoredAs];
            if (take_word("inputformat")) {
                MR_TRY_VOID(string_literal());
                MR_TRY_VOID(expect_word("outputformat"));
                MR_TRY_VOID(string_literal());
                stored = "INPUTFORMAT";
            } else {
                MR_TRY(stored, strict_identifier());
            }
        } else if (take_word("location")) {
            ++count[kLocation];
            MR_TRY_VOID(string_literal());
        } else if (take_word("comment")) {
            ++count[kComment];
            MR_TRY_VOID(comment_text());
        } else if (take_words({"default", "collation"})) {
            ++count[kCollation];
            MR_TRY_VOID(strict_name());
        } else if (take_word("tblproperties")) {
            ++count[kTblProperties];
            MR_TRY_VOID(property_list());
        } else {
            break;
        }
    }
    const bool as = take_word("as");
    const bool is_query = as || at_any_word({"select", "with", "values", "from"}) || at_symbol("(");
    if (is_query) MR_TRY_VOID(query());
    if (!at_end() && !at_symbol(";")) return fail(syntax_error());
    for (std::size_t i = 0; i < kClauses; ++i) {
        if (count[i] > 1) {
            return fail(error_at(origin_from(start), "DUPLICATE_CLAUSES",
                                 {{"clauseName", std::string(kClauseNames[i])}}));
        }
    }
    if (count[kSkewedBy] > 0) return invalid_clause(start, "CREATE TABLE ... SKEWED BY");
    if (count[kClusterBy] > 0 && count[kPartitionedBy] > 0) {
        return fail(error_at(origin_from(start),
                             "SPECIFY_CLUSTER_BY_WITH_PARTITIONED_BY_IS_NOT_ALLOWED", {}));
    }
    if (count[kClusterBy] > 0 && count[kClusteredBy] > 0) {
        return fail(
            error_at(origin_from(start), "SPECIFY_CLUSTER_BY_WITH_BUCKETING_IS_NOT_ALLOWED", {}));
    }
    if (provider && (count[kRowFormat] > 0 || count[kStoredAs] > 0)) {
        return invalid_clause(start, fmt::format("CREATE TABLE ... USING ... {}{}",
                                                 count[kStoredAs] > 0 ? "STORED AS " + stored
                                                                      : std::string("ROW FORMAT"),
                                                 row));
    }
    if (temporary) {
        return invalid_clause(start,
                              fmt::format("CREATE TEMPORARY TABLE ...{}, use CREATE TEMPORARY VIEW "
                                          "instead",
                                          is_query ? " AS ..." : ""));
    }
    if (is_query && columns) {
        return invalid_clause(
            start, fmt::format("Schema may not be specified in a {} Table As Select ({}) statement",
                               replace ? "Replace" : "Create", replace ? "RTAS" : "CTAS"));
    }
    if (is_query && typed_partitions) {
        return invalid_clause(
            start, fmt::format("Partition column types may not be specified in {} Table As Select "
                               "({})",
                               replace ? "Replace" : "Create", replace ? "RTAS" : "CTAS"));
    }
    return {};
}

}  // namespace millrace::sql
