// ShareGroupHeartbeat 1: membership of a share group, and what the member is assigned.
#include "kafka/messages/share_group_heartbeat.h"

#include <utility>

#include "broker/call.h"
#include "broker/group/coordinator.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/share_rules.h"
#include "broker/services.h"
#include "broker/share/share_groups.h"
#include "broker/to_kafka.h"
#include "runtime/loop.h"

namespace millrace::broker {
namespace {

using kafka::ErrorCode;

// Why the request is wrong in itself, or empty.
std::string refuse(const kafka::ShareGroupHeartbeatRequest& request) {
    if (request.member_id.empty()) return "MemberId can't be empty.";
    if (request.group_id.empty()) return "GroupId can't be empty.";
    if (request.rack_id && request.rack_id->empty()) return "RackId can't be empty.";
    if (request.member_epoch == 0 &&
        (!request.subscribed_topic_names || request.subscribed_topic_names->empty())) {
        return "SubscribedTopicNames must be set in first request.";
    }
    if (request.member_epoch < -1) return "MemberEpoch is invalid.";
    return {};
}

}  // namespace

Task<kafka::ShareGroupHeartbeatResponse> share_group_heartbeat(
    Call& call, kafka::ShareGroupHeartbeatRequest request) {
    kafka::ShareGroupHeartbeatResponse response;
    if (!shares_enabled(call.services)) {
        response.error_code = ErrorCode::kUnsupportedVersion;
        co_return response;
    }
    std::string wrong = refuse(request);
    if (!wrong.empty()) {
        response.error_code = ErrorCode::kInvalidRequest;
        response.error_message = std::move(wrong);
        co_return response;
    }
    const auto shard = co_await call.services.groups.shard(request.group_id);
    if (!shard) {
        response.error_code = to_coordinator_error(base::fail(shard.error()));
        co_return response;
    }
    const config::GroupOptions options = group_options(call.services, request.group_id);
    ShareHeartbeat heartbeat{.member_id = request.member_id,
                             .epoch = request.member_epoch,
                             .rack_id = std::move(request.rack_id),
                             .subscribed = std::move(request.subscribed_topic_names),
                             .client_id = call.client_id(),
                             .client_host = call.client_host};
    const ShareHeartbeatAnswer answer = co_await runtime::call_on((*shard)->loop(), [&] {
        return (*shard)->share_heartbeat(
            request.group_id, std::move(heartbeat),
            {.session_timeout_ms = options.share_session_timeout_ms,
             .assignment_interval_ms = options.share_assignment_interval_ms,
             .max_size = static_cast<std::size_t>(call.services.options.group_share_max_size)});
    });
    response.error_code = answer.error;
    if (answer.error != ErrorCode::kNone) {
        if (!answer.message.empty()) response.error_message = answer.message;
        co_return response;
    }
    response.member_id = request.member_id;
    response.member_epoch = answer.epoch;
    if (answer.epoch >= 0) response.heartbeat_interval_ms = options.share_heartbeat_interval_ms;
    if (answer.assignment) {
        auto& assignment = response.assignment.emplace();
        for (const auto& [topic, partitions] : *answer.assignment) {
            assignment.topic_partitions.push_back({topic, partitions});
        }
    }
    co_return response;
}

}  // namespace millrace::broker
