// InitProducerId 0-5: a producer id and epoch. Without a transactional id they are new ones; with
// it, whoever had it before is fenced. 3 lets a producer go on after an error (KIP-360), 4 knows
// PRODUCER_FENCED, 5 TRANSACTION_ABORTABLE.
#include "kafka/messages/init_producer_id.h"

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "broker/transaction/coordinator.h"
#include "broker/transaction/error_codes.h"
#include "runtime/loop.h"

namespace millrace::broker {
namespace {

using kafka::ErrorCode;
using Answer = TransactionShard::Answer;

Task<Answer> new_id(Call& call) {
    Catalog& catalog = call.services.catalog;
    const auto id = co_await runtime::call_on(catalog.loop(),
                                              [&catalog] { return catalog.take_producer_ids(1); });
    if (!id) co_return Answer{to_coordinator_error(base::fail(id.error())), {}};
    co_return Answer{ErrorCode::kNone, {*id, 0}};
}

Task<Answer> init(Call& call, const kafka::InitProducerIdRequest& request) {
    const bool has_id = request.producer_id != -1;
    if (has_id != (request.producer_epoch != -1)) co_return Answer{ErrorCode::kInvalidRequest, {}};
    if (!request.transactional_id) co_return co_await new_id(call);
    const std::string& id = *request.transactional_id;
    if (id.empty()) co_return Answer{ErrorCode::kInvalidRequest, {}};
    const auto shard = co_await call.services.transactions.shard(id);
    if (!shard) co_return Answer{to_coordinator_error(base::fail(shard.error())), {}};
    Transaction::Init asked{.timeout_ms = request.transaction_timeout_ms, .expected = {}};
    if (has_id) asked.expected = {request.producer_id, request.producer_epoch};
    co_return co_await runtime::call_on((*shard)->loop(),
                                        [&] { return (*shard)->init(id, asked); });
}

}  // namespace

Task<kafka::InitProducerIdResponse> init_producer_id(Call& call,
                                                     kafka::InitProducerIdRequest request) {
    const Answer answer = co_await init(call, request);
    kafka::InitProducerIdResponse response;
    response.error_code = fenced_for(call.version(), 4, answer.error);
    response.producer_id = answer.producer.id;
    response.producer_epoch = answer.producer.epoch;
    co_return response;
}

}  // namespace millrace::broker
