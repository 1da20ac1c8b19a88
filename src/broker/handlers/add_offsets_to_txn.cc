// AddOffsetsToTxn 0-4: makes a group's partition of __consumer_offsets part of a transaction.
// 2 knows PRODUCER_FENCED, 4 TRANSACTION_ABORTABLE.
#include "kafka/messages/add_offsets_to_txn.h"

#include <utility>

#include "broker/call.h"
#include "broker/group/coordinator.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "broker/transaction/coordinator.h"
#include "broker/transaction/error_codes.h"
#include "runtime/loop.h"

namespace millrace::broker {

using kafka::ErrorCode;

Task<kafka::AddOffsetsToTxnResponse> add_offsets_to_txn(Call& call,
                                                        kafka::AddOffsetsToTxnRequest request) {
    kafka::AddOffsetsToTxnResponse response;
    const std::string& id = request.transactional_id;
    if (id.empty()) {
        response.error_code = ErrorCode::kInvalidRequest;
        co_return response;
    }
    const auto offsets = co_await call.services.groups.offsets_partition(request.group_id);
    const auto shard = co_await call.services.transactions.shard(id);
    if (!offsets || !shard) {
        response.error_code =
            to_coordinator_error(base::fail(offsets ? shard.error() : offsets.error()));
        co_return response;
    }
    Transaction::Add asked{{request.producer_id, request.producer_epoch},
                           {{Coordinator::kOffsetsTopic, *offsets}},
                           /*second_protocol=*/false};
    const auto answer = co_await runtime::call_on(
        (*shard)->loop(), [&] { return (*shard)->add(id, std::move(asked)); });
    response.error_code = fenced_for(call.version(), 2, answer.error);
    co_return response;
}

}  // namespace millrace::broker
