// Segment: one log file with its two indexes, named after the first offset it may hold.
//
// A segment only grows, and only the last one of a log does. Index entries are verified against the
// batch they point to; an index that does not hold is built again from the log.
// Thread rule: owned by its Log, on one loop; file() may be read and synced elsewhere.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "model/batch.h"
#include "model/types.h"
#include "storage/aborted_index.h"
#include "storage/offset_index.h"
#include "storage/time_index.h"

namespace millrace::runtime {
class Disk;
class File;
}  // namespace millrace::runtime

namespace millrace::storage {

// "00000000000000000042.log"
std::string segment_file_name(model::Offset base, std::string_view suffix);
// The offset in a file name of that form; nullopt for any other name.
std::optional<model::Offset> segment_base_of(std::string_view file_name, std::string_view suffix);

class Segment {
public:
    // What appending keeps up to date, and what a snapshot carries over a restart.
    struct Progress {
        std::uint64_t size_bytes = 0;
        std::uint64_t offset_entries = 0;
        std::uint64_t time_entries = 0;
        model::Timestamp max_timestamp;      // Of all batches so far,
        model::Offset max_timestamp_offset;  // and the base offset of the first that has it.
        model::Timestamp indexed_timestamp;  // Of the last entry of the time index.
        std::uint64_t bytes_since_index = 0;
    };

    // A segment whose files are in `folder`. It opens them when they are needed. `suffix` follows
    // the names of files that do not belong to the log yet (compaction).
    Segment(runtime::Disk& disk, const std::string& folder, model::Offset base,
            const Progress& progress, std::string_view suffix = "");
    // A new, empty one; its file is made at once.
    static base::Result<std::unique_ptr<Segment>> create(runtime::Disk& disk,
                                                         const std::string& folder,
                                                         model::Offset base,
                                                         std::string_view suffix = "");
    // One that an earlier run has filled and sealed; the sizes are those of its files.
    static std::unique_ptr<Segment> sealed(runtime::Disk& disk, const std::string& folder,
                                           model::Offset base, std::uint64_t log_bytes,
                                           std::uint64_t offset_index_bytes,
                                           std::uint64_t time_index_bytes);

    model::Offset base() const { return base_; }
    std::uint64_t size_bytes() const { return progress_.size_bytes; }
    // Of the larger index.
    std::uint64_t index_bytes() const;
    Progress progress() const;
    base::Result<std::shared_ptr<runtime::File>> file() const;

    // Writes a stamped batch at the end. After an error the file is as before; if it cannot be cut
    // back the segment refuses to be written any more, and broken() says so.
    base::Result<void> append(const model::RecordBatch& batch, std::int64_t index_interval_bytes);
    bool broken() const { return broken_; }
    // The same for whole batches one after the other, of a segment that nobody reads yet.
    base::Result<void> append_all(base::ByteView batches, std::int64_t index_interval_bytes);
    // Takes account of a batch that lies at the end of the file already (recovery).
    void note(const model::RecordBatch& batch, std::int64_t index_interval_bytes);
    // Whether a batch of `bytes` that ends at `last_offset` may still go here.
    bool has_room(std::size_t bytes, model::Offset last_offset, std::int64_t segment_bytes,
                  std::int64_t index_bytes) const;
    // Time of the first batch, kNoTimestamp while there is none: what segment.ms counts from.
    base::Result<model::Timestamp> first_timestamp();

    struct Found {
        std::uint64_t position_bytes = 0;
        std::size_t size_bytes = 0;
        model::Offset base_offset;
        model::Offset last_offset;
    };
    // The batch that holds `offset`, or the first one after it (compaction leaves gaps); nullopt
    // when the segment ends before.
    base::Result<std::optional<Found>> find(model::Offset offset);

    // An offset that no batch before `position_bytes` reaches, as near as the index tells; nullopt
    // when it tells nothing.
    base::Result<std::optional<model::Offset>> bound_at(std::uint64_t position_bytes) const;

    // The aborted transactions whose markers lie here.
    AbortedIndex& aborted() { return aborted_; }
    const AbortedIndex& aborted() const { return aborted_; }

    // The largest timestamp, from the time index if the segment was not filled by this process.
    base::Result<model::Timestamp> max_timestamp();
    // The first record at or after `timestamp` whose offset lies in [from, to).
    struct Match {
        model::Offset offset;
        model::Timestamp timestamp;
        model::LeaderEpoch leader_epoch;
    };
    base::Result<std::optional<Match>> find_timestamp(model::Timestamp timestamp,
                                                      model::Offset from, model::Offset to);
    // The first of the records with the largest timestamp among those in [from, to).
    base::Result<std::optional<Match>> find_latest(model::Offset from, model::Offset to);

    // Index tails go to the page cache. seal() is for a segment that will not grow any more.
    base::Result<void> flush_indexes();
    base::Result<void> seal();
    // The files behind the indexes, as far as they are open, for syncing.
    std::vector<std::shared_ptr<runtime::File>> index_files() const;

private:
    std::string path_of(std::string_view kind) const;
    base::Result<void> load_from_indexes();
    base::Result<void> rebuild_indexes();
    base::Result<std::uint64_t> verified_position(model::Offset offset);
    base::Result<std::uint64_t> start_of_time_search(model::Timestamp timestamp);

    runtime::Disk* disk_;
    std::string folder_;
    std::string suffix_;
    model::Offset base_;
    Progress progress_;
    bool loaded_ = true;  // progress_.max_timestamp is known.
    bool broken_ = false;
    mutable std::shared_ptr<runtime::File> file_;
    OffsetIndex offsets_;
    TimeIndex times_;
    AbortedIndex aborted_;
    model::Timestamp first_timestamp_;
    bool sealed_ = false;  // An earlier run filled it, or seal() was called.
    std::int64_t index_interval_bytes_ = 4096;
};

}  // namespace millrace::storage
