// Metadata 0-13: the broker and its topics. 4 adds a choice about creating, 7 leader epochs,
// 8 authorised operations, 10 topic ids, 12 asking by id, 13 a top-level error.
#include "kafka/messages/metadata.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/topic_rules.h"
#include "broker/services.h"
#include "broker/to_kafka.h"

namespace millrace::broker {
namespace {

using kafka::ErrorCode;
using ResponseTopic = kafka::MetadataResponse::Topic;

ResponseTopic describe(const Call& call, const Topic& topic, bool operations) {
    ResponseTopic described;
    described.name = topic.name();
    described.topic_id = topic.record.id;
    described.is_internal = topic.internal();
    if (operations) described.topic_authorized_operations = kTopicOperations;
    const std::int32_t node = call.services.node_id;
    for (std::int32_t index = 0; index < topic.record.partitions; ++index) {
        auto& partition = described.partitions.emplace_back();
        partition.partition_index = index;
        partition.leader_id = node;
        partition.leader_epoch = kFirstLeaderEpoch;
        partition.replica_nodes = {node};
        partition.isr_nodes = {node};
    }
    return described;
}

}  // namespace

Task<kafka::MetadataResponse> metadata(Call& call, kafka::MetadataRequest request) {
    const Services& services = call.services;
    kafka::MetadataResponse response;
    auto& broker = response.brokers.emplace_back();
    broker.node_id = services.node_id;
    broker.host = services.host;
    broker.port = services.port;
    response.cluster_id = services.catalog.cluster_id();
    response.controller_id = services.node_id;
    if (request.include_cluster_authorized_operations) {
        response.cluster_authorized_operations = kClusterOperations;
    }
    const bool operations = request.include_topic_authorized_operations;
    const bool all = !request.topics || (call.version() == 0 && request.topics->empty());
    if (all) {
        for (const auto& topic : services.catalog.all()) {
            response.topics.push_back(describe(call, *topic, operations));
        }
        co_return response;
    }
    const bool ids_are_taken = call.version() >= 12;
    const bool asks_wrongly = std::ranges::any_of(*request.topics, [&](const auto& asked) {
        return asked.topic_id.is_zero() ? !asked.name : !ids_are_taken;
    });
    if (asks_wrongly) {
        // Versions 10 and 11 tell ids but cannot be asked by them.
        response.brokers.clear();
        response.error_code = ErrorCode::kInvalidRequest;
        for (const auto& asked : *request.topics) {
            auto& refused = response.topics.emplace_back();
            refused.error_code = ErrorCode::kInvalidRequest;
            refused.topic_id = asked.topic_id;
            refused.name = asked.name;
            if (!ids_are_taken) refused.name = asked.name.value_or("");
        }
        co_return response;
    }
    std::set<std::pair<std::string, kafka::Uuid>> told;
    for (const auto& asked : *request.topics) {
        if (!told.emplace(asked.name.value_or(""), asked.topic_id).second) continue;
        if (!asked.topic_id.is_zero()) {
            const auto topic = services.catalog.find(asked.topic_id);
            if (topic) {
                response.topics.push_back(describe(call, *topic, operations));
            } else {
                auto& unknown = response.topics.emplace_back();
                unknown.error_code = ErrorCode::kUnknownTopicId;
                unknown.name.reset();
                unknown.topic_id = asked.topic_id;
            }
            continue;
        }
        const std::string name = asked.name.value_or("");
        const auto topic =
            co_await find_or_create(services, name, request.allow_auto_topic_creation);
        if (topic) {
            response.topics.push_back(describe(call, **topic, operations));
            continue;
        }
        auto& missing = response.topics.emplace_back();
        missing.name = name;
        missing.error_code = topic.error().code() == base::Code::kInvalidArgument
                                 ? ErrorCode::kInvalidTopicException
                                 : to_kafka(topic.error());
    }
    co_return response;
}

}  // namespace millrace::broker
