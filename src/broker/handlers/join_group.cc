// JoinGroup 0-9: membership of a classic group. 1 adds the rebalance timeout, 4 asks the client to
// come back with the id it is given, 5 static members, 8 reasons (KIP-800), 9 lets a leader skip
// its assignment.
#include "kafka/messages/join_group.h"

#include "base/log.h"
#include "broker/call.h"
#include "broker/group/coordinator.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "runtime/clock.h"
#include "runtime/loop.h"

namespace millrace::broker {

using kafka::ErrorCode;

Task<kafka::JoinGroupResponse> join_group(Call& call, kafka::JoinGroupRequest request) {
    kafka::JoinGroupResponse response;
    response.member_id = request.member_id;
    if (call.version() < 7) response.protocol_name = "";
    if (request.group_id.empty()) {
        response.error_code = ErrorCode::kInvalidGroupId;
        co_return response;
    }
    const auto shard = co_await call.services.groups.shard(request.group_id);
    if (!shard) {
        response.error_code = to_coordinator_error(base::fail(shard.error()));
        co_return response;
    }
    if (request.reason) {
        base::log_debug("group {}: member {} joins: {}", request.group_id, request.member_id,
                        *request.reason);
    }
    JoinRequest join{.client_id = call.client_id(),
                     .client_host = call.client_host,
                     .member_id = request.member_id,
                     .instance_id = request.group_instance_id,
                     .protocol_type = request.protocol_type,
                     .session_timeout_ms = request.session_timeout_ms,
                     .rebalance_timeout_ms = call.version() == 0 ? request.session_timeout_ms
                                                                 : request.rebalance_timeout_ms,
                     .require_known_member_id = call.version() >= 4,
                     .supports_skipping_assignment = call.version() >= 9};
    for (auto& protocol : request.protocols) {
        join.protocols.push_back({std::move(protocol.name), std::move(protocol.metadata)});
    }
    join.new_member_id = request.group_instance_id.value_or(call.client_id()) + "-" +
                         runtime::make_uuid(call.services.random);
    const JoinAnswer answer = co_await runtime::call_on(
        (*shard)->loop(), [&] { return (*shard)->join(request.group_id, std::move(join)); });
    response.error_code = answer.error;
    response.generation_id = answer.generation;
    response.protocol_type = answer.protocol_type;
    response.protocol_name = answer.protocol_name;
    response.leader = answer.leader;
    response.skip_assignment = answer.skip_assignment;
    response.member_id = answer.member_id;
    for (const JoinAnswer::Member& member : answer.members) {
        response.members.push_back({member.id, member.instance_id, member.metadata});
    }
    co_return response;
}

}  // namespace millrace::broker
