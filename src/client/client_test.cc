// Against librdkafka's own mock of a Kafka cluster; the whole contract runs against a real server
// in the black-box tests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "client/cluster.h"
#include "client/consumer.h"
#include "client/producer.h"
#include "client/rdkafka_internal.h"
#include "client/remote_topics.h"

#include <librdkafka/rdkafka_mock.h>  // After rdkafka.h.

namespace millrace::client {
namespace {

using base::Code;
using testing::HasSubstr;

class MockCluster {
public:
    MockCluster() : handle_(*make_handle(RD_KAFKA_PRODUCER, *make_configuration({}, {}, {}))) {
        cluster_ = rd_kafka_mock_cluster_new(handle_.get(), 1);
        rd_kafka_mock_topic_create(cluster_, "t", 2, 1);
    }
    ~MockCluster() { rd_kafka_mock_cluster_destroy(cluster_); }
    MockCluster(const MockCluster&) = delete;
    MockCluster& operator=(const MockCluster&) = delete;

    Settings settings() const {
        return {{"bootstrap.servers", rd_kafka_mock_cluster_bootstraps(cluster_)}};
    }
    rd_kafka_mock_cluster_t* get() const { return cluster_; }

private:
    Handle handle_;
    rd_kafka_mock_cluster_t* cluster_ = nullptr;
};

std::vector<topic::NewRecord> numbered(int from, int to) {
    std::vector<topic::NewRecord> records;
    for (int i = from; i < to; ++i) {
        records.push_back({.key = fmt::format("k{}", i),
                           .value = fmt::format("v{}", i),
                           .timestamp_ms = 1000 + i,
                           .headers = {{"n", fmt::format("{}", i)}}});
    }
    return records;
}

TEST(RemoteTopics, read_back_what_was_appended_in_any_range) {
    const MockCluster cluster;
    const auto topics = connect_topics(cluster.settings());
    ASSERT_TRUE(topics) << topics.error().to_string();
    const topic::TopicPartition partition{"t", 0};
    EXPECT_EQ((*topics)->append(partition, numbered(0, 100)).value(), 0);
    EXPECT_EQ((*topics)->append(partition, numbered(100, 200)).value(), 100);
    EXPECT_EQ((*topics)->offsets(partition)->next, 200);
    // In order, then back, then over the end.
    for (const auto& [from, to] : {std::pair{0, 50}, {50, 150}, {150, 200}, {20, 30}, {190, 500}}) {
        const auto read = (*topics)->read(partition, from, to, {.headers = true});
        ASSERT_TRUE(read) << read.error().to_string();
        const int end = std::min(to, 200);
        ASSERT_EQ(read->records.rows(), static_cast<std::size_t>(end - from));
        EXPECT_EQ(read->next_offset, end);
        EXPECT_EQ(read->records.offsets[0], from);
        EXPECT_EQ(read->records.timestamps_ms[0], 1000 + from);
        EXPECT_EQ(read->records.headers[0][0].value, fmt::format("{}", from));
        EXPECT_TRUE(read->records.values.starts_with(fmt::format("v{}", from)));
    }
    const auto little = (*topics)->read(partition, 0, 200, {.max_bytes = 1, .headers = false});
    EXPECT_EQ(little->records.rows(), 1U);
    EXPECT_EQ((*topics)->read(partition, 1, 2, {})->records.values, "v1");
    EXPECT_EQ((*topics)->read(partition, 201, 202, {}).error().code(), Code::kOutOfRange);
    EXPECT_EQ((*topics)->read(partition, 200, 210, {})->next_offset, 200);
}

TEST(RemoteTopics, know_what_does_not_exist) {
    const MockCluster cluster;
    const auto topics = connect_topics(cluster.settings());
    EXPECT_EQ((*topics)->list()->front(), "t");
    EXPECT_EQ((*topics)->offsets({"missing", 0}).error().code(), Code::kNotFound);
    EXPECT_EQ((*topics)->append({"missing", 0}, numbered(0, 1)).error().code(), Code::kNotFound);
    EXPECT_EQ((*topics)->read({"t", 2}, 0, 1, {}).error().code(), Code::kNotFound);
}

TEST(RemoteTopics, call_a_watch_after_an_append) {
    const MockCluster cluster;
    const auto topics = connect_topics(cluster.settings());
    std::mutex mutex;
    std::condition_variable changed;
    bool called = false;
    const auto watch = (*topics)->watch("t", [&] {
        const std::lock_guard lock(mutex);
        called = true;
        changed.notify_all();
    });
    ASSERT_TRUE((*topics)->append({"t", 1}, numbered(0, 1)));
    std::unique_lock lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(20), [&] { return called; }));
}

