// Snapshot: what a quick restart needs to know of a log as it was at one offset.
//
// Everything before `end` is durable in the log, and the index entries it counts are durable too. A
// restart takes the newest snapshot that is whole and walks only what follows it. File
// "<20-digit end>.snapshot", docs/formats/snapshot.md; a broken one is as good as none.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "model/types.h"
#include "storage/producer_state.h"
#include "storage/segment.h"

namespace millrace::storage {

struct Snapshot {
    model::Offset end;           // The log ends here.
    model::Offset segment_base;  // In this segment,
    Segment::Progress progress;  // as it was then. The entries it counts are durable.
    ProducerState producers;
    // The segments with aborted transactions, by base offset, and how many each has. Their files
    // (aborted_index.h) are durable before the snapshot is, and may have grown since.
    std::vector<std::pair<model::Offset, std::uint64_t>> aborted;

    base::Bytes encode() const;
    static base::Result<Snapshot> decode(base::ByteView bytes);
};

}  // namespace millrace::storage
