// AddRaftVoter 0-1, RemoveRaftVoter 0, UnregisterBroker 0: there is one node, and it stays. 1 adds
// a choice about when a voter counts.
#include <fmt/format.h>

#include "broker/call.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"
#include "kafka/messages/add_raft_voter.h"
#include "kafka/messages/remove_raft_voter.h"
#include "kafka/messages/unregister_broker.h"

namespace millrace::broker {

using kafka::ErrorCode;

Task<kafka::AddRaftVoterResponse> add_raft_voter(Call&, kafka::AddRaftVoterRequest) {
    kafka::AddRaftVoterResponse response;
    response.error_code = ErrorCode::kUnsupportedVersion;
    response.error_message =
        "Cluster doesn't support adding voter because the kraft.version feature is 0";
    co_return response;
}

Task<kafka::RemoveRaftVoterResponse> remove_raft_voter(Call&, kafka::RemoveRaftVoterRequest) {
    kafka::RemoveRaftVoterResponse response;
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
