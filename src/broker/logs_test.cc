// What clients see of logs being cleaned, shortened and described.
#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <thread>

#include "broker/wire_harness_internal.h"
#include "kafka/messages/alter_replica_log_dirs.h"
#include "kafka/messages/delete_records.h"
#include "kafka/messages/describe_log_dirs.h"
#include "model/records.h"

namespace millrace::broker {
namespace {

config::ServerOptions eager_options() {
    config::ServerOptions options;
    options.log_cleaner_backoff_ms = 10;
    return options;
}

class Logs : public WireHarness, public testing::Test {
protected:
    Logs() : WireHarness(eager_options()) {}

    // "start" or the error.
    std::string delete_records(const std::string& topic, std::int64_t before,
                               std::int16_t version = 2, std::int32_t partition = 0) {
        kafka::DeleteRecordsRequest request;
        request.timeout_ms = 10'000;
        auto& asked = request.topics.emplace_back();
        asked.name = topic;
        asked.partitions.push_back({partition, before});
        const auto response = client.call<kafka::DeleteRecordsResponse>(request, version);
        if (!response) return "no answer";
        const auto& answer = response->topics.at(0).partitions.at(0);
        if (answer.error_code == ErrorCode::kNone) return std::to_string(answer.low_watermark);
        EXPECT_EQ(answer.low_watermark, -1);
        return std::string(error_name(answer.error_code));
    }

    static base::Bytes keyed(const std::string& key, const std::optional<std::string>& value) {
        model::BatchBuilder builder;
        builder.add({std::chrono::duration_cast<std::chrono::milliseconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count()},
                    base::ByteView(key),
                    value ? std::optional<base::ByteView>(*value) : std::nullopt);
        return builder.build();
    }

    // "offset:key=value ..." from `from` to the end.
    std::string records(const std::string& topic, std::int64_t from) {
        std::string text;
        while (true) {
            const auto fetched = fetch(topic, from);
            if (fetched.error_code != ErrorCode::kNone) {
                return text + std::string(error_name(fetched.error_code));
            }
            base::ByteView rest = fetched.records.view();
            if (rest.empty()) return text;
            while (!rest.empty()) {
                const auto batch = model::RecordBatch::parse(rest);
                if (!batch) break;
                rest.remove_prefix(batch->size_bytes());
                base::Bytes scratch;
                const auto payload = model::unpack(*batch, scratch);
                model::RecordIterator iterator(*batch, *payload);
                model::RecordView record;
                while (*iterator.next(record)) {
                    text += fmt::format("{}:{}={} ", record.offset, record.key.value_or("null"),
                                        record.value.value_or("null"));
                }
                from = batch->next_offset().value;
            }
        }
    }

    // Until `done`, or too long.
    template <class Done>
    static bool eventually(Done done) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!done()) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            std::this_thread::yield();
        }
        return true;
    }
};

