// GroupCommit: makes what many logs have written durable together.
//
// A log marks its file dirty after a write; rounds run one after the other on a pool as long as
// anything is dirty. A round syncs a few files one by one, in parallel, and many by one syncfs, so
// that its cost does not grow with the number of partitions. Each log learns on its own loop how
// far it is durable now. A failed sync is told and never tried again: the log then goes offline.
// Thread rule: thread-safe; a Member is made, marked and destroyed on its log's loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/types.h"

namespace millrace::runtime {
class Clock;
class Disk;
class File;
class Loop;
class Pool;
}  // namespace millrace::runtime

namespace millrace::storage {

class RecoveryPoints;

class GroupCommit : public std::enable_shared_from_this<GroupCommit> {
public:
    // Up to so many dirty files a round syncs one by one.
    static constexpr std::size_t kFewFiles = 3;

    struct Stats {
        std::atomic<std::uint64_t> rounds = 0;
        std::atomic<std::uint64_t> logs = 0;
        std::atomic<std::uint64_t> nanoseconds = 0;
        std::atomic<std::uint64_t> failures = 0;
    };

    // How far the log is durable now, or why its sync failed.
    using OnDurable = std::function<void(const base::Result<model::Offset>&)>;

private:
    struct State;

public:
    // A log's place in the group. Its death forgets what is pending.
    class Member {
    public:
        Member(std::shared_ptr<GroupCommit> group, runtime::Loop& loop, std::size_t recovery_slot,
               OnDurable on_durable);
        ~Member();
        Member(const Member&) = delete;
        Member& operator=(const Member&) = delete;

        // `file` was written; once it is synced the log is durable up to `end`. Files marked since
        // the last round are synced together, so that a roll needs no round of its own.
        void mark(const std::shared_ptr<runtime::File>& file, model::Offset end);
        // A name in `directory` was made; it must be durable with the next mark.
        void mark_directory(std::string directory);

    private:
        std::shared_ptr<GroupCommit> group_;
        std::shared_ptr<State> state_;
    };

    // `folder` lies on the file system that syncfs is for. Held by shared_ptr: a round that runs on
    // the pool keeps the group alive.
    GroupCommit(runtime::Disk& disk, runtime::Clock& clock, runtime::Pool& pool,
                std::shared_ptr<RecoveryPoints> points, std::string folder);
    ~GroupCommit();

    const Stats& stats() const { return stats_; }

private:
    struct Work;
    void start_round();
    void run_round();
    void sync_one_by_one(std::vector<Work>& works);
    // False when it failed, now or ever before.
    bool sync_together();
    void tell(std::vector<Work> works);

    runtime::Disk& disk_;
    runtime::Clock& clock_;
    runtime::Pool& pool_;
    std::shared_ptr<RecoveryPoints> points_;
    std::string folder_;
    Stats stats_;
    std::mutex mutex_;
    std::vector<std::shared_ptr<State>> queue_;  // Dirty, waiting for the next round.
    bool running_ = false;
    std::uint64_t logs_since_points_sync_ = 0;
    bool together_failed_ = false;  // Touched by rounds alone.
};

}  // namespace millrace::storage
