#include <algorithm>

#include "base/strings.h"
#include "client/direct/direct_internal.h"
#include "kafka/messages/alter_share_group_offsets.h"
#include "kafka/messages/consumer_group_describe.h"
#include "kafka/messages/delete_share_group_offsets.h"
#include "kafka/messages/describe_share_group_offsets.h"
#include "kafka/messages/list_groups.h"
#include "kafka/messages/share_group_describe.h"

namespace millrace::client {

using base::Code;
using base::fail;
using base::Result;
using kafka::ErrorCode;
using topic::TopicPartition;

Result<std::vector<Direct::GroupListing>> WireDirect::groups() {
    constexpr std::string_view kWhat = "ask for the list of groups";
    std::vector<GroupListing> groups;
    for (const auto& [node, broker] : wire_->nodes()) {
        const auto answer = wire_->once_settled([&]() -> Result<kafka::ListGroupsResponse> {
            MR_TRY(auto response,
                   wire_->ask<kafka::ListGroupsResponse>(node, kafka::ListGroupsRequest(), kWhat));
            if (response.error_code == ErrorCode::kNone) return response;
            return fail(to_error(response.error_code, kWhat));
        });
        if (!answer) return fail(answer.error());
        for (const auto& one : answer->groups) {
            groups.push_back({.name = one.group_id,
                              .type = base::to_lower(one.group_type),
                              .protocol = one.protocol_type,
                              .state = one.group_state});
        }
    }
    std::ranges::sort(groups, {}, &GroupListing::name);
    return groups;
}

namespace {

template <class Assignment>
std::vector<TopicPartition> partitions_of(const Assignment& assignment) {
    std::vector<TopicPartition> partitions;
    for (const auto& topic : assignment.topic_partitions) {
        for (const std::int32_t number : topic.partitions) {
            partitions.push_back({topic.topic_name, number});
        }
    }
    std::ranges::sort(partitions);
    return partitions;
}

// What the descriptions of groups of both newer protocols have in common.
template <class Described>
Direct::Group group_of(const Described& described, std::string type, std::int32_t coordinator) {
    Direct::Group group{.name = described.group_id,
                        .type = std::move(type),
                        .state = described.group_state,
                        .assignor = described.assignor_name,
                        .coordinator = coordinator,
                        .epoch = described.group_epoch,
                        .members = {}};
    for (const auto& from : described.members) {
        auto& member = group.members.emplace_back();
        member.id = from.member_id;
        if constexpr (requires { from.instance_id; }) {
            member.instance_id = from.instance_id.value_or("");
        }
        member.client_id = from.client_id;
        member.host = from.client_host;
        member.epoch = from.member_epoch;
        member.assigned = partitions_of(from.assignment);
    }
    return group;
}

// The first description of an answer of either kind.
template <class Response>
Result<Direct::Group> described_in(const Response& answer, const char* type, std::int32_t node,
                                   const std::string& what) {
    if (answer.groups.empty()) return fail(Code::kCorrupt, "{}: nothing is told of it", what);
    const auto& described = answer.groups.front();
    if (described.error_code == ErrorCode::kNone) return group_of(described, type, node);
    return fail(to_error(described.error_code, what, described.error_message));
}

}  // namespace

Result<Direct::Group> WireDirect::describe_group(const std::string& name, const std::string& type) {
    return wire_->once_settled([&]() -> Result<Group> {
        const std::string what = fmt::format("describe group {}", name);
        MR_TRY(const std::int32_t node, wire_->coordinator(Wire::Coordinated::kGroup, name));
        if (type == "consumer") {
            kafka::ConsumerGroupDescribeRequest request;
            request.group_ids = {name};
            MR_TRY(const auto answer,
                   wire_->ask<kafka::ConsumerGroupDescribeResponse>(node, request, what));
            return described_in(answer, "consumer", node, what);
        }
        if (type == "share") {
            kafka::ShareGroupDescribeRequest request;
            request.group_ids = {name};
            MR_TRY(const auto answer,
                   wire_->ask<kafka::ShareGroupDescribeResponse>(node, request, what));
            return described_in(answer, "share", node, what);
        }
        return fail(Code::kUnsupported, "group {} is of a kind that is not known here: {}", name,
                    type);
    });
}

Result<std::map<TopicPartition, Result<Direct::ShareOffset>>> WireDirect::share_offsets(
    const std::string& group) {
    using Offsets = std::map<TopicPartition, Result<ShareOffset>>;
    const std::string what = fmt::format("ask for offsets of share group {}", group);
    return wire_->once_settled([&]() -> Result<Offsets> {
        MR_TRY(const std::int32_t node, wire_->coordinator(Wire::Coordinated::kGroup, group));
        kafka::DescribeShareGroupOffsetsRequest request;
        auto& asked = request.groups.emplace_back();
        asked.group_id = group;
        asked.topics.reset();
        MR_TRY(const auto answer,
               wire_->ask<kafka::DescribeShareGroupOffsetsResponse>(node, request, what));
        Offsets offsets;
        for (const auto& one : answer.groups) {
            if (one.error_code != ErrorCode::kNone) {
                return fail(to_error(one.error_code, what, one.error_message));
            }
            for (const auto& topic : one.topics) {
                for (const auto& partition : topic.partitions) {
                    const TopicPartition key{topic.topic_name, partition.partition_index};
                    if (partition.error_code != ErrorCode::kNone) {
                        offsets.insert_or_assign(key, fail(to_error(partition.error_code, what,
                                                                    partition.error_message)));
                        continue;
                    }
                    ShareOffset offset{.start = partition.start_offset, .lag = std::nullopt};
                    if (partition.lag >= 0) offset.lag = partition.lag;
                    offsets.insert_or_assign(key, offset);
                }
            }
        }
        return offsets;
    });
}

Result<Direct::Outcomes> WireDirect::set_share_offsets(
    const std::string& group, const std::map<TopicPartition, std::int64_t>& starts) {
    const std::string what = fmt::format("move share group {}", group);
    return wire_->once_settled([&]() -> Result<Outcomes> {
        MR_TRY(const std::int32_t node, wire_->coordinator(Wire::Coordinated::kGroup, group));
        kafka::AlterShareGroupOffsetsRequest request;
        request.group_id = group;
        for (const auto& [partition, start] : starts) {
            if (request.topics.empty() || request.topics.back().topic_name != partition.topic) {
                request.topics.emplace_back().topic_name = partition.topic;
            }
            request.topics.back().partitions.push_back({partition.partition, start});
        }
        MR_TRY(const auto answer,
               wire_->ask<kafka::AlterShareGroupOffsetsResponse>(node, request, what));
        if (answer.error_code != ErrorCode::kNone) {
            return fail(to_error(answer.error_code, what, answer.error_message));
        }
        Outcomes outcomes;
        for (const auto& topic : answer.responses) {
            for (const auto& partition : topic.partitions) {
                Result<void> outcome;
                if (partition.error_code != ErrorCode::kNone) {
                    outcome = fail(to_error(partition.error_code, what, partition.error_message));
                }
                outcomes.insert_or_assign({topic.topic_name, partition.partition_index}, outcome);
            }
        }
        return outcomes;
    });
}

Result<std::map<std::string, Result<void>>> WireDirect::forget_share_topics(
    const std::string& group, const std::vector<std::string>& topics) {
    using Answers = std::map<std::string, Result<void>>;
    const std::string what = fmt::format("delete offsets of share group {}", group);
    return wire_->once_settled([&]() -> Result<Answers> {
        MR_TRY(const std::int32_t node, wire_->coordinator(Wire::Coordinated::kGroup, group));
        kafka::DeleteShareGroupOffsetsRequest request;
        request.group_id = group;
        for (const std::string& topic : topics) request.topics.push_back({topic});
        MR_TRY(const auto answer,
               wire_->ask<kafka::DeleteShareGroupOffsetsResponse>(node, request, what));
        if (answer.error_code != ErrorCode::kNone) {
            return fail(to_error(answer.error_code, what, answer.error_message));
        }
        Answers outcomes;
        for (const auto& topic : answer.responses) {
            Result<void> outcome;
            if (topic.error_code != ErrorCode::kNone) {
                outcome = fail(to_error(topic.error_code, what, topic.error_message));
            }
            outcomes.insert_or_assign(topic.topic_name, outcome);
        }
        return outcomes;
    });
}

}  // namespace millrace::client
