// Answers to spark.catalog.*: each operation gives rows with the columns that clients read by
// position.
#include <algorithm>

#include "session/catalog.h"
#include "session/errors_internal.h"
#include "sql/function_table.h"

namespace millrace::session {

namespace {

using base::Code;
using base::Result;
using plan::DataType;
using plan::Literal;
using Arguments = std::map<std::string, std::string>;

constexpr std::string_view kCatalogName = "spark_catalog";
constexpr std::string_view kDatabase = "default";

Literal text(std::string_view value) {
    return Literal::string(std::string(value));
}
Literal no_text() {
    return Literal::null(DataType::string());
}

Literal names(const std::vector<std::string_view>& values) {
    std::vector<Literal> elements;
    for (const auto value : values) elements.push_back(text(value));
    return {DataType::array(DataType::string(), false), std::move(elements)};
}

std::string argument(const plan::CatalogRel& question, const std::string& name) {
    const auto found = question.arguments.find(name);
    return found == question.arguments.end() ? std::string() : found->second;
}

Table single(Literal value) {
    Table table;
    table.fields = {{"value", value.type, false, {}}};
    table.rows = {{std::move(value)}};
    return table;
}

Table databases() {
    return {{{"name", DataType::string(), false, {}},
             {"catalog", DataType::string(), true, {}},
             {"description", DataType::string(), true, {}},
             {"locationUri", DataType::string(), false, {}}},
            {}};
}

Table tables() {
    return {{{"name", DataType::string(), false, {}},
             {"catalog", DataType::string(), true, {}},
             {"namespace", DataType::array(DataType::string(), false), true, {}},
             {"description", DataType::string(), true, {}},
             {"tableType", DataType::string(), false, {}},
             {"isTemporary", DataType::boolean(), false, {}}},
            {}};
}

Table functions() {
    return {{{"name", DataType::string(), false, {}},
             {"catalog", DataType::string(), true, {}},
             {"namespace", DataType::array(DataType::string(), false), true, {}},
             {"description", DataType::string(), true, {}},
             {"className", DataType::string(), false, {}},
             {"isTemporary", DataType::boolean(), false, {}}},
            {}};
}

Table columns() {
    return {{{"name", DataType::string(), false, {}},
             {"description", DataType::string(), true, {}},
             {"dataType", DataType::string(), false, {}},
             {"nullable", DataType::boolean(), false, {}},
             {"isPartition", DataType::boolean(), false, {}},
             {"isBucket", DataType::boolean(), false, {}},
             {"isCluster", DataType::boolean(), false, {}}},
            {}};
}

std::vector<Literal> temporary_table(std::string_view name, bool global) {
    return {text(name), no_text(),         global ? names({"global_temp"}) : names({}),
            no_text(),  text("TEMPORARY"), Literal::boolean(true)};
}

std::vector<Literal> function_row(std::string_view name) {
    const auto rows = sql::functions_named(name);
    std::string summary = rows.empty() ? "" : std::string(rows.front()->summary);
    return {text(name),
            no_text(),
            Literal::null(DataType::array(DataType::string(), false)),
            text(summary),
            text("org.apache.spark.sql.catalyst.expressions"),
            Literal::boolean(true)};
}

bool is_database(const std::string& name) {
    return name.empty() || lower(name) == kDatabase || lower(name) == "spark_catalog.default";
}

// A view's or table's name with its database put in front when that was given apart.
Result<std::vector<std::string>> table_name(const plan::CatalogRel& question) {
    MR_TRY(auto parts, plan::split_name(argument(question, "table_name")));
    if (const auto database = argument(question, "db_name"); !database.empty()) {
        parts.insert(parts.begin(), database);
    }
    if (parts.size() == 3 && lower(parts.front()) == kCatalogName) parts.erase(parts.begin());
    return parts;
}

}  // namespace

Result<plan::LogicalPtr> SessionCatalog::answer(const plan::CatalogRel& question) {
    const std::string& operation = question.operation;
    const std::string pattern = argument(question, "pattern");
    const auto exists = [this](const std::vector<std::string>& name) {
        return temp_view(name) != nullptr || table(name).has_value();
    };
    const auto flag = [](bool value) { return to_plan(single(Literal::boolean(value))); };
    const auto nothing = [] { return to_plan(Table{}); };

    if (operation == "currentDatabase") return to_plan(single(text(kDatabase)));
    if (operation == "currentCatalog") return to_plan(single(text(kCatalogName)));
    if (operation == "setCurrentCatalog") {
        const auto name = argument(question, "catalog_name");
        if (name == kCatalogName) return nothing();
        return spark_error(Code::kAnalysis, "CATALOG_NOT_FOUND", "42P08",
                           {{"catalogName", fmt::format("`{}`", name)}},
                           fmt::format("The catalog `{}` not found. Consider to set the SQL config "
                                       "\"spark.sql.catalog.{}\" to a catalog plugin.",
                                       name, name));
    }
    if (operation == "setCurrentDatabase") {
        const auto name = argument(question, "db_name");
        if (is_database(name)) return nothing();
        return schema_not_found(name);
    }
    if (operation == "listCatalogs") {
        Table table{{{"name", DataType::string(), false, {}},
                     {"description", DataType::string(), true, {}}},
                    {}};
        if (matches_pattern(kCatalogName, pattern)) {
            table.rows.push_back({text(kCatalogName), no_text()});
        }
        return to_plan(table);
    }
    if (operation == "listDatabases" || operation == "getDatabase") {
        Table table = databases();
        if (operation == "getDatabase" && !is_database(argument(question, "db_name"))) {
            return schema_not_found(argument(question, "db_name"));
        }
        if (matches_pattern(kDatabase, pattern)) {
            table.rows.push_back({text(kDatabase), text(kCatalogName), text("default database"),
                                  text("spark-warehouse")});
        }
        return to_plan(table);
    }
    if (operation == "databaseExists") {
        return flag(is_database(argument(question, "db_name")) ||
                    lower(argument(question, "db_name")) == "global_temp");
    }
    if (operation == "listTables" || operation == "listViews") {
        const auto database = argument(question, "db_name");
        const bool global = lower(database) == "global_temp";
        if (!global && !is_database(database)) return schema_not_found(database);
        Table answer = tables();
        if (global) {
            for (const auto& name : global_view_names()) {
                if (matches_pattern(name, pattern)) {
                    answer.rows.push_back(temporary_table(name, true));
                }
            }
        }
        auto local = view_names();
        for (auto& name : memory_tables()) {
            if (std::ranges::find(local, name) == local.end()) local.push_back(std::move(name));
        }
        std::ranges::sort(local);
        for (const auto& name : local) {
            if (matches_pattern(name, pattern)) answer.rows.push_back(temporary_table(name, false));
        }
        return to_plan(answer);
    }
    if (operation == "getTable") {
        MR_TRY(const auto name, table_name(question));
        if (!exists(name)) return table_not_found(name);
        Table answer = tables();
        answer.rows.push_back(temporary_table(name.back(), name.size() > 1));
        return to_plan(answer);
    }
    if (operation == "tableExists") {
        MR_TRY(const auto name, table_name(question));
        return flag(exists(name));
    }
    if (operation == "listColumns") {
        MR_TRY(const auto name, table_name(question));
        std::vector<plan::Attribute> attributes;
        if (const auto view = temp_view(name)) {
            attributes = plan::output_of(*view);
        } else if (const auto scan = table(name)) {
            attributes = scan->output;
        } else {
            return table_not_found(name);
        }
        Table answer = columns();
        for (const auto& attribute : attributes) {
            answer.rows.push_back({text(attribute.name), no_text(),
                                   text(attribute.type.simple_string()),
                                   Literal::boolean(attribute.nullable), Literal::boolean(false),
                                   Literal::boolean(false), Literal::boolean(false)});
        }
        return to_plan(answer);
    }
    if (operation == "listFunctions") {
        if (!is_database(argument(question, "db_name"))) {
            return schema_not_found(argument(question, "db_name"));
        }
        Table answer = functions();
        for (const auto& name : sql::function_names()) {
            if (matches_pattern(name, pattern)) answer.rows.push_back(function_row(name));
        }
        return to_plan(answer);
    }
    if (operation == "functionExists") {
        return flag(!sql::functions_named(argument(question, "function_name")).empty());
    }
    if (operation == "getFunction") {
        const auto name = argument(question, "function_name");
        if (sql::functions_named(name).empty()) {
            return spark_error(
                Code::kAnalysis, "UNRESOLVED_ROUTINE", "42883",
                {{"routineName", fmt::format("`{}`", name)},
                 {"searchPath",
                  "[`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`]"}},
                fmt::format("Cannot resolve routine `{}` on search path [`system`.`builtin`, "
                            "`system`.`session`, `spark_catalog`.`default`].",
                            name));
        }
        Table answer = functions();
        answer.rows.push_back(function_row(lower(name)));
        return to_plan(answer);
    }
    if (operation == "dropTempView") return flag(drop_view(argument(question, "view_name"), false));
    if (operation == "dropGlobalTempView") {
        return flag(drop_view(argument(question, "view_name"), true));
    }
    if (operation == "dropView") {
        MR_TRY(const auto name, plan::split_name(argument(question, "table_name")));
        const bool dropped = drop_view(name.back(), name.size() == 2);
        if (!dropped && argument(question, "if_exists") != "true") return table_not_found(name);
        return nothing();
    }
    if (operation == "isCached" || operation == "cacheTable" || operation == "uncacheTable") {
        MR_TRY(const auto name, table_name(question));
        if (!exists(name)) return table_not_found(name);
        const std::scoped_lock lock(mutex_);
        bool& cached = cached_tables_[lower(plan::quote_name(name))];
        if (operation == "isCached") return flag(cached);
        cached = operation == "cacheTable";
        return nothing();
    }
    if (operation == "clearCache") {
        const std::scoped_lock lock(mutex_);
        cached_tables_.clear();
        return nothing();
    }
    if (operation == "refreshTable" || operation == "recoverPartitions") {
        MR_TRY(const auto name, table_name(question));
        if (!exists(name)) return table_not_found(name);
        return nothing();
    }
    // Files are listed anew by each query: there is nothing to refresh.
    if (operation == "refreshByPath") return nothing();
    return unsupported(fmt::format("the catalog operation {}", operation));
}

}  // namespace millrace::session
