// Statements other than queries: views, settings, SHOW, DESCRIBE, EXPLAIN.
#include "sql/errors.h"
#include "sql/parser_internal.h"

namespace millrace::sql {

using base::fail;
using plan::Command;
using plan::Statement;

Result<Statement> Parser::statement() {
    if (at_any_word({"select", "with", "values", "from"}) || at_symbol("(") ||
        (at_word("table") && at_identifier(1))) {
        MR_TRY(RelationPtr result, query());
        return Statement(std::move(result));
    }
    if (at_word("create")) return create();
    if (at_word("drop")) return drop();
    if (at_word("set") || at_word("reset")) return set();
    if (at_word("show")) return show();
    if (at_word("describe") || at_word("desc")) return describe();
    if (at_word("explain")) return explain();
    // What Spark knows and this program does not is told apart from what is no SQL at all.
    if (at_any_word({"insert", "update",  "delete",  "merge",   "alter",   "truncate", "use",
                     "cache",  "uncache", "refresh", "analyze", "load",    "grant",    "revoke",
                     "begin",  "declare", "execute", "call",    "comment", "add",      "list",
                     "msck",   "repair",  "replace", "clear"})) {
        const Token token = take();
        MR_TRY_VOID(refused_statement(token.text, token.start));
        std::string what(token.text);
        for (char& c : what) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        return fail(unsupported(fmt::format("the statement {}.", what),
                                {lexer_.text(), {.start = token.start, .stop = token.stop}}));
    }
    return fail(syntax_error());
}

Result<Statement> Parser::create() {
    const int start = peek().start;
    take();
    plan::CreateViewCommand view;
    view.replace = take_words({"or", "replace"});
    view.global = take_word("global");
    const bool temporary = take_word("temporary") || take_word("temp");
    if (!temporary || !take_word("view")) {
        if (!at_identifier()) return fail(syntax_error());
        std::string what(peek().text);
        for (char& c : what) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        if (!temporary) take_word("external");
        if (take_word("table")) {
            MR_TRY_VOID(table_definition(start, temporary, view.replace));
        } else if (!temporary && take_word("view")) {
            take_words({"if", "not", "exists"});
            MR_TRY_VOID(strict_name());
            if (at_symbol("(")) MR_TRY_VOID(view_columns());
            while (!take_word("as")) {
                if (take_word("comment")) {
                    MR_TRY_VOID(comment_text());
                } else if (take_word("tblproperties")) {
                    MR_TRY_VOID(property_list());
                } else if (take_words({"with", "schema"})) {
                    MR_TRY_VOID(strict_identifier());
                    take_word("evolution");
                } else if (take_words({"default", "collation"})) {
                    MR_TRY_VOID(strict_name());
                } else {
                    return fail(syntax_error());
                }
            }
            MR_TRY_VOID(query());
        } else if (!temporary &&
                   (take_word("database") || take_word("schema") || take_word("namespace"))) {
            MR_TRY_VOID(create_database());
        }
        return fail(unsupported(
            fmt::format("the statement CREATE {}{}.", temporary ? "TEMPORARY " : "", what),
            {lexer_.text(), origin_from(start)}));
    }
    if (take_words({"if", "not", "exists"})) {
        return fail(unsupported("CREATE TEMPORARY VIEW … IF NOT EXISTS.",
                                {lexer_.text(), origin_from(start)}));
    }
    MR_TRY(const std::vector<std::string> name, strict_name());
    if (name.size() > 1 && !view.global) {
        return fail(error_at(origin_from(start), "TEMP_VIEW_NAME_TOO_MANY_NAME_PARTS",
                             {{"actualName", quoted_id(name)}}));
    }
    view.name = name.back();
    if (at_symbol("(")) {
        MR_TRY(view.column_names, view_columns());
    }
    if (take_word("comment")) take();
    if (take_word("using")) {
        // A data source as a view: USING format OPTIONS (key 'value', …).
        MR_TRY(const std::vector<std::string> format, strict_name());
        plan::DataSourceRel source;
        source.format = format.back();
        if (take_word("options")) {
            MR_TRY_VOID(expect_symbol("("));
            do {
                std::string key;
                if (peek().kind == TokenKind::kString) {
                    key = take().value;
                } else {
                    MR_TRY(const std::vector<std::string> parts, strict_name());
                    for (const std::string& part : parts) key += (key.empty() ? "" : ".") + part;
                }
                take_symbol("=");
                const Token value = take();
                for (char& c : key) {
                    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
                }
                source.options[key] =
                    value.kind == TokenKind::kString ? value.value : std::string(value.text);
            } while (take_symbol(","));
            MR_TRY_VOID(expect_symbol(")"));
        }
        if (const auto path = source.options.find("path"); path != source.options.end()) {
            source.paths.push_back(path->second);
        }
        view.input = plan::make_relation(std::move(source));
        return Statement(Command(std::move(view)));
    }
    MR_TRY_VOID(expect_word("as"));
    MR_TRY(view.input, query());
    return Statement(Command(std::move(view)));
}

// (a COMMENT 'x', b …)
Result<std::vector<std::string>> Parser::view_columns() {
    MR_TRY_VOID(expect_symbol("("));
    std::vector<std::string> names;
    do {
        MR_TRY(std::string column, strict_identifier());
        if (take_word("comment")) MR_TRY_VOID(comment_text());
        names.push_back(std::move(column));
    } while (take_symbol(","));
    MR_TRY_VOID(expect_symbol(")"));
    return names;
}

Result<Statement> Parser::drop() {
    const int start = peek().start;
    take();
    take_word("temporary");
    if (!take_word("view")) {
        std::string what(peek().text);
        for (char& c : what) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        return fail(unsupported(fmt::format("the statement DROP {}.", what),
                                {lexer_.text(), origin_from(start)}));
    }
    plan::DropViewCommand command;
    command.if_exists = take_words({"if", "exists"});
    MR_TRY(command.name, strict_name());
    return Statement(Command(std::move(command)));
}

// SET; SET key; SET key = value (the rest of the text); SET TIME ZONE …; RESET [key].
Result<Statement> Parser::set() {
    plan::SetConfCommand command;
    command.reset = at_word("reset");
    take();
    if (at_end() || at_symbol(";")) return Statement(Command(std::move(command)));
    if (!command.reset && take_words({"time", "zone"})) {
        command.key = "spark.sql.session.timeZone";
        if (take_word("local")) {
            command.value = "UTC";
        } else if (peek().kind == TokenKind::kString) {
            command.value = take().value;
        } else {
            return fail(syntax_error());
        }
        return Statement(Command(std::move(command)));
    }
    if (take_word("-")) return fail(syntax_error());
    // Keys and values are free text up to the end of the statement.
    std::string_view rest = lexer_.text().substr(mark());
    while (!rest.empty() && (rest.back() == ';' || rest.back() == ' ' || rest.back() == '\n' ||
                             rest.back() == '\r' || rest.back() == '\t')) {
        rest.remove_suffix(1);
    }
    const auto trim = [](std::string_view text) {
        while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
        while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
        if (text.size() >= 2 && text.front() == '`' && text.back() == '`') {
            text = text.substr(1, text.size() - 2);
        }
        return std::string(text);
    };
    const std::size_t equals = command.reset ? std::string_view::npos : rest.find('=');
    command.key = trim(rest.substr(0, equals));
    if (equals != std::string_view::npos) command.value = trim(rest.substr(equals + 1));
    if (command.key->empty() || command.key->find(' ') != std::string::npos) {
        return fail(syntax_error());
    }
    reset(lexer_.text().size());
    return Statement(Command(std::move(command)));
}

Result<Statement> Parser::show() {
    take();
    plan::ShowCommand command;
    static constexpr std::string_view kScopes[] = {"user", "system", "all"};
    for (const std::string_view scope : kScopes) {
        if (at_word(scope) && at_word("functions", 1)) command.mode = take().text;
    }
    if (!at_any_word(
            {"tables", "views", "functions", "columns", "databases", "schemas", "catalogs"})) {
        std::string what(peek().text);
        for (char& c : what) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        if (!at_identifier()) return fail(syntax_error());
        if (take_words({"table", "extended"})) {
            if (take_word("from") || take_word("in")) MR_TRY_VOID(strict_name());
            MR_TRY_VOID(expect_word("like"));
            MR_TRY_VOID(string_literal());
            if (at_word("partition")) MR_TRY_VOID(partition_spec());
        }
        return fail(unsupported(fmt::format("the statement SHOW {}.", what),
                                {lexer_.text(), {.start = peek().start, .stop = peek().stop}}));
    }
    for (const char c : take().text) {
        command.what += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    if (take_word("from") || take_word("in")) {
        MR_TRY(command.name, strict_name());
        if (command.what == "columns" && (take_word("from") || take_word("in"))) {
            MR_TRY(std::vector<std::string> database, strict_name());
            database.push_back(command.name.back());
            command.name = std::move(database);
        }
    }
    take_word("like");
    if (peek().kind == TokenKind::kString) {
        command.pattern = take().value;
    } else if (command.what == "functions" && at_identifier()) {
        MR_TRY(const std::vector<std::string> name, strict_name());
        command.pattern = name.back();
    }
    return Statement(Command(std::move(command)));
}

// DESCRIBE [TABLE] name, DESCRIBE FUNCTION name, DESCRIBE [QUERY] query.
Result<Statement> Parser::describe() {
    take();
    plan::ShowCommand command;
    if (take_word("function")) {
        command.what = "describe function";
        if (take_word("extended")) command.mode = "extended";
        if (at_identifier()) {
            MR_TRY(command.name, strict_name());
        } else {
            command.name = {std::string(take().text)};
        }
        return Statement(Command(std::move(command)));
    }
    if (at_any_word({"database", "schema", "namespace"}) && at_identifier(1)) {
        const int start = peek().start;
        take();
        if (at_word("extended") && at_identifier(1)) take();
        MR_TRY_VOID(strict_name());
        return fail(
            unsupported("the statement DESCRIBE DATABASE.", {lexer_.text(), origin_from(start)}));
    }
    take_word("query");
    if (at_any_word({"select", "with", "values"}) || at_symbol("(") || at_word("from")) {
        command.what = "describe query";
        MR_TRY(command.query, query());
        return Statement(Command(std::move(command)));
    }
    take_word("table");
    if (at_any_word({"extended", "formatted"}) && at_identifier(1)) command.mode = take().text;
    command.what = "describe table";
    MR_TRY(command.name, strict_name());
    return Statement(Command(std::move(command)));
}

Result<Statement> Parser::explain() {
    take();
    plan::ShowCommand command;
    command.what = "explain";
    command.mode = "simple";
    if (at_any_word({"extended", "codegen", "cost", "formatted", "logical"})) {
        command.mode.clear();
        for (const char c : take().text) {
            command.mode += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        }
    }
    MR_TRY(command.query, query());
    return Statement(Command(std::move(command)));
}

}  // namespace millrace::sql
