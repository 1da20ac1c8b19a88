// DescribeQuorum 0-2: the quorum of the metadata log, which is this broker alone. 1 adds
// timestamps, 2 endpoints and directories.
#include "kafka/messages/describe_quorum.h"

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"
#include "runtime/clock.h"
#include "runtime/loop.h"

namespace millrace::broker {

using kafka::ErrorCode;

Task<kafka::DescribeQuorumResponse> describe_quorum(Call& call,
                                                    kafka::DescribeQuorumRequest request) {
    // The name that Kafka's tools ask for; ours is __millrace_metadata.
    constexpr std::string_view kTopic = "__cluster_metadata";
    const Services& services = call.services;
    Catalog& catalog = services.catalog;
    kafka::DescribeQuorumResponse response;
    response.error_message = "";
    const bool only_that = request.topics.size() == 1 && request.topics[0].topic_name == kTopic &&
                           request.topics[0].partitions.size() == 1 &&
                           request.topics[0].partitions[0].partition_index == 0;
    if (!only_that) {
        response.topics.clear();
        for (const auto& asked : request.topics) {
            auto& topic = response.topics.emplace_back();
            topic.topic_name = asked.topic_name;
            for (const auto& partition : asked.partitions) {
                auto& answer = topic.partitions.emplace_back();
                answer.partition_index = partition.partition_index;
                answer.error_code = ErrorCode::kUnknownTopicOrPartition;
                answer.error_message = "This server does not host this topic-partition.";
            }
        }
        co_return response;
    }
    const auto offsets =
        co_await runtime::call_on(catalog.loop(), [&] { return catalog.log_offsets(); });
    auto& topic = response.topics.emplace_back();
    topic.topic_name = kTopic;
    auto& partition = topic.partitions.emplace_back();
    partition.error_message = "";
    partition.leader_id = services.node_id;
    // Epochs of Kafka's quorum begin at 1, with the first election.
    partition.leader_epoch = kFirstLeaderEpoch + 1;
    partition.high_watermark = offsets.high_watermark.value;
    auto& voter = partition.current_voters.emplace_back();
    voter.replica_id = services.node_id;
    voter.log_end_offset = offsets.log_end.value;
    voter.last_fetch_timestamp = voter.last_caught_up_timestamp = services.clock.wall_ms();
    auto& node = response.nodes.emplace_back();
    node.node_id = services.node_id;
    node.listeners.push_back({"PLAINTEXT", services.host, services.port});
    co_return response;
}

}  // namespace millrace::broker
