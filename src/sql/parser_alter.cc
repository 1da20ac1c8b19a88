// ALTER, ANALYZE, UPDATE, DELETE, MERGE and the statements about databases: read by Spark's grammar
// for their mistakes; what is right is refused by the caller, since there are no stored tables.
#include "sql/errors.h"
#include "sql/parser_internal.h"

namespace millrace::sql {

using base::fail;

namespace {

// How many WHEN clauses of one kind a MERGE has, and whether one without a condition was followed
// by another.
struct WhenClauses {
    int count = 0;
    bool last_has_condition = true;
    bool unreachable = false;
    void add(bool condition) {
        if (count > 0 && !last_has_condition) unreachable = true;
        ++count;
        last_has_condition = condition;
    }
};

}  // namespace

// ADD COLUMNS and REPLACE COLUMNS.
Result<void> Parser::altered_columns(std::string_view kind, bool closed) {
    do {
        const int start = peek().start;
        MR_TRY(const std::vector<std::string> name, strict_name());
        MR_TRY(const DataType column, type());
        std::string shown;
        for (const std::string& part : name) shown += (shown.empty() ? "" : ".") + part;
        MR_TRY_VOID(column_options(shown, column, start, kind));
    } while (take_symbol(","));
    if (closed) return expect_symbol(")");
    return {};
}

// One action of ALTER TABLE … ALTER COLUMN: TYPE t, COMMENT c, FIRST, AFTER x, SET/DROP …
Result<void> Parser::alter_column_action() {
    if (take_word("type")) {
        MR_TRY_VOID(type());
        return {};
    }
    if (take_word("comment")) return comment_text();
    if (take_word("first")) return {};
    if (take_word("after")) {
        MR_TRY_VOID(strict_identifier());
        return {};
    }
    if (take_words({"set", "default"})) {
        MR_TRY_VOID(expression());
        return {};
    }
    if (take_words({"drop", "default"}) || take_words({"set", "not", "null"}) ||
        take_words({"drop", "not", "null"})) {
        return {};
    }
    return {};
}

Result<void> Parser::alter_table(int start, bool is_view) {
    MR_TRY_VOID(strict_name());
    const bool partition = at_word("partition");
    if (partition) MR_TRY_VOID(partition_spec());
    if (take_word("add")) {
        if (take_word("columns") || take_word("column")) {
            const bool closed = take_symbol("(");
            return altered_columns("ADD", closed);
        }
        MR_TRY(const bool constraint, table_constraint(false));
        if (constraint) return {};
        take_words({"if", "not", "exists"});
        do {
            MR_TRY_VOID(partition_spec());
            if (take_word("location")) MR_TRY_VOID(string_literal());
        } while (at_word("partition"));
        return {};
    }
    if (take_word("drop")) {
        if (take_word("column") || take_word("columns")) {
            take_words({"if", "exists"});
            const bool closed = take_symbol("(");
            do {
                MR_TRY_VOID(strict_name());
            } while (take_symbol(","));
            return closed ? expect_symbol(")") : Result<void>();
        }
        if (take_word("constraint")) {
            take_words({"if", "exists"});
            MR_TRY_VOID(strict_identifier());
            if (!take_word("restrict")) take_word("cascade");
            return {};
        }
        take_words({"if", "exists"});
        do {
            MR_TRY_VOID(partition_spec());
        } while (take_symbol(","));
        take_word("purge");
        return {};
    }
    if (take_words({"rename", "column"})) {
        MR_TRY_VOID(strict_name());
        MR_TRY_VOID(expect_word("to"));
        MR_TRY_VOID(strict_identifier());
        return {};
    }
    if (take_words({"rename", "to"})) {
        if (partition) return partition_spec();
        MR_TRY_VOID(strict_name());
        return {};
    }
    if (take_words({"set", "tblproperties"})) return property_list();
    if (take_words({"unset", "tblproperties"})) {
        take_words({"if", "exists"});
        return property_list();
    }
    if (take_words({"set", "serdeproperties"})) return property_list();
    if (take_words({"set", "serde"})) {
        MR_TRY_VOID(string_literal());
        return take_words({"with", "serdeproperties"}) ? property_list() : Result<void>();
    }
    if (take_words({"set", "location"})) return string_literal();
    if (take_words({"replace", "columns"})) {
        MR_TRY_VOID(expect_symbol("("));
        MR_TRY_VOID(altered_columns("REPLACE", true));
        if (partition) {
            return invalid_clause(start,
                                  "ALTER TABLE table PARTITION partition_spec REPLACE COLUMNS");
        }
        return {};
    }
    if (at_any_word({"alter", "change"}) && !is_view) {
        const bool change = at_word("change");
        take();
        if (!take_word("columns")) take_word("column");
        do {
            MR_TRY_VOID(strict_name());
            // CHANGE COLUMN old new type, as Hive has it.
            const bool action = at_any_word({"type", "comment", "first", "after", "set", "drop"}) &&
                                !(change && at_identifier(1) &&
                                  !at_any_word({"default", "not"}, 1) && !at_word("type"));
            if (change && !action && at_identifier()) {
                MR_TRY_VOID(strict_identifier());
                MR_TRY_VOID(type());
                take_words({"not", "null"});
                if (take_word("comment")) MR_TRY_VOID(comment_text());
                if (take_word("after")) {
                    MR_TRY_VOID(strict_identifier());
                } else {
                    take_word("first");
                }
                if (partition) {
                    return invalid_clause(
                        start, "ALTER TABLE table PARTITION partition_spec CHANGE COLUMN");
                }
            } else {
                MR_TRY_VOID(alter_column_action());
            }
        } while (take_symbol(","));
        return {};
    }
    if (take_words({"recover", "partitions"})) return {};
    if (take_words({"cluster", "by"})) {
        if (take_word("none") || take_word("auto")) return {};
        MR_TRY_VOID(identifier_list());
        return {};
    }
    if (take_words({"default", "collation"})) {
        MR_TRY_VOID(strict_name());
        return {};
    }
    return fail(syntax_error());
}

Result<void> Parser::alter(int start) {
    if (take_word("table")) return alter_table(start, false);
    if (take_word("view")) {
        const std::size_t before = mark();
        MR_TRY_VOID(strict_name());
        if (take_word("as") || at_any_word({"select", "with", "values", "from"})) {
            MR_TRY_VOID(query());
            return {};
        }
        if (take_words({"with", "schema"})) {
            MR_TRY_VOID(strict_identifier());
            take_word("evolution");
            return {};
        }
        reset(before);
        return alter_table(start, true);
    }
    if (take_word("database") || take_word("schema") || take_word("namespace")) {
        MR_TRY_VOID(strict_name());
        if (take_words({"set", "location"})) return string_literal();
        const bool unset = take_word("unset");
        if (!unset) MR_TRY_VOID(expect_word("set"));
        if (!take_word("dbproperties")) MR_TRY_VOID(expect_word("properties"));
        if (unset) take_words({"if", "exists"});
        return property_list();
    }
    return fail(syntax_error());
}

// CREATE DATABASE from the name on.
Result<void> Parser::create_database() {
    if (at_word("if") && at_symbol("!", 1)) {
        take();
        return bang_is_not();
    }
    take_words({"if", "not", "exists"});
    MR_TRY_VOID(strict_name());
    while (true) {
        if (take_word("comment")) {
            MR_TRY_VOID(comment_text());
        } else if (take_word("location")) {
            MR_TRY_VOID(string_literal());
        } else if (take_words({"managed", "location"})) {
            MR_TRY_VOID(string_literal());
        } else if (take_word("with")) {
            if (!take_word("dbproperties")) MR_TRY_VOID(expect_word("properties"));
            MR_TRY_VOID(property_list());
        } else {
            return {};
        }
    }
}

Result<void> Parser::analyze_table(int start) {
    const auto statistics = [&]() -> Result<void> {
        MR_TRY_VOID(expect_word("compute"));
        return expect_word("statistics");
    };
    const auto noscan = [&]() -> Result<void> {
        MR_TRY(const std::string word, strict_identifier());
        if (same_word(word, "noscan")) return {};
        return fail(error_at(origin_from(start),
                             "INVALID_SQL_SYNTAX.ANALYZE_TABLE_UNEXPECTED_NOSCAN",
                             {{"ctx", quoted_id(word)}}));
    };
    if (take_word("tables")) {
        if (take_word("from") || take_word("in")) MR_TRY_VOID(strict_name());
        MR_TRY_VOID(statistics());
        return at_identifier() ? noscan() : Result<void>();
    }
    MR_TRY_VOID(expect_word("table"));
    MR_TRY_VOID(strict_name());
    if (at_word("partition")) MR_TRY_VOID(partition_spec());
    MR_TRY_VOID(statistics());
    if (take_words({"for", "columns"})) {
        do {
            MR_TRY_VOID(strict_identifier());
        } while (take_symbol(","));
        return {};
    }
    if (take_word("for")) {
        MR_TRY_VOID(expect_word("all"));
        return expect_word("columns");
    }
    return at_identifier() ? noscan() : Result<void>();
}

// [AS] name [(a, b)]: whether it names columns.
Result<bool> Parser::target_alias() {
    if (take_word("as") || (at_identifier() && !at_any_word({"set", "using", "on", "where"}))) {
        MR_TRY_VOID(strict_identifier());
        if (at_symbol("(")) {
            MR_TRY_VOID(identifier_list());
            return true;
        }
    }
    return false;
}

Result<void> Parser::assignments() {
    do {
        MR_TRY_VOID(strict_name());
        MR_TRY_VOID(expect_symbol("="));
        MR_TRY_VOID(expression());
    } while (take_symbol(","));
    return {};
}

// UPDATE t SET …, DELETE FROM t: from the table's name on.
Result<void> Parser::update_or_delete(int start, bool update) {
    if (!update) MR_TRY_VOID(expect_word("from"));
    MR_TRY_VOID(strict_name());
    MR_TRY(const bool columns, target_alias());
    if (update) {
        MR_TRY_VOID(expect_word("set"));
        MR_TRY_VOID(assignments());
    }
    if (take_word("where")) MR_TRY_VOID(expression());
    if (!columns) return {};
    return fail(error_at(origin_from(start), "COLUMN_ALIASES_NOT_ALLOWED",
                         {{"op", update ? "UPDATE" : "DELETE"}}));
}

Result<void> Parser::merge_into(int start) {
    take_words({"with", "schema", "evolution"});
    MR_TRY_VOID(expect_word("into"));
    MR_TRY_VOID(strict_name());
    MR_TRY(bool columns, target_alias());
    MR_TRY_VOID(expect_word("using"));
    if (take_symbol("(")) {
        MR_TRY_VOID(query());
        MR_TRY_VOID(expect_symbol(")"));
    } else {
        MR_TRY_VOID(strict_name());
    }
    MR_TRY(const bool source_columns, target_alias());
    columns = columns || source_columns;
    MR_TRY_VOID(expect_word("on"));
    MR_TRY_VOID(expression());
    WhenClauses matched;
    WhenClauses not_matched;
    WhenClauses by_source;
    while (take_word("when")) {
        const bool is_not = take_word("not");
        MR_TRY_VOID(expect_word("matched"));
        const bool source = is_not && take_words({"by", "source"});
        if (is_not && !source) take_words({"by", "target"});
        const bool condition = take_word("and");
        if (condition) MR_TRY_VOID(expression());
        MR_TRY_VOID(expect_word("then"));
        (!is_not ? matched : source ? by_source : not_matched).add(condition);
        if (is_not && !source) {
            MR_TRY_VOID(expect_word("insert"));
            if (take_symbol("*")) continue;
            MR_TRY_VOID(expect_symbol("("));
            do {
                MR_TRY_VOID(strict_name());
            } while (take_symbol(","));
            MR_TRY_VOID(expect_symbol(")"));
            MR_TRY_VOID(expect_word("values"));
            MR_TRY_VOID(expect_symbol("("));
            MR_TRY_VOID(expression_list(")"));
        } else if (take_words({"update", "set"})) {
            if (!source && take_symbol("*")) continue;
            MR_TRY_VOID(assignments());
        } else {
            MR_TRY_VOID(expect_word("delete"));
        }
    }
    if (!at_end() && !at_symbol(";")) return fail(syntax_error());
    const auto refuse = [&](std::string_view condition) {
        return fail(error_at(origin_from(start), condition, {}));
    };
    if (columns) {
        return fail(error_at(origin_from(start), "COLUMN_ALIASES_NOT_ALLOWED", {{"op", "MERGE"}}));
    }
    if (matched.count + not_matched.count + by_source.count == 0) {
        return refuse("MERGE_WITHOUT_WHEN");
    }
    if (matched.unreachable) return refuse("NON_LAST_MATCHED_CLAUSE_OMIT_CONDITION");
    if (not_matched.unreachable) {
        return refuse("NON_LAST_NOT_MATCHED_BY_TARGET_CLAUSE_OMIT_CONDITION");
    }
    if (by_source.unreachable) {
        return refuse("NON_LAST_NOT_MATCHED_BY_SOURCE_CLAUSE_OMIT_CONDITION");
    }
    return {};
}

// A statement that is read whole and then refused: whether `what` begins one, and its mistakes.
Result<bool> Parser::refused_statement(std::string_view what, int start) {
    const auto is = [&](std::string_view word) { return same_word(what, word); };
    if (is("alter")) {
        MR_TRY_VOID(alter(start));
    } else if (is("analyze")) {
        MR_TRY_VOID(analyze_table(start));
    } else if (is("merge")) {
        MR_TRY_VOID(merge_into(start));
    } else if (is("update") || is("delete")) {
        MR_TRY_VOID(update_or_delete(start, is("update")));
    } else if (is("use")) {
        if (at_any_word({"namespace", "database", "schema"}) && at_identifier(1)) take();
        MR_TRY_VOID(strict_name());
    } else if (is("replace")) {
        MR_TRY_VOID(expect_word("table"));
        MR_TRY_VOID(table_definition(start, false, true));
    } else {
        return false;
    }
    if (!at_end() && !at_symbol(";")) return fail(syntax_error());
    return true;
}

}  // namespace millrace::sql
