// AlterPartitionReassignments 0-1: one broker can only be told to keep what it has. 1 adds a choice
// about the number of replicas.
#include "kafka/messages/alter_partition_reassignments.h"

#include <optional>
#include <string>

#include <fmt/format.h>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/topic_rules.h"
#include "broker/services.h"

namespace millrace::broker {
namespace {

using kafka::ErrorCode;

struct Refusal {
    ErrorCode error = ErrorCode::kNone;
    std::optional<std::string> message;
};

}  // namespace

Task<kafka::AlterPartitionReassignmentsResponse> alter_partition_reassignments(
    Call& call, kafka::AlterPartitionReassignmentsRequest request) {
    kafka::AlterPartitionReassignmentsResponse response;
    response.error_message.reset();
    response.allow_replication_factor_change = request.allow_replication_factor_change;
    for (const auto& asked : request.topics) {
        auto& answer = response.responses.emplace_back();
        answer.name = asked.name;
        const auto topic = call.services.catalog.find(asked.name);
        for (const auto& partition : asked.partitions) {
            auto& result = answer.partitions.emplace_back();
            result.partition_index = partition.partition_index;
            Refusal refusal;
            if (!topic) {
                refusal = {ErrorCode::kUnknownTopicOrPartition,
                           fmt::format("Unable to find a topic named {}.", asked.name)};
            } else if (!topic->partition(partition.partition_index)) {
                refusal = {ErrorCode::kUnknownTopicOrPartition,
                           fmt::format("Unable to find partition {}:{}.", asked.name,
                                       partition.partition_index)};
            } else if (!partition.replicas) {
                refusal = {ErrorCode::kNoReassignmentInProgress, std::nullopt};
            } else {
                refusal.message = wrong_replicas(*partition.replicas);
                if (refusal.message) refusal.error = ErrorCode::kInvalidReplicaAssignment;
            }
            result.error_code = refusal.error;
            result.error_message = refusal.message;
        }
    }
    co_return response;
}

}  // namespace millrace::broker
