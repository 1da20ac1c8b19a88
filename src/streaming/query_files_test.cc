// Runs the streaming tests that are text files: src/streaming/queries/*.txt, whose first one
// explains the format. A query reads JSON records of a topic, as programs do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/log.h"
#include "plan/relation.h"
#include "runtime/clock.h"
#include "runtime/sim/sim_disk.h"
#include "sql/analyzer.h"
#include "sql/parser.h"
#include "streaming/legality.h"
#include "streaming/page_plans_internal.h"
#include "streaming/query_execution.h"
#include "topic/in_memory_topics.h"

namespace millrace::streaming {
namespace {

using base::Code;
using base::fail;

class NoConf final : public sql::Conf {
public:
    std::optional<std::string> get(const std::string& key) const override {
        if (key == "spark.sql.session.timeZone") return "UTC";
        return std::nullopt;
    }
};

class Views final : public sql::Catalog {
public:
    plan::LogicalPtr temp_view(const std::vector<std::string>& name) const override {
        const auto found = views.find(name.back());
        return found == views.end() ? nullptr : found->second;
    }
    plan::LogicalPtr cached(const std::string&) const override { return nullptr; }
    std::optional<plan::ScanNode> table(const std::vector<std::string>&) const override {
        return std::nullopt;
    }
    std::vector<std::string> table_names() const override { return {}; }
    Result<plan::LogicalPtr> answer(const plan::CatalogRel&) override {
        return fail(Code::kUnsupported, "no catalog here");
    }
    std::map<std::string, plan::LogicalPtr> views;
};

class FixedSources final : public sql::Sources {
public:
    Result<std::vector<plan::Field>> schema_of(plan::DataSourceRel& source,
                                               const std::optional<plan::DataType>&) override {
        return *fixed_schema(source);
    }
};

struct Stream {
    std::string name;
    std::string schema;
    std::string watermark_column;
    std::string watermark_delay;
};
struct Program {
    std::vector<Stream> streams;
    std::string mode;
    std::string query;
};

class Runner {
public:
    explicit Runner(Program program) : program_(std::move(program)) {
        clock_ = runtime::make_system_clock();
        topics_ = std::make_shared<topic::InMemoryTopics>(*clock_);
        for (const Stream& stream : program_.streams) {
            EXPECT_TRUE(topics_->create({.name = stream.name, .partitions = 1, .configs = {}}));
        }
    }

    Result<void> start() {
        execution_.reset();
        MR_TRY(QuerySpec spec, analyzed());
        MR_TRY_VOID(check_legality(spec));
        spec.sink.callback = [this](std::int64_t, const auto&,
                                    const columnar::Batches& rows) -> Result<void> {
            if (complete_) lines_.clear();
            for (const auto& batch : rows) {
                for (std::int64_t row = 0; row < batch.rows(); ++row) {
                    std::string line;
                    for (std::size_t c = 0; c < batch.fields().size(); ++c) {
                        if (c > 0) line += " | ";
                        line += columnar::to_display(batch.column(c), row, "UTC");
                    }
                    lines_.push_back(line);
                }
            }
            return {};
        };
        const Services services{
            test::engine(),
            disk_,
            *clock_,
            *random_,
            [this](const plan::Options&) -> Result<std::shared_ptr<topic::Topics>> {
                return topics_;
            },
            "/tmp",
            {}};
        MR_TRY(execution_, QueryExecution::make(
                               services, std::move(spec),
                               {.checkpoint_directory = "/checkpoint", .checkpoint_disk = disk_}));
        return {};
    }

    Result<void> feed(const std::string& stream, const std::vector<std::string>& records) {
        std::vector<topic::NewRecord> batch;
        for (const auto& record : records) {
            batch.push_back(
                {.key = std::nullopt, .value = record, .timestamp_ms = 0, .headers = {}});
        }
        MR_TRY_VOID(topics_->append({stream, 0}, batch));
        return {};
    }
    Result<void> send(const std::string& stream, const std::vector<std::string>& records) {
        MR_TRY_VOID(feed(stream, records));
        lines_.clear();
        dropped_ = 0;
        malformed_ = 0;
        for (;;) {
            MR_TRY(const auto progress, execution_->run_trigger());
            if (!progress) break;
            malformed_ += progress->malformed_records();
            for (const auto& [_, metrics] : progress->operators) {
                dropped_ += metrics.rows_dropped_by_watermark;
            }
        }
        if (!complete_) std::ranges::sort(lines_);
        return {};
    }
    const std::vector<std::string>& lines() const { return lines_; }
    std::int64_t dropped() const { return dropped_; }
    std::int64_t malformed() const { return malformed_; }

private:
    Result<QuerySpec> analyzed() {
        const NoConf conf;
        Views catalog;
        FixedSources sources;
        for (const Stream& stream : program_.streams) {
            sql::AnalysisContext context{conf, catalog, sources, 0, "tester"};
            MR_TRY(catalog.views[stream.name], sql::analyze(view_of(stream), context));
        }
        sql::AnalysisContext context{conf, catalog, sources, 0, "tester"};
        MR_TRY(const auto statement, sql::parse_statement(program_.query));
        const auto* query = std::get_if<plan::RelationPtr>(&statement);
        if (query == nullptr) return fail(Code::kInvalidArgument, "not a query");
        QuerySpec spec;
        MR_TRY(spec.plan, sql::analyze(*query, context));
        MR_TRY(spec.mode, parse_output_mode(program_.mode));
        complete_ = spec.mode == OutputMode::kComplete;
        return spec;
    }

