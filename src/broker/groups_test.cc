// Groups over the wire, across restarts: what the state machine's own tests cannot see.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/groups_harness_internal.h"
#include "kafka/messages/describe_groups.h"
#include "kafka/messages/heartbeat.h"
#include "kafka/messages/join_group.h"
#include "kafka/messages/leave_group.h"
#include "kafka/messages/list_groups.h"
#include "kafka/messages/sync_group.h"

namespace millrace::broker {
namespace {

class Groups : public testing::Test, protected GroupsHarness {};

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

    leave(client, joined);
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

TEST_F(Groups, several_members_leave_at_once_and_each_is_answered) {
    const auto joined = join(client);
    kafka::LeaveGroupRequest request;
    request.group_id = "g";
    request.members.push_back({.member_id = joined.member_id});
    request.members.push_back({.member_id = "stranger"});
    request.members.push_back({.member_id = "", .group_instance_id = "nobody"});
    const auto left = client.call<kafka::LeaveGroupResponse>(request, 3);
    ASSERT_TRUE(left);
    EXPECT_EQ(left->error_code, ErrorCode::kNone);
    EXPECT_EQ(left->members.at(0).error_code, ErrorCode::kNone);
    EXPECT_EQ(left->members.at(1).error_code, ErrorCode::kUnknownMemberId);
    EXPECT_EQ(left->members.at(2).error_code, ErrorCode::kUnknownMemberId);
    request.group_id = "";
    const auto refused = client.call<kafka::LeaveGroupResponse>(request, 3);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->error_code, ErrorCode::kInvalidGroupId);
}

TEST_F(Groups, a_group_stays_when_its_members_go_until_it_is_deleted) {
    create("t");
    const auto joined = join(client);
    sync(client, joined, "all");
    EXPECT_EQ(remove(client, "g"), "NON_EMPTY_GROUP");
    leave(client, joined);
    EXPECT_EQ(describe(client, "g").group_state, "Empty");
    EXPECT_EQ(commit("g", "t", 7), ErrorCode::kNone);
    broker.restart();
    TestClient later(broker);
    EXPECT_EQ(describe(later, "g").group_state, "Empty");
    EXPECT_EQ(remove(later, "g"), "NONE");
    EXPECT_EQ(remove(later, "g"), "GROUP_ID_NOT_FOUND");
    EXPECT_EQ(describe(later, "g").error_code, ErrorCode::kGroupIdNotFound);
    broker.restart();
    TestClient last(broker);
    EXPECT_EQ(remove(last, "g"), "GROUP_ID_NOT_FOUND");
    const auto offsets = last.call<kafka::OffsetFetchResponse>(fetch_request("g", "t"), 7);
    ASSERT_TRUE(offsets);
    EXPECT_EQ(offsets->topics.at(0).partitions.at(0).committed_offset, -1);
}

TEST_F(Groups, offsets_are_deleted_unless_somebody_subscribes_to_their_topic) {
    create("t");
    create("u");
    EXPECT_EQ(delete_offset(client, "g", "t"), "group: GROUP_ID_NOT_FOUND");
    EXPECT_EQ(commit("g", "t", 7), ErrorCode::kNone);
    EXPECT_EQ(commit("g", "u", 8), ErrorCode::kNone);
    const auto joined = join(client, subscription("t"));
    sync(client, joined, "all");
    EXPECT_EQ(delete_offset(client, "g", "t"), "GROUP_SUBSCRIBED_TO_TOPIC");
    EXPECT_EQ(delete_offset(client, "g", "u"), "NONE");
    EXPECT_EQ(delete_offset(client, "g", "u", 1), "UNKNOWN_TOPIC_OR_PARTITION");
    EXPECT_EQ(delete_offset(client, "g", "missing"), "UNKNOWN_TOPIC_OR_PARTITION");
    EXPECT_EQ(committed_offset("g", "t"), 7);
    EXPECT_EQ(committed_offset("g", "u"), -1);
}

TEST_F(Groups, offsets_are_not_deleted_one_by_one_in_a_group_of_another_kind) {
    create("t");
    EXPECT_EQ(commit("g", "t", 7), ErrorCode::kNone);
    auto request = join_request("");
    request.protocol_type = "connect";
    EXPECT_TRUE(client.call<kafka::JoinGroupResponse>(request, 3));
    EXPECT_EQ(delete_offset(client, "g", "t"), "group: NON_EMPTY_GROUP");
}

TEST_F(Groups, groups_are_listed_by_state_and_type) {
    create("t");
    EXPECT_EQ(commit("simple", "t", 1), ErrorCode::kNone);
    sync(client, join(client), "all");
    struct Case {
        std::vector<std::string> states;
        std::vector<std::string> types;
        std::string expected;
    };
    const Case cases[] = {
        {{}, {}, "g simple "}, {{"Stable"}, {}, "g "},         {{"empty"}, {}, "simple "},
        {{"Dead"}, {}, ""},    {{}, {"Classic"}, "g simple "}, {{}, {"consumer"}, ""},
    };
    for (const Case& one : cases) {
        kafka::ListGroupsRequest request;
        request.states_filter = one.states;
        request.types_filter = one.types;
        const auto response = client.call<kafka::ListGroupsResponse>(request, 5);
        ASSERT_TRUE(response);
        std::set<std::string> names;
        for (const auto& group : response->groups) names.insert(group.group_id);
        std::string joined;
        for (const std::string& name : names) joined += name + " ";
        EXPECT_EQ(joined, one.expected);
    }
}

TEST_F(Groups, a_note_beside_an_offset_has_its_limit_in_characters) {
    create("t");
    struct Case {
        std::string metadata;
        ErrorCode expected;
    };
    std::string wide;
    for (int i = 0; i < 4096; ++i) wide += "\xc3\xa4";
    const Case cases[] = {{std::string(4096, 'x'), ErrorCode::kNone},
                          {std::string(4097, 'x'), ErrorCode::kOffsetMetadataTooLarge},
                          {wide, ErrorCode::kNone},
                          {wide + "x", ErrorCode::kOffsetMetadataTooLarge}};
    for (const Case& one : cases) {
        kafka::OffsetCommitRequest request;
        request.group_id = "g";
        request.topics.emplace_back().name = "t";
        request.topics[0].partitions.emplace_back().committed_metadata = one.metadata;
        const auto response = client.call<kafka::OffsetCommitResponse>(request, 8);
        ASSERT_TRUE(response);
        EXPECT_EQ(response->topics.at(0).partitions.at(0).error_code, one.expected);
    }
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
