// Offsets, commits and topics over the wire, across restarts, and without a socket.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/wire_harness_internal.h"
#include "kafka/messages/create_partitions.h"
#include "kafka/messages/delete_topics.h"
#include "kafka/messages/describe_configs.h"
#include "kafka/messages/describe_topic_partitions.h"
#include "kafka/messages/find_coordinator.h"
#include "kafka/messages/metadata.h"
#include "topic/contract.h"

namespace millrace::broker {
namespace {

class Topics : public testing::Test, protected WireHarness {};

// ---- offsets ----

TEST_F(Topics, a_timestamp_finds_the_first_match_and_none_is_minus_one) {
    create("t");
    ASSERT_EQ(produce_error("t", make_batch(10, 1000)), "NONE");
    ASSERT_EQ(produce_error("t", make_batch(10, 1005)), "NONE");
    EXPECT_EQ(list_offset("t", 1007).offset, 7);
    EXPECT_EQ(list_offset("t", 1007).timestamp, 1007);
    EXPECT_EQ(list_offset("t", 0).offset, 0);
    const auto none = list_offset("t", 2000);
    EXPECT_EQ(none.offset, -1);
    EXPECT_EQ(none.timestamp, -1);
    EXPECT_EQ(none.error_code, ErrorCode::kNone);
    EXPECT_EQ(list_offset("t", -1).offset, 20);
    EXPECT_EQ(list_offset("t", -2).offset, 0);
    EXPECT_EQ(list_offset("t", -3).offset, 19);
}

TEST_F(Topics, leader_epochs_are_never_garbage_after_a_restart) {
    create("t");
    ASSERT_EQ(produce_error("t", make_batch(1)), "NONE");
    ASSERT_EQ(commit("g", "t", 1), ErrorCode::kNone);
    const std::int32_t before = list_offset("t", -1).leader_epoch;
    broker.restart();
    TestClient later(broker);
    kafka::ListOffsetsRequest request;
    request.topics.emplace_back().name = "t";
    request.topics[0].partitions.emplace_back().timestamp = -1;
    const auto response = later.call<kafka::ListOffsetsResponse>(request, 7);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->topics.at(0).partitions.at(0).leader_epoch, before);
    kafka::MetadataRequest ask;
    ask.topics.reset();
    const auto metadata = later.call<kafka::MetadataResponse>(ask, 12);
    ASSERT_TRUE(metadata);
    for (const auto& topic : metadata->topics) {
        if (topic.name == "t") EXPECT_EQ(topic.partitions.at(0).leader_epoch, before);
    }
}

TEST_F(Topics, offset_fetch_of_an_unknown_group_is_never_an_error) {
    create("t");
    const auto response = committed("nobody", "t");
    EXPECT_EQ(response.error_code, ErrorCode::kNone);
    const auto& partition = response.topics.at(0).partitions.at(0);
    EXPECT_EQ(partition.error_code, ErrorCode::kNone);
    EXPECT_EQ(partition.committed_offset, -1);
    EXPECT_EQ(partition.committed_leader_epoch, -1);
}

TEST_F(Topics, committed_offsets_and_their_log_never_disagree_after_a_restart) {
    create("t");
    for (int i = 1; i <= 5; ++i) ASSERT_EQ(commit("g", "t", i), ErrorCode::kNone);
    ASSERT_EQ(commit("other", "t", 77), ErrorCode::kNone);
    broker.restart();
    TestClient later(broker);
    kafka::OffsetFetchRequest request;
    request.groups.emplace_back().group_id = "g";
    request.groups[0].topics.reset();
    const auto response = later.call<kafka::OffsetFetchResponse>(request, 8);
    ASSERT_TRUE(response);
    const auto& partition = response->groups.at(0).topics.at(0).partitions.at(0);
    EXPECT_EQ(partition.committed_offset, 5);
    EXPECT_EQ(partition.metadata, "note");
}

TEST_F(Topics, commits_are_checked) {
    create("t");
    EXPECT_EQ(commit("g", "nowhere", 1), ErrorCode::kUnknownTopicOrPartition);
    EXPECT_EQ(commit("g", "t", 1, /*generation=*/3), ErrorCode::kIllegalGeneration);
}

TEST_F(Topics, a_topic_that_is_made_again_never_has_the_old_ones_offsets_or_records) {
    create("t");
    ASSERT_EQ(produce_error("t", make_batch(5)), "NONE");
    ASSERT_EQ(commit("g", "t", 5), ErrorCode::kNone);
    kafka::DeleteTopicsRequest request;
    request.topics.push_back({.name = "t"});
    const auto deleted = client.call<kafka::DeleteTopicsResponse>(request, 6);
    ASSERT_TRUE(deleted);
    EXPECT_EQ(deleted->responses.at(0).error_code, ErrorCode::kNone);
    EXPECT_EQ(produce_error("t", make_batch(1)), "UNKNOWN_TOPIC_OR_PARTITION");
    create("t");
    EXPECT_EQ(list_offset("t", -1).offset, 0);
    EXPECT_EQ(committed_offset("g", "t"), -1);
}

// ---- retention ----

config::ServerOptions checking_often() {
    config::ServerOptions options;
    options.log_retention_check_interval_ms = 20;
    return options;
}

class Retention : public testing::Test, protected WireHarness {
protected:
    Retention() : WireHarness(checking_often()) {}
};

TEST_F(Retention, never_spares_the_active_segment) {
    create("t", 1, {{"retention.ms", "1"}});
    ASSERT_EQ(produce_error("t", make_batch(5, /*timestamp_ms=*/1000)), "NONE");
    // The check comes by itself; a broker that forgets it fails by the test's own time limit.
    while (list_offset("t", -2).offset == 0) {
    }
    EXPECT_EQ(list_offset("t", -2).offset, 5);
    EXPECT_EQ(list_offset("t", -1).offset, 5);
    EXPECT_EQ(fetch("t", 0).error_code, ErrorCode::kOffsetOutOfRange);
}

// ---- topics ----

TEST_F(Topics, create_topics_refuses_with_kafkas_own_codes) {
    EXPECT_EQ(create_error("a.b"), "NONE");
    EXPECT_EQ(create_error("a.b"), "TOPIC_ALREADY_EXISTS");
    EXPECT_EQ(create_error("a_b"), "INVALID_TOPIC_EXCEPTION");
    EXPECT_EQ(create_error("bad name"), "INVALID_TOPIC_EXCEPTION");
    EXPECT_EQ(create_error(""), "INVALID_TOPIC_EXCEPTION");
    EXPECT_EQ(create_error(std::string(250, 'x')), "INVALID_TOPIC_EXCEPTION");
    EXPECT_EQ(create_error("c", 0), "INVALID_PARTITIONS");
    EXPECT_EQ(create_error("c", -2), "INVALID_PARTITIONS");
    EXPECT_EQ(create_error("c", 1, {}, 0), "INVALID_REPLICATION_FACTOR");
    EXPECT_EQ(create_error("c", 1, {{"no.such", "1"}}), "INVALID_CONFIG");
    EXPECT_EQ(create_error("c", 1, {{"retention.ms", "week"}}), "INVALID_CONFIG");
    EXPECT_EQ(create_error("c", -1, {}, 3), "NONE");  // Three copies are taken for one.
}

TEST_F(Topics, arrays_that_clients_walk_are_never_null) {
    const auto created = create("t", 2, {{"retention.ms", "5000"}});
    ASSERT_TRUE(created.topics.at(0).configs.has_value());
    EXPECT_FALSE(created.topics.at(0).configs->empty());
    kafka::DescribeTopicPartitionsRequest request;
    request.topics.emplace_back().name = "t";
    const auto described = client.call<kafka::DescribeTopicPartitionsResponse>(request, 0);
    ASSERT_TRUE(described);
    for (const auto& partition : described->topics.at(0).partitions) {
        EXPECT_TRUE(partition.eligible_leader_replicas.has_value());
        EXPECT_TRUE(partition.last_known_elr.has_value());
    }
}

TEST_F(Topics, names_with_two_underlines_are_users_own_but_for_the_brokers) {
    create("__mine");
    EXPECT_EQ(produce_error("__mine", make_batch(1)), "NONE");
    ASSERT_EQ(commit("g", "__mine", 1), ErrorCode::kNone);  // Makes __consumer_offsets.
    EXPECT_EQ(produce_error("__consumer_offsets", make_batch(1)), "INVALID_TOPIC_EXCEPTION");
    kafka::MetadataRequest all;
    all.topics.reset();
    const auto metadata = client.call<kafka::MetadataResponse>(all, 12);
    ASSERT_TRUE(metadata);
    for (const auto& topic : metadata->topics) {
        EXPECT_EQ(topic.is_internal, topic.name != "__mine") << topic.name.value_or("");
    }
}

TEST_F(Topics, metadata_is_asked_for_by_id_from_version_12_on) {
    const kafka::Uuid id = create("t").topics.at(0).topic_id;
    const auto ask = [&](kafka::Uuid topic_id, std::optional<std::string> name,
                         std::int16_t version) {
        kafka::MetadataRequest request;
        auto& asked = request.topics.emplace().emplace_back();
        asked.topic_id = topic_id;
        asked.name = std::move(name);
        const auto response = client.call<kafka::MetadataResponse>(request, version);
        return response ? std::string(error_name(response->topics.at(0).error_code)) : "closed";
    };
    EXPECT_EQ(ask(id, std::nullopt, 12), "NONE");
    EXPECT_EQ(ask({1, 2}, std::nullopt, 12), "UNKNOWN_TOPIC_ID");
    EXPECT_EQ(ask({}, std::nullopt, 12), "INVALID_REQUEST");
    EXPECT_EQ(ask(id, std::nullopt, 11), "INVALID_REQUEST");
    EXPECT_EQ(ask({}, "t", 11), "NONE");
}

TEST_F(Topics, a_topic_that_is_asked_for_twice_is_told_once) {
    create("t");
    kafka::MetadataRequest request;
    request.topics.emplace().resize(2);
    for (auto& asked : *request.topics) asked.name = "t";
    const auto response = client.call<kafka::MetadataResponse>(request, 9);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->topics.size(), 1u);
}

