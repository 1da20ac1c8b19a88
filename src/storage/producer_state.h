// ProducerState: what a log remembers of idempotent producers, to refuse gaps and absorb retries.
//
// A state machine over batches: the last five of every producer with their offsets, as Kafka keeps
// them. It owns no file and no clock; the log writes encode() into its snapshots.
// Not thread-safe: owned by its Log, on one loop.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "base/bytes.h"
#include "base/error.h"
#include "model/batch.h"
#include "model/types.h"

namespace millrace::storage {

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

    // Whether `batch` may be appended. The earlier batch when it is a retry of one of the last
    // five; nullopt when it is new; kFenced when its producer epoch is old; kOutOfOrder when its
    // sequence does not follow. Batches without a producer id always pass.
    base::Result<std::optional<Batch>> check(const model::RecordBatch& batch) const;

    // Remember a batch that was appended (or read back) at `base_offset`. Its sequence is not
    // judged.
    void note(const model::RecordBatch& batch, model::Offset base_offset,
              model::Timestamp timestamp, std::int64_t now_ms);

    // Forget producers that were idle for `idle_ms` or longer.
    void expire(std::int64_t now_ms, std::int64_t idle_ms);

    std::size_t size() const { return producers_.size(); }

    void encode(base::Bytes& into) const;
    // Reads what encode() wrote; kCorrupt when the bytes are not that.
    static base::Result<ProducerState> decode(base::ByteView bytes);

private:
    struct Entry {
        std::int16_t epoch = -1;
        std::uint8_t count = 0;
        std::array<Batch, kBatchesKept> batches;  // Oldest first; `count` of them.
        std::int64_t last_seen_ms = 0;
    };
    std::unordered_map<std::int64_t, Entry> producers_;
};

}  // namespace millrace::storage
