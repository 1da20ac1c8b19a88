// EndMarker: the control record that ends a producer's transaction in one partition.
//
// It is a control batch with one record, which takes one offset: key {version i16 = 0, type i16:
// 0 abort, 1 commit}, value {version i16 = 0, coordinator epoch i32}. Consumers skip it.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "model/batch.h"
#include "model/types.h"

namespace millrace::model {

struct EndMarker {
    bool commit = false;
    std::int32_t coordinator_epoch = 0;
    bool operator==(const EndMarker&) const = default;
};

// The batch of a marker, not stamped yet.
base::Bytes build_end_marker(Producer producer, const EndMarker& marker, Timestamp timestamp);

// What a control batch says; nullopt when it is not a whole batch with such a record in front, as
// compaction may leave it.
std::optional<EndMarker> parse_end_marker(const RecordBatch& batch);

}  // namespace millrace::model
