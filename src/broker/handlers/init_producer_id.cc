// InitProducerId 0-5: a producer id that nobody had before, for idempotent producers. There are no
// transactions yet: a transactional id is refused for good.
#include "kafka/messages/init_producer_id.h"

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "runtime/loop.h"

namespace millrace::broker {

using kafka::ErrorCode;

Task<kafka::InitProducerIdResponse> init_producer_id(Call& call,
                                                     kafka::InitProducerIdRequest request) {
    kafka::InitProducerIdResponse response;
    response.producer_id = -1;
    response.producer_epoch = -1;
    if (request.transactional_id) {
        response.error_code = request.transactional_id->empty() ? ErrorCode::kInvalidRequest
                                                                : ErrorCode::kUnsupportedVersion;
        co_return response;
    }
    Catalog& catalog = call.services.catalog;
    const auto id = co_await runtime::call_on(catalog.loop(),
                                              [&catalog] { return catalog.take_producer_ids(1); });
    if (!id) {
        response.error_code = to_coordinator_error(base::fail(id.error()));
        co_return response;
    }
    response.producer_id = *id;
    response.producer_epoch = 0;
    co_return response;
}

}  // namespace millrace::broker
