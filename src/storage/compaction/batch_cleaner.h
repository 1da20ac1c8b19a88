// BatchCleaner: what compaction keeps of one batch.
//
// A record stays when it has the last offset of its key as far as the map reaches; a tombstone also
// goes once its delete horizon has passed. Records without a key and those of aborted transactions
// go. A batch that keeps no record stays empty when it is the last of a live producer, whose
// sequence it holds, or the last of the round, whose end offset it holds. Offsets, sequences, codec
// and time type of a batch that stays do not change. Control batches are never judged by key.
// Pure but for its counters. Not thread-safe: one round of cleaning has it.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/error.h"
#include "model/batch.h"
#include "model/records.h"
#include "model/types.h"
#include "storage/compaction/key_map.h"
#include "storage/compaction/transaction_tracker.h"
#include "storage/producer_state.h"

namespace millrace::storage {

class BatchCleaner {
public:
    struct Rules {
        std::int64_t now_ms = 0;
        std::int64_t delete_retention_ms = 0;
        model::Offset map_end;    // The map speaks of records before it.
        model::Offset round_end;  // Nothing at or after it is cleaned.
    };
    struct Counts {
        std::uint64_t records_read = 0;
        std::uint64_t records_kept = 0;
        std::uint64_t without_key = 0;
    };

    // All three must outlive it.
    BatchCleaner(const Rules& rules, const KeyMap& map, const LiveProducers& live,
                 TransactionTracker& transactions)
        : rules_(rules), map_(map), live_(live), transactions_(transactions) {}

    // Appends to `into` what stays of `batch`: its own bytes, a smaller batch, an empty one, or
    // nothing. An error leaves `into` as it was. Batches must come in the order of the log.
    base::Result<void> clean(const model::RecordBatch& batch, base::Bytes& into);

    const Counts& counts() const { return counts_; }

private:
    bool keep(const model::RecordBatch& batch, const model::RecordView& record);
    bool keep_when_empty(const model::RecordBatch& batch) const;

    const Rules rules_;
    const KeyMap& map_;
    const LiveProducers& live_;
    TransactionTracker& transactions_;
    Counts counts_;
    base::Bytes unpacked_;
    base::Bytes kept_;
};

}  // namespace millrace::storage
