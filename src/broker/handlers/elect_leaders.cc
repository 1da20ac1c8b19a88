// ElectLeaders 0-2: with one broker every partition has the leader it should have. 1 adds unclean
// elections.
#include "kafka/messages/elect_leaders.h"

#include <fmt/format.h>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"

namespace millrace::broker {

using kafka::ErrorCode;

Task<kafka::ElectLeadersResponse> elect_leaders(Call& call, kafka::ElectLeadersRequest request) {
    constexpr std::int8_t kPreferred = 0, kUnclean = 1;
    kafka::ElectLeadersResponse response;
    const bool known = request.election_type == kPreferred || request.election_type == kUnclean;
    if (!known) response.error_code = ErrorCode::kInvalidRequest;
    if (!request.topic_partitions) {
        // Of all partitions only those are told that had an election.
        for (const auto& topic : call.services.catalog.all()) {
            response.replica_election_results.emplace_back().topic = topic->name();
        }
        co_return response;
    }
    for (const auto& asked : *request.topic_partitions) {
        auto& answer = response.replica_election_results.emplace_back();
        answer.topic = asked.topic;
        const auto topic = call.services.catalog.find(asked.topic);
        for (const std::int32_t index : asked.partitions) {
            auto& result = answer.partition_result.emplace_back();
            result.partition_id = index;
            if (!known) {
                result.error_code = ErrorCode::kInvalidRequest;
                result.error_message =
                    fmt::format("Unknown election type {}", request.election_type);
            } else if (!topic) {
                result.error_code = ErrorCode::kUnknownTopicOrPartition;
                result.error_message = fmt::format("No such topic as {}", asked.topic);
            } else if (!topic->partition(index)) {
                result.error_code = ErrorCode::kUnknownTopicOrPartition;
                result.error_message =
                    fmt::format("No such partition as {}-{}", asked.topic, index);
            } else {
                result.error_code = ErrorCode::kElectionNotNeeded;
                result.error_message = "Leader election not needed for topic partition.";
            }
        }
    }
    co_return response;
}

}  // namespace millrace::broker
