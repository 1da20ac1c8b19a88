// ConsumerGroupHeartbeat 0-1: a member of a consumer group joins, lives and leaves (KIP-848). 1
// adds subscriptions by regular expression, and wants members to choose their own ids (KIP-1082).
#include "kafka/messages/consumer_group_heartbeat.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/features.h"
#include "broker/group/coordinator.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "runtime/clock.h"
#include "runtime/loop.h"

namespace millrace::broker {
namespace {

using kafka::ErrorCode;
using Request = kafka::ConsumerGroupHeartbeatRequest;
using Response = kafka::ConsumerGroupHeartbeatResponse;

bool is_blank(const std::optional<std::string>& text) {
    return text && base::trim(*text).empty();
}

// What is wrong with the request, in Kafka's words; empty: nothing.
std::string fault(const Request& request, std::int16_t version) {
    const std::int32_t epoch = request.member_epoch;
    const bool needs_id = version >= 1 || epoch > 0 || epoch == ConsumerMember::kLeaving;
    if (needs_id && is_blank(request.member_id)) return "MemberId can't be empty.";
    if (is_blank(request.group_id)) return "GroupId can't be empty.";
    if (is_blank(request.instance_id)) return "InstanceId can't be empty.";
    if (is_blank(request.rack_id)) return "RackId can't be empty.";
    if (epoch == ConsumerMember::kJoining) {
        if (request.rebalance_timeout_ms == -1) {
            return "RebalanceTimeoutMs must be provided in first request.";
        }
        if (!request.topic_partitions || !request.topic_partitions->empty()) {
            return "TopicPartitions must be empty when (re-)joining.";
        }
        if (!request.subscribed_topic_names && !request.subscribed_topic_regex) {
            return "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when "
                   "(re-)joining.";
        }
    } else if (epoch == ConsumerMember::kLeavingForAWhile) {
        if (!request.instance_id) return "InstanceId can't be null.";
    } else if (epoch < ConsumerMember::kLeavingForAWhile) {
        return "MemberEpoch is invalid.";
    }
    return "";
}

Response refused(ErrorCode error, std::string message) {
    Response response;
    response.error_code = error;
    if (!message.empty()) response.error_message = std::move(message);
    return response;
}

ConsumerHeartbeat to_heartbeat(Call& call, Request& request) {
    ConsumerHeartbeat heartbeat{.member_id = std::move(request.member_id),
                                .member_epoch = request.member_epoch,
                                .instance_id = std::move(request.instance_id),
                                .rack_id = std::move(request.rack_id),
                                .topics = std::move(request.subscribed_topic_names),
                                .regex = std::move(request.subscribed_topic_regex),
                                .assignor = std::move(request.server_assignor),
                                .client_id = call.client_id(),
                                .client_host = call.client_host};
    if (heartbeat.member_id.empty()) heartbeat.member_id = make_uuid(call.services.random);
    if (request.rebalance_timeout_ms != -1) {
        heartbeat.rebalance_timeout_ms = request.rebalance_timeout_ms;
    }
    if (request.topic_partitions) {
        heartbeat.owned.emplace();
        for (const auto& topic : *request.topic_partitions) {
            (*heartbeat.owned)[topic.topic_id].insert(topic.partitions.begin(),
                                                      topic.partitions.end());
        }
    }
    return heartbeat;
}

}  // namespace

Task<Response> consumer_group_heartbeat(Call& call, Request request) {
    if (feature_level(*call.services.catalog.cluster_state(), "group.version") < 1) {
        co_return refused(ErrorCode::kUnsupportedVersion, "");
    }
    if (std::string what = fault(request, call.version()); !what.empty()) {
        co_return refused(ErrorCode::kInvalidRequest, std::move(what));
    }
    const auto& offered = call.services.groups.limits().consumer.assignors;
    if (request.server_assignor &&
        std::ranges::find(offered, *request.server_assignor) == offered.end()) {
        co_return refused(
            ErrorCode::kUnsupportedAssignor,
            "ServerAssignor " + *request.server_assignor +
                " is not supported. Supported assignors: " + base::join(offered, ", ") + ".");
    }
    const auto shard = co_await call.services.groups.shard(request.group_id);
    if (!shard) co_return refused(to_coordinator_error(base::fail(shard.error())), "");
    ConsumerHeartbeat heartbeat = to_heartbeat(call, request);
    const ConsumerHeartbeatAnswer answer = co_await runtime::call_on((*shard)->loop(), [&] {
        return (*shard)->consumer_heartbeat(request.group_id, std::move(heartbeat));
    });
    if (answer.error != ErrorCode::kNone) co_return refused(answer.error, answer.message);
    Response response;
    response.member_id = answer.member_id;
    response.member_epoch = answer.member_epoch;
    response.heartbeat_interval_ms = answer.heartbeat_interval_ms;
    if (answer.assignment) {
        response.assignment.emplace(Response::Assignment{});
        for (const auto& [topic, partitions] : *answer.assignment) {
            auto& one = response.assignment->topic_partitions.emplace_back();
            one.topic_id = topic;
            one.partitions.assign(partitions.begin(), partitions.end());
        }
    }
    co_return response;
}

}  // namespace millrace::broker
