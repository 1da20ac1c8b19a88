// Groups of the consumer protocol (KIP-848) over the wire, across restarts.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/wire_harness_internal.h"
#include "kafka/messages/consumer_group_describe.h"
#include "kafka/messages/consumer_group_heartbeat.h"
#include "kafka/messages/delete_groups.h"
#include "kafka/messages/describe_groups.h"
#include "kafka/messages/join_group.h"
#include "kafka/messages/list_groups.h"

namespace millrace::broker {
namespace {

using Request = kafka::ConsumerGroupHeartbeatRequest;
using Response = kafka::ConsumerGroupHeartbeatResponse;

class ConsumerGroups : public testing::Test, protected WireHarness {
protected:
    ConsumerGroups() : WireHarness(options()) {}
    static config::ServerOptions options() {
        config::ServerOptions options;
        options.group_consumer_assignment_interval_ms = 0;
        return options;
    }
    static Request join_request(const std::string& member, const std::string& topic = "t") {
        Request request;
        request.group_id = "g";
        request.member_id = member;
        request.rebalance_timeout_ms = 60'000;
        request.subscribed_topic_names = {topic};
        request.topic_partitions.emplace();
        return request;
    }
    static Request beat_request(const std::string& member, std::int32_t epoch) {
        Request request;
        request.group_id = "g";
        request.member_id = member;
        request.member_epoch = epoch;
        return request;
    }
    // "epoch: partitions", "-" for no assignment; or the error.
    static std::string send(TestClient& from, const Request& request, std::int16_t version = 1) {
        const auto response = from.call<Response>(request, version);
        if (!response) return "no answer";
        if (response->error_code != ErrorCode::kNone) {
            return std::string(error_name(response->error_code));
        }
        std::string text = std::to_string(response->member_epoch) + ": ";
        if (!response->assignment) return text + "-";
        std::multiset<std::int32_t> indexes;  // Topics come in the order of their random ids.
        for (const auto& topic : response->assignment->topic_partitions) {
            indexes.insert(topic.partitions.begin(), topic.partitions.end());
        }
        for (const std::int32_t index : indexes) text += std::to_string(index);
        return text;
    }
    static kafka::ConsumerGroupDescribeResponse::DescribedGroup describe(
        TestClient& from, const std::string& group = "g") {
        kafka::ConsumerGroupDescribeRequest request;
        request.group_ids = {group};
        request.include_authorized_operations = true;
        const auto response = from.call<kafka::ConsumerGroupDescribeResponse>(request, 1);
        EXPECT_TRUE(response);
        return response ? response->groups.at(0)
                        : kafka::ConsumerGroupDescribeResponse::DescribedGroup{};
    }
    std::string commit_as(const std::string& member, std::int32_t epoch, std::int64_t offset,
                          std::int16_t version = 9) {
        kafka::OffsetCommitRequest request;
        request.group_id = "g";
        request.member_id = member;
        request.generation_id_or_member_epoch = epoch;
        request.topics.emplace_back().name = "t";
        request.topics[0].partitions.emplace_back().committed_offset = offset;
        const auto response = client.call<kafka::OffsetCommitResponse>(request, version);
        return response
                   ? std::string(error_name(response->topics.at(0).partitions.at(0).error_code))
                   : "no answer";
    }
    static std::string fetch_as(TestClient& from, std::optional<std::string> member,
                                std::int32_t epoch) {
        kafka::OffsetFetchRequest request;
        auto& group = request.groups.emplace_back();
        group.group_id = "g";
        group.member_id = std::move(member);
        group.member_epoch = epoch;
        group.topics.emplace();
        group.topics->emplace_back().name = "t";
        group.topics->back().partition_indexes = {0};
        const auto response = from.call<kafka::OffsetFetchResponse>(request, 9);
        if (!response) return "no answer";
        const auto& answer = response->groups.at(0);
        if (answer.error_code != ErrorCode::kNone) {
            return std::string(error_name(answer.error_code));
        }
        return std::to_string(answer.topics.at(0).partitions.at(0).committed_offset);
    }
};

TEST_F(ConsumerGroups, members_share_a_topic_and_take_over_from_leavers) {
    create("t", 4);
    EXPECT_EQ(send(client, join_request("a")), "1: 0123");
    EXPECT_EQ(send(client, join_request("b")), "2: ");
    Request giving = beat_request("a", 1);
    giving.topic_partitions.emplace();
    EXPECT_EQ(send(client, giving), "2: 01");
    EXPECT_EQ(send(client, beat_request("b", 2)), "2: 23");
    EXPECT_EQ(send(client, beat_request("a", -1)), "-1: -");
    EXPECT_EQ(send(client, beat_request("b", 2)), "3: 0123");
    EXPECT_EQ(send(client, beat_request("a", 2)), "UNKNOWN_MEMBER_ID");
}

TEST_F(ConsumerGroups, a_group_is_described_and_listed_by_its_kind) {
    create("t", 2);
    send(client, join_request("a"));
    const auto group = describe(client);
    EXPECT_EQ(group.error_code, ErrorCode::kNone);
    EXPECT_EQ(group.group_state, "Stable");
    EXPECT_EQ(group.group_epoch, 1);
    EXPECT_EQ(group.assignment_epoch, 1);
    EXPECT_EQ(group.assignor_name, "uniform");
    EXPECT_EQ(group.authorized_operations, 0x0d48);  // Read, describe, delete; configs likewise.
    ASSERT_EQ(group.members.size(), 1u);
    const auto& member = group.members[0];
    EXPECT_EQ(member.client_id, "test");
    EXPECT_EQ(member.client_host, "/127.0.0.1");
    EXPECT_EQ(member.subscribed_topic_names, std::vector<std::string>{"t"});
    EXPECT_EQ(member.member_type, 1);
    ASSERT_EQ(member.assignment.topic_partitions.size(), 1u);
    EXPECT_EQ(member.assignment.topic_partitions[0].topic_name, "t");
    EXPECT_EQ(member.target_assignment.topic_partitions.at(0).partitions,
              (std::vector<std::int32_t>{0, 1}));

    kafka::ListGroupsRequest list;
    list.types_filter = {"consumer"};
    const auto listed = client.call<kafka::ListGroupsResponse>(list, 5);
    ASSERT_TRUE(listed);
    ASSERT_EQ(listed->groups.size(), 1u);
    EXPECT_EQ(listed->groups[0].group_type, "consumer");
    EXPECT_EQ(listed->groups[0].protocol_type, "consumer");

    // To the requests of the classic protocol it does not exist.
    kafka::DescribeGroupsRequest old;
    old.groups = {"g"};
    const auto described = client.call<kafka::DescribeGroupsResponse>(old, 6);
    ASSERT_TRUE(described);
    EXPECT_EQ(described->groups.at(0).error_code, ErrorCode::kGroupIdNotFound);
    EXPECT_EQ(describe(client, "nobody").error_code, ErrorCode::kGroupIdNotFound);
    EXPECT_EQ(commit("simple", "t", 1), ErrorCode::kNone);
    EXPECT_EQ(describe(client, "simple").error_code, ErrorCode::kGroupIdNotFound);
}

TEST_F(ConsumerGroups, a_restart_never_fences_members_or_moves_partitions) {
    create("t", 4);
    send(client, join_request("a"));
    send(client, join_request("b"));
    Request giving = beat_request("a", 1);
    giving.topic_partitions.emplace();
    send(client, giving);
    send(client, beat_request("b", 2));
    EXPECT_EQ(commit_as("a", 2, 7), "NONE");
    broker.restart();
    TestClient later(broker);
    EXPECT_EQ(send(later, beat_request("a", 2)), "2: -");
    EXPECT_EQ(send(later, beat_request("b", 2)), "2: -");
    const auto group = describe(later);
    EXPECT_EQ(group.group_state, "Stable");
    EXPECT_EQ(group.group_epoch, 2);
    EXPECT_EQ(fetch_as(later, "a", 2), "7");
    Request full = join_request("b");
    full.member_epoch = 2;
    EXPECT_EQ(send(later, full), "2: 23");
}

TEST_F(ConsumerGroups, new_partitions_reach_the_members) {
    create("t", 1);
    Request request = join_request("a");
    request.subscribed_topic_names.reset();
    request.subscribed_topic_regex = "t|u";
    EXPECT_EQ(send(client, request), "1: ");  // Its topics are looked for.
    EXPECT_EQ(send(client, beat_request("a", 1)), "2: 0");
    create("u", 2);
    EXPECT_EQ(send(client, beat_request("a", 2)), "3: 001");
    kafka::DeleteGroupsRequest remove;
    remove.groups_names = {"g"};
    const auto removed = client.call<kafka::DeleteGroupsResponse>(remove, 2);
    ASSERT_TRUE(removed);
    EXPECT_EQ(removed->results.at(0).error_code, ErrorCode::kNonEmptyGroup);
}

TEST_F(ConsumerGroups, offsets_belong_to_members_of_the_right_epoch) {
    create("t", 1);
    send(client, join_request("a"));
    EXPECT_EQ(commit_as("a", 1, 5), "NONE");
    EXPECT_EQ(commit_as("a", 2, 6), "STALE_MEMBER_EPOCH");
    EXPECT_EQ(commit_as("b", 1, 6), "UNKNOWN_MEMBER_ID");
    EXPECT_EQ(commit_as("a", 1, 6, 8), "UNSUPPORTED_VERSION");
    EXPECT_EQ(commit_as("", -1, 6), "UNKNOWN_MEMBER_ID");
    EXPECT_EQ(fetch_as(client, "a", 1), "5");
    EXPECT_EQ(fetch_as(client, "a", 7), "STALE_MEMBER_EPOCH");
    EXPECT_EQ(fetch_as(client, "b", 1), "UNKNOWN_MEMBER_ID");
    EXPECT_EQ(fetch_as(client, std::nullopt, -1), "5");
}

TEST_F(ConsumerGroups, requests_that_cannot_be_meant_are_refused) {
    struct Case {
        const char* what;
        void (*change)(Request&);
        std::int16_t version;
        const char* expected;
    };
    const Case cases[] = {
        {"no group", [](auto& r) { r.group_id = " "; }, 1, "INVALID_REQUEST"},
        {"no member", [](auto& r) { r.member_id = ""; }, 1, "INVALID_REQUEST"},
        {"no member, which version 0 may leave to the server", [](auto& r) { r.member_id = ""; }, 0,
         "1: 0"},
        {"an empty instance", [](auto& r) { r.instance_id = ""; }, 1, "INVALID_REQUEST"},
        {"no rebalance timeout", [](auto& r) { r.rebalance_timeout_ms = -1; }, 1,
         "INVALID_REQUEST"},
        {"no word about partitions", [](auto& r) { r.topic_partitions.reset(); }, 1,
         "INVALID_REQUEST"},
        {"partitions from the start",
         [](auto& r) { r.topic_partitions->emplace_back().partitions = {1}; }, 1,
         "INVALID_REQUEST"},
        {"no subscription", [](auto& r) { r.subscribed_topic_names.reset(); }, 1,
         "INVALID_REQUEST"},
        {"an epoch below all", [](auto& r) { r.member_epoch = -3; }, 1, "INVALID_REQUEST"},
        {"a dynamic member that will be back", [](auto& r) { r.member_epoch = -2; }, 1,
         "INVALID_REQUEST"},
        {"an assignor of its own", [](auto& r) { r.server_assignor = "mine"; }, 1,
         "UNSUPPORTED_ASSIGNOR"},
        {"a group that is not there", [](auto& r) { r.member_epoch = 5; }, 1, "GROUP_ID_NOT_FOUND"},
    };
    create("t");
    for (const Case& one : cases) {
        SCOPED_TRACE(one.what);
        Request request = join_request("a");
        one.change(request);
        EXPECT_EQ(send(client, request, one.version), one.expected);
        kafka::DeleteGroupsRequest remove;
        remove.groups_names = {"g"};
        if (one.version == 0) {
            const auto id = describe(client).members.at(0).member_id;
            EXPECT_EQ(send(client, beat_request(id, -1)), "-1: -");
        }
        EXPECT_TRUE(client.call<kafka::DeleteGroupsResponse>(remove, 2));
    }
}

TEST_F(ConsumerGroups, an_empty_group_changes_its_protocol_with_the_next_member) {
    create("t", 1);
    EXPECT_EQ(commit("g", "t", 3), ErrorCode::kNone);
    EXPECT_EQ(send(client, join_request("a")), "1: 0");
    EXPECT_EQ(fetch_as(client, "a", 1), "3");
    EXPECT_EQ(send(client, beat_request("a", -1)), "-1: -");

    kafka::JoinGroupRequest join;
    join.group_id = "g";
    join.session_timeout_ms = 10'000;
    join.rebalance_timeout_ms = 10'000;
    join.protocol_type = "consumer";
    join.protocols.push_back({"range", "subscription"});
    const auto joined = client.call<kafka::JoinGroupResponse>(join, 3);
    ASSERT_TRUE(joined);
    EXPECT_EQ(joined->error_code, ErrorCode::kNone);
    EXPECT_EQ(describe(client).error_code, ErrorCode::kGroupIdNotFound);
    broker.restart();
    TestClient later(broker);
    EXPECT_EQ(describe(later).error_code, ErrorCode::kGroupIdNotFound);
    EXPECT_EQ(fetch_as(later, std::nullopt, -1), "3");
}

}  // namespace
}  // namespace millrace::broker
