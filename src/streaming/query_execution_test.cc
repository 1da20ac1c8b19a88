#include "streaming/query_execution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "base/log.h"
#include "runtime/clock.h"
#include "runtime/sim/sim_disk.h"
#include "streaming/page_plans_internal.h"
#include "topic/in_memory_topics.h"

namespace millrace::streaming {
namespace {

using base::Code;
using plan::LogicalPtr;
using test::engine;
using test::kMinuteMs;
using test::Plans;

class FakeClock final : public runtime::Clock {
public:
    std::int64_t wall_ms() const override { return now_ms; }
    std::int64_t monotonic_ns() const override { return now_ms * 1'000'000; }
    std::int64_t now_ms = 1'700'000'000'000;
};

class QueryExecutionTest : public testing::Test {
protected:
    QueryExecutionTest() {
        base::set_log_level(base::LogLevel::kOff);
        topics_ = std::make_shared<topic::InMemoryTopics>(clock_);
        EXPECT_TRUE(topics_->create({.name = "in", .partitions = 2, .configs = {}}));
    }

    // Records at minute `minute` of the epoch; partitions in turn.
    void send(std::int64_t minute, const std::string& page) {
        EXPECT_TRUE(
            topics_->append({"in", next_partition_++ % 2}, {{.key = std::nullopt,
                                                             .value = page,
                                                             .timestamp_ms = minute * kMinuteMs,
                                                             .headers = {}}}));
    }
    plan::Options options() { return {{"subscribe", "in"}, {"startingoffsets", "earliest"}}; }
    Services services() {
        return {engine(),
                *disk_,
                clock_,
                *random_,
                [this](const plan::Options&) -> Result<std::shared_ptr<topic::Topics>> {
                    return topics_;
                },
                "/tmp",
                {}};
    }
    Result<void> try_start(LogicalPtr plan, OutputMode mode) {
        execution_.reset();
        QuerySpec spec;
        spec.plan = std::move(plan);
        spec.mode = mode;
        spec.sink.callback = [this](std::int64_t batch, const std::vector<plan::Field>&,
                                    const columnar::Batches& rows) -> Result<void> {
            std::vector<std::string> lines;
            for (const auto& part : rows) {
                for (std::int64_t row = 0; row < part.rows(); ++row)
                    lines.push_back(show(part, row));
            }
            if (mode_ != OutputMode::kComplete) std::ranges::sort(lines);
            const auto known = written_.find(batch);
            if (known != written_.end()) {
                EXPECT_EQ(known->second, lines) << "batch " << batch << " ran again differently";
            }
            written_[batch] = lines;
            return {};
        };
        mode_ = mode;
        auto made = QueryExecution::make(
            services(), std::move(spec),
            {.checkpoint_directory = "/checkpoint", .checkpoint_disk = *disk_});
        if (!made) return std::unexpected(made.error());
        execution_ = std::move(*made);
        return {};
    }
    void start(LogicalPtr plan, OutputMode mode) {
        const auto outcome = try_start(std::move(plan), mode);
        ASSERT_TRUE(outcome) << outcome.error().to_string();
    }
    // Times as minutes of the epoch.
    static std::string show(const columnar::Batch& batch, std::int64_t row) {
        std::string text;
        for (std::size_t i = 0; i < batch.fields().size(); ++i) {
            const auto column = batch.column(i);
            text += i == 0 ? "" : " ";
            text += column.type.is(plan::TypeKind::kTimestamp)
                        ? std::to_string(column.value<std::int64_t>(row) / 1000 / kMinuteMs)
                        : columnar::to_display(column, row, "UTC");
        }
        return text;
    }
    // Runs triggers until there is nothing to do; what came out in them.
    std::vector<std::string> run() {
        std::vector<std::string> lines;
        for (;;) {
            const auto progress = execution_->run_trigger();
            EXPECT_TRUE(progress) << progress.error().to_string();
            if (!progress || !*progress) return lines;
            last_ = **progress;
            const auto& batch = written_[last_.batch_id];
            lines.insert(lines.end(), batch.begin(), batch.end());
        }
    }
    using Lines = std::vector<std::string>;

