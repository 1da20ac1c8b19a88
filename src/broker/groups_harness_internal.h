// The requests of groups as short functions, on top of a broker and its client: for tests.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "broker/wire_harness_internal.h"
#include "kafka/messages/consumer_protocol.h"
#include "kafka/messages/delete_groups.h"
#include "kafka/messages/describe_groups.h"
#include "kafka/messages/heartbeat.h"
#include "kafka/messages/join_group.h"
#include "kafka/messages/leave_group.h"
#include "kafka/messages/offset_delete.h"
#include "kafka/messages/sync_group.h"

namespace millrace::broker {

class GroupsHarness : protected WireHarness {
protected:
    explicit GroupsHarness(config::ServerOptions options = {}) : WireHarness(std::move(options)) {}

    static kafka::JoinGroupRequest join_request(const std::string& member_id,
                                                const base::Bytes& metadata = "subscription") {
        kafka::JoinGroupRequest request;
        request.group_id = "g";
        request.session_timeout_ms = 10'000;
        request.rebalance_timeout_ms = 10'000;
        request.member_id = member_id;
        request.protocol_type = "consumer";
        request.protocols.push_back({"range", metadata});
        return request;
    }
    // Joins as clients do: once for an id, once with it. Returns the second answer.
    static kafka::JoinGroupResponse join(TestClient& from,
                                         const base::Bytes& metadata = "subscription") {
        const auto first = from.call<kafka::JoinGroupResponse>(join_request(""), 7);
        MR_CHECK(first && first->error_code == ErrorCode::kMemberIdRequired);
        const auto second = from.call<kafka::JoinGroupResponse>(
            join_request(first ? first->member_id : "", metadata), 7);
        MR_CHECK(second);
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
        MR_CHECK(response);
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
    static void leave(TestClient& from, const kafka::JoinGroupResponse& joined) {
        kafka::LeaveGroupRequest request;
        request.group_id = "g";
        request.members.push_back({.member_id = joined.member_id});
        const auto response = from.call<kafka::LeaveGroupResponse>(request, 5);
        MR_CHECK(response && response->members.at(0).error_code == ErrorCode::kNone);
    }
    static std::string remove(TestClient& from, const std::string& group) {
        kafka::DeleteGroupsRequest request;
        request.groups_names = {group};
        const auto response = from.call<kafka::DeleteGroupsResponse>(request, 2);
        return response ? std::string(error_name(response->results.at(0).error_code)) : "no answer";
    }
    // The error of the group, or else of the one partition that was asked about.
    static std::string delete_offset(TestClient& from, const std::string& group,
                                     const std::string& topic, std::int32_t partition = 0) {
        kafka::OffsetDeleteRequest request;
        request.group_id = group;
        request.topics.push_back({topic, {{partition}}});
        const auto response = from.call<kafka::OffsetDeleteResponse>(request, 0);
        if (!response) return "no answer";
        if (response->error_code != ErrorCode::kNone) {
            return "group: " + std::string(error_name(response->error_code));
        }
        return std::string(error_name(response->topics.at(0).partitions.at(0).error_code));
    }
    // Of the consumer protocol, version 0.
    static base::Bytes subscription(const std::string& topic) {
        kafka::ConsumerProtocolSubscription message;
        message.topics = {topic};
        kafka::Writer writer;
        writer.i16(0);
        message.encode(writer, 0);
        return writer.take_all();
    }
    static kafka::OffsetFetchRequest fetch_request(const std::string& group,
                                                   const std::string& topic) {
        kafka::OffsetFetchRequest request;
        request.group_id = group;
        request.topics.emplace();
        request.topics->emplace_back().name = topic;
        request.topics->back().partition_indexes = {0};
        return request;
    }
    static kafka::DescribeGroupsResponse::DescribedGroup describe(TestClient& from,
                                                                  const std::string& group) {
        kafka::DescribeGroupsRequest request;
        request.groups = {group};
        const auto response = from.call<kafka::DescribeGroupsResponse>(request, 6);
        MR_CHECK(response);
        return response ? response->groups.at(0) : kafka::DescribeGroupsResponse::DescribedGroup{};
    }
};

}  // namespace millrace::broker