TEST_F(Topics, partitions_are_described_page_by_page) {
    create("a", 2);
    create("b", 2);
    kafka::DescribeTopicPartitionsRequest request;
    request.response_partition_limit = 3;
    const auto first = client.call<kafka::DescribeTopicPartitionsResponse>(request, 0);
    ASSERT_TRUE(first && first->next_cursor);
    EXPECT_EQ(first->next_cursor->topic_name, "b");
    EXPECT_EQ(first->next_cursor->partition_index, 1);
    request.cursor = {.topic_name = "b", .partition_index = 1};
    const auto second = client.call<kafka::DescribeTopicPartitionsResponse>(request, 0);
    ASSERT_TRUE(second);
    EXPECT_FALSE(second->next_cursor);
    ASSERT_EQ(second->topics.size(), 1u);
    EXPECT_EQ(second->topics[0].partitions.at(0).partition_index, 1);
    request.cursor->partition_index = -1;
    const auto refused = client.call<kafka::DescribeTopicPartitionsResponse>(request, 0);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->topics.at(0).error_code, ErrorCode::kInvalidRequest);
}

TEST_F(Topics, deletions_are_refused_as_kafka_does) {
    create("t");
    const auto erase = [&](std::vector<kafka::DeleteTopicsRequest::DeleteTopicState> topics) {
        kafka::DeleteTopicsRequest request;
        request.topics = std::move(topics);
        const auto response = client.call<kafka::DeleteTopicsResponse>(request, 6);
        std::string codes;
        for (const auto& one : response->responses)
            codes += error_name(one.error_code), codes += ' ';
        return codes;
    };
    EXPECT_EQ(erase({{.name = "t", .topic_id = {1, 2}}}), "INVALID_REQUEST ");
    EXPECT_EQ(erase({{.name = std::nullopt}}), "INVALID_REQUEST ");
    EXPECT_EQ(erase({{.name = "t"}, {.name = "t"}}), "INVALID_REQUEST ");
    EXPECT_EQ(erase({{.name = std::nullopt, .topic_id = {1, 2}}}), "UNKNOWN_TOPIC_ID ");
    EXPECT_EQ(erase({{.name = "t"}, {.name = "none"}}), "NONE UNKNOWN_TOPIC_OR_PARTITION ");
}

