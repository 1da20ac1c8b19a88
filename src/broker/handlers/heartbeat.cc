// Heartbeat 0-4: a member is alive. 3 adds static members.
#include "kafka/messages/heartbeat.h"

#include "broker/call.h"
#include "broker/group/coordinator.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "runtime/loop.h"

namespace millrace::broker {

Task<kafka::HeartbeatResponse> heartbeat(Call& call, kafka::HeartbeatRequest request) {
    kafka::HeartbeatResponse response;
    if (request.group_id.empty()) {
        response.error_code = kafka::ErrorCode::kInvalidGroupId;
        co_return response;
    }
    const auto shard = co_await call.services.groups.shard(request.group_id);
    if (!shard) {
        response.error_code = to_coordinator_error(base::fail(shard.error()));
        co_return response;
    }
    response.error_code = co_await runtime::call_on((*shard)->loop(), [&] {
        return (*shard)->heartbeat(request.group_id, request.member_id, request.group_instance_id,
                                   request.generation_id);
    });
    co_return response;
}

}  // namespace millrace::broker
