// SQL from end to end: text through the analyzer, lowering and DuckDB to rows as show() prints them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

#include "columnar/engine.h"
#include "sql/analyzer.h"
#include "sql/function_table.h"
#include "sql/parser.h"

namespace millrace::columnar {
namespace {

using base::Result;

// A session without tables: queries bring their rows with VALUES.
class Session : public sql::Conf, public sql::Catalog, public sql::Sources {
public:
    std::map<std::string, std::string> settings;

    std::optional<std::string> get(const std::string& key) const override {
        const auto found = settings.find(key);
        return found == settings.end() ? std::nullopt : std::optional(found->second);
    }
    plan::LogicalPtr temp_view(const std::vector<std::string>&) const override { return nullptr; }
    plan::LogicalPtr cached(const std::string&) const override { return nullptr; }
    std::optional<plan::ScanNode> table(const std::vector<std::string>&) const override { return std::nullopt; }
    std::vector<std::string> table_names() const override { return {}; }
    Result<plan::LogicalPtr> answer(const plan::CatalogRel&) override {
        return base::fail(base::Code::kUnsupported, "no catalog");
    }
    Result<std::vector<plan::Field>> schema_of(const plan::DataSourceRel&,
                                               const std::optional<plan::DataType>&) override {
        return base::fail(base::Code::kUnsupported, "no sources");
    }
};

Engine& engine() {
    static const std::unique_ptr<Engine> kEngine = Engine::make({.threads = 2}).value();
    return *kEngine;
}

// The schema, then a line for each row; or the error alone.
std::vector<std::string> answer(const std::string& query, Session& session) {
    const auto statement = sql::parse_statement(query);
    if (!statement) return {statement.error().message()};
    const auto* relation = std::get_if<plan::RelationPtr>(&*statement);
    if (relation == nullptr) return {"no query"};
    sql::AnalysisContext context{.conf = session, .catalog = session, .sources = session,
                                 .now_us = 1'714'557'845'000'000, .user = "me"};
    const auto plan = sql::analyze(*relation, context);
    if (!plan) return {plan.error().message()};
    const auto batches = collect(engine(), **plan, {}, {.time_zone = session.time_zone()});
    if (!batches) return {batches.error().to_string()};
    std::vector<std::string> lines = {plan::schema_of(**plan).simple_string()};
    for (const Batch& batch : *batches) {
        for (std::int64_t row = 0; row < batch.rows(); ++row) {
            std::string line;
            for (std::size_t i = 0; i < batch.fields().size(); ++i) {
                line += (i == 0 ? "" : "|") + to_display(batch.column(i), row, session.time_zone());
            }
            lines.push_back(line);
        }
    }
    return lines;
}

TEST(Sql, every_example_of_the_function_table_runs) {
    Session session;
    std::map<std::string, std::string> failures;
    int examples = 0;
    for (const sql::FunctionRow* row : sql::all_functions()) {
        if (row->example.empty()) continue;
        ++examples;
        const auto lines = answer(std::string(row->example), session);
        if (lines.size() < 2 && (lines[0].starts_with("internal") || lines[0].starts_with("unsupported") ||
                                 lines[0].starts_with("runtime"))) {
            failures[std::string(row->id)] = lines[0];
        }
    }
    for (const auto& [id, failure] : failures) printf("%s: %s\n", id.c_str(), failure.substr(0, 400).c_str());
    printf("%d examples, %zu fail\n", examples, failures.size());
}

}  // namespace
}  // namespace millrace::columnar
