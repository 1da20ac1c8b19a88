// ProducerState: what a log remembers of its producers, to refuse gaps, absorb retries, and know
// which transactions are open.
//
// A state machine over batches: the last five of every producer with their offsets, as Kafka keeps
// them, and where its transaction began. A transaction keeps the last stable offset down until the
// marker that ends it is below the high watermark. It owns no file and no clock; the log writes
// encode() into its snapshots. Not thread-safe: owned by its Log, on one loop.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "model/batch.h"
#include "model/types.h"
#include "storage/checked_batch.h"

namespace millrace::storage {

// What compaction must know of a producer that may still write.
struct LastOfProducer {
    std::optional<model::Offset> last_data_offset;  // None when only a marker is known.
    std::int16_t epoch = -1;
};
using LiveProducers = std::unordered_map<std::int64_t, LastOfProducer>;

class ProducerState {
public:
    static constexpr std::size_t kBatchesKept = 5;

    struct Batch {
        std::int32_t first_sequence = -1;
        std::int32_t last_sequence = -1;
        model::Offset base_offset;
        model::Offset last_offset;
        model::Timestamp timestamp;
        bool operator==(const Batch&) const = default;
    };
    // What an append is told besides its batch.
    struct Terms {
        Origin origin = Origin::kClient;
        // Of start_verification(): the first batch of a transaction needs one.
        std::uint64_t verification = 0;
        // A marker of the second transaction protocol always has a newer epoch than what it ends.
        bool marker_must_be_newer = false;
    };

    // Whether `batch` may be appended. The earlier batch when it is a retry of one of the last
    // five; nullopt when it is new; kFenced when its producer epoch (or the coordinator's) is old;
    // kOutOfOrder when its sequence does not follow; kConflict (INVALID_TXN_STATE) when it and the
    // producer's transaction do not go together. Batches without a producer id always pass.
    base::Result<std::optional<Batch>> check(const model::RecordBatch& batch,
                                             const Terms& terms) const;

    // A transaction that ended. Its last offset is that of the marker.
    struct Completed {
        std::int64_t producer_id = -1;
        model::Offset first_offset;
        model::Offset last_offset;
        bool aborted = false;
    };
    // Remember a batch that was appended (or read back) at `base_offset`. Its sequence is not
    // judged. The transaction that it ends, unless that one is empty.
    std::optional<Completed> note(const model::RecordBatch& batch, model::Offset base_offset,
                                  model::Timestamp timestamp, std::int64_t now_ms);

    // The first offset of any transaction that is open, or whose end is not durable yet.
    std::optional<model::Offset> first_unstable_offset() const;
    // Where the last stable offset goes once `completed` is no more.
    model::Offset stable_offset_after(const Completed& completed) const;
    void advance_high_watermark(model::Offset high_watermark);
    bool in_transaction(model::Producer producer) const;

    // KIP-890: somebody sets out to ask whether the producer's transaction, of which the log has
    // nothing yet, holds this partition, to append a batch that begins with `first_sequence` (-1:
    // without sequences). 0 when there is nothing to ask. A marker that comes before the append
    // makes the token worthless, so that an old answer cannot open a later transaction.
    std::uint64_t start_verification(model::Producer producer, std::int32_t first_sequence,
                                     std::int64_t now_ms);

    struct Description {
        std::int64_t id = -1;
        std::int16_t epoch = -1;
        std::int32_t last_sequence = -1;
        model::Timestamp last_timestamp;
        std::int32_t coordinator_epoch = -1;
        model::Offset transaction_start = model::kNoOffset;
    };
    std::vector<Description> describe() const;

    // Forget producers that were idle for `idle_ms` or longer, but for those with a transaction.
    void expire(std::int64_t now_ms, std::int64_t idle_ms);

    std::size_t size() const { return producers_.size(); }
    LiveProducers live() const;

    void encode(base::Bytes& into) const;
    // Reads what encode() wrote; kCorrupt when the bytes are not that. Ended transactions are not
    // kept: their markers are durable.
    static base::Result<ProducerState> decode(base::ByteView bytes);

private:
    struct Entry {
        std::int16_t epoch = -1;
        std::uint8_t count = 0;
        std::array<Batch, kBatchesKept> batches;  // Oldest first; `count` of them.
        std::int64_t last_seen_ms = 0;
        std::int32_t coordinator_epoch = -1;
        model::Timestamp last_timestamp;
        model::Offset transaction_start = model::kNoOffset;
    };
    struct Transaction {
        std::int64_t producer_id = -1;
        model::Offset last_offset = model::kNoOffset;  // Of its marker, once there is one.
    };
    struct Verification {
        std::uint64_t token = 0;
        std::int16_t epoch = -1;
        std::int32_t lowest_sequence = -1;
        std::int64_t since_ms = 0;
    };

    base::Result<void> check_marker(const model::RecordBatch& batch, const Entry& entry,
                                    const Terms& terms) const;
    base::Result<void> check_transaction(const model::RecordBatch& batch, const Entry* entry,
                                         const Terms& terms) const;
    base::Result<void> check_sequence(const model::RecordBatch& batch, const Entry* entry) const;
    std::optional<Completed> end_transaction(const model::RecordBatch& batch, Entry& entry,
                                             model::Offset base_offset);

    std::unordered_map<std::int64_t, Entry> producers_;
    std::map<model::Offset, Transaction> transactions_;  // By first offset.
    std::unordered_map<std::int64_t, Verification> verifications_;
    std::uint64_t next_token_ = 1;
    std::size_t sweep_verifications_at_ = 1024;
};

}  // namespace millrace::storage
