// LeaveGroup 0-5: members go. 3 adds several at once and static members, 5 reasons (KIP-800).
#include "kafka/messages/leave_group.h"

#include "base/log.h"
#include "broker/call.h"
#include "broker/group/coordinator.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "runtime/loop.h"

namespace millrace::broker {

Task<kafka::LeaveGroupResponse> leave_group(Call& call, kafka::LeaveGroupRequest request) {
    kafka::LeaveGroupResponse response;
    if (request.group_id.empty()) {
        response.error_code = kafka::ErrorCode::kInvalidGroupId;
        co_return response;
    }
    const auto shard = co_await call.services.groups.shard(request.group_id);
    if (!shard) {
        response.error_code = to_coordinator_error(base::fail(shard.error()));
        co_return response;
    }
    if (call.version() < 3) request.members.push_back({.member_id = request.member_id});
    co_await runtime::call_on((*shard)->loop(), [&] {
        for (const auto& member : request.members) {
            if (member.reason) {
                base::log_debug("group {}: member {} leaves: {}", request.group_id,
                                member.member_id, *member.reason);
            }
            const kafka::ErrorCode error =
                (*shard)->leave(request.group_id, member.member_id, member.group_instance_id);
            response.members.push_back({member.member_id, member.group_instance_id, error});
        }
    });
    if (call.version() < 3) response.error_code = response.members.front().error_code;
    co_return response;
}

}  // namespace millrace::broker
