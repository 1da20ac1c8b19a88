// Log: the records of one partition, in segment files, with what makes them findable and safe.
//
// append() writes to the page cache and asks for a group commit; wait_durable() ends once the bytes
// would survive a power cut. The high watermark is the durable end: a consumer never sees a record
// that could still vanish (docs/adr/0005). A failed write is cut off again; a failed sync, or
// damage in the middle, takes the log offline: every call then gives kOffline with the reason.
// Folder: <data>/<topic>-<partition>/, formats in docs/formats/.
// Thread rule: made by LogStore on any thread, then touched on its one loop only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/end_marker.h"
#include "model/types.h"
#include "runtime/task.h"
#include "storage/aborted_index.h"
#include "storage/checked_batch.h"
#include "storage/log_config.h"
#include "storage/producer_state.h"

namespace millrace::runtime {
class File;
class Pool;
}  // namespace millrace::runtime

namespace millrace::storage {

// A range of a log file that holds whole batches but for the last, which may be cut off at the end
// as Kafka's fetch responses allow. The file stays readable while the slice lives, even when its
// segment is deleted meanwhile.
struct Slice {
    std::shared_ptr<const runtime::File> file;  // Null when the slice is empty.
    std::uint64_t position_bytes = 0;
    std::size_t size_bytes = 0;
    model::Offset bound;  // Every record of the slice lies before it.
    // Copies the bytes out (for small answers, and for readers in this process).
    base::Result<base::Bytes> load() const;
};

// How far a reader may see.
enum class Isolation : std::uint8_t {
    kReadUncommitted,  // Up to the high watermark.
    kReadCommitted,    // Up to the last stable offset.
};

class Log {
public:
    struct Appended {
        model::Offset base_offset;
        model::Offset next_offset;  // wait_durable() takes it.
        // kNoTimestamp when the topic keeps the producer's time; of a retry the time of the first.
        model::Timestamp log_append_time;
        bool duplicate = false;  // A retry: nothing was written, the offsets are the first's.
    };
    struct Offsets {
        model::Offset log_start;
        model::Offset last_stable;
        model::Offset high_watermark;
        model::Offset log_end;
    };
    struct TimestampMatch {
        model::Offset offset;
        model::Timestamp timestamp;
        model::LeaderEpoch leader_epoch;
    };

    ~Log();
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    const std::string& name() const;  // "<topic>-<partition>"
    const LogConfig& config() const;
    void set_config(const LogConfig& config);
    // Why the log is out of service, or null.
    const base::Error* offline() const;

    // Gives the batch the next offsets, stamps it in place and writes it. kNoSpace when the disk is
    // full (later appends succeed once there is room); kOutOfOrder, kFenced and kConflict as
    // ProducerState::check() says of a producer's sequence, epoch and transaction.
    struct AppendTerms {
        std::uint64_t verification = 0;     // Of start_verification().
        bool marker_must_be_newer = false;  // See ProducerState::Terms.
    };
    base::Result<Appended> append(const CheckedBatch& batch, const AppendTerms& terms);
    base::Result<Appended> append(const CheckedBatch& batch) { return append(batch, {}); }
    // Ends when all records before `next` are durable, or the log goes offline or closes first.
    runtime::Task<base::Result<void>> wait_durable(model::Offset next);

    // Appends the marker that ends a producer's transaction.
    base::Result<Appended> append_marker(model::Producer producer, const model::EndMarker& marker,
                                         bool must_be_newer);
    // Whether this producer, in this epoch, has a transaction here that no marker has ended.
    bool in_transaction(model::Producer producer) const;
    // 0 when a transactional batch of this producer needs no verification, else what append() wants
    // (KIP-890, see ProducerState).
    std::uint64_t start_verification(model::Producer producer, std::int32_t first_sequence);
    // Who has written here, as far as it is remembered, by id.
    std::vector<ProducerState::Description> producers() const;

    Offsets offsets() const;
    // The epoch that appends are stamped with, and since when.
    model::LeaderEpoch leader_epoch() const;
    // A new leader epoch begins at the log end; kFenced when it is older than the current one.
    base::Result<void> begin_leader_epoch(model::LeaderEpoch epoch);
    // The end offset of the largest epoch at or before `epoch`, as OffsetForLeaderEpoch answers.
    struct EpochEnd {
        model::LeaderEpoch epoch;
        model::Offset end;
    };
    std::optional<EpochEnd> end_of_epoch(model::LeaderEpoch epoch) const;