    static plan::RelationPtr view_of(const Stream& stream) {
        plan::DataSourceRel source;
        source.format = "kafka";
        source.options = {{"subscribe", stream.name}, {"startingoffsets", "earliest"}};
        source.is_streaming = true;
        const auto text = [](std::string sql) {
            return plan::make_expr(plan::TextExpr{std::move(sql)});
        };
        auto relation = plan::make_relation(source);
        relation = plan::make_relation(plan::ProjectRel{
            relation,
            {text("from_json(CAST(value AS STRING), '" + stream.schema + "') AS event")}});
        relation = plan::make_relation(plan::ProjectRel{relation, {text("event.*")}});
        if (!stream.watermark_column.empty()) {
            relation = plan::make_relation(
                plan::WithWatermarkRel{relation, stream.watermark_column, stream.watermark_delay});
        }
        return relation;
    }

    const Program program_;
    runtime::SimDisk disk_{1};
    std::unique_ptr<runtime::Clock> clock_;
    std::unique_ptr<runtime::Random> random_ = runtime::make_seeded_random(1);
    std::shared_ptr<topic::InMemoryTopics> topics_;
    std::unique_ptr<QueryExecution> execution_;
    std::vector<std::string> lines_;
    std::int64_t dropped_ = 0;
    std::int64_t malformed_ = 0;
    bool complete_ = false;
};

// Steps of one test, in order.
struct Step {
    enum class Kind { kRows, kFeed, kExpect, kDropped, kMalformed, kRestart };
    Kind kind;
    int line = 0;
    std::vector<std::string> lines;
    std::string stream;
};
struct FileTest {
    std::string name;
    Program program;
    std::vector<Step> steps;
};

std::vector<FileTest> read_tests(const std::string& path) {
    std::ifstream file(path);
    EXPECT_TRUE(file) << path;
    std::vector<FileTest> tests;
    std::string line;
    for (int number = 1; std::getline(file, line); ++number) {
        if (line.starts_with("  ")) {
            tests.back().steps.back().lines.push_back(line.substr(2));
            continue;
        }
        if (line.empty() || line.starts_with('#')) continue;
        std::istringstream words(line);
        std::string word;
        words >> word >> std::ws;
        std::string rest;
        std::getline(words, rest);
        if (word == "test") {
            tests.push_back({rest, {{{.name = "events"}}, {}, {}}, {}});
            continue;
        }
        FileTest& test = tests.back();
        std::vector<Stream>& streams = test.program.streams;
        const std::string& stream = rest.empty() ? streams[0].name : rest;
        if (word == "stream") {
            // The first one named takes the place of `events`.
            if (streams.size() == 1 && streams[0].schema.empty()) streams.clear();
            streams.push_back({.name = rest});
        } else if (word == "schema")
            streams.back().schema = rest;
        else if (word == "mode")
            test.program.mode = rest;
        else if (word == "query")
            test.program.query = rest;
        else if (word == "watermark") {
            streams.back().watermark_column = rest.substr(0, rest.find(' '));
            streams.back().watermark_delay = rest.substr(rest.find(' ') + 1);
        } else if (word == "rows")
            test.steps.push_back({Step::Kind::kRows, number, {}, stream});
        else if (word == "feed")
            test.steps.push_back({Step::Kind::kFeed, number, {}, stream});
        else if (word == "expect")
            test.steps.push_back({Step::Kind::kExpect, number, {}, {}});
        else if (word == "restart")
            test.steps.push_back({Step::Kind::kRestart, number, {}, {}});
        else if (word == "dropped")
            test.steps.push_back({Step::Kind::kDropped, number, {rest}, {}});
        else if (word == "malformed")
            test.steps.push_back({Step::Kind::kMalformed, number, {rest}, {}});
        else
            ADD_FAILURE() << path << ":" << number << ": what is '" << word << "'?";
    }
    return tests;
}

void check(const std::string& path, const FileTest& test) {
    Runner runner(test.program);
    const auto started = runner.start();
    ASSERT_TRUE(started) << started.error().to_string();
    for (const Step& step : test.steps) {
        SCOPED_TRACE(testing::Message() << path << ":" << step.line);
        switch (step.kind) {
            case Step::Kind::kRows: {
                const auto sent = runner.send(step.stream, step.lines);
                ASSERT_TRUE(sent) << sent.error().to_string();
                break;
            }
            case Step::Kind::kFeed: ASSERT_TRUE(runner.feed(step.stream, step.lines)); break;
            case Step::Kind::kExpect: EXPECT_EQ(runner.lines(), step.lines); break;
            case Step::Kind::kDropped:
                EXPECT_EQ(std::to_string(runner.dropped()), step.lines.at(0));
                break;
            case Step::Kind::kMalformed:
                EXPECT_EQ(std::to_string(runner.malformed()), step.lines.at(0));
                break;
            case Step::Kind::kRestart: {
                const auto again = runner.start();
                ASSERT_TRUE(again) << again.error().to_string();
                break;
            }
        }
    }
}

class QueryFiles : public testing::TestWithParam<std::string> {};

TEST_P(QueryFiles, hold) {
    base::set_log_level(base::LogLevel::kOff);
    const char* root = std::getenv("MILLRACE_SOURCE_DIR");
    const std::string path =
        std::string(root == nullptr ? "." : root) + "/src/streaming/queries/" + GetParam() + ".txt";
    const auto tests = read_tests(path);
    EXPECT_FALSE(tests.empty());
    for (const FileTest& test : tests) {
        SCOPED_TRACE("test " + test.name);
        check(path, test);
    }
}

INSTANTIATE_TEST_SUITE_P(All, QueryFiles,
                         testing::Values("windows", "sliding", "groups", "joins", "sessions"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace millrace::streaming