TEST_F(Logs, a_compacted_topic_comes_down_to_the_last_values) {
    create("t", 1, {{"cleanup.policy", "compact"}, {"segment.bytes", "1048576"}});
    EXPECT_EQ(produce_error("t", make_batch(1)), "NONE");
    model::BatchBuilder keyless;
    keyless.add({1}, std::nullopt, "v");
    EXPECT_EQ(produce_error("t", keyless.build()), "INVALID_RECORD");
    const std::string large(300'000, 'x');
    for (int i = 0; i < 8; ++i) {
        EXPECT_EQ(produce("t", keyed("a", large + std::to_string(i))).error, ErrorCode::kNone);
    }
    // Offsets 0 to 2 fill the first segment, and so on; the last one is active.
    EXPECT_TRUE(eventually([&] { return broker.broker().view().cleaner_rounds > 0; }));
    EXPECT_TRUE(eventually([&] {
        const auto fetched = fetch("t", 1);
        const auto batch = model::RecordBatch::parse(fetched.records.view());
        return batch && batch->base_offset() >= model::Offset{5};
    })) << "an offset that is gone gives the next batch";
    EXPECT_EQ(list_offset("t", -2).offset, 0) << "the start does not move";
    EXPECT_EQ(list_offset("t", -1).offset, 9);
    EXPECT_TRUE(eventually([&] { return broker.broker().view().cleaner_bytes_read > 1'000'000; }))
        << "it is counted when the round has ended";
    broker.restart();
}

TEST_F(Logs, deleted_records_are_gone_for_good) {
    create("t");
    for (int i = 0; i < 4; ++i) produce("t", keyed("k", std::to_string(i)));
    EXPECT_EQ(delete_records("t", 2), "2");
    EXPECT_EQ(records("t", 0), "OFFSET_OUT_OF_RANGE");
    EXPECT_EQ(records("t", 2), "2:k=2 3:k=3 ");
    EXPECT_EQ(delete_records("t", 1), "2") << "it never goes back";
    for (const std::int16_t version : {0, 1, 2}) {
        EXPECT_EQ(delete_records("t", 3, version), "3") << version;
    }
    broker.restart();
    TestClient again(broker);
    kafka::ListOffsetsRequest earliest;
    auto& asked = earliest.topics.emplace_back();
    asked.name = "t";
    asked.partitions.emplace_back().timestamp = -2;
    EXPECT_EQ(
        again.call<kafka::ListOffsetsResponse>(earliest, 7)->topics.at(0).partitions.at(0).offset,
        3);
}

TEST_F(Logs, minus_one_deletes_up_to_the_high_watermark) {
    create("t");
    produce("t", make_batch(5));
    EXPECT_EQ(delete_records("t", -1), "5");
    EXPECT_EQ(list_offset("t", -2).offset, 5);
    EXPECT_EQ(records("t", 5), "");
    EXPECT_EQ(produce("t", make_batch(1)).base_offset, 5);
}

TEST_F(Logs, delete_records_refuses_with_kafkas_own_codes) {
    create("t");
    produce("t", make_batch(2));
    EXPECT_EQ(delete_records("t", 3), "OFFSET_OUT_OF_RANGE");
    EXPECT_EQ(delete_records("t", -2), "OFFSET_OUT_OF_RANGE");
    EXPECT_EQ(delete_records("missing", 0), "UNKNOWN_TOPIC_OR_PARTITION");
    EXPECT_EQ(delete_records("t", 0, 2, 7), "UNKNOWN_TOPIC_OR_PARTITION");
    create("c", 1, {{"cleanup.policy", "compact"}});
    EXPECT_EQ(delete_records("c", 0), "POLICY_VIOLATION");
    create("both", 1, {{"cleanup.policy", "compact,delete"}});
    EXPECT_EQ(delete_records("both", 0), "0");
    commit("group", "t", 1);
    EXPECT_EQ(delete_records("__consumer_offsets", 0), "INVALID_TOPIC_EXCEPTION");
    EXPECT_EQ(list_offset("t", -2).offset, 0) << "a refusal changes nothing";
}

// Mistake 10 of compatible brokers: lag is counted from the start of the log, so the broker must
// tell of a start that has moved past what a group has committed, and leave the commit alone.
TEST_F(Logs, lag_is_never_counted_from_records_that_are_gone) {
    create("t");
    for (int i = 0; i < 10; ++i) produce("t", make_batch(1));
    EXPECT_EQ(commit("group", "t", 2), ErrorCode::kNone);
    EXPECT_EQ(delete_records("t", 7), "7");
    EXPECT_EQ(committed_offset("group", "t"), 2) << "what was committed is the group's";
    EXPECT_EQ(list_offset("t", -2).offset, 7);
    EXPECT_EQ(list_offset("t", -1).offset, 10);
    EXPECT_EQ(fetch("t", 2).error_code, ErrorCode::kOffsetOutOfRange);
    EXPECT_EQ(fetch("t", 7).log_start_offset, 7);
}

TEST_F(Logs, describe_log_dirs_tells_of_every_partition) {
    create("a", 2);
    create("b", 1);
    produce("b", make_batch(10));
    kafka::DescribeLogDirsRequest request;
    request.topics.reset();
    for (const std::int16_t version : {1, 2, 3, 4, 5}) {
        const auto response = client.call<kafka::DescribeLogDirsResponse>(request, version);
        ASSERT_TRUE(response);
        ASSERT_EQ(response->results.size(), 1U);
        const auto& folder = response->results[0];
        EXPECT_EQ(folder.error_code, ErrorCode::kNone);
        EXPECT_TRUE(folder.log_dir.starts_with("/")) << "an absolute path";
        EXPECT_EQ(folder.total_bytes > 0, version >= 4);
        EXPECT_EQ(folder.usable_bytes > 0, version >= 4);
        std::map<std::string, std::int64_t> sizes;
        for (const auto& topic : folder.topics) {
            for (const auto& partition : topic.partitions) {
                EXPECT_FALSE(partition.is_future_key);
                EXPECT_EQ(partition.offset_lag, 0);
                sizes[topic.name + std::to_string(partition.partition_index)] =
                    partition.partition_size;
            }
        }
        const std::map<std::string, std::int64_t> expected{
            {"a0", 0}, {"a1", 0}, {"b0", static_cast<std::int64_t>(make_batch(10).size())}};
        EXPECT_EQ(sizes, expected);
    }
    // Only what is asked for and exists.
    auto& asked = request.topics.emplace();
    asked.push_back({"a", {1, 5}});
    asked.push_back({"missing", {0}});
    const auto some = client.call<kafka::DescribeLogDirsResponse>(request, 4);
    ASSERT_EQ(some->results.at(0).topics.size(), 1U);
    ASSERT_EQ(some->results.at(0).topics.at(0).partitions.size(), 1U);
    EXPECT_EQ(some->results.at(0).topics.at(0).partitions.at(0).partition_index, 1);
}

TEST_F(Logs, replicas_stay_in_the_one_folder_there_is) {
    create("t", 1);
    kafka::DescribeLogDirsRequest where;
    where.topics.reset();
    const std::string folder =
        client.call<kafka::DescribeLogDirsResponse>(where, 4)->results.at(0).log_dir;
    const auto move = [&](const std::string& to, const std::string& topic) {
        kafka::AlterReplicaLogDirsRequest request;
        auto& dir = request.dirs.emplace_back();
        dir.path = to;
        dir.topics.push_back({topic, {0}});
        const auto response = client.call<kafka::AlterReplicaLogDirsResponse>(request, 2);
        return std::string(error_name(response->results.at(0).partitions.at(0).error_code));
    };
    EXPECT_EQ(move(folder, "t"), "NONE");
    EXPECT_EQ(move("/elsewhere", "t"), "LOG_DIR_NOT_FOUND");
    EXPECT_EQ(move(folder, "missing"), "UNKNOWN_TOPIC_OR_PARTITION");
    EXPECT_EQ(move(folder, std::string(240, 'x')), "INVALID_TOPIC_EXCEPTION");
}

TEST_F(Logs, the_brokers_own_log_is_no_topic_of_clients) {
    EXPECT_EQ(create_error("__millrace_metadata"), "INVALID_TOPIC_EXCEPTION");
    EXPECT_EQ(produce_error("__millrace_metadata", make_batch(1)), "UNKNOWN_TOPIC_OR_PARTITION");
}

TEST_F(Logs, settings_of_compaction_are_checked) {
    EXPECT_EQ(create_error("a", 1,
                           {{"min.cleanable.dirty.ratio", "0.1"},
                            {"min.compaction.lag.ms", "5"},
                            {"max.compaction.lag.ms", "10"},
                            {"delete.retention.ms", "0"},
                            {"cleanup.policy", "compact"}}),
              "NONE");
    EXPECT_EQ(create_error("b", 1, {{"min.cleanable.dirty.ratio", "1.1"}}), "INVALID_CONFIG");
    EXPECT_EQ(create_error("c", 1, {{"min.cleanable.dirty.ratio", "x"}}), "INVALID_CONFIG");
    EXPECT_EQ(create_error("d", 1, {{"max.compaction.lag.ms", "0"}}), "INVALID_CONFIG");
    EXPECT_EQ(
        create_error("e", 1, {{"min.compaction.lag.ms", "11"}, {"max.compaction.lag.ms", "10"}}),
        "INVALID_CONFIG");
}

}  // namespace
}  // namespace millrace::broker