TEST(RemoteTopics, say_that_nobody_answers_and_where) {
    const auto topics = connect_topics({{"bootstrap.servers", "127.0.0.1:1"}});
    ASSERT_FALSE(topics);
    EXPECT_EQ(topics.error().code(), Code::kUnavailable);
    EXPECT_THAT(topics.error().message(), HasSubstr("127.0.0.1:1"));
}

TEST(RemoteTopics, name_a_setting_that_does_not_exist) {
    const auto topics = connect_topics({{"bootstrap.servers", "127.0.0.1:1"}, {"no.such", "1"}});
    ASSERT_FALSE(topics);
    EXPECT_EQ(topics.error().code(), Code::kInvalidArgument);
    EXPECT_THAT(topics.error().message(), HasSubstr("no.such=1"));
}

TEST(Cluster, tells_of_brokers_topics_and_offsets) {
    const MockCluster mock;
    const auto cluster = Cluster::connect(mock.settings(), std::chrono::seconds(10));
    ASSERT_TRUE(cluster) << cluster.error().to_string();
    const auto topics = connect_topics(mock.settings());
    ASSERT_TRUE((*topics)->append({"t", 1}, numbered(0, 10)));
    const auto overview = (*cluster)->overview();
    ASSERT_TRUE(overview) << overview.error().to_string();
    EXPECT_EQ(overview->brokers.size(), 1U);
    ASSERT_TRUE(overview->topics.contains("t"));
    EXPECT_EQ(overview->topics.at("t").partitions.size(), 2U);
    EXPECT_EQ(overview->topics.at("t").partitions[1].leader, overview->brokers[0].id);
    const auto starts = (*cluster)->offsets_at({{{"t", 1}, Cluster::kEarliest}});
    const auto ends =
        (*cluster)->offsets_at({{{"t", 0}, Cluster::kLatest}, {{"t", 1}, Cluster::kLatest}});
    ASSERT_TRUE(starts && ends);
    EXPECT_EQ(starts->at({"t", 1}).value(), 0);
    EXPECT_EQ(ends->at({"t", 0}).value(), 0);
    EXPECT_EQ(ends->at({"t", 1}).value(), 10);
    EXPECT_TRUE((*cluster)->offsets_at({})->empty());
}

TEST(Cluster, commits_offsets_of_a_group_and_tells_them) {
    const MockCluster mock;
    const auto cluster = Cluster::connect(mock.settings(), std::chrono::seconds(10));
    ASSERT_TRUE(cluster) << cluster.error().to_string();
    // A coordinator that has just moved answers the next time.
    rd_kafka_mock_push_request_errors(mock.get(), 8, 1, RD_KAFKA_RESP_ERR_NOT_COORDINATOR);
    const auto outcome = (*cluster)->commit("g", {{{"t", 0}, 5}, {{"t", 1}, 7}});
    ASSERT_TRUE(outcome) << outcome.error().to_string();
    for (const auto& [partition, offset] : *outcome) EXPECT_TRUE(offset) << partition.partition;
}

