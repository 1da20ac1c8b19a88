// The classic mistakes of brokers that are compatible with Kafka, each test named after what must
// not happen. Those about groups, transactions, compaction and retention are with their subjects:
// README.md lists all.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "broker/api_table.h"
#include "broker/wire_harness_internal.h"
#include "kafka/messages/api_versions.h"
#include "kafka/messages/describe_client_quotas.h"
#include "kafka/messages/describe_configs.h"
#include "kafka/messages/describe_topic_partitions.h"
#include "kafka/messages/metadata.h"

namespace millrace::broker {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

class Mistakes : public testing::Test, protected WireHarness {};

// ---- null arrays: Java's admin client and its tools fail on them ----

TEST_F(Mistakes, the_configs_of_a_created_topic_are_never_null) {
    int made = 0;
    for (const bool validate : {true, false}) {
        for (std::int16_t version = 5; version <= 7; ++version) {
            kafka::CreateTopicsRequest request;
            request.validate_only = validate;
            request.topics.push_back({.name = "t" + std::to_string(made++),
                                      .num_partitions = 1,
                                      .replication_factor = 1});
            request.topics.push_back({.name = "no name", .num_partitions = 1});
            const auto response = client.call<kafka::CreateTopicsResponse>(request, version);
            ASSERT_TRUE(response);
            for (const auto& topic : response->topics) {
                EXPECT_TRUE(topic.configs.has_value()) << topic.name << " v" << version;
            }
            EXPECT_FALSE(response->topics.at(0).configs->empty());
        }
    }
}

TEST_F(Mistakes, eligible_leader_replicas_are_never_null) {
    create("t", 2);
    kafka::DescribeTopicPartitionsRequest request;
    request.topics.push_back({.name = "t"});
    request.topics.push_back({.name = "none"});
    const auto described = client.call<kafka::DescribeTopicPartitionsResponse>(request, 0);
    ASSERT_TRUE(described);
    for (const auto& topic : described->topics) {
        for (const auto& partition : topic.partitions) {
            EXPECT_TRUE(partition.eligible_leader_replicas.has_value());
            EXPECT_TRUE(partition.last_known_elr.has_value());
        }
    }
}

TEST_F(Mistakes, quotas_that_do_not_exist_are_never_null) {
    for (std::int16_t version : {0, 1}) {
        const auto none = client.call<kafka::DescribeClientQuotasResponse>(
            kafka::DescribeClientQuotasRequest{}, version);
        ASSERT_TRUE(none);
        EXPECT_TRUE(none->entries.has_value());
    }
}

// ---- offsets by timestamp ----

TEST_F(Mistakes, a_timestamp_never_finds_the_largest_instead_of_the_first_match) {
    create("t");
    // 1000 … 1009, then 500 … 509, then 1005 … 1014.
    for (const std::int64_t start : {1000, 500, 1005}) {
        ASSERT_EQ(produce_error("t", make_batch(10, start)), "NONE");
    }
    EXPECT_EQ(list_offset("t", 1005).offset, 5);
    EXPECT_EQ(list_offset("t", 1005).timestamp, 1005);
    EXPECT_EQ(list_offset("t", 500).offset, 0);
    EXPECT_EQ(list_offset("t", 1010).offset, 25);
}

TEST_F(Mistakes, a_timestamp_beyond_all_records_never_finds_the_end) {
    create("t");
    ASSERT_EQ(produce_error("t", make_batch(10, 1000)), "NONE");
    const auto none = list_offset("t", 5000);
    EXPECT_EQ(none.error_code, ErrorCode::kNone);
    EXPECT_EQ(none.offset, -1);
    EXPECT_EQ(none.timestamp, -1);
    EXPECT_EQ(none.leader_epoch, -1);
}

TEST_F(Mistakes, a_record_older_than_its_batchs_first_never_overflows) {
    create("t");
    constexpr std::int64_t kNow = 1'700'000'000'000;
    model::BatchBuilder builder;
    builder.add(model::Timestamp{kNow}, "k", "newest");
    builder.add(model::Timestamp{5}, "k", "oldest");
    builder.add(model::Timestamp{kNow - 1000}, "k", "between");
    ASSERT_EQ(produce_error("t", builder.build()), "NONE");
    EXPECT_EQ(list_offset("t", 1).offset, 0);
    EXPECT_EQ(list_offset("t", kNow).offset, 0);
    EXPECT_EQ(list_offset("t", kNow + 1).offset, -1);
    const auto latest = list_offset("t", -3);
    EXPECT_EQ(latest.offset, 0);
    EXPECT_EQ(latest.timestamp, kNow);
}

// ---- fetches ----

TEST_F(Mistakes, a_fetch_with_nothing_to_return_never_comes_back_early_or_not_at_all) {
    create("t");
    const auto before = steady_clock::now();
    const auto response =
        client.call<kafka::FetchResponse>(fetch_request("t", 0, /*max_wait_ms=*/300), 12);
    const auto waited = steady_clock::now() - before;
    ASSERT_TRUE(response);
    EXPECT_EQ(response->responses.at(0).partitions.at(0).records.size, 0u);
    EXPECT_GE(waited, milliseconds(295));
    EXPECT_LT(waited, milliseconds(10'000));
}

TEST_F(Mistakes, a_fetch_never_ignores_its_limits) {
    create("t", 2);
    const base::Bytes batch = make_batch(100);
    const auto size = static_cast<std::int32_t>(batch.size());
    for (std::int32_t partition : {0, 1}) {
        for (int i = 0; i < 10; ++i) {
            ASSERT_EQ(produce("t", make_batch(100), -1, 9, partition).error, ErrorCode::kNone);
        }
    }
    const auto sizes = [&](std::int32_t max_bytes, std::int32_t partition_max_bytes) {
        auto request = fetch_request("t", 0);
        request.max_bytes = max_bytes;
        request.topics[0].partitions.push_back(request.topics[0].partitions[0]);
        request.topics[0].partitions[1].partition = 1;
        for (auto& one : request.topics[0].partitions) {
            one.partition_max_bytes = partition_max_bytes;
        }
        const auto response = client.call<kafka::FetchResponse>(request, 12);
        MR_CHECK(response);
        std::vector<std::int32_t> sizes;
        for (const auto& one : response->responses.at(0).partitions) {
            sizes.push_back(static_cast<std::int32_t>(one.records.size));
        }
        return sizes;
    };
    // A cut off batch at the end is allowed, more than the limit is not.
    for (const std::int32_t one : sizes(100 * size, 3 * size)) {
        EXPECT_LE(one, 3 * size);
        EXPECT_GE(one, 2 * size);
    }
    const auto both = sizes(4 * size, 3 * size);
    EXPECT_LE(both[0] + both[1], 4 * size);
    // The first batch of all comes however small the limits are.
    EXPECT_EQ(sizes(1, 1), (std::vector<std::int32_t>{size, 0}));
}

TEST_F(Mistakes, a_fetch_of_a_topic_that_is_gone_is_never_left_unanswered) {
    const auto response =
        client.call<kafka::FetchResponse>(fetch_request("gone", 0, /*max_wait_ms=*/30'000), 12);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->responses.at(0).partitions.at(0).error_code,
              ErrorCode::kUnknownTopicOrPartition);
}

// ---- leader epochs ----

TEST_F(Mistakes, leader_epochs_of_offsets_are_never_garbage_after_a_restart) {
    create("t");
    ASSERT_EQ(produce_error("t", make_batch(3)), "NONE");
    ASSERT_EQ(commit("g", "t", 2), ErrorCode::kNone);
    const auto listed = list_offset("t", 0);
    const auto committed_epoch = committed("g", "t").topics.at(0).partitions.at(0);
    broker.restart();
    TestClient later(broker);
    kafka::ListOffsetsRequest list;
    list.topics.emplace_back().name = "t";
    list.topics[0].partitions.emplace_back().timestamp = 0;
    const auto again = later.call<kafka::ListOffsetsResponse>(list, 7);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->topics.at(0).partitions.at(0).leader_epoch, listed.leader_epoch);
    EXPECT_GE(listed.leader_epoch, 0);
    kafka::OffsetFetchRequest fetch;
    fetch.group_id = "g";
    fetch.topics.emplace().push_back({.name = "t", .partition_indexes = {0}});
    const auto fetched = later.call<kafka::OffsetFetchResponse>(fetch, 7);
    ASSERT_TRUE(fetched);
    EXPECT_EQ(fetched->topics.at(0).partitions.at(0).committed_leader_epoch,
              committed_epoch.committed_leader_epoch);
}

// ---- versions ----

TEST_F(Mistakes, api_versions_from_the_future_are_never_answered_in_a_form_of_their_own) {
    kafka::Writer writer;
    writer.begin_frame();
    kafka::RequestHeader{kafka::ApiKey::kApiVersions, 99, 7, "test"}.encode(writer, true);
    writer.end_frame();
    client.send_bytes(writer.take_all());
    const auto response = client.receive<kafka::ApiVersionsResponse>(0);
    ASSERT_TRUE(response) << "not a body of version 0";
    EXPECT_EQ(response->error_code, ErrorCode::kUnsupportedVersion);
    bool tells_itself = false;
    for (const auto& one : response->api_keys) tells_itself |= one.api_key == 18;
    EXPECT_TRUE(tells_itself);
    // The connection goes on.
    EXPECT_TRUE(client.call<kafka::ApiVersionsResponse>(kafka::ApiVersionsRequest{}, 0));
}

TEST_F(Mistakes, the_minimum_of_produce_is_never_raised) {
    const auto versions = client.call<kafka::ApiVersionsResponse>(kafka::ApiVersionsRequest{}, 0);
    ASSERT_TRUE(versions);
    for (const auto& one : versions->api_keys) {
        if (one.api_key == 0) EXPECT_EQ(one.min_version, 0);
    }
}

TEST_F(Mistakes, what_is_advertised_is_never_left_unserved) {
    // Every request and version, with a body that ends at once or is noise: it is answered or its
    // connection ends, and the broker goes on.
    const char* const given = std::getenv("MILLRACE_TEST_SEED");
    const std::uint64_t seed =
        given ? std::strtoull(given, nullptr, 10) : std::uint64_t{std::random_device{}()};
    std::printf("seed %llu (MILLRACE_TEST_SEED repeats it)\n",
                static_cast<unsigned long long>(seed));
    std::mt19937_64 random(seed);
    for (const Api& api : api_table()) {
        for (std::int16_t version = api.min_version; version <= api.max_version; ++version) {
            kafka::Writer writer;
            writer.begin_frame();
            kafka::RequestHeader{api.key, version, 1, "noise"}.encode(
                writer, version >= api.first_flexible_version);
            const std::size_t noise = random() % 64;
            for (std::size_t i = 0; i < noise; ++i) {
                // Small numbers are the likelier lengths, large ones the worse.
                const std::uint64_t draw = random();
                writer.i8(static_cast<std::int8_t>(draw % 3 == 0 ? draw >> 8 : draw % 4));
            }
            writer.end_frame();
            // A join may wait for its group: what matters is who asks next.
            TestClient noisy(broker);
            noisy.send_bytes(writer.take_all());
            if (version == api.max_version) {
                ASSERT_TRUE(client.call<kafka::ApiVersionsResponse>(kafka::ApiVersionsRequest{}, 0))
                    << static_cast<int>(api.key) << " v" << version;
            }
        }
    }
}

TEST_F(Mistakes, metadata_is_never_without_topics_or_brokers_in_any_version) {
    create("t");
    for (std::int16_t version = 0; version <= 13; ++version) {
        kafka::MetadataRequest request;
        request.topics.emplace().emplace_back().name = "t";
        request.allow_auto_topic_creation = false;
        const auto response = client.call<kafka::MetadataResponse>(request, version);
        ASSERT_TRUE(response) << version;
        ASSERT_EQ(response->brokers.size(), 1u);
        ASSERT_EQ(response->topics.size(), 1u);
        EXPECT_EQ(response->topics[0].error_code, ErrorCode::kNone);
        EXPECT_EQ(response->topics[0].partitions.at(0).replica_nodes, std::vector<std::int32_t>{1});
        EXPECT_EQ(response->topics[0].topic_id.is_zero(), version < 10);
    }
}

}  // namespace
}  // namespace millrace::broker
