// DeleteShareGroupOffsets 0: makes an empty share group forget topics.
#include "kafka/messages/delete_share_group_offsets.h"

#include <map>
#include <utility>
#include <vector>

#include "broker/call.h"
#include "broker/group/coordinator.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/share_rules.h"
#include "broker/services.h"
#include "broker/share/share_groups.h"
#include "broker/share/share_service.h"
#include "broker/to_kafka.h"
#include "runtime/loop.h"

namespace millrace::broker {
namespace {

using kafka::ErrorCode;
using Initialized = std::map<kafka::Uuid, ShareGroupData::Initialized>;

}  // namespace

Task<kafka::DeleteShareGroupOffsetsResponse> delete_share_group_offsets(
    Call& call, kafka::DeleteShareGroupOffsetsRequest request) {
    kafka::DeleteShareGroupOffsetsResponse response;
    if (!shares_enabled(call.services)) {
        response.error_code = ErrorCode::kUnsupportedVersion;
        co_return response;
    }
    const auto shard = co_await call.services.groups.shard(request.group_id);
    if (!shard) {
        response.error_code = to_coordinator_error(base::fail(shard.error()));
        co_return response;
    }
    const ShareOutcome allowed = co_await may_change_offsets(**shard, request.group_id, false);
    if (allowed.error != ErrorCode::kNone) {
        response.error_code = allowed.error;
        response.error_message = allowed.message;
        co_return response;
    }
    const Initialized known = co_await runtime::call_on((*shard)->loop(), [&] {
        const ShareGroup* group = (*shard)->share_groups().find(request.group_id);
        return group ? group->data().initialized : Initialized();
    });
    std::vector<kafka::Uuid> forgotten;
    for (const auto& topic : request.topics) {
        auto& answer = response.responses.emplace_back();
        answer.topic_name = topic.topic_name;
        const Initialized::value_type* found = nullptr;
        for (const auto& one : known) {
            if (one.second.name == topic.topic_name) found = &one;
        }
        if (!found) {
            answer.error_code = ErrorCode::kUnknownTopicOrPartition;
            answer.error_message = "There is no offset information to delete.";
            continue;
        }
        answer.topic_id = found->first;
        for (const std::int32_t partition : found->second.partitions) {
            const auto outcome =
                co_await call.services.shares.remove({request.group_id, found->first, partition});
            if (!outcome) answer.error_code = to_coordinator_error(outcome);
        }
        if (answer.error_code == ErrorCode::kNone) forgotten.push_back(found->first);
    }
    response.error_code = co_await runtime::call_on((*shard)->loop(), [&] {
        return (*shard)->share_groups().set_positions(request.group_id, {}, std::move(forgotten));
    });
    co_return response;
}

}  // namespace millrace::broker