TEST_F(Topics, manual_assignments_are_checked) {
    const auto assign = [&](std::vector<std::vector<std::int32_t>> replicas) {
        kafka::CreateTopicsRequest request;
        auto& asked = request.topics.emplace_back();
        asked.name = "assigned";
        asked.num_partitions = -1;
        asked.replication_factor = -1;
        request.validate_only = true;
        for (std::size_t i = 0; i < replicas.size(); ++i) {
            asked.assignments.push_back({static_cast<std::int32_t>(i), replicas[i]});
        }
        const auto response = client.call<kafka::CreateTopicsResponse>(request, 7);
        return std::string(error_name(response->topics.at(0).error_code));
    };
    EXPECT_EQ(assign({{1}, {1}}), "NONE");
    EXPECT_EQ(assign({{1, 2}}), "INVALID_REPLICA_ASSIGNMENT");
    EXPECT_EQ(assign({{1, 1}}), "INVALID_REPLICA_ASSIGNMENT");
    EXPECT_EQ(assign({{}}), "INVALID_REPLICA_ASSIGNMENT");
    EXPECT_EQ(assign({{-1}}), "INVALID_REPLICA_ASSIGNMENT");
}

config::ServerOptions without_clamp() {
    config::ServerOptions options;
    options.replication_factor_clamp = false;
    options.delete_topic_enable = false;
    return options;
}