    FakeClock clock_;
    std::unique_ptr<runtime::SimDisk> disk_ = std::make_unique<runtime::SimDisk>(1);
    std::unique_ptr<runtime::Random> random_ = runtime::make_seeded_random(1);
    std::shared_ptr<topic::InMemoryTopics> topics_;
    std::int32_t next_partition_ = 0;
    OutputMode mode_ = OutputMode::kAppend;
    std::map<std::int64_t, Lines> written_;
    std::unique_ptr<QueryExecution> execution_;
    Progress last_;
};

TEST_F(QueryExecutionTest, projects_new_rows_of_each_batch) {
    start(Plans(options()).views(), OutputMode::kAppend);
    EXPECT_EQ(run(), Lines());
    send(1, "a");
    send(2, "b");
    EXPECT_EQ(run(), (Lines{"1 a", "2 b"}));
    EXPECT_EQ(run(), Lines());
    send(3, "c");
    EXPECT_EQ(run(), (Lines{"3 c"}));
    EXPECT_EQ(last_.batch_id, 1);
}

TEST_F(QueryExecutionTest, reads_large_batches_in_pieces_and_in_order) {
    constexpr std::int64_t kRecords = 350'000;
    for (const std::int32_t partition : {0, 1}) {
        std::vector<topic::NewRecord> records;
        for (std::int64_t i = 0; i < kRecords; ++i) {
            records.push_back({.key = std::nullopt,
                               .value = std::to_string(i),
                               .timestamp_ms = i,
                               .headers = {}});
        }
        ASSERT_TRUE(topics_->append({"in", partition}, records));
    }
    plan::DataSourceRel source;
    source.options = options();
    const auto rows = read_topics(source, services().topics);
    ASSERT_TRUE(rows) << rows.error().to_string();
    ASSERT_EQ(columnar::total_rows(*rows), 2 * kRecords);
    std::map<std::int32_t, std::int64_t> next;
    std::int64_t wrong = 0;
    for (const auto& batch : *rows) {
        const auto value = batch.column(1);
        const auto partition = batch.column(3);
        const auto offset = batch.column(4);
        for (std::int64_t row = 0; row < batch.rows(); ++row) {
            const std::int64_t expected = next[partition.value<std::int32_t>(row)]++;
            if (offset.value<std::int64_t>(row) != expected ||
                value.text(row) != std::to_string(expected)) {
                ++wrong;
            }
        }
    }
    EXPECT_EQ(wrong, 0);
}

TEST_F(QueryExecutionTest, ranks_pages_in_complete_mode) {
    start(Plans(options()).top(2), OutputMode::kComplete);
    for (const char* page : {"a", "b", "b", "c"}) send(1, page);
    EXPECT_EQ(run(), (Lines{"b 2", "a 1"}));
    send(1, "c");
    send(1, "c");
    EXPECT_EQ(run(), (Lines{"c 3", "b 2"}));
}

TEST_F(QueryExecutionTest, counts_per_page_in_update_mode) {
    start(Plans(options()).hits_per_page(), OutputMode::kUpdate);
    for (const char* page : {"a", "b", "b"}) send(1, page);
    EXPECT_EQ(run(), (Lines{"a 1", "b 2"}));
    send(1, "b");
    EXPECT_EQ(run(), (Lines{"b 3"}));
}

TEST_F(QueryExecutionTest, append_gives_windows_once_the_watermark_has_passed_them) {
    start(Plans(options()).hits_per_window(30, 10), OutputMode::kAppend);
    send(65, "a");
    EXPECT_EQ(run(), Lines()) << "the watermark is at 55 after this batch";
    EXPECT_EQ(execution_->watermark_ms(), 55 * kMinuteMs);
    send(
        80,
        "a");  // 80 - 10 = 70: the window [40, 70) closes with the batch without data that follows.
    EXPECT_EQ(run(), (Lines{"40 70 a 1"}));
    EXPECT_EQ(last_.batch_id, 3) << "batch 1 was without data too: the watermark moved to 55";
    EXPECT_FALSE(last_.has_new_data);
    send(69, "a");  // Late for nothing that is open: [50, 80) and [60, 90) are.
    EXPECT_EQ(run(), Lines());
    send(95, "b");
    EXPECT_EQ(run(), (Lines{"50 80 a 2"}));
}

TEST_F(QueryExecutionTest, a_row_as_late_as_the_watermark_is_dropped_and_counted) {
    start(Plans(options()).hits_per_window(10, 10), OutputMode::kUpdate);
    send(100, "a");
    EXPECT_EQ(run(), (Lines{"100 110 a 1"}));
    EXPECT_EQ(execution_->watermark_ms(), 90 * kMinuteMs);
    send(89, "late");  // Its window ends at 90, which the watermark has reached.
    send(90, "b");
    EXPECT_EQ(run(), (Lines{"90 100 b 1"}));
    ASSERT_EQ(last_.operators.size(), 1U);
    EXPECT_EQ(last_.operators[0].second.rows_dropped_by_watermark, 1);
}

TEST_F(QueryExecutionTest, drops_duplicates) {
    start(Plans(options()).distinct(false), OutputMode::kAppend);
    for (const char* page : {"a", "b", "a"}) send(100, page);
    EXPECT_EQ(run(), (Lines{"100 a", "100 b"}));
    send(200, "a");
    send(201, "c");
    EXPECT_EQ(run(), (Lines{"201 c"}));
}

TEST_F(QueryExecutionTest, forgets_duplicates_within_the_watermark) {
    start(Plans(options()).distinct(true), OutputMode::kAppend);
    send(100, "a");
    EXPECT_EQ(run(), (Lines{"100 a"}));
    send(105, "a");  // The first one's time counts: forgotten at 110.
    send(119, "b");
    EXPECT_EQ(run(), (Lines{"119 b"}));
    send(112, "a");
    EXPECT_EQ(run(), Lines()) << "watermark 109";
    send(120, "c");
    EXPECT_EQ(run(), (Lines{"120 c"}));
    send(121, "a");
    EXPECT_EQ(run(), (Lines{"121 a"}));
}

TEST_F(QueryExecutionTest, goes_on_after_a_restart) {
    start(Plans(options()).hits_per_page(), OutputMode::kUpdate);
    send(1, "a");
    run();
    send(1, "a");
    start(Plans(options()).hits_per_page(), OutputMode::kUpdate);
    EXPECT_EQ(run(), (Lines{"a 2"}));
    EXPECT_EQ(last_.batch_id, 1);
}

TEST_F(QueryExecutionTest, the_watermark_comes_back_after_a_restart) {
    start(Plans(options()).hits_per_window(10, 10), OutputMode::kAppend);
    send(100, "a");
    run();
    start(Plans(options()).hits_per_window(10, 10), OutputMode::kAppend);
    EXPECT_EQ(execution_->watermark_ms(), 90 * kMinuteMs);
    send(85, "late");
    send(121, "b");
    EXPECT_EQ(run(), (Lines{"100 110 a 1"}));
}

TEST_F(QueryExecutionTest, limits_the_records_of_a_trigger) {
    auto limited = options();
    limited["maxoffsetspertrigger"] = "3";
    start(Plans(limited).views(), OutputMode::kAppend);
    for (int i = 0; i < 10; ++i) send(i, "p");
    run();
    std::vector<std::size_t> sizes;
    for (const auto& [_, lines] : written_) sizes.push_back(lines.size());
    EXPECT_EQ(std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}), 10U);
    EXPECT_GE(sizes.size(), 4U);
}