    // Batches from the one that holds `from` on, up to about `max_bytes` but always the whole first
    // one; empty when `from` is where the reader's sight ends. kOutOfRange below the log start or
    // above the log end.
    base::Result<Slice> read(model::Offset from, std::size_t max_bytes, Isolation isolation);
    // The aborted transactions with records in [from, to), by the offsets of their markers. Whoever
    // reads committed records leaves theirs out (AbortedFilter).
    std::vector<AbortedTransaction> aborted_transactions(model::Offset from,
                                                         model::Offset to) const;
    // The first visible record whose timestamp is at or after `timestamp`; nullopt when none is.
    base::Result<std::optional<TimestampMatch>> offset_at(
        model::Timestamp timestamp, Isolation isolation = Isolation::kReadUncommitted);
    // The visible record with the largest timestamp (the first such); nullopt when there is none.
    base::Result<std::optional<TimestampMatch>> latest_timestamp(
        Isolation isolation = Isolation::kReadUncommitted);

    // Calls `listener` on this loop each time the high watermark has advanced, which is also when
    // the last stable offset may have, or the log has gone
    // offline or closed. It must not call back into the log. The handle's death ends it.
    class Listener {
    public:
        virtual ~Listener() = default;
    };
    std::unique_ptr<Listener> listen(std::function<void()> listener);

    // Moves the log start up to `before` (the high watermark when kNoOffset) and deletes segments
    // that fall wholly below. The new start is durable at the end. Returns it.
    runtime::Task<base::Result<model::Offset>> delete_records(model::Offset before);
    // Deletes and rolls what the configured retention asks for; the number of deleted segments.
    base::Result<std::size_t> enforce_retention();

    // What compaction would find to do.
    struct Cleanable {
        model::Offset first_dirty;  // Before it every key occurs once.
        model::Offset end;          // Nothing from here on may be cleaned yet.
        std::uint64_t clean_bytes = 0;
        std::uint64_t dirty_bytes = 0;
        bool overdue = false;  // A dirty record is older than max.compaction.lag.ms.
        double dirty_ratio() const {
            const std::uint64_t all = clean_bytes + dirty_bytes;
            return all == 0 ? 0 : static_cast<double>(dirty_bytes) / static_cast<double>(all);
        }
    };
    base::Result<Cleanable> cleanable();
    // Whether that is enough for a round, by the topic's settings; nullopt when it is not, or when
    // an earlier round found damage.
    std::optional<Cleanable> due_for_cleaning();
    struct CleanOptions {
        runtime::Pool& pool;  // Reads and writes files there, in pieces of some milliseconds.
        std::size_t map_bytes = std::size_t{128} << 20;
        std::uint64_t seed[2] = {};   // Random.
        double bytes_per_second = 0;  // Read and written; 0 for as fast as it goes.
    };
    struct Cleaned {
        std::uint64_t bytes_read = 0;
        std::uint64_t bytes_written = 0;
        std::uint64_t records_read = 0;
        std::uint64_t records_kept = 0;
        std::uint64_t segments_before = 0;
        std::uint64_t segments_after = 0;
    };
    // One round of compaction over what cleanable() gives. kCancelled when the log closes, its
    // policy changes or retention is quicker. After damage the log is not cleaned until it is
    // opened again. Readers and appends go on meanwhile. Await it before the log is destroyed.
    runtime::Task<base::Result<Cleaned>> clean(CleanOptions options);
    // Cuts short the round that is under way, if there is one.
    void stop_cleaning();
    // Why the log is not cleaned any more, or null.
    const base::Error* uncleanable() const;

    std::uint64_t size_bytes() const;
    std::size_t segment_count() const;

    // Everything appended becomes durable, and what a quick restart needs is written. Appends are
    // refused from now on. Await it before the log is destroyed.
    runtime::Task<base::Result<void>> close();

private:
    friend class LogStore;
    struct Impl;
    explicit Log(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::storage
