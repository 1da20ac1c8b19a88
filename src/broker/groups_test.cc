// Groups over the wire, across restarts: what the state machine's own tests cannot see.
#include <gtest/gtest.h>

#include <string>

#include "broker/wire_harness_internal.h"
#include "kafka/messages/describe_groups.h"
#include "kafka/messages/heartbeat.h"
#include "kafka/messages/join_group.h"
#include "kafka/messages/leave_group.h"
#include "kafka/messages/list_groups.h"
#include "kafka/messages/sync_group.h"

namespace millrace::broker {
namespace {

class Groups : public testing::Test, protected WireHarness {
protected:
    static kafka::JoinGroupRequest join_request(const std::string& member_id) {
        kafka::JoinGroupRequest request;
        request.group_id = "g";
        request.session_timeout_ms = 10'000;
        request.rebalance_timeout_ms = 10'000;
        request.member_id = member_id;
        request.protocol_type = "consumer";
        request.protocols.push_back({"range", "subscription"});
        return request;
    }
    // Joins as clients do: once for an id, once with it. Returns the second answer.
    static kafka::JoinGroupResponse join(TestClient& from) {
        const auto first = from.call<kafka::JoinGroupResponse>(join_request(""), 7);
        EXPECT_TRUE(first && first->error_code == ErrorCode::kMemberIdRequired);
        const auto second =
            from.call<kafka::JoinGroupResponse>(join_request(first ? first->member_id : ""), 7);
        EXPECT_TRUE(second);
        return second.value_or(kafka::JoinGroupResponse{});
    }
    static kafka::SyncGroupResponse sync(TestClient& from, const kafka::JoinGroupResponse& joined,
                                         const std::string& assignment = "") {
        kafka::SyncGroupRequest request;
        request.group_id = "g";
        request.generation_id = joined.generation_id;
        request.member_id = joined.member_id;
        if (!assignment.empty()) request.assignments.push_back({joined.member_id, assignment});
        const auto response = from.call<kafka::SyncGroupResponse>(request, 4);
        EXPECT_TRUE(response);
        return response.value_or(kafka::SyncGroupResponse{});
    }
    static std::string heartbeat(TestClient& from, const kafka::JoinGroupResponse& joined) {
        kafka::HeartbeatRequest request;
        request.group_id = "g";
        request.generation_id = joined.generation_id;
        request.member_id = joined.member_id;
        const auto response = from.call<kafka::HeartbeatResponse>(request, 4);
        return response ? std::string(error_name(response->error_code)) : "no answer";
    }
    static kafka::DescribeGroupsResponse::DescribedGroup describe(TestClient& from,
                                                                  const std::string& group) {
        kafka::DescribeGroupsRequest request;
        request.groups = {group};
        const auto response = from.call<kafka::DescribeGroupsResponse>(request, 6);
        EXPECT_TRUE(response);
        return response ? response->groups.at(0) : kafka::DescribeGroupsResponse::DescribedGroup{};
    }
};

TEST_F(Groups, a_member_joins_syncs_beats_and_leaves) {
    const auto joined = join(client);
    EXPECT_EQ(joined.generation_id, 1);
    EXPECT_EQ(joined.leader, joined.member_id);
    ASSERT_EQ(joined.members.size(), 1u);
    EXPECT_EQ(joined.members[0].metadata, "subscription");
    EXPECT_EQ(sync(client, joined, "all of it").assignment, "all of it");
    EXPECT_EQ(heartbeat(client, joined), "NONE");

    const auto described = describe(client, "g");
    EXPECT_EQ(described.group_state, "Stable");
    EXPECT_EQ(described.protocol_data, "range");
    EXPECT_EQ(described.members.at(0).member_assignment, "all of it");
    EXPECT_EQ(described.members.at(0).client_host, "/127.0.0.1");
    const auto listed = client.call<kafka::ListGroupsResponse>(kafka::ListGroupsRequest{}, 5);
    ASSERT_TRUE(listed);
    ASSERT_EQ(listed->groups.size(), 1u);
    EXPECT_EQ(listed->groups[0].group_state, "Stable");
    EXPECT_EQ(listed->groups[0].group_type, "classic");

    kafka::LeaveGroupRequest leave;
    leave.group_id = "g";
    leave.members.push_back({.member_id = joined.member_id});
    const auto left = client.call<kafka::LeaveGroupResponse>(leave, 5);
    ASSERT_TRUE(left);
    EXPECT_EQ(left->members.at(0).error_code, ErrorCode::kNone);
    EXPECT_EQ(heartbeat(client, joined), "UNKNOWN_MEMBER_ID");
}

TEST_F(Groups, a_second_member_waits_for_the_first_to_join_again) {
    const auto first = join(client);
    sync(client, first, "all");
    TestClient other(broker);
    const auto asked = other.call<kafka::JoinGroupResponse>(join_request(""), 7);
    ASSERT_TRUE(asked);
    other.send(join_request(asked->member_id), 7);
    while (heartbeat(client, first) == "NONE") {
    }
    EXPECT_EQ(heartbeat(client, first), "REBALANCE_IN_PROGRESS");
    const auto again = client.call<kafka::JoinGroupResponse>(join_request(first.member_id), 7);
    const auto joined = other.receive<kafka::JoinGroupResponse>(7);
    ASSERT_TRUE(again && joined);
    EXPECT_EQ(again->generation_id, 2);
    EXPECT_EQ(joined->generation_id, 2);
    EXPECT_EQ(again->members.size(), 2u);
    EXPECT_TRUE(joined->members.empty());
}

TEST_F(Groups, a_restart_never_forces_a_stable_group_to_rebalance) {
    create("t");
    const auto joined = join(client);
    sync(client, joined, "mine");
    broker.restart();
    TestClient later(broker);
    EXPECT_EQ(heartbeat(later, joined), "NONE");
    EXPECT_EQ(sync(later, joined).assignment, "mine");
    EXPECT_EQ(describe(later, "g").group_state, "Stable");
}

TEST_F(Groups, commits_of_the_wrong_generation_are_refused) {
    create("t");
    const auto joined = join(client);
    sync(client, joined, "mine");
    EXPECT_EQ(commit("g", "t", 1, joined.generation_id), ErrorCode::kUnknownMemberId);
    EXPECT_EQ(commit("g", "t", 1), ErrorCode::kUnknownMemberId);
    EXPECT_EQ(committed_offset("g", "t"), -1);
}

TEST_F(Groups, an_unknown_group_is_told_as_each_version_expects) {
    EXPECT_EQ(describe(client, "nobody").error_code, ErrorCode::kGroupIdNotFound);
    kafka::DescribeGroupsRequest request;
    request.groups = {"nobody"};
    const auto old = client.call<kafka::DescribeGroupsResponse>(request, 5);
    ASSERT_TRUE(old);
    EXPECT_EQ(old->groups.at(0).error_code, ErrorCode::kNone);
    EXPECT_EQ(old->groups.at(0).group_state, "Dead");
}

TEST_F(Groups, a_broker_that_stops_answers_those_who_wait_for_their_group) {
    const auto first = join(client);
    sync(client, first, "all");
    TestClient other(broker);
    const auto asked = other.call<kafka::JoinGroupResponse>(join_request(""), 7);
    ASSERT_TRUE(asked);
    other.send(join_request(asked->member_id), 7);  // Waits for the first one, which never comes.
    broker.restart();
    SUCCEED();
}

}  // namespace
}  // namespace millrace::broker
