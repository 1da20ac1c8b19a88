// write_markers: ends a producer's transaction in the logs of partitions.
//
// A partition of __consumer_offsets is ended by its group shard, which then lets the offsets of the
// transaction count or drops them.
#pragma once

#include <vector>

#include "broker/transaction/transaction.h"
#include "kafka/errors.h"
#include "model/end_marker.h"
#include "model/types.h"
#include "runtime/task.h"

namespace millrace::broker {

class Catalog;
class Coordinator;

struct Marker {
    model::Producer producer;
    model::EndMarker end;
    bool must_be_newer = false;  // See ProducerState::Terms.
};

// On any loop; the outcome of each partition, durable where it is kNone. All at the same time.
runtime::Task<std::vector<kafka::ErrorCode>> write_markers(
    const Catalog& catalog, const Coordinator& groups, Marker marker,
    std::vector<TransactionPartition> partitions);

}  // namespace millrace::broker
