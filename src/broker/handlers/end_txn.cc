// EndTxn 0-5: commits or aborts a transaction; decided for good when answered. 2 knows
// PRODUCER_FENCED, 4 TRANSACTION_ABORTABLE; 5 gives the producer the epoch it goes on with
// (KIP-890). The connection need not be the one that began.
#include "kafka/messages/end_txn.h"

#include "broker/call.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "broker/transaction/coordinator.h"
#include "broker/transaction/error_codes.h"
#include "runtime/loop.h"

namespace millrace::broker {

using kafka::ErrorCode;

Task<kafka::EndTxnResponse> end_txn(Call& call, kafka::EndTxnRequest request) {
    kafka::EndTxnResponse response;
    const std::string& id = request.transactional_id;
    if (id.empty()) {
        response.error_code = ErrorCode::kInvalidRequest;
        co_return response;
    }
    const auto shard = co_await call.services.transactions.shard(id);
    if (!shard) {
        response.error_code = to_coordinator_error(base::fail(shard.error()));
        co_return response;
    }
    const Transaction::End asked{{request.producer_id, request.producer_epoch},
                                 request.committed,
                                 /*second_protocol=*/call.version() >= 5};
    const auto answer =
        co_await runtime::call_on((*shard)->loop(), [&] { return (*shard)->end(id, asked); });
    response.error_code = fenced_for(call.version(), 2, answer.error);
    response.producer_id = answer.producer.id;
    response.producer_epoch = answer.producer.epoch;
    co_return response;
}

}  // namespace millrace::broker
