// The inside of Log: its members, and what its parts (open, append, retention) share.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "runtime/event.h"
#include "runtime/gate.h"
#include "storage/compaction/cleaner_checkpoint.h"
#include "storage/compaction/cleaning_round.h"
#include "storage/group_commit.h"
#include "storage/leader_epochs.h"
#include "storage/log.h"
#include "storage/log_start_file.h"
#include "storage/producer_state.h"
#include "storage/recovery_points.h"
#include "storage/segment.h"
#include "storage/snapshot.h"

namespace millrace::storage {

// What the logs of one folder share. Outlives them.
struct LogShared {
    runtime::Disk& disk;
    runtime::Clock& clock;
    runtime::Pool& pool;
    std::shared_ptr<RecoveryPoints> points;
    std::shared_ptr<GroupCommit> commits;
    std::atomic<std::uint64_t> appended_bytes = 0;
    std::atomic<std::uint64_t> appended_batches = 0;
    std::atomic<std::uint64_t> no_space = 0;
    // Of compaction.
    std::atomic<std::uint64_t> cleaner_rounds = 0;
    std::atomic<std::uint64_t> cleaner_failures = 0;
    std::atomic<std::uint64_t> cleaner_bytes_read = 0;
    std::atomic<std::uint64_t> cleaner_bytes_written = 0;
    std::atomic<std::uint64_t> cleaner_records_read = 0;
    std::atomic<std::uint64_t> cleaner_records_kept = 0;
    std::atomic<std::uint64_t> deleted_segments = 0;
};

struct Log::Impl {
    Impl(std::shared_ptr<LogShared> shared_state, std::string log_name, std::string log_folder,
         const LogConfig& log_config, runtime::Loop& home, RecoveryPoints::Slot recovery_slot,
         LeaderEpochs epochs);
    ~Impl();

    // Opens the folder: log_open.cc.
    static base::Result<std::unique_ptr<Impl>> open(std::shared_ptr<LogShared> shared,
                                                    std::string name, std::string folder,
                                                    const LogConfig& config, runtime::Loop& loop);
    base::Result<void> recover();
    base::Result<void> find_segments();
    // The newest whole one, with the aborted transactions of its segments.
    using AbortedBySegment = std::map<model::Offset, AbortedIndex>;
    base::Result<std::optional<Snapshot>> newest_snapshot(AbortedBySegment& aborted) const;
    base::Result<AbortedBySegment> load_aborted(const Snapshot& snapshot) const;
    // Walks the batches of a segment from where its progress stands.
    base::Result<void> replay(std::size_t index, std::optional<model::Offset> durable_end);
    // What a batch at the end of `segment` means for its producer.
    void note_producer(Segment& segment, const model::RecordBatch& batch, std::int64_t now_ms);
    base::Result<void> cut(std::size_t index, std::uint64_t position,
                           std::optional<model::Offset> durable_end, const base::Error& cause);
    // What keeps a log from being opened, in words for an administrator.
    std::unexpected<base::Error> damaged(const Segment& segment, std::uint64_t position,
                                         std::string_view what) const;

    Segment& active() { return *segments.back(); }
    model::Offset segment_end(std::size_t index) const;  // Offset after its last record.
    std::size_t segment_holding(model::Offset offset) const;

    base::Result<void> make_room(const model::RecordBatch& batch);
    void note_full(const base::Error& error);
    base::Result<void> roll();
    base::Result<bool> should_roll(const model::RecordBatch& batch);
    std::int64_t roll_after_ms();
    void go_offline(base::Error reason);
    model::Offset last_stable_offset() const;
    model::Offset sight(Isolation isolation) const;
    void on_durable(const base::Result<model::Offset>& end);
    void notify();
    base::Result<void> usable() const;
    void mark_dirty();

    // Every so often, and at a clean stop: see snapshot.h.
    void take_snapshot();
    void write_pending_snapshot();
    struct PendingSnapshot {
        model::Offset end;
        base::Bytes content;
        std::vector<std::shared_ptr<runtime::File>> index_files;
        std::map<model::Offset, base::Bytes> aborted_files;  // By base offset of the segment.
        std::set<model::Offset> aborted_bases;               // Of all segments that have some.
    };
    static base::Result<void> write_snapshot(runtime::Disk& disk, const std::string& folder,
                                             const PendingSnapshot& snapshot);

    // Segments that lie wholly below the log start go, once the start is durable.
    std::vector<model::Offset> take_segments_below_start();
    static base::Result<void> delete_segments(runtime::Disk& disk, const std::string& folder,
                                              LogStartFile& start_file, model::Offset start,
                                              const std::vector<model::Offset>& bases);
    void delete_below_start();
    base::Result<model::Timestamp> age_of(Segment& segment) const;

    // Compaction: log_clean.cc.
    base::Result<Cleanable> cleanable();
    runtime::Task<base::Result<Cleaned>> clean_round(CleanOptions options);
    runtime::Task<base::Result<void>> swap_in(CleaningRound::Cleaned cleaned, runtime::Pool& pool);
    runtime::Task<base::Result<void>> store_checkpoint(CleanerCheckpoint next, runtime::Pool& pool);
    runtime::Task<void> refresh_snapshot();
    runtime::Task<void> keep_pace(std::int64_t began_ns, double bytes_per_second,
                                  std::uint64_t bytes);
    CleaningRound::Plan plan_round(const Cleanable& range, const CleanOptions& options) const;
    base::Result<void> may_clean() const;
    // What readers must be told of `count` segments from `first` on, once they are one.
    AbortedIndex merged_aborted(std::size_t first, std::size_t count,
                                const std::vector<AbortedRange>& needed) const;
    // Where the old segments of a swap lie, if all of them still do.
    std::optional<std::size_t> find_replaced(const SegmentSwap& swap) const;

    std::shared_ptr<LogShared> shared;
    const std::string name;
    const std::string folder;
    LogConfig config;
    runtime::Loop& loop;
    const RecoveryPoints::Slot slot;
    LeaderEpochs leader_epochs;
    const std::shared_ptr<LogStartFile> start_file;  // Jobs on the pool hold it too.
    std::vector<std::unique_ptr<Segment>> segments;  // Never empty once open.
    ProducerState producers;
    model::Offset log_start;
    model::Offset log_end;
    model::Offset high_watermark;
    std::int64_t active_since_ms = 0;
    std::uint64_t bytes_since_snapshot = 0;
    std::int64_t snapshot_ms = 0;
    bool fresh = false;  // Begun by this opening: the opener makes its recovery point durable.
    bool closing = false;
    bool disk_full = false;  // The last append found no room.
    std::optional<base::Error> offline_reason;

    CleanerCheckpoint checkpoint;
    bool cleaning = false;
    bool cleaning_unwanted = false;
    bool swapping = false;  // Files of segments are being replaced: none is deleted meanwhile.
    std::optional<base::Error> uncleanable_reason;
    runtime::Condition cleaning_changed;  // It has ended, or is to end.

    std::optional<PendingSnapshot> pending_snapshot;
    std::optional<runtime::OneShot<void>> snapshot_job;  // Set once the job under way has ended.
    // Where the last slice ended: what a tailing reader asks for next.
    struct {
        model::Offset offset{-1};
        model::Offset segment_base;
        std::uint64_t position_bytes = 0;
    } last_end;

    runtime::Condition changed;  // High watermark, offline, closing.
    class ListenerImpl;
    std::vector<ListenerImpl*> listeners;
    GroupCommit::Member member;
};

}  // namespace millrace::storage
