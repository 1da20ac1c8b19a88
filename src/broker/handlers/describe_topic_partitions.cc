// DescribeTopicPartitions 0: topics in order of their names, page by page.
#include "kafka/messages/describe_topic_partitions.h"

#include <algorithm>
#include <set>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/topic_rules.h"
#include "broker/services.h"
#include "model/topic_name.h"

namespace millrace::broker {

using kafka::ErrorCode;

Task<kafka::DescribeTopicPartitionsResponse> describe_topic_partitions(
    Call& call, kafka::DescribeTopicPartitionsRequest request) {
    constexpr std::int32_t kMaxPartitions = 2000;
    const Services& services = call.services;
    std::set<std::string> names;
    const bool all = request.topics.empty();
    if (all) {
        for (const auto& topic : services.catalog.all()) names.insert(topic->name());
    }
    for (const auto& asked : request.topics) names.insert(asked.name);
    std::int32_t from = 0;
    kafka::DescribeTopicPartitionsResponse response;
    if (request.cursor) {
        const bool known = all || names.contains(request.cursor->topic_name);
        if (!known || request.cursor->partition_index < 0) {
            for (const std::string& name : names) {
                auto& refused = response.topics.emplace_back();
                refused.name = name;
                refused.error_code = ErrorCode::kInvalidRequest;
            }
            co_return response;
        }
        names.erase(names.begin(), names.lower_bound(request.cursor->topic_name));
        if (!names.empty() && *names.begin() == request.cursor->topic_name) {
            from = request.cursor->partition_index;
        }
    }
    std::int32_t room = std::clamp(request.response_partition_limit, 1, kMaxPartitions);
    for (const std::string& name : names) {
        if (room == 0) {
            response.next_cursor = {name, 0};
            break;
        }
        const auto topic = services.catalog.find(name);
        if (!topic && all) continue;  // Deleted just now.
        auto& described = response.topics.emplace_back();
        described.name = name;
        described.topic_authorized_operations = kTopicOperations;
        if (!topic) {
            described.error_code = model::TopicName::make(name)
                                       ? ErrorCode::kUnknownTopicOrPartition
                                       : ErrorCode::kInvalidTopicException;
            continue;
        }
        described.topic_id = topic->record.id;
        described.is_internal = topic->internal();
        for (std::int32_t index = from; index < topic->record.partitions; ++index) {
            if (room == 0) {
                response.next_cursor = {name, index};
                co_return response;
            }
            --room;
            auto& partition = described.partitions.emplace_back();
            partition.partition_index = index;
            partition.leader_id = services.node_id;
            partition.leader_epoch = kFirstLeaderEpoch;
            partition.replica_nodes = {services.node_id};
            partition.isr_nodes = {services.node_id};
            // Never null: Java's tools fail on that.
            partition.eligible_leader_replicas.emplace();
            partition.last_known_elr.emplace();
        }
        from = 0;
    }
    co_return response;
}

}  // namespace millrace::broker
