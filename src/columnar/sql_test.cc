// SQL from end to end: text through the analyzer, lowering and DuckDB to rows as show() prints
// them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
    std::optional<plan::ScanNode> table(const std::vector<std::string>&) const override {
        return std::nullopt;
    }
    std::vector<std::string> table_names() const override { return {}; }
    Result<plan::LogicalPtr> answer(const plan::CatalogRel&) override {
        return base::fail(base::Code::kUnsupported, "no catalog");
    }
    Result<std::vector<plan::Field>> schema_of(plan::DataSourceRel&,
                                               const std::optional<plan::DataType>&) override {
        return base::fail(base::Code::kUnsupported, "no sources");
    }
};

Engine& engine() {
    // Never destroyed: DuckDB's close touches thread-locals, which are gone when statics end.
    static Engine* const kEngine = Engine::make({.threads = 2}).value().release();
    return *kEngine;
}

// The schema, then a line for each row; or the error alone.
std::vector<std::string> answer(const std::string& query, Session& session) {
    const auto statement = sql::parse_statement(query);
    if (!statement) return {statement.error().message()};
    const auto* relation = std::get_if<plan::RelationPtr>(&*statement);
    if (relation == nullptr) return {"no query"};
    sql::AnalysisContext context{.conf = session,
                                 .catalog = session,
                                 .sources = session,
                                 .now_us = 1'714'557'845'000'000,
                                 .user = "me"};
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

// Rows of the table that have no implementation yet: they answer Spark's "unsupported".
const std::set<std::string, std::less<>> kUnsupported = {
    "current_timestamp", "format_string", "from_csv", "map_zip_with", "sentences", "session_window",
    "timestampadd",      "timestampdiff", "to_char",  "to_csv",       "to_number", "uniform"};

TEST(Sql, every_example_of_the_function_table_runs) {
    Session session;
    for (const sql::FunctionRow* row : sql::all_functions()) {
        if (row->example.empty()) continue;
        const auto lines = answer(std::string(row->example), session);
        const std::string first = lines.at(0);
        EXPECT_FALSE(first.starts_with("internal")) << row->id << ": " << first;
        EXPECT_FALSE(first.starts_with("runtime") && !row->id.contains("raise"))
            << row->id << ": " << first;
        if (!kUnsupported.contains(row->id)) {
            EXPECT_FALSE(first.starts_with("unsupported")) << row->id << ": " << first;
        }
    }
}

TEST(Sql, answers_as_spark_answers) {
    Session session;
    const auto check = [&](const std::string& query, std::vector<std::string> expected) {
        EXPECT_EQ(answer(query, session), expected) << query;
    };
    check("SELECT 1 + 1 AS two, 7 / 2, 'a' || 'b'",
          {"struct<two:int,(7 / 2):double,concat(a, b):string>", "2|3.5|ab"});
    check(
        "SELECT k, sum(v) AS s FROM VALUES ('a', 1), ('b', 2), ('a', 3) AS t(k, v) GROUP BY k "
        "ORDER BY k",
        {"struct<k:string,s:bigint>", "a|4", "b|2"});
    check("SELECT explode(array(10, 20)) AS x", {"struct<x:int>", "10", "20"});
    check("SELECT size(map('a', 1, 'b', 2)) AS n", {"struct<n:int>", "2"});
    check("SELECT array_append(CAST(NULL AS array<int>), 2) AS l",
          {"struct<l:array<int>>", "NULL"});
    check("SELECT timestamp_seconds(1230219000) AS t",
          {"struct<t:timestamp>", "2008-12-25 15:30:00"});
    check("SELECT rand(0) AS r", {"struct<r:double>", "0.7604953758285915"});
    check("SELECT hex(reverse(x'CAFE')) AS h", {"struct<h:string>", "FECA"});
}

}  // namespace
}  // namespace millrace::columnar