class Strict : public testing::Test, protected WireHarness {
protected:
    Strict() : WireHarness(without_clamp()) {}
};

TEST_F(Strict, copies_that_cannot_be_kept_are_refused_where_that_is_wanted) {
    EXPECT_EQ(create_error("t", 1, {}, 3), "INVALID_REPLICATION_FACTOR");
    EXPECT_EQ(create_error("t", 1, {}, 1), "NONE");
    kafka::DeleteTopicsRequest request;
    request.topics.push_back({.name = "t"});
    const auto response = client.call<kafka::DeleteTopicsResponse>(request, 6);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->responses.at(0).error_code, ErrorCode::kTopicDeletionDisabled);
}

TEST_F(Topics, validate_only_makes_nothing) {
    EXPECT_EQ(create("t", 1, {}, 1, /*validate=*/true).topics.at(0).error_code, ErrorCode::kNone);
    EXPECT_EQ(list_offset("t", -1).error_code, ErrorCode::kUnknownTopicOrPartition);
}

TEST_F(Topics, topics_survive_a_restart_with_ids_settings_and_records) {
    const auto created = create("t", 3, {{"retention.ms", "123456789"}});
    ASSERT_EQ(produce_error("t", make_batch(4)), "NONE");
    broker.restart();
    TestClient later(broker);
    kafka::MetadataRequest all;
    all.topics.reset();
    const auto metadata = later.call<kafka::MetadataResponse>(all, 12);
    ASSERT_TRUE(metadata);
    ASSERT_EQ(metadata->topics.size(), 1u);
    EXPECT_EQ(metadata->topics[0].topic_id, created.topics.at(0).topic_id);
    EXPECT_EQ(metadata->topics[0].partitions.size(), 3u);
    kafka::DescribeConfigsRequest request;
    request.resources.emplace_back().resource_type = 2;
    request.resources[0].resource_name = "t";
    request.resources[0].configuration_keys.emplace().push_back("retention.ms");
    const auto configs = later.call<kafka::DescribeConfigsResponse>(request, 4);
    ASSERT_TRUE(configs);
    ASSERT_EQ(configs->results.at(0).configs.size(), 1u);
    EXPECT_EQ(configs->results[0].configs[0].value, "123456789");
    kafka::FetchRequest fetch_by_id = fetch_request("", 0);
    fetch_by_id.topics[0].topic_id = created.topics.at(0).topic_id;
    const auto fetched = later.call<kafka::FetchResponse>(fetch_by_id, 17);
    ASSERT_TRUE(fetched);
    EXPECT_EQ(fetched->responses.at(0).partitions.at(0).high_watermark, 4);
}

