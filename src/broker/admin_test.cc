// Quotas, features, the quorum, and what one node can only refuse, over the wire.
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "broker/wire_harness_internal.h"
#include "kafka/messages/alter_client_quotas.h"
#include "kafka/messages/alter_partition_reassignments.h"
#include "kafka/messages/api_versions.h"
#include "kafka/messages/create_acls.h"
#include "kafka/messages/describe_acls.h"
#include "kafka/messages/describe_client_quotas.h"
#include "kafka/messages/describe_quorum.h"
#include "kafka/messages/elect_leaders.h"
#include "kafka/messages/list_groups.h"
#include "kafka/messages/list_partition_reassignments.h"
#include "kafka/messages/unregister_broker.h"
#include "kafka/messages/update_features.h"

namespace millrace::broker {
namespace {

class Admin : public testing::Test, protected WireHarness {
protected:
    ErrorCode set_quota(const std::string& key, double value, bool remove = false) {
        kafka::AlterClientQuotasRequest request;
        auto& entry = request.entries.emplace_back();
        entry.entity.push_back({"client-id", "test"});
        entry.ops.push_back({key, value, remove});
        const auto response = client.call<kafka::AlterClientQuotasResponse>(request, 1);
        return response ? response->entries.at(0).error_code : ErrorCode::kNetworkException;
    }
    std::int32_t produce_throttle(TestClient& from, const std::string& topic, int records) {
        const base::Bytes batch = make_batch(records);
        const auto response = from.call<kafka::ProduceResponse>(produce_request(topic, batch), 9);
        return response ? response->throttle_time_ms : -1;
    }
};

TEST_F(Admin, a_client_over_its_quota_is_told_to_pause_and_then_not_read_from) {
    create("t");
    EXPECT_EQ(produce_throttle(client, "t", 100), 0);
    ASSERT_EQ(set_quota("producer_byte_rate", 10'000), ErrorCode::kNone);
    // About 2 KB against 10 KB a second: the burst is free.
    EXPECT_EQ(produce_throttle(client, "t", 100), 0);
    std::int32_t pause_ms = 0;
    TestClient other(broker);  // The same client id: the same rate.
    for (int i = 0; i < 100 && pause_ms == 0; ++i) pause_ms = produce_throttle(other, "t", 1000);
    ASSERT_GT(pause_ms, 0);
    // The next request on that connection waits out the pause.
    const auto before = std::chrono::steady_clock::now();
    ASSERT_TRUE(other.call<kafka::ApiVersionsResponse>(kafka::ApiVersionsRequest{}, 0));
    const auto waited = std::chrono::steady_clock::now() - before;
    EXPECT_GE(waited, std::chrono::milliseconds(pause_ms - 50));
}

TEST_F(Admin, a_consumer_over_its_quota_gets_nothing_and_a_pause) {
    create("t");
    for (int i = 0; i < 5; ++i) ASSERT_EQ(produce_error("t", make_batch(2000)), "NONE");
    ASSERT_EQ(set_quota("consumer_byte_rate", 20'000), ErrorCode::kNone);
    std::int64_t bytes = 0;
    for (int i = 0; i < 100; ++i) {
        const auto response = client.call<kafka::FetchResponse>(fetch_request("t", 0, 0, 1), 12);
        ASSERT_TRUE(response);
        if (response->throttle_time_ms > 0) {
            EXPECT_TRUE(response->responses.empty());
            EXPECT_GT(bytes, 0);
            return;
        }
        bytes += static_cast<std::int64_t>(response->responses.at(0).partitions.at(0).records.size);
    }
    FAIL() << "never paused after " << bytes << " bytes";
}

TEST_F(Admin, a_client_that_changes_too_many_partitions_is_refused_for_a_while) {
    ASSERT_EQ(set_quota("controller_mutation_rate", 1), ErrorCode::kNone);
    EXPECT_EQ(create_error("many", 12), "NONE");
    EXPECT_EQ(create_error("one-more"), "THROTTLING_QUOTA_EXCEEDED");
    ASSERT_EQ(set_quota("controller_mutation_rate", 0, /*remove=*/true), ErrorCode::kNone);
}

// The least quota there can be: the first request that is measured is too much already.
TEST_F(Admin, a_client_whose_requests_take_too_long_pauses_for_a_window_at_most) {
    create("t");
    ASSERT_EQ(produce_error("t", make_batch(10)), "NONE");
    ASSERT_EQ(set_quota("request_percentage", 1e-9), ErrorCode::kNone);
    TestClient asking(broker);
    const auto listed =
        asking.call<kafka::ListGroupsResponse>(kafka::ListGroupsRequest(), /*version=*/4);
    ASSERT_TRUE(listed);
    EXPECT_EQ(listed->error_code, ErrorCode::kNone);
    EXPECT_EQ(listed->throttle_time_ms, 1000);
    const auto before = std::chrono::steady_clock::now();
    ASSERT_TRUE(asking.call<kafka::ApiVersionsResponse>(kafka::ApiVersionsRequest{}, 0));
    EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(950));

    TestClient writing(broker);
    EXPECT_EQ(produce_throttle(writing, "t", 1), 1000);
    TestClient reading(broker);
    const auto fetched = reading.call<kafka::FetchResponse>(fetch_request("t", 0), 12);
    ASSERT_TRUE(fetched);
    EXPECT_EQ(fetched->throttle_time_ms, 1000);
    EXPECT_TRUE(fetched->responses.empty());

    ASSERT_EQ(set_quota("request_percentage", 0, /*remove=*/true), ErrorCode::kNone);
    TestClient later(broker);
    const auto free = later.call<kafka::ListGroupsResponse>(kafka::ListGroupsRequest(), 4);
    ASSERT_TRUE(free);
    EXPECT_EQ(free->throttle_time_ms, 0);
}

TEST_F(Admin, quotas_survive_a_restart_and_can_be_removed) {
    ASSERT_EQ(set_quota("producer_byte_rate", 5), ErrorCode::kNone);
    ASSERT_EQ(set_quota("request_percentage", 12.5), ErrorCode::kNone);
    ASSERT_EQ(set_quota("request_percentage", 0, /*remove=*/true), ErrorCode::kNone);
    EXPECT_EQ(set_quota("nothing", 5), ErrorCode::kInvalidRequest);
    broker.restart();
    TestClient later(broker);
    kafka::DescribeClientQuotasRequest request;
    const auto response = later.call<kafka::DescribeClientQuotasResponse>(request, 1);
    ASSERT_TRUE(response && response->entries);
    ASSERT_EQ(response->entries->size(), 1u);
    const auto& entry = response->entries->at(0);
    EXPECT_EQ(entry.entity.at(0).entity_name, "test");
    ASSERT_EQ(entry.values.size(), 1u);
    EXPECT_EQ(entry.values[0].key, "producer_byte_rate");
    EXPECT_EQ(entry.values[0].value, 5);
}

TEST_F(Admin, finalized_features_are_told_and_never_raised_beyond_what_is_supported) {
    kafka::ApiVersionsRequest ask;
    ask.client_software_name = ask.client_software_version = "test";
    const auto versions = client.call<kafka::ApiVersionsResponse>(ask, 4);
    ASSERT_TRUE(versions);
    EXPECT_GE(versions->finalized_features_epoch, 0);
    ASSERT_FALSE(versions->finalized_features.empty());
    for (const auto& feature : versions->finalized_features) {
        kafka::UpdateFeaturesRequest request;
        request.feature_updates.push_back({.feature = feature.name, .max_version_level = 999});
        const auto refused = client.call<kafka::UpdateFeaturesResponse>(request, 1);
        ASSERT_TRUE(refused);
        EXPECT_EQ(refused->error_code, ErrorCode::kInvalidUpdateVersion) << feature.name;
    }
}

TEST_F(Admin, the_quorum_is_this_broker) {
    kafka::DescribeQuorumRequest request;
    auto& topic = request.topics.emplace_back();
    topic.topic_name = "__cluster_metadata";
    topic.partitions.emplace_back();
    const auto response = client.call<kafka::DescribeQuorumResponse>(request, 2);
    ASSERT_TRUE(response);
    const auto& partition = response->topics.at(0).partitions.at(0);
    EXPECT_EQ(partition.leader_id, 1);
    EXPECT_EQ(partition.current_voters.at(0).replica_id, 1);
    EXPECT_GT(partition.high_watermark, 0);
}

TEST_F(Admin, elections_are_not_needed_and_nothing_is_moved) {
    create("t", 2);
    kafka::ElectLeadersRequest elect;
    elect.topic_partitions.emplace().push_back({"t", {0, 7}});
    const auto elected = client.call<kafka::ElectLeadersResponse>(elect, 2);
    ASSERT_TRUE(elected);
    const auto& results = elected->replica_election_results.at(0).partition_result;
    EXPECT_EQ(results.at(0).error_code, ErrorCode::kElectionNotNeeded);
    EXPECT_EQ(results.at(1).error_code, ErrorCode::kUnknownTopicOrPartition);

    const auto move = [&](std::optional<std::vector<std::int32_t>> replicas) {
        kafka::AlterPartitionReassignmentsRequest request;
        auto& topic = request.topics.emplace_back();
        topic.name = "t";
        auto& partition = topic.partitions.emplace_back();
        partition.replicas = std::move(replicas);
        const auto response = client.call<kafka::AlterPartitionReassignmentsResponse>(request, 0);
        return response ? response->responses.at(0).partitions.at(0).error_code
                        : ErrorCode::kNetworkException;
    };
    EXPECT_EQ(move(std::vector{1}), ErrorCode::kNone);
    EXPECT_EQ(move(std::vector{1, 2}), ErrorCode::kInvalidReplicaAssignment);
    EXPECT_EQ(move(std::nullopt), ErrorCode::kNoReassignmentInProgress);
    const auto moving = client.call<kafka::ListPartitionReassignmentsResponse>(
        kafka::ListPartitionReassignmentsRequest{}, 0);
    ASSERT_TRUE(moving);
    EXPECT_TRUE(moving->topics.empty());
}

TEST_F(Admin, what_cannot_exist_on_one_node_gives_kafkas_own_error) {
    const auto rules = client.call<kafka::DescribeAclsResponse>(kafka::DescribeAclsRequest{}, 3);
    ASSERT_TRUE(rules);
    EXPECT_EQ(rules->error_code, ErrorCode::kSecurityDisabled);
    kafka::CreateAclsRequest create;
    create.creations.emplace_back();
    const auto created = client.call<kafka::CreateAclsResponse>(create, 3);
    ASSERT_TRUE(created);
    EXPECT_EQ(created->results.at(0).error_code, ErrorCode::kSecurityDisabled);
    kafka::UnregisterBrokerRequest unregister;
    unregister.broker_id = 7;
    const auto gone = client.call<kafka::UnregisterBrokerResponse>(unregister, 0);
    ASSERT_TRUE(gone);
    EXPECT_EQ(gone->error_code, ErrorCode::kBrokerIdNotRegistered);
}

}  // namespace
}  // namespace millrace::broker
