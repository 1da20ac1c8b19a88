// LogStore: the data folder with all logs in it, and what they share.
//
// Holds the folder's lock, the group commit and the recovery points. Opening recovers a log: it
// cuts a torn tail and refuses a log that is damaged in the middle.
// Thread rule: thread-safe; each Log it gives belongs to one loop. Must outlive its logs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/topic_name.h"
#include "model/types.h"
#include "storage/log.h"
#include "storage/log_config.h"

namespace millrace::runtime {
class Clock;
class Disk;
class Loop;
class Pool;
}  // namespace millrace::runtime

namespace millrace::storage {

struct PartitionName {
    model::TopicName topic;
    model::PartitionId partition;
    auto operator<=>(const PartitionName&) const = default;
    std::string folder() const;  // "<topic>-<partition>"
};

class LogStore {
public:
    // Counts and times since start; what /metrics shows.
    struct Stats {
        std::uint64_t appended_bytes = 0;
        std::uint64_t appended_batches = 0;
        std::uint64_t commits = 0;      // Rounds of group commit.
        std::uint64_t synced_logs = 0;  // Logs made durable by them.
        std::uint64_t commit_ns = 0;    // Time spent in them.
        std::uint64_t failed_syncs = 0;
        std::uint64_t refused_appends_no_space = 0;
        std::uint64_t deleted_segments = 0;
        std::uint64_t cleaner_rounds = 0;    // Of compaction, whole ones,
        std::uint64_t cleaner_failures = 0;  // and those that ended with damage or a failing disk.
        std::uint64_t cleaner_bytes_read = 0;
        std::uint64_t cleaner_bytes_written = 0;
        std::uint64_t cleaner_records_read = 0;
        std::uint64_t cleaner_records_kept = 0;
    };

    // Takes the folder (made when missing). kConflict when another process holds it. `pool` runs
    // the syncs and deletions; the clock, disk and pool must outlive the store.
    static base::Result<std::unique_ptr<LogStore>> open(runtime::Disk& disk, runtime::Clock& clock,
                                                        runtime::Pool& pool, std::string folder);
    ~LogStore();
    LogStore(const LogStore&) = delete;
    LogStore& operator=(const LogStore&) = delete;

    const std::string& folder() const;
    // The partitions that have a folder here, sorted.
    base::Result<std::vector<PartitionName>> list() const;

    // Open, recovering what needs it, or make the log. Blocks: call it on a pool or before start.
    // The log then belongs to `loop`. kCorrupt when it is damaged in the middle, with words for an
    // administrator.
    base::Result<std::unique_ptr<Log>> open_log(const PartitionName& partition,
                                                const LogConfig& config, runtime::Loop& loop);
    // The same for many at once, which costs little more than one when they are new; in the order
    // of the requests, or the first error.
    struct OpenRequest {
        PartitionName partition;
        runtime::Loop* loop;
    };
    base::Result<std::vector<std::unique_ptr<Log>>> open_logs(
        const std::vector<OpenRequest>& requests, const LogConfig& config);
    // Deletes a log that is closed: the folder is renamed (and the rename durable) when it returns,
    // its files go in the background. Blocks.
    base::Result<void> remove_log(const PartitionName& partition);

    Stats stats() const;

private:
    struct Impl;
    explicit LogStore(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::storage