TEST_F(Topics, partitions_can_be_added_but_not_taken_away) {
    create("t", 2);
    const auto grow = [&](std::int32_t count) {
        kafka::CreatePartitionsRequest request;
        request.topics.emplace_back().name = "t";
        request.topics[0].count = count;
        request.topics[0].assignments.reset();
        const auto response = client.call<kafka::CreatePartitionsResponse>(request, 3);
        return response ? response->results.at(0).error_code : ErrorCode::kNetworkException;
    };
    EXPECT_EQ(grow(2), ErrorCode::kInvalidPartitions);
    EXPECT_EQ(grow(1), ErrorCode::kInvalidPartitions);
    EXPECT_EQ(grow(4), ErrorCode::kNone);
    EXPECT_EQ(produce("t", make_batch(1), -1, 9, 3).error, ErrorCode::kNone);
}

TEST_F(Topics, metadata_makes_missing_topics_only_where_that_is_wanted) {
    kafka::MetadataRequest request;
    request.topics.emplace().emplace_back().name = "auto";
    request.allow_auto_topic_creation = false;
    auto response = client.call<kafka::MetadataResponse>(request, 5);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->topics.at(0).error_code, ErrorCode::kUnknownTopicOrPartition);
    request.allow_auto_topic_creation = true;
    response = client.call<kafka::MetadataResponse>(request, 5);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->topics.at(0).error_code, ErrorCode::kNone);
    request.topics->at(0).name = "bad name";
    response = client.call<kafka::MetadataResponse>(request, 5);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->topics.at(0).error_code, ErrorCode::kInvalidTopicException);
    request.topics->clear();  // None, from version 1 on; all of them in version 0.
    EXPECT_EQ(client.call<kafka::MetadataResponse>(request, 1)->topics.size(), 0u);
    EXPECT_EQ(client.call<kafka::MetadataResponse>(request, 0)->topics.size(), 1u);
}

TEST_F(Topics, a_coordinator_of_an_unknown_kind_is_refused) {
    kafka::FindCoordinatorRequest request;
    request.key_type = 3;
    request.coordinator_keys = {"what"};
    const auto found = client.call<kafka::FindCoordinatorResponse>(request, 4);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->coordinators.at(0).error_code, ErrorCode::kInvalidRequest);
}

// ---- the folder, and the way without a socket ----

TEST_F(Topics, a_folder_in_use_is_refused_in_words) {
    EXPECT_TRUE(broker.error_of_another().starts_with("conflict: ")) << broker.error_of_another();
}

TEST_F(Topics, local_topics_keep_the_contract_of_topics) {
    EXPECT_EQ(topic::broken_promises(broker.broker().topics(), "contract"),
              std::vector<std::string>());
}

}  // namespace
}  // namespace millrace::broker
