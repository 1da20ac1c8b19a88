// AlterShareGroupOffsets 0: moves an empty share group to other offsets.
#include "kafka/messages/alter_share_group_offsets.h"

#include <utility>
#include <vector>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/group/coordinator.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/share_rules.h"
#include "broker/services.h"
#include "broker/share/share_groups.h"
#include "broker/share/share_service.h"
#include "broker/to_kafka.h"
#include "runtime/loop.h"

namespace millrace::broker {

using kafka::ErrorCode;

Task<kafka::AlterShareGroupOffsetsResponse> alter_share_group_offsets(
    Call& call, kafka::AlterShareGroupOffsetsRequest request) {
    kafka::AlterShareGroupOffsetsResponse response;
    if (!shares_enabled(call.services)) {
        response.error_code = ErrorCode::kUnsupportedVersion;
        co_return response;
    }
    const auto shard = co_await call.services.groups.shard(request.group_id);
    if (!shard) {
        response.error_code = to_coordinator_error(base::fail(shard.error()));
        co_return response;
    }
    const ShareOutcome allowed = co_await may_change_offsets(**shard, request.group_id, true);
    if (allowed.error != ErrorCode::kNone) {
        response.error_code = allowed.error;
        response.error_message = allowed.message;
        co_return response;
    }
    std::vector<ShareTopic> moved;
    for (const auto& topic : request.topics) {
        auto& answer = response.responses.emplace_back();
        answer.topic_name = topic.topic_name;
        const auto found = call.services.catalog.find(topic.topic_name);
        if (found) {
            answer.topic_id = found->record.id;
            moved.push_back({found->name(), found->record.id,
                             static_cast<std::int32_t>(found->partitions.size())});
        }
        for (const auto& partition : topic.partitions) {
            auto& one = answer.partitions.emplace_back();
            one.partition_index = partition.partition_index;
            if (!found || !found->partition(partition.partition_index)) {
                one.error_code = ErrorCode::kUnknownTopicOrPartition;
                one.error_message = "This server does not host this topic-partition.";
                continue;
            }
            const auto outcome = co_await call.services.shares.initialize(
                {request.group_id, found->record.id, partition.partition_index},
                partition.start_offset);
            one.error_code = to_coordinator_error(outcome);
        }
    }
    // Told at last: until then the group does not list what it does not have.
    response.error_code = co_await runtime::call_on((*shard)->loop(), [&] {
        return (*shard)->share_groups().set_positions(request.group_id, std::move(moved), {});
    });
    co_return response;
}

}  // namespace millrace::broker
