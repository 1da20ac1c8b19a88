// OffsetDelete 0: takes committed offsets away, of topics that the group does not subscribe to.
#include "kafka/messages/offset_delete.h"

#include <utility>
#include <vector>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/group/coordinator.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "runtime/loop.h"

namespace millrace::broker {

using kafka::ErrorCode;

Task<kafka::OffsetDeleteResponse> offset_delete(Call& call, kafka::OffsetDeleteRequest request) {
    kafka::OffsetDeleteResponse response;
    std::vector<OffsetName> names;
    std::vector<std::pair<std::size_t, std::size_t>> places;  // Of each name in the response.
    for (const auto& asked : request.topics) {
        const auto topic = call.services.catalog.find(asked.name);
        auto& answer = response.topics.emplace_back();
        answer.name = asked.name;
        for (const auto& partition : asked.partitions) {
            const std::int32_t index = partition.partition_index;
            auto& one = answer.partitions.emplace_back();
            one.partition_index = index;
            if (!topic || !topic->partition(index)) {
                one.error_code = ErrorCode::kUnknownTopicOrPartition;
                continue;
            }
            names.push_back({asked.name, index});
            places.emplace_back(response.topics.size() - 1, answer.partitions.size() - 1);
        }
    }
    // As in Kafka: where no partition is left to ask about, nor is the group.
    if (names.empty()) co_return response;

    GroupShard::OffsetsDeleted outcome;
    const auto shard = co_await call.services.groups.shard(request.group_id);
    if (shard) {
        outcome = co_await runtime::call_on((*shard)->loop(), [&] {
            return (*shard)->delete_offsets(request.group_id, std::move(names));
        });
    } else {
        outcome.error = to_coordinator_error(base::fail(shard.error()));
    }
    if (outcome.error != ErrorCode::kNone) {
        response.error_code = outcome.error;
        response.topics.clear();
        co_return response;
    }
    for (std::size_t i = 0; i < places.size(); ++i) {
        const auto& [topic, partition] = places[i];
        response.topics[topic].partitions[partition].error_code = outcome.each[i];
    }
    co_return response;
}

}  // namespace millrace::broker
