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
    "current_timestamp", "format_string", "from_csv",  "sentences", "session_window",
    "to_char",           "to_csv",        "to_number", "uniform"};

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

// Value and type of one expression each.
void check_values(const std::vector<std::pair<std::string, std::string>>& cases) {
    Session session;
    for (const auto& [expression, expected] : cases) {
        const auto lines = answer("SELECT " + expression, session);
        EXPECT_EQ(lines.size() > 1 ? lines[1] : lines[0], expected) << expression;
    }
}

TEST(Sql, times_of_day_and_moves_of_timestamps) {
    check_values({
        {"make_time(6, 30, 45.887)", "06:30:45.887"},
        {"make_time(NULL, 30, 0)", "NULL"},
        {"to_time('6:3:1.5')", "06:03:01.5"},
        {"to_time('12.10.05', 'HH.mm.ss')", "12:10:05"},
        {"try_to_time('25:00:00')", "NULL"},
        {"time_diff('HOUR', TIME'20:30:29', TIME'12:00:00')", "-8"},
        {"time_trunc('minute', TIME'09:32:05.123456')", "09:32:00"},
        {"time_from_seconds(52200.5)", "14:30:00.5"},
        {"time_to_seconds(TIME'14:30:00.5')", "52200.500000"},
        {"time_to_millis(time_from_millis(86399999))", "86399999"},
        {"try_make_timestamp(2024, 13, 22, 15, 30, 0)", "NULL"},
        {"make_timestamp(DATE'2014-12-28', TIME'6:30:45.887', 'CET')", "2014-12-28 05:30:45.887"},
        {"try_make_interval(2147483647)", "NULL"},
        {"extract(days FROM interval 5 days 3 hours)", "5"},
        {"date_part('SECONDS', INTERVAL '5:00:30.001001' HOUR TO SECOND)", "30.001001"},
        {"timestampadd(MONTH, 1, timestamp_ntz'2022-01-31 10:00:00')", "2022-02-28 10:00:00"},
        {"timestampadd(MICROSECOND, -1, timestamp'2022-01-01 00:00:00')",
         "2021-12-31 23:59:59.999999"},
        {"timestampdiff(MONTH, timestamp_ntz'2022-01-31 00:00:01', timestamp_ntz'2022-03-31')",
         "1"},
        {"timestampdiff(WEEK, timestamp'2022-01-15', timestamp'2022-01-01')", "-2"},
    });
    Session session;
    EXPECT_THAT(answer("SELECT make_time(24, 0, 0)", session).at(0),
                testing::HasSubstr("Invalid value for HourOfDay (valid values 0 - 23): 24."));
    EXPECT_THAT(answer("SELECT to_time('noon')", session).at(0),
                testing::HasSubstr("[CANNOT_PARSE_TIME] The input string 'noon'"));
    EXPECT_THAT(answer("SELECT time_trunc('WEEK', TIME'09:32:05')", session).at(0),
                testing::HasSubstr("[INVALID_PARAMETER_VALUE.TIME_UNIT]"));
}

TEST(Sql, queries_without_from_have_one_row) {
    check_values({
        {"count(*) OVER ()", "1"},
        {"explode(array(5)) AS x, count(*) OVER ()", "5|1"},
        {"1 WHERE true", "1"},
        {"DISTINCT 1", "1"},
        {"1 ORDER BY 1 LIMIT 1", "1"},
        {"abs(INTERVAL -'1-1' YEAR TO MONTH)", "INTERVAL '1-1' YEAR TO MONTH"},
        {"sign(INTERVAL -'100' YEAR)", "-1.0"},
        {"collect_set(x) FROM VALUES (2), (1), (2) AS t(x)", "[1, 2]"},
        {"listagg(DISTINCT x, '-') FROM VALUES ('b'), ('a'), ('b') AS t(x)", "a-b"},
    });
}

TEST(Sql, sessions_end_with_a_gap) {
    Session session;
    EXPECT_EQ(
        answer("SELECT k, session_window.start, session_window.end, count(*) AS n FROM VALUES "
               "('a', TIMESTAMP'2021-01-01 00:00:00'), ('a', TIMESTAMP'2021-01-01 00:05:00'), "
               "('a', TIMESTAMP'2021-01-01 00:10:01'), ('b', TIMESTAMP'2021-01-01 00:01:00'), "
               "('b', NULL) AS t(k, ts) GROUP BY k, session_window(ts, '5 minutes') "
               "ORDER BY k, start",
               session),
        (std::vector<std::string>{"struct<k:string,start:timestamp,end:timestamp,n:bigint>",
                                  "a|2021-01-01 00:00:00|2021-01-01 00:10:00|2",
                                  "a|2021-01-01 00:10:01|2021-01-01 00:15:01|1",
                                  "b|2021-01-01 00:01:00|2021-01-01 00:06:00|1"}));
}