TEST_F(QueryExecutionTest, available_now_reads_no_further_than_its_start) {
    send(1, "a");
    start(Plans(options()).views(), OutputMode::kAppend);
    ASSERT_TRUE(execution_->prepare_for_available_now());
    send(2, "b");
    send(3, "c");
    EXPECT_EQ(run(), (Lines{"1 a"}));
}

TEST_F(QueryExecutionTest, lost_records_fail_the_query_unless_told_otherwise) {
    for (const bool fails : {true, false}) {
        disk_ = std::make_unique<runtime::SimDisk>(1);
        written_.clear();
        auto given = options();
        if (!fails) given["failondataloss"] = "false";
        start(Plans(given).views(), OutputMode::kAppend);
        run();
        send(1, "a");
        send(1, "b");
        send(1, "c");
        send(1, "d");
        const auto range = *topics_->offsets({"in", 0});
        topics_->trim({"in", 0}, range.next - 1);
        const auto outcome = execution_->run_trigger();
        if (fails) {
            ASSERT_FALSE(outcome);
            EXPECT_THAT(outcome.error().message(), testing::HasSubstr("failOnDataLoss"));
        } else {
            EXPECT_TRUE(outcome) << outcome.error().to_string();
        }
    }
}

TEST_F(QueryExecutionTest, a_checkpoint_of_another_query_is_refused_in_words) {
    start(Plans(options()).hits_per_page(), OutputMode::kUpdate);
    send(1, "a");
    run();
    const auto stateless = try_start(Plans(options()).views(), OutputMode::kAppend);
    ASSERT_FALSE(stateless);
    EXPECT_EQ(stateless.error().condition()->name,
              "STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA");
    const auto other = try_start(Plans(options()).hits_per_window(10, 10), OutputMode::kUpdate);
    ASSERT_FALSE(other);
    EXPECT_THAT(other.error().message(), testing::HasSubstr("the query has changed"));
}

