// What clients of each version understand of a transaction's errors.
#pragma once

#include <cstdint>

#include "kafka/errors.h"

namespace millrace::broker {

// Requests that are not from `since` on know PRODUCER_FENCED as INVALID_PRODUCER_EPOCH.
inline kafka::ErrorCode fenced_for(std::int16_t version, std::int16_t since,
                                   kafka::ErrorCode error) {
    const bool old = version < since && error == kafka::ErrorCode::kProducerFenced;
    return old ? kafka::ErrorCode::kInvalidProducerEpoch : error;
}

// How long a request that adds to a transaction by the way waits for the one before to be at its
// end, as Kafka's add.partitions.to.txn.retry.backoff.max.ms.
inline constexpr std::int64_t kAddPatienceMs = 100;

// What the coordinator says of a partition, as whoever writes to it is told: its producer is to
// abort and go on with a new epoch, not to give up. `knows_abortable`: the request's version knows
// TRANSACTION_ABORTABLE.
inline kafka::ErrorCode membership_for(bool knows_abortable, kafka::ErrorCode error) {
    if (error == kafka::ErrorCode::kProducerFenced) return kafka::ErrorCode::kInvalidProducerEpoch;
    if (error == kafka::ErrorCode::kTransactionAbortable && !knows_abortable) {
        return kafka::ErrorCode::kInvalidTxnState;
    }
    return error;
}

}  // namespace millrace::broker
