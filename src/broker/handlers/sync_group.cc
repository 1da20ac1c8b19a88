// SyncGroup 0-5: every member's share of the work. 3 adds static members, 5 the protocol's name.
#include "kafka/messages/sync_group.h"

#include "broker/call.h"
#include "broker/group/coordinator.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "runtime/loop.h"

namespace millrace::broker {

using kafka::ErrorCode;

Task<kafka::SyncGroupResponse> sync_group(Call& call, kafka::SyncGroupRequest request) {
    kafka::SyncGroupResponse response;
    if (request.group_id.empty()) {
        response.error_code = ErrorCode::kInvalidGroupId;
        co_return response;
    }
    const auto shard = co_await call.services.groups.shard(request.group_id);
    if (!shard) {
        response.error_code = to_coordinator_error(base::fail(shard.error()));
        co_return response;
    }
    if (call.version() >= 5 && (!request.protocol_type || !request.protocol_name)) {
        response.error_code = ErrorCode::kInconsistentGroupProtocol;
        co_return response;
    }
    SyncRequest sync{.generation = request.generation_id,
                     .member_id = request.member_id,
                     .instance_id = request.group_instance_id,
                     .protocol_type = request.protocol_type,
                     .protocol_name = request.protocol_name};
    for (auto& one : request.assignments) {
        sync.assignments[one.member_id] = std::move(one.assignment);
    }
    const SyncAnswer answer = co_await runtime::call_on(
        (*shard)->loop(), [&] { return (*shard)->sync(request.group_id, std::move(sync)); });
    response.error_code = answer.error;
    response.protocol_type = answer.protocol_type;
    response.protocol_name = answer.protocol_name;
    response.assignment = answer.assignment;
    co_return response;
}

}  // namespace millrace::broker
