// Groups of the streams protocol (KIP-1071) over the wire, across restarts.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "broker/wire_harness_internal.h"
#include "kafka/messages/consumer_group_heartbeat.h"
#include "kafka/messages/delete_groups.h"
#include "kafka/messages/describe_configs.h"
#include "kafka/messages/describe_groups.h"
#include "kafka/messages/incremental_alter_configs.h"
#include "kafka/messages/join_group.h"
#include "kafka/messages/list_groups.h"
#include "kafka/messages/metadata.h"
#include "kafka/messages/share_group_heartbeat.h"
#include "kafka/messages/streams_group_describe.h"
#include "kafka/messages/streams_group_heartbeat.h"
#include "kafka/messages/update_features.h"

namespace millrace::broker {
namespace {

using Request = kafka::StreamsGroupHeartbeatRequest;
using Response = kafka::StreamsGroupHeartbeatResponse;
using Described = kafka::StreamsGroupDescribeResponse::DescribedGroup;

class StreamsGroups : public testing::Test, protected WireHarness {
protected:
    StreamsGroups() : WireHarness(options()) { create("in", 2); }
    static config::ServerOptions options() {
        config::ServerOptions options;
        options.group_streams_assignment_interval_ms = 0;
        options.group_streams_initial_rebalance_delay_ms = 0;
        return options;
    }
    // The application reads "in", and counts in a store behind a topic of its own.
    static Request join_request(const std::string& member) {
        Request request;
        request.group_id = "g";
        request.member_id = member;
        request.endpoint_information_epoch = -1;
        request.rebalance_timeout_ms = 60'000;
        request.process_id = "process-" + member;
        request.topology.emplace(Request::Topology{});
        auto& reading = request.topology->subtopologies.emplace_back();
        reading.subtopology_id = "0";
        reading.source_topics = {"in"};
        reading.repartition_sink_topics = {"g-words-repartition"};
        auto& counting = request.topology->subtopologies.emplace_back();
        counting.subtopology_id = "1";
        counting.repartition_source_topics.emplace_back().name = "g-words-repartition";
        counting.repartition_source_topics[0].topic_configs.push_back({"cleanup.policy", "delete"});
        counting.state_changelog_topics.emplace_back().name = "g-counts-changelog";
        counting.state_changelog_topics[0].replication_factor = 3;
        counting.state_changelog_topics[0].topic_configs.push_back({"cleanup.policy", "compact"});
        request.active_tasks.emplace();
        request.standby_tasks.emplace();
        request.warmup_tasks.emplace();
        return request;
    }
    static Request beat_request(const std::string& member, std::int32_t epoch) {
        Request request;
        request.group_id = "g";
        request.member_id = member;
        request.member_epoch = epoch;
        return request;
    }
    Response send_whole(const Request& request) {
        const auto response = client.call<Response>(request, 0);
        EXPECT_TRUE(response);
        return response.value_or(Response{});
    }
    // "epoch: active tasks status codes", "-" for no tasks; or the error.
    std::string send(const Request& request) {
        const Response response = send_whole(request);
        if (response.error_code != ErrorCode::kNone) {
            return std::string(error_name(response.error_code));
        }
        std::string text = std::to_string(response.member_epoch) + ": ";
        if (!response.active_tasks) text += "-";
        bool first = true;
        for (const auto& tasks :
             response.active_tasks.value_or(std::vector<Response::ActiveTasks>())) {
            for (const std::int32_t partition : tasks.partitions) {
                if (!std::exchange(first, false)) text += ",";
                text += tasks.subtopology_id + std::to_string(partition);
            }
        }
        for (const auto& status : response.status.value_or(std::vector<Response::Status>())) {
            text += " status " + std::to_string(status.status_code);
        }
        return text;
    }
    Described describe(const std::string& group = "g") {
        kafka::StreamsGroupDescribeRequest request;
        request.group_ids = {group};
        request.include_authorized_operations = true;
        const auto response = client.call<kafka::StreamsGroupDescribeResponse>(request, 0);
        EXPECT_TRUE(response);
        return response ? response->groups.at(0) : Described{};
    }
    std::string list() {
        const auto response = client.call<kafka::ListGroupsResponse>(kafka::ListGroupsRequest{}, 5);
        std::string text;
        for (const auto& group : response ? response->groups : decltype(response->groups)()) {
            text += group.group_id + " " + group.protocol_type + " " + group.group_type + " " +
                    group.group_state;
        }
        return text;
    }
    std::int32_t partitions_of(const std::string& topic) {
        kafka::MetadataRequest request;
        request.topics.emplace().emplace_back().name = topic;
        request.allow_auto_topic_creation = false;
        const auto response = client.call<kafka::MetadataResponse>(request, 9);
        if (!response || response->topics.empty()) return -1;
        return static_cast<std::int32_t>(response->topics[0].partitions.size());
    }
    std::string config_of(const std::string& topic, const std::string& name) {
        kafka::DescribeConfigsRequest request;
        auto& asked = request.resources.emplace_back();
        asked.resource_type = 2;
        asked.resource_name = topic;
        asked.configuration_keys = {name};
        const auto response = client.call<kafka::DescribeConfigsResponse>(request, 4);
        if (!response || response->results.at(0).configs.empty()) return "none";
        return response->results[0].configs[0].value.value_or("null");
    }
    std::string remove() {
        kafka::DeleteGroupsRequest request;
        request.groups_names = {"g"};
        const auto response = client.call<kafka::DeleteGroupsResponse>(request, 2);
        return response ? std::string(error_name(response->results.at(0).error_code)) : "no answer";
    }
    std::string commit_as(const std::string& member, std::int32_t epoch, std::int64_t offset) {
        kafka::OffsetCommitRequest request;
        request.group_id = "g";
        request.member_id = member;
        request.generation_id_or_member_epoch = epoch;
        request.topics.emplace_back().name = "in";
        request.topics[0].partitions.emplace_back().committed_offset = offset;
        const auto response = client.call<kafka::OffsetCommitResponse>(request, 9);
        return response
                   ? std::string(error_name(response->topics.at(0).partitions.at(0).error_code))
                   : "no answer";
    }
};

TEST_F(StreamsGroups, make_the_topics_of_the_application_and_run_its_tasks) {
    const Response joined = send_whole(join_request("a"));
    EXPECT_EQ(joined.error_code, ErrorCode::kNone);
    ASSERT_EQ(joined.status->size(), 1u);
    EXPECT_EQ(joined.status->at(0).status_code, 3);
    EXPECT_EQ(joined.status->at(0).status_detail,
              "Internal topics are missing: g-counts-changelog, g-words-repartition");
    EXPECT_EQ(joined.heartbeat_interval_ms, 5000);
    EXPECT_EQ(partitions_of("g-words-repartition"), 2);
    EXPECT_EQ(partitions_of("g-counts-changelog"), 2);
    EXPECT_EQ(config_of("g-counts-changelog", "cleanup.policy"), "compact");
    EXPECT_EQ(send(beat_request("a", joined.member_epoch)), "3: 00,01,10,11");
    EXPECT_EQ(list(), "g streams streams Stable");

    const Described group = describe();
    EXPECT_EQ(group.error_code, ErrorCode::kNone);
    EXPECT_EQ(group.group_state, "Stable");
    EXPECT_EQ(group.group_epoch, 3);
    EXPECT_EQ(group.assignment_epoch, 3);
    EXPECT_NE(group.authorized_operations, INT32_MIN);
    ASSERT_TRUE(group.topology && group.topology->subtopologies);
    ASSERT_EQ(group.topology->subtopologies->size(), 2u);
    const auto& counting = group.topology->subtopologies->at(1);
    EXPECT_EQ(counting.repartition_source_topics.at(0).partitions, 2);
    EXPECT_EQ(counting.state_changelog_topics.at(0).partitions, 2);
    EXPECT_EQ(counting.state_changelog_topics.at(0).replication_factor, 3);
    ASSERT_EQ(group.members.size(), 1u);
    EXPECT_EQ(group.members[0].process_id, "process-a");
    EXPECT_EQ(group.members[0].client_host, "/127.0.0.1");
    EXPECT_EQ(group.members[0].assignment.active_tasks.size(), 2u);
    EXPECT_EQ(group.members[0].target_assignment.active_tasks.size(), 2u);
}

TEST_F(StreamsGroups, tell_why_a_topic_cannot_be_made) {
    Request request = join_request("a");
    request.topology->subtopologies[1].state_changelog_topics[0].topic_configs = {
        {"cleanup.policy", "never"}};
    const Response response = send_whole(request);
    ASSERT_EQ(response.status->size(), 1u);
    const std::string& detail = response.status->at(0).status_detail;
    EXPECT_TRUE(
        detail.starts_with("Internal topics are missing: g-counts-changelog, "
                           "g-words-repartition; Creation failed: g-counts-changelog ("))
        << detail;
    EXPECT_TRUE(detail.ends_with(").")) << detail;
}

TEST_F(StreamsGroups, survive_a_restart_with_members_tasks_and_offsets) {
    send(join_request("a"));
    EXPECT_EQ(send(beat_request("a", 2)), "3: 00,01,10,11");
    EXPECT_EQ(commit_as("a", 3, 42), "NONE");
    EXPECT_EQ(commit_as("a", 2, 43), "STALE_MEMBER_EPOCH");
    EXPECT_EQ(commit_as("b", 3, 43), "UNKNOWN_MEMBER_ID");
    broker.restart();
    client.reconnect();
    EXPECT_EQ(list(), "g streams streams Stable");
    const Described before = describe();
    ASSERT_TRUE(before.topology && before.topology->subtopologies);
    EXPECT_EQ(before.topology->subtopologies->size(), 2u);
    EXPECT_EQ(send(beat_request("a", 3)), "3: -");
    EXPECT_EQ(committed_offset("g", "in"), 42);
    EXPECT_EQ(remove(), "NON_EMPTY_GROUP");
    EXPECT_EQ(send(beat_request("a", -1)), "-1: -");
    EXPECT_EQ(list(), "g streams streams Empty");
    EXPECT_EQ(remove(), "NONE");
    EXPECT_EQ(list(), "");
    broker.restart();
    client.reconnect();
    EXPECT_EQ(list(), "");
    EXPECT_EQ(committed_offset("g", "in"), -1);
}

TEST_F(StreamsGroups, take_the_settings_of_the_group_with_the_next_heartbeat) {
    send(join_request("a"));
    kafka::IncrementalAlterConfigsRequest change;
    auto& resource = change.resources.emplace_back();
    resource.resource_type = 32;
    resource.resource_name = "g";
    resource.configs.push_back({"streams.heartbeat.interval.ms", 0, "6000"});
    resource.configs.push_back({"streams.num.standby.replicas", 0, "1"});
    const auto changed = client.call<kafka::IncrementalAlterConfigsResponse>(change, 1);
    ASSERT_TRUE(changed);
    ASSERT_EQ(changed->responses.at(0).error_code, ErrorCode::kNone);
    const Response beat = send_whole(beat_request("a", 2));
    EXPECT_EQ(beat.heartbeat_interval_ms, 6000);
    send(join_request("b"));
    const Described group = describe();
    std::size_t standbys = 0;
    for (const auto& member : group.members) {
        for (const auto& tasks : member.target_assignment.standby_tasks) {
            EXPECT_EQ(tasks.subtopology_id, "1");
            standbys += tasks.partitions.size();
        }
    }
    EXPECT_EQ(standbys, 2u);
}

TEST_F(StreamsGroups, keep_to_themselves_among_groups_of_other_kinds) {
    const auto consumer_join = [&](const std::string& group) {
        kafka::ConsumerGroupHeartbeatRequest request;
        request.group_id = group;
        request.member_id = "c";
        request.rebalance_timeout_ms = 60'000;
        request.subscribed_topic_names = {"in"};
        request.topic_partitions.emplace();
        const auto response = client.call<kafka::ConsumerGroupHeartbeatResponse>(request, 1);
        return response ? std::string(error_name(response->error_code)) + ": " +
                              response->error_message.value_or("")
                        : "no answer";
    };
    const auto share_join = [&](const std::string& group) {
        kafka::ShareGroupHeartbeatRequest request;
        request.group_id = group;
        request.member_id = "s";
        request.subscribed_topic_names = {"in"};
        const auto response = client.call<kafka::ShareGroupHeartbeatResponse>(request, 1);
        return response ? std::string(error_name(response->error_code)) : "no answer";
    };
    const auto classic_join = [&](const std::string& member) {
        kafka::JoinGroupRequest request;
        request.group_id = "g";
        request.member_id = member;
        request.session_timeout_ms = 10'000;
        request.rebalance_timeout_ms = 10'000;
        request.protocol_type = "consumer";
        request.protocols.push_back({"range", "subscription"});
        const auto response = client.call<kafka::JoinGroupResponse>(request, 7);
        return response ? std::string(error_name(response->error_code)) : "no answer";
    };
    const auto join_as = [&](const std::string& group) {
        Request request = join_request("a");
        request.group_id = group;
        const Response response = send_whole(request);
        return std::string(error_name(response.error_code)) + ": " +
               response.error_message.value_or("");
    };
    send(join_request("a"));
    EXPECT_EQ(consumer_join("g"), "GROUP_ID_NOT_FOUND: Group g is not a consumer group.");
    EXPECT_EQ(share_join("g"), "GROUP_ID_NOT_FOUND");
    EXPECT_EQ(classic_join(""), "INCONSISTENT_GROUP_PROTOCOL");
    kafka::DescribeGroupsRequest classic;
    classic.groups = {"g"};
    const auto described = client.call<kafka::DescribeGroupsResponse>(classic, 6);
    ASSERT_TRUE(described);
    EXPECT_EQ(described->groups.at(0).error_code, ErrorCode::kGroupIdNotFound);

    EXPECT_EQ(consumer_join("c"), "NONE: ");
    EXPECT_EQ(join_as("c"), "GROUP_ID_NOT_FOUND: Group c is not a streams group.");
    EXPECT_EQ(describe("c").error_message, "Group c is not a streams group.");
    EXPECT_EQ(share_join("s"), "NONE");
    EXPECT_EQ(join_as("s"), "GROUP_ID_NOT_FOUND: Group s is not a streams group.");
    EXPECT_EQ(describe("s").error_message, "Group s is not a streams group.");
    EXPECT_EQ(describe("nobody").error_message, "Group nobody not found.");
    EXPECT_EQ(describe("").error_code, ErrorCode::kInvalidGroupId);

    // Once nobody is in it, it may become one of the classic protocol, and back.
    send(beat_request("a", -1));
    EXPECT_EQ(classic_join(""), "MEMBER_ID_REQUIRED");
    EXPECT_EQ(describe().error_message, "Group g is not a streams group.");
    EXPECT_EQ(send(join_request("a")), "2: 00,01,10,11");
}

TEST_F(StreamsGroups, refuse_what_is_wrong_in_itself) {
    struct Case {
        std::function<void(Request&)> change;
        const char* error;
        const char* message;
    };
    const Case cases[] = {
        {[](Request& r) { r.member_id = ""; }, "INVALID_REQUEST", "MemberId can't be empty."},
        {[](Request& r) { r.group_id = ""; }, "INVALID_REQUEST", "GroupId can't be empty."},
        {[](Request& r) { r.rack_id = ""; }, "INVALID_REQUEST", "RackId can't be empty."},
        {[](Request& r) { r.instance_id = "i"; }, "INVALID_REQUEST",
         "Static membership is not yet supported."},
        {[](Request& r) { r.task_offsets.emplace(); }, "INVALID_REQUEST",
         "TaskOffsets are not supported yet."},
        {[](Request& r) { r.task_end_offsets.emplace(); }, "INVALID_REQUEST",
         "TaskEndOffsets are not supported yet."},
        {[](Request& r) { r.warmup_tasks->push_back({"0", {0}}); }, "INVALID_REQUEST",
         "WarmupTasks are not supported yet."},
        {[](Request& r) { r.topology->subtopologies[0].source_topic_regex = {"a.*"}; },
         "INVALID_REQUEST", "Regular expressions for source topics are not supported yet."},
        {[](Request& r) { r.rebalance_timeout_ms = -1; }, "INVALID_REQUEST",
         "RebalanceTimeoutMs must be provided in first request."},
        {[](Request& r) { r.active_tasks->push_back({"0", {0}}); }, "INVALID_REQUEST",
         "ActiveTasks must be empty when (re-)joining."},
        {[](Request& r) { r.standby_tasks->push_back({"0", {0}}); }, "INVALID_REQUEST",
         "StandbyTasks must be empty when (re-)joining."},
        {[](Request& r) { r.topology.reset(); }, "INVALID_REQUEST",
         "Topology must be non-null when (re-)joining."},
        {[](Request& r) { r.topology->subtopologies[1].state_changelog_topics[0].partitions = 4; },
         "STREAMS_INVALID_TOPOLOGY",
         "Changelog topic g-counts-changelog must have an undefined partition count, but it is set "
         "to 4."},
        {[](Request& r) { r.topology->subtopologies[1].subtopology_id = "0"; },
         "STREAMS_INVALID_TOPOLOGY", "Subtopology 0 is there twice."},
        {[](Request& r) { r.topology->subtopologies[0].source_topics = {"__consumer_offsets"}; },
         "STREAMS_INVALID_TOPOLOGY",
         "Use of Kafka internal topics __consumer_offsets in a Kafka Streams topology is "
         "prohibited."},
        {[](Request& r) { r.topology->subtopologies[0].source_topics = {"a b"}; },
         "STREAMS_INVALID_TOPOLOGY", "Topic names a b are not valid topic names."},
        {[](Request& r) { r.topology->subtopologies[0].repartition_sink_topics.clear(); },
         "STREAMS_INVALID_TOPOLOGY",
         "Failed to compute number of partitions for all repartition topics, because a repartition "
         "source topic is never used as a sink topic."},
        {[](Request& r) { r.active_tasks.reset(); }, "INVALID_REQUEST",
         "If one task-type is non-null, all must be non-null."},
        {[](Request& r) { r.member_epoch = 1; }, "INVALID_REQUEST",
         "Topology can only be provided when (re-)joining."},
        {[](Request& r) { r.member_epoch = -2; }, "INVALID_REQUEST", "InstanceId can't be null."},
        {[](Request& r) { r.member_epoch = -3; }, "INVALID_REQUEST",
         "MemberEpoch is -3, but must be greater than or equal to -2."},
    };
    for (const Case& one : cases) {
        SCOPED_TRACE(one.message);
        Request request = join_request("a");
        one.change(request);
        const Response response = send_whole(request);
        EXPECT_EQ(error_name(response.error_code), one.error);
        EXPECT_EQ(response.error_message.value_or(""), one.message);
        EXPECT_FALSE(response.active_tasks);
    }
    EXPECT_EQ(list(), "");
    EXPECT_EQ(send(beat_request("a", 1)), "GROUP_ID_NOT_FOUND");
    EXPECT_EQ(send_whole(beat_request("a", 1)).error_message, "Streams group g not found.");
    EXPECT_EQ(send_whole(beat_request("a", -1)).error_message, "Group g not found.");
}

TEST_F(StreamsGroups, are_not_served_while_the_feature_is_out) {
    kafka::UpdateFeaturesRequest change;
    auto& update = change.feature_updates.emplace_back();
    update.feature = "streams.version";
    update.max_version_level = 0;
    update.upgrade_type = 2;
    ASSERT_TRUE(client.call<kafka::UpdateFeaturesResponse>(change, 1));
    EXPECT_EQ(send(join_request("a")), "UNSUPPORTED_VERSION");
    EXPECT_EQ(describe().error_code, ErrorCode::kUnsupportedVersion);
}

}  // namespace
}  // namespace millrace::broker