TEST_F(QueryExecutionTest, offsets_and_commits_are_those_of_spark) {
    start(Plans(options()).views(), OutputMode::kAppend);
    send(1, "a");
    run();
    const std::string offsets = *runtime::read_file(*disk_, "/checkpoint/offsets/0");
    EXPECT_THAT(offsets,
                testing::StartsWith("v1\n{\"batchWatermarkMs\":0,\"batchTimestampMs\":"
                                    "1700000000000,\"conf\":{\"spark.sql.shuffle.partitions\":"
                                    "\"8\","));
    EXPECT_THAT(offsets, testing::EndsWith("}}\n{\"in\":{\"0\":1,\"1\":0}}"));
    EXPECT_EQ(*runtime::read_file(*disk_, "/checkpoint/commits/0"),
              "v1\n{\"nextBatchWatermarkMs\":0}");
    EXPECT_EQ(*runtime::read_file(*disk_, "/checkpoint/sources/0/0"),
              std::string("\0v1\n{\"in\":{\"0\":0,\"1\":0}}", 24));
}

TEST_F(QueryExecutionTest, progress_has_sparks_fields) {
    start(Plans(options()).hits_per_window(10, 10), OutputMode::kUpdate);
    send(100, "a");
    const auto progress = execution_->run_trigger();
    ASSERT_TRUE(progress && *progress);
    const std::string json = progress_json(**progress, {"i", "r", "n"}, -1);
    for (const char* part :
         {"\"id\":\"i\",\"runId\":\"r\",\"name\":\"n\",\"timestamp\":\"2023-11-14T22:13:20.000Z\","
          "\"batchId\":0,\"batchDuration\":0,\"numInputRows\":1,\"inputRowsPerSecond\":0.0,",
          "\"durationMs\":{\"addBatch\":", "\"eventTime\":{\"avg\":\"1970-01-01T01:40:00.000Z\"",
          "\"watermark\":\"1970-01-01T00:00:00.000Z\"}",
          "\"stateOperators\":[{\"operatorName\":\"stateStoreSave\",\"numRowsTotal\":1,",
          "\"sources\":[{\"description\":\"KafkaV2[Subscribe[in]]\",\"startOffset\":{\"in\":{\"0\":"
          "0,",
          "\"sink\":{\"description\":\"ForeachBatchSink\",\"numOutputRows\":-1}"}) {
        EXPECT_THAT(json, testing::HasSubstr(part));
    }
}

// What the query gives over all batches when nothing goes wrong equals what it gives when the power
// goes at any call of the disk.
class CrashTest : public QueryExecutionTest, public testing::WithParamInterface<const char*> {
protected:
    LogicalPtr plan() {
        Plans plans(options());
        if (std::string(GetParam()) == "join") return plans.followed();
        if (std::string(GetParam()) == "sessions") return plans.hits_per_session(3);
        return plans.hits_per_window(30, 10);
    }
};

TEST_P(CrashTest, a_crash_at_any_step_repeats_nothing_and_loses_nothing) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const auto feed = [&](int step) {
        for (int i = 0; i < 5; ++i) send(step * 7 + i * 3 % 11, std::string(1, char('a' + i % 3)));
    };
    const auto flat = [this] {
        Lines all;
        for (const auto& [_, lines] : written_) all.insert(all.end(), lines.begin(), lines.end());
        std::ranges::sort(all);
        return all;
    };
    constexpr int kSteps = 6;
    start(plan(), OutputMode::kAppend);
    for (int step = 0; step < kSteps; ++step) {
        feed(step);
        run();
    }
    const Lines expected = flat();
    ASSERT_GT(expected.size(), 5U);

    std::mt19937_64 random(seed);
    using Call = runtime::SimDisk::Call;
    for (int round = 0; round < 60; ++round) {
        disk_ = std::make_unique<runtime::SimDisk>(random());
        topics_ = std::make_shared<topic::InMemoryTopics>(clock_);
        ASSERT_TRUE(topics_->create({.name = "in", .partitions = 2, .configs = {}}));
        next_partition_ = 0;
        written_.clear();
        start(plan(), OutputMode::kAppend);
        for (int step = 0; step < kSteps; ++step) {
            feed(step);
            // At one of the calls that this step makes, or at none.
            const Call calls[] = {Call::kOpen, Call::kWrite, Call::kSync, Call::kRename};
            disk_->fail(calls[random() % 4], 1 + static_cast<int>(random() % 12));
            for (;;) {
                const auto progress =
                    execution_
                        ? execution_->run_trigger()
                        : Result<std::optional<Progress>>(base::fail(Code::kIo, "not started"));
                if (progress && !*progress) break;
                if (progress) continue;
                execution_.reset();
                disk_->crash();
                disk_->restart();
                const auto again = try_start(plan(), OutputMode::kAppend);
                ASSERT_TRUE(again || disk_->faults() > 0) << again.error().to_string();
            }
        }
        EXPECT_EQ(flat(), expected) << "round " << round;
    }
}

INSTANTIATE_TEST_SUITE_P(Operators, CrashTest, testing::Values("windows", "join", "sessions"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace millrace::streaming
