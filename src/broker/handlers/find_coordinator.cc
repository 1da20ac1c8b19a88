// FindCoordinator 0-6: this broker coordinates every group, every transactional id and the state of
// every share group. 1 adds key types, 4 several keys at once, 6 share groups' state.
#include "kafka/messages/find_coordinator.h"

#include <algorithm>
#include <string>

#include "broker/call.h"
#include "broker/group/coordinator.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "broker/transaction/coordinator.h"

namespace millrace::broker {
namespace {

using kafka::ErrorCode;
using Found = kafka::FindCoordinatorResponse::Coordinator;

Task<Found> find(Call& call, std::string key, std::int8_t type) {
    constexpr std::int8_t kGroup = 0, kTransaction = 1, kShare = 2;
    Found found;
    found.key = key;
    found.node_id = -1;
    found.port = -1;
    found.error_message.reset();
    if (type == kShare) {
        // "group:topic id:partition"; whoever asks wants to know where that state is kept.
        if (std::ranges::count(key, ':') < 2) {
            found.error_code = ErrorCode::kInvalidRequest;
            found.error_message = "Share coordinator key is invalid";
            co_return found;
        }
        found.node_id = call.services.node_id;
        found.host = call.services.host;
        found.port = call.services.port;
        co_return found;
    }
    base::Result<void> there;
    if (type == kGroup) {
        const auto shard = co_await call.services.groups.shard(key);
        if (!shard) there = base::fail(shard.error());
    } else if (type == kTransaction) {
        const auto shard = co_await call.services.transactions.shard(key);
        if (!shard) there = base::fail(shard.error());
    } else {
        found.error_code = ErrorCode::kInvalidRequest;
        co_return found;
    }
    if (!there) {
        found.error_code = to_coordinator_error(there);
        found.error_message = there.error().message();
        co_return found;
    }
    found.node_id = call.services.node_id;
    found.host = call.services.host;
    found.port = call.services.port;
    co_return found;
}

}  // namespace

Task<kafka::FindCoordinatorResponse> find_coordinator(Call& call,
                                                      kafka::FindCoordinatorRequest request) {
    kafka::FindCoordinatorResponse response;
    if (call.version() >= 4) {
        for (const std::string& key : request.coordinator_keys) {
            response.coordinators.push_back(co_await find(call, key, request.key_type));
        }
        co_return response;
    }
    const Found found = co_await find(call, request.key, request.key_type);
    response.error_code = found.error_code;
    response.error_message = found.error_message;
    response.node_id = found.node_id;
    response.host = found.host;
    response.port = found.port;
    co_return response;
}

}  // namespace millrace::broker