TEST(Sql, functions_of_functions_and_ordered_aggregates) {
    const std::string rows = " FROM VALUES ('a', 10), ('b', 50), ('c', 20), ('d', NULL) AS t(x, y)";
    check_values({
        {"map_zip_with(map('a', 1, 'b', 2), map('b', 3), (k, v, w) -> v + coalesce(w, 0))",
         "{a -> 1, b -> 5}"},
        {"array_sort(array(5, 6, 1, 5), (l, r) -> r - l)", "[6, 5, 5, 1]"},
        {"max_by(x, y, 2)" + rows, "[b, c]"},
        {"min_by(x, y, 2)" + rows, "[a, c]"},
        {"max_by(x, y) FILTER (WHERE y < 50)" + rows, "c"},
        {"mode() WITHIN GROUP (ORDER BY y)" + rows, "10"},
        {"percentile_cont(0.25) WITHIN GROUP (ORDER BY y)" + rows, "15.0"},
        {"percentile_cont(0.25) WITHIN GROUP (ORDER BY y DESC)" + rows, "35.0"},
        {"percentile_disc(0.5) WITHIN GROUP (ORDER BY y DESC)" + rows, "20.0"},
        {"percentile(y, 0.5, 2)" + rows, "20.0"},
        {"product(y)" + rows, "10000.0"},
        {"listagg(x, '-') WITHIN GROUP (ORDER BY y DESC)" + rows, "b-c-a-d"},
        {"approx_top_k(z, 2) FROM VALUES 'a', 'b', 'c', 'c', 'b', 'c' AS t(z)", "[{c, 3}, {b, 2}]"},
    });
}

TEST(Sql, sketches_estimate_and_combine) {
    const std::string rows =
        " FROM VALUES (1, 1.0D), (1, 2.0D), (2, 3.0D), (NULL, NULL) AS t(k, v)";
    check_values({
        {"hll_sketch_estimate(hll_sketch_agg(k))" + rows, "2"},
        {"hll_sketch_estimate(hll_union(hll_sketch_agg(k), hll_sketch_agg(k, 12)))" + rows, "2"},
        {"theta_sketch_estimate(theta_sketch_agg(k))" + rows, "2"},
        {"theta_sketch_estimate(theta_intersection(theta_sketch_agg(k), theta_sketch_agg(v)))" +
             rows,
         "0"},
        {"tuple_sketch_summary_double(tuple_sketch_agg_double(k, v))" + rows, "6.0"},
        {"tuple_sketch_summary_double(tuple_sketch_agg_double(k, v, 12, 'max'), 'max')" + rows,
         "3.0"},
        {"tuple_sketch_estimate_integer(tuple_difference_theta_integer(tuple_sketch_agg_integer(k, "
         "k), theta_sketch_agg(2)))" +
             rows,
         "1.0"},
        {"kll_sketch_get_quantile_double(kll_sketch_agg_double(v), 0.5)" + rows, "2.0"},
        {"kll_sketch_get_rank_bigint(kll_sketch_agg_bigint(k), 1)" + rows, "0.6666666666666666"},
        {"kll_sketch_get_n_float(kll_merge_agg_float(s)) FROM (SELECT "
         "kll_sketch_agg_float(CAST(v AS FLOAT)) AS s" +
             rows + ")",
         "3"},
    });
    // Beyond what a sketch holds, the estimate stays within its error.
    Session session;
    const auto near = [&](const std::string& query, double expected, double error) {
        const auto lines = answer(query, session);
        ASSERT_EQ(lines.size(), 2) << lines[0];
        EXPECT_NEAR(std::strtod(lines[1].c_str(), nullptr) / expected, 1, error) << query;
    };
    const std::string many = " FROM (SELECT explode(sequence(1, 100000)) AS x)";
    near("SELECT hll_sketch_estimate(hll_sketch_agg(x))" + many, 100000, 0.05);
    near("SELECT hll_sketch_estimate(hll_union_agg(s)) FROM (SELECT hll_sketch_agg(x) AS s" + many +
             " GROUP BY x % 3)",
         100000, 0.05);
    near("SELECT theta_sketch_estimate(theta_sketch_agg(x))" + many, 100000, 0.05);
    near("SELECT kll_sketch_get_quantile_bigint(kll_sketch_agg_bigint(x), 0.25)" + many, 25000,
         0.1);
    EXPECT_THAT(answer("SELECT hll_sketch_estimate(x'00')", session).at(0),
                testing::HasSubstr("[HLL_INVALID_INPUT_SKETCH_BUFFER]"));
    EXPECT_THAT(answer("SELECT theta_sketch_agg(1, 3)", session).at(0),
                testing::HasSubstr("between 4 and 26, inclusive: 3."));
}

}  // namespace
}  // namespace millrace::columnar
