#include "cli/weblog/producer.h"

#include <gtest/gtest.h>

#include <map>

#include "cli/weblog/generator.h"
#include "runtime/clock.h"
#include "topic/topics.h"

namespace millrace::cli {
namespace {

using base::Result;

// Keeps what is appended; made when the test says so, refuses when the test says so.
class RecordingTopics final : public topic::Topics {
public:
    std::int32_t partitions = 0;  // 0: the topic does not exist.
    bool refuse = false;
    std::vector<std::size_t> appends;                  // Sizes of the batches.
    std::map<std::string, std::int32_t> partition_of;  // Key -> where it went.
    std::size_t records = 0;

    Result<topic::TopicDescription> describe(const std::string& name) override {
        if (partitions == 0) return base::fail(base::Code::kNotFound, "no topic {}", name);
        return topic::TopicDescription{.name = name, .partitions = partitions, .configs = {}};
    }
    Result<void> create(const topic::TopicDescription& description) override {
        partitions = description.partitions;
        return {};
    }
    Result<std::int64_t> append(const topic::TopicPartition& to,
                                const std::vector<topic::NewRecord>& batch) override {
        if (refuse) return base::fail(base::Code::kUnavailable, "nobody answers");
        appends.push_back(batch.size());
        records += batch.size();
        for (const topic::NewRecord& record : batch) {
            const auto [known, is_new] = partition_of.emplace(*record.key, to.partition);
            EXPECT_EQ(known->second, to.partition) << *record.key << " moved";
        }
        return 0;
    }
    Result<std::vector<std::string>> list() override { return unused(); }
    Result<void> remove(const std::string&) override { return unused(); }
    Result<topic::OffsetRange> offsets(const topic::TopicPartition&) override { return unused(); }
    Result<std::optional<std::int64_t>> offset_at(const topic::TopicPartition&,
                                                  std::int64_t) override {
        return unused();
    }
    Result<Read> read(const topic::TopicPartition&, std::int64_t, std::int64_t,
                      const topic::ReadOptions&) override {
        return unused();
    }
    std::unique_ptr<topic::Watch> watch(const std::string&, std::function<void()>) override {
        return nullptr;
    }

private:
    static std::unexpected<base::Error> unused() {
        return base::fail(base::Code::kUnsupported, "not asked by a producer");
    }
};

// Time that only waiting moves.
class WaitingClock final : public runtime::Clock {
public:
    std::int64_t wall_ms() const override { return now_ns / 1'000'000; }
    std::int64_t monotonic_ns() const override { return now_ns; }
    std::int64_t now_ns = 0;
};

class WebLogProducerTest : public ::testing::Test {
protected:
    Result<WebLogProgress> produce(WebLogSettings settings, const WebLogPace& pace) {
        GeneratedWebLog source(settings);
        WebLogProducer producer(topics_, "weblog", 3, clock_,
                                {.wait =
                                     [&](std::int64_t wait_ns) {
                                         clock_.now_ns += wait_ns;
                                         return clock_.now_ns < stop_at_ns_;
                                     },
                                 .report = [&](const WebLogProgress&) { ++reports_; }});
        return producer.run(source, pace);
    }

    RecordingTopics topics_;
    WaitingClock clock_;
    std::int64_t stop_at_ns_ = std::numeric_limits<std::int64_t>::max();
    int reports_ = 0;
};

TEST_F(WebLogProducerTest, makes_the_topic_and_sends_everything_in_batches) {
    const auto done = produce({.records = 12'000}, {});
    ASSERT_TRUE(done);
    EXPECT_EQ(topics_.partitions, 3);
    EXPECT_EQ(topics_.records, 12'000u);
    EXPECT_EQ(done->records, 12'000u);
    EXPECT_EQ(done->done, 1.0);
    EXPECT_LT(topics_.appends.size(), 30u);
    EXPECT_EQ(clock_.now_ns, 0);
}

TEST_F(WebLogProducerTest, keeps_to_a_topic_that_exists) {
    topics_.partitions = 2;
    ASSERT_TRUE(produce({.records = 1000}, {}));
    for (const auto& [key, partition] : topics_.partition_of) EXPECT_LT(partition, 2);
}

TEST_F(WebLogProducerTest, keeps_a_rate) {
    ASSERT_TRUE(produce({.records = 1000}, {.records_per_second = 500}));
    EXPECT_NEAR(static_cast<double>(clock_.now_ns), 2e9, 2e7);
    EXPECT_GT(reports_, 100);
}

TEST_F(WebLogProducerTest, replays_event_time) {
    // 20 events a second of event time, 60 times as fast.
    ASSERT_TRUE(produce({.records = 12'000}, {.event_time_speed = 60}));
    EXPECT_NEAR(static_cast<double>(clock_.now_ns), 10e9, 1e8);
}

TEST_F(WebLogProducerTest, ends_when_it_is_told_to) {
    stop_at_ns_ = 1'000'000'000;
    const auto done = produce({.records = 0}, {.records_per_second = 100});
    ASSERT_TRUE(done);
    EXPECT_NEAR(static_cast<double>(done->records), 100, 5);
    EXPECT_EQ(topics_.records, done->records);
}

TEST_F(WebLogProducerTest, gives_the_servers_error) {
    topics_.refuse = true;
    const auto done = produce({.records = 10}, {});
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().to_string(), "unavailable: produce to weblog: nobody answers");
}

}  // namespace
}  // namespace millrace::cli
