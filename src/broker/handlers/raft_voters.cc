// AddRaftVoter 0-1, RemoveRaftVoter 0, UnregisterBroker 0: there is one node, and it stays. 1 adds
// a choice about when a voter counts.
#include <string>

#include <fmt/format.h>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/features.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"
#include "kafka/messages/add_raft_voter.h"
#include "kafka/messages/remove_raft_voter.h"
#include "kafka/messages/unregister_broker.h"

namespace millrace::broker {

using kafka::ErrorCode;

namespace {

bool voters_may_change(const Call& call) {
    return feature_level(*call.services.catalog.cluster_state(), "kraft.version") > 0;
}

}  // namespace

Task<kafka::AddRaftVoterResponse> add_raft_voter(Call& call, kafka::AddRaftVoterRequest request) {
    kafka::AddRaftVoterResponse response;
    if (voters_may_change(call)) {
        const bool present = request.voter_id == call.services.node_id;
        response.error_code = present ? ErrorCode::kDuplicateVoter : ErrorCode::kRequestTimedOut;
        response.error_message =
            present
                ? fmt::format("The voter id {} is already in the set of voters.", request.voter_id)
                : fmt::format("New voter {} cannot be reached", request.voter_id);
        co_return response;
    }
    response.error_code = ErrorCode::kUnsupportedVersion;
    response.error_message =
        "Cluster doesn't support adding voter because the kraft.version feature is 0";
    co_return response;
}

Task<kafka::RemoveRaftVoterResponse> remove_raft_voter(Call& call,
                                                       kafka::RemoveRaftVoterRequest request) {
    kafka::RemoveRaftVoterResponse response;
    if (voters_may_change(call)) {
        const bool present = request.voter_id == call.services.node_id;
        response.error_code = present ? ErrorCode::kInvalidRequest : ErrorCode::kVoterNotFound;
        response.error_message =
            present ? std::string("The only voter cannot be removed")
                    : fmt::format("Cannot remove voter {} because it is not in the set of voters",
                                  request.voter_id);
        co_return response;
    }
    response.error_code = ErrorCode::kUnsupportedVersion;
    response.error_message =
        "Cluster doesn't support removing voter because the kraft.version feature is 0";
    co_return response;
}

Task<kafka::UnregisterBrokerResponse> unregister_broker(Call& call,
                                                        kafka::UnregisterBrokerRequest request) {
    kafka::UnregisterBrokerResponse response;
    if (request.broker_id == call.services.node_id) {
        // Kafka would go on without it; here nothing would be left.
        response.error_code = ErrorCode::kInvalidRequest;
        response.error_message = "The only broker cannot be unregistered";
        co_return response;
    }
    response.error_code = ErrorCode::kBrokerIdNotRegistered;
    response.error_message =
        fmt::format("Broker ID {} is not currently registered", request.broker_id);
    co_return response;
}

}  // namespace millrace::broker
