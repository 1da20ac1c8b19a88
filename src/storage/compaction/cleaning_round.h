// CleaningRound: one pass of compaction over a log, the part that reads and writes files.
//
// First map_some() until it says so: the keys of the dirty segments go into a map as far as memory
// reaches. Then, group by group of neighbouring segments that fit into one, clean_some() until the
// new segment is whole and durable. Each call does a bounded piece of work, so that the log may
// pause, throttle or stop the round between two.
// Thread rule: one call at a time, on any thread. It touches no Log, only sealed segment files.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/types.h"
#include "storage/batch_scanner.h"
#include "storage/compaction/batch_cleaner.h"
#include "storage/compaction/key_map.h"
#include "storage/compaction/segment_swap.h"
#include "storage/compaction/transaction_tracker.h"
#include "storage/segment.h"

namespace millrace::runtime {
class Disk;
class File;
}  // namespace millrace::runtime

namespace millrace::storage {

class CleaningRound {
public:
    struct Source {
        model::Offset base;
        model::Offset end;
        std::uint64_t size_bytes = 0;
        std::uint64_t index_bytes = 0;  // Of the larger of its indexes.
    };
    struct Plan {
        std::string folder;
        std::vector<Source> sources;  // All segments before `round_end`, in order.
        model::Offset first_dirty;
        model::Offset round_end;
        std::int64_t now_ms = 0;
        std::int64_t delete_retention_ms = 0;
        std::int64_t segment_bytes = 0;
        std::int64_t segment_index_bytes = 0;
        std::int64_t index_interval_bytes = 0;
        LiveProducers live;
        std::vector<AbortedRange> aborted;
        std::size_t map_bytes = 0;
        KeySeed seed;
    };
    struct Counts {
        std::uint64_t bytes_read = 0;
        std::uint64_t bytes_written = 0;
        BatchCleaner::Counts records;
    };

    CleaningRound(runtime::Disk& disk, Plan plan);
    ~CleaningRound();

    // True once the map is as full as it gets. kCorrupt when a batch is damaged;
    // kResourceExhausted when the memory does not suffice for a single batch.
    base::Result<bool> map_some();
    // Where the next round begins. Known when the map is built.
    model::Offset map_end() const { return map_end_; }
    std::size_t keys() const { return map_ ? map_->size() : 0; }

    bool has_more_groups() const {
        return next_ < plan_.sources.size() && plan_.sources[next_].base < map_end_;
    }
    // True once the current group's new segment is whole and durable.
    base::Result<bool> clean_some();
    // What clean_some() has made; the next call begins the next group.
    struct Cleaned {
        SegmentSwap swap;
        std::unique_ptr<Segment> segment;
        // Aborted transactions with markers here of which readers must still be told.
        std::vector<AbortedRange> needed;
    };
    Cleaned take_cleaned();
    // Removes what an unfinished group has written.
    void abandon();

    const Counts& counts() const { return counts_; }

private:
    base::Result<bool> map_batch(const model::RecordBatch& batch);
    base::Result<void> open_source(std::size_t index);
    base::Result<void> begin_group();
    base::Result<void> flush();
    base::Result<void> finish_group();

    runtime::Disk& disk_;
    const Plan plan_;
    std::optional<KeyMap> map_;
    std::optional<TransactionTracker> transactions_;
    std::optional<BatchCleaner> cleaner_;
    model::Offset map_end_;
    std::size_t next_ = 0;  // The source that is read.
    std::shared_ptr<runtime::File> file_;
    std::optional<BatchScanner> scanner_;

    std::size_t group_begin_ = 0;
    std::size_t group_end_ = 0;
    std::unique_ptr<Segment> output_;
    base::Bytes buffer_;
    std::uint64_t unsynced_bytes_ = 0;
    base::Bytes unpacked_;
    Counts counts_;
};

}  // namespace millrace::storage