TEST(Cluster, is_not_reached_where_nobody_listens) {
    const auto began = std::chrono::steady_clock::now();
    const auto cluster =
        Cluster::connect({{"bootstrap.servers", "127.0.0.1:1"}}, std::chrono::seconds(30));
    ASSERT_FALSE(cluster);
    EXPECT_EQ(cluster.error().code(), Code::kUnavailable);
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(20));
}

TEST(Cluster, never_repeats_a_secret) {
    for (const char* name :
         {"sasl.password", "ssl.key.password", "sasl.oauthbearer.client.secret"}) {
        const auto secret = Cluster::connect(
            {{"bootstrap.servers", "127.0.0.1:1"}, {std::string(name) + ".no.such", "hunter2"}},
            std::chrono::seconds(1));
        ASSERT_FALSE(secret) << name;
        EXPECT_THAT(secret.error().message(), testing::Not(HasSubstr("hunter2")));
    }
}

TEST(Producer, reports_every_record) {
    const MockCluster cluster;
    std::mutex mutex;
    std::vector<std::int64_t> offsets;
    const auto producer =
        Producer::make(cluster.settings(), [&](const Producer::Delivery& delivery) {
            const std::lock_guard lock(mutex);
            offsets.push_back(delivery.offset.value_or(-1));
        });
    ASSERT_TRUE(producer);
    for (const auto& record : numbered(0, 1000)) {
        ASSERT_TRUE((*producer)->send("t", 1, record));
    }
    ASSERT_TRUE((*producer)->flush(std::chrono::seconds(20)));
    const std::lock_guard lock(mutex);
    ASSERT_EQ(offsets.size(), 1000U);
    EXPECT_EQ(offsets.front(), 0);
    EXPECT_EQ(offsets.back(), 999);
    EXPECT_EQ((*producer)->stats().delivered, 1000U);
    EXPECT_EQ((*producer)->stats().failed, 0U);
}

TEST(Producer, tells_why_a_record_was_refused) {
    const MockCluster cluster;
    std::mutex mutex;
    std::string words;
    const auto producer =
        Producer::make(cluster.settings(), [&](const Producer::Delivery& delivery) {
            const std::lock_guard lock(mutex);
            if (!delivery.offset) words = delivery.offset.error().to_string();
        });
    rd_kafka_mock_push_request_errors(cluster.get(), 0, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    ASSERT_TRUE((*producer)->send("t", 0, numbered(0, 1)[0]));
    ASSERT_TRUE((*producer)->flush(std::chrono::seconds(20)));
    const std::lock_guard lock(mutex);
    EXPECT_THAT(words, HasSubstr("too large: send to t"));
}

TEST(Consumer, reads_partitions_to_their_ends) {
    const MockCluster cluster;
    const auto topics = connect_topics(cluster.settings());
    ASSERT_TRUE((*topics)->append({"t", 0}, numbered(0, 10)));
    ASSERT_TRUE((*topics)->append({"t", 1}, numbered(10, 15)));
    const auto consumer = Consumer::make(cluster.settings());
    ASSERT_TRUE(consumer);
    ASSERT_TRUE((*consumer)->assign({{{"t", 0}, 5}, {{"t", 1}, Consumer::kBeginning}}));
    std::vector<std::string> values;
    for (int round = 0; round < 100 && !(*consumer)->at_end(); ++round) {
        const auto records = (*consumer)->poll(std::chrono::milliseconds(500), 100);
        ASSERT_TRUE(records) << records.error().to_string();
        for (const auto& record : *records) values.push_back(record.value.value_or("null"));
    }
    std::ranges::sort(values);
    EXPECT_THAT(values, testing::ElementsAre("v10", "v11", "v12", "v13", "v14", "v5", "v6", "v7",
                                             "v8", "v9"));
}

TEST(Settings, come_from_options_that_begin_with_kafka) {
    EXPECT_EQ(settings_from_options({{"kafka.bootstrap.servers", "h:1"}, {"subscribe", "t"}}),
              (Settings{{"bootstrap.servers", "h:1"}}));
}

}  // namespace
}  // namespace millrace::client
