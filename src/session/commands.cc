// Commands: what changes a session, starts a stream, or shows what there is.
#include <algorithm>

#include "session/catalog.h"
#include "session/errors_internal.h"
#include "session/session.h"
#include "sql/function_table.h"
#include "streaming/query_manager.h"

namespace millrace::session {

namespace {

using plan::DataType;
using plan::Literal;

Literal text(std::string_view value) {
    return Literal::string(std::string(value));
}

Result<Outcome> outcome_of(const Table& table) {
    Outcome outcome;
    outcome.schema = DataType::structure(table.fields);
    MR_TRY(outcome.rows, to_batches(table));
    return outcome;
}

Table text_table(std::vector<std::string> columns) {
    Table table;
    for (auto& column : columns) {
        table.fields.push_back({std::move(column), DataType::string(), false, {}});
    }
    return table;
}

}  // namespace

Result<Outcome> Session::execute(const plan::Command& command, const Cancelled* cancelled) {
    struct Run {
        Session& session;
        const Cancelled* cancelled;
        Result<Outcome> operator()(const plan::WriteCommand& write) {
            return session.write(write, cancelled);
        }
        Result<Outcome> operator()(const plan::CreateViewCommand& create) {
            return session.create_view(create);
        }
        Result<Outcome> operator()(const plan::DropViewCommand& drop) {
            return session.drop_view(drop);
        }
        Result<Outcome> operator()(const plan::SetConfCommand& set) {
            return session.set_conf(set);
        }
        Result<Outcome> operator()(const plan::ShowCommand& show) { return session.show(show); }
        Result<Outcome> operator()(const plan::StartStreamCommand& start) {
            return session.start_stream(start);
        }
    };
    return std::visit(Run{*this, cancelled}, command);
}

Result<Outcome> Session::create_view(const plan::CreateViewCommand& command) {
    plan::RelationPtr relation = command.input;
    if (!command.column_names.empty()) {
        relation = plan::make_relation(plan::ToDfRel{relation, command.column_names});
    }
    MR_TRY(auto analyzed, analyze(relation));
    if (!catalog_->put_view(command.name, std::move(analyzed), command.global, command.replace)) {
        const std::string name = command.global ? fmt::format("`global_temp`.`{}`", command.name)
                                                : fmt::format("`{}`", command.name);
        return spark_error(
            Code::kAnalysis, "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS", "42P07", {{"relationName", name}},
            fmt::format("Cannot create the temporary view {} because it already exists.\nChoose a "
                        "different name, drop or replace the existing view,  or add the IF NOT "
                        "EXISTS clause to tolerate pre-existing views.",
                        name),
            "org.apache.spark.sql.catalyst.analysis.TempTableAlreadyExistsException");
    }
    return Outcome{DataType::structure({}), {}, nullptr};
}

Result<Outcome> Session::drop_view(const plan::DropViewCommand& command) {
    const bool global = command.name.size() == 2 && lower(command.name.front()) == "global_temp";
    if (!catalog_->drop_view(command.name.back(), global) && !command.if_exists) {
        return table_not_found(command.name);
    }
    return Outcome{DataType::structure({}), {}, nullptr};
}

Result<Outcome> Session::set_conf(const plan::SetConfCommand& command) {
    Table table = text_table({"key", "value"});
    if (command.reset) {
        if (command.key) {
            MR_TRY_VOID(conf_.unset(*command.key));
        } else {
            conf_.reset();
        }
        return Outcome{DataType::structure({}), {}, nullptr};
    }
    if (!command.key) {
        for (const auto& [key, value] : conf_.all(false)) {
            table.rows.push_back({text(key), text(value)});
        }
        return outcome_of(table);
    }
    if (command.value) {
        MR_TRY_VOID(conf_.set(*command.key, *command.value));
        table.rows.push_back({text(*command.key), text(*command.value)});
        return outcome_of(table);
    }
    table.rows.push_back(
        {text(*command.key), text(conf_.get(*command.key).value_or("<undefined>"))});
    return outcome_of(table);
}

Result<Outcome> Session::start_stream(const plan::StartStreamCommand& command) {
    MR_TRY(auto analyzed, analyze(command.input));
    if (!plan::is_streaming(*analyzed)) {
        return spark_error(Code::kAnalysis, "WRITE_STREAM_NOT_ALLOWED", "42601", {},
                           "`writeStream` can be called only on streaming Dataset/DataFrame.");
    }
    MR_TRY(auto spec, streaming::make_query_spec(command, std::move(analyzed), conf_.all(false)));
    spec.time_zone = conf_.time_zone();
    MR_TRY(auto query, services_.queries.start(std::move(spec)));
    {
        const std::scoped_lock lock(mutex_);
        started_.emplace_back(query->id(), query->run_id());
    }
    if (lower(command.format) == kMemoryTableFormat) catalog_->note_memory_table(query->name());
    return Outcome{DataType::structure({}), {}, std::move(query)};
}

Result<Outcome> Session::show(const plan::ShowCommand& command) {
    const std::string what = lower(command.what);
    const auto columns_of = [&]() -> Result<std::vector<plan::Field>> {
        plan::RelationPtr relation = command.query;
        if (relation == nullptr) {
            relation = plan::make_relation(plan::NamedTableRel{command.name, {}, false});
        }
        MR_TRY(const auto analyzed, analyze(relation));
        return plan::schema_of(*analyzed).fields();
    };
    if (what == "explain") {
        const std::string mode = lower(command.mode);
        MR_TRY(const auto explained,
               explain(command.query, mode == "extended"    ? ExplainMode::kExtended
                                      : mode == "codegen"   ? ExplainMode::kCodegen
                                      : mode == "cost"      ? ExplainMode::kCost
                                      : mode == "formatted" ? ExplainMode::kFormatted
                                                            : ExplainMode::kSimple));
        Table table = text_table({"plan"});
        table.rows.push_back({text(explained)});
        return outcome_of(table);
    }
    if (what == "columns") {
        MR_TRY(const auto fields, columns_of());
        Table table = text_table({"col_name"});
        for (const auto& field : fields) table.rows.push_back({text(field.name)});
        return outcome_of(table);
    }
    if (what == "describe table" || what == "describe query") {
        MR_TRY(const auto fields, columns_of());
        Table table = text_table({"col_name", "data_type", "comment"});
        table.fields[2].nullable = true;
        for (const auto& field : fields) {
            table.rows.push_back({text(field.name), text(field.type.simple_string()),
                                  Literal::null(DataType::string())});
        }
        return outcome_of(table);
    }
    if (what == "functions") {
        Table table = text_table({"function"});
        for (const auto& name : sql::function_names()) {
            if (matches_pattern(name, command.pattern)) table.rows.push_back({text(name)});
        }
        return outcome_of(table);
    }
    if (what == "describe function") {
        const std::string name = command.name.empty() ? "" : lower(command.name.back());
        const auto rows = sql::functions_named(name);
        Table table = text_table({"function_desc"});
        if (rows.empty()) {
            table.rows.push_back({text(fmt::format("Function: {} not found.", name))});
            return outcome_of(table);
        }
        table.rows.push_back({text("Function: " + name)});
        table.rows.push_back({text(fmt::format("Usage: {}", rows.front()->summary))});
        if (!command.mode.empty() && !rows.front()->example.empty()) {
            table.rows.push_back({text(fmt::format("Example: {}", rows.front()->example))});
        }
        return outcome_of(table);
    }
    if (what == "catalogs") {
        Table table = text_table({"catalog"});
        if (matches_pattern("spark_catalog", command.pattern)) {
            table.rows.push_back({text("spark_catalog")});
        }
        return outcome_of(table);
    }
    if (what == "databases" || what == "schemas" || what == "namespaces") {
        Table table = text_table({"namespace"});
        if (matches_pattern("default", command.pattern)) table.rows.push_back({text("default")});
        return outcome_of(table);
    }
    if (what == "tables" || what == "views") {
        const bool global = !command.name.empty() && lower(command.name.back()) == "global_temp";
        Table table = text_table({"namespace", what == "views" ? "viewName" : "tableName"});
        table.fields.push_back({"isTemporary", DataType::boolean(), false, {}});
        auto names = catalog_->view_names();
        for (auto& name : catalog_->memory_tables()) {
            if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
        }
        std::ranges::sort(names);
        if (global) {
            for (const auto& name : catalog_->global_view_names()) {
                if (matches_pattern(name, command.pattern)) {
                    table.rows.push_back({text("global_temp"), text(name), Literal::boolean(true)});
                }
            }
        }
        for (const auto& name : names) {
            if (matches_pattern(name, command.pattern)) {
                table.rows.push_back({text(""), text(name), Literal::boolean(true)});
            }
        }
        return outcome_of(table);
    }
    return unsupported(fmt::format("SHOW {}", command.what));
}

}  // namespace millrace::session
