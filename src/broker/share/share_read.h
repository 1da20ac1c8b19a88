// What a share fetch reads from a log: whole batches, and which offsets of them are to be handed
// out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "broker/share/share_partition.h"
#include "storage/log.h"

namespace millrace::broker {

struct ShareRead {
    base::Bytes bytes;
    std::vector<LogBatch> batches;
    std::vector<std::size_t> ends;  // Of each batch within `bytes`.

    // Only the batches from the one with the first acquired record to the one with the last.
    void trim(const std::vector<AcquiredBatch>& acquired);
};

// Reads from `from` on until there are `max_records` to hand out, `max_bytes`, or nothing more to
// be seen. At least one batch, however large, if there is one.
base::Result<ShareRead> read_for_share(storage::Log& log, std::int64_t from,
                                       std::int64_t max_records, std::int64_t max_bytes,
                                       storage::Isolation isolation);

}  // namespace millrace::broker
