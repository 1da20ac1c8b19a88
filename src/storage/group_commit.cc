#include "storage/group_commit.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/check.h"
#include "runtime/clock.h"
#include "runtime/disk.h"
#include "runtime/loop.h"
#include "runtime/pool.h"
#include "storage/recovery_points.h"

namespace millrace::storage {

using base::Result;

namespace {
// The recovery points are synced after so many logs were: they may lag, but not without bound.
constexpr std::uint64_t kLogsPerPointsSync = 4096;
}  // namespace

struct GroupCommit::State {
    runtime::Loop* loop = nullptr;
    std::size_t recovery_slot = 0;
    OnDurable on_durable;  // Touched on the loop alone; empty once the member is gone.

    // Below: under the group's mutex.
    std::vector<std::shared_ptr<runtime::File>> files;
    std::vector<std::string> directories;
    model::Offset end;
    bool queued = false;

    // Touched by rounds alone, of which one runs at a time. What follows a failed sync is not known
    // to be durable either, whatever later syncs say.
    bool failed = false;
};

// What one log wants of one round.
struct GroupCommit::Work {
    std::shared_ptr<State> state;
    std::vector<std::shared_ptr<runtime::File>> files;
    std::vector<std::string> directories;
    model::Offset end;
    Result<void> outcome;
};

GroupCommit::Member::Member(std::shared_ptr<GroupCommit> group, runtime::Loop& loop,
                            std::size_t recovery_slot, OnDurable on_durable)
    : group_(std::move(group)), state_(std::make_shared<State>()) {
    state_->loop = &loop;
    state_->recovery_slot = recovery_slot;
    state_->on_durable = std::move(on_durable);
}

GroupCommit::Member::~Member() {
    state_->on_durable = nullptr;
    const std::lock_guard lock(group_->mutex_);
    state_->files.clear();
    state_->directories.clear();
    std::erase(group_->queue_, state_);
}

void GroupCommit::Member::mark(const std::shared_ptr<runtime::File>& file, model::Offset end) {
    bool start = false;
    {
        const std::lock_guard lock(group_->mutex_);
        if (std::ranges::find(state_->files, file) == state_->files.end()) {
            state_->files.push_back(file);
        }
        state_->end = end;
        if (!state_->queued) {
            state_->queued = true;
            group_->queue_.push_back(state_);
        }
        start = !std::exchange(group_->running_, true);
    }
    if (start) group_->start_round();
}

void GroupCommit::Member::mark_directory(std::string directory) {
    const std::lock_guard lock(group_->mutex_);
    state_->directories.push_back(std::move(directory));
}

GroupCommit::GroupCommit(runtime::Disk& disk, runtime::Clock& clock, runtime::Pool& pool,
                         std::shared_ptr<RecoveryPoints> points, std::string folder)
    : disk_(disk),
      clock_(clock),
      pool_(pool),
      points_(std::move(points)),
      folder_(std::move(folder)) {}

GroupCommit::~GroupCommit() = default;

void GroupCommit::start_round() {
    pool_.submit([self = shared_from_this()] { self->run_round(); });
}

void GroupCommit::run_round() {
    std::vector<Work> works;
    {
        const std::lock_guard lock(mutex_);
        works.reserve(queue_.size());
        for (const auto& state : queue_) {
            state->queued = false;
            works.push_back(
                {state, std::move(state->files), std::move(state->directories), state->end, {}});
            state->files.clear();
            state->directories.clear();
        }
        queue_.clear();
    }
    if (!works.empty()) {
        const std::int64_t began_ns = clock_.monotonic_ns();
        std::size_t files = 0;
        for (const Work& work : works) files += work.files.size() + work.directories.size();
        if (files <= kFewFiles || !sync_together()) sync_one_by_one(works);
        stats_.rounds += 1;
        stats_.logs += works.size();
        stats_.nanoseconds += static_cast<std::uint64_t>(clock_.monotonic_ns() - began_ns);
        tell(std::move(works));
    }
    // What was marked meanwhile waits for the next round; others get their turn on the pool first.
    bool again = false;
    {
        const std::lock_guard lock(mutex_);
        again = !queue_.empty();
        running_ = again;
    }
    if (again) start_round();
}

void GroupCommit::sync_one_by_one(std::vector<Work>& works) {
    for (Work& work : works) {
        for (const auto& file : work.files) {
            if (work.outcome) work.outcome = file->sync();
        }
        for (const std::string& directory : work.directories) {
            if (work.outcome) work.outcome = disk_.sync_directory(directory);
        }
    }
}

bool GroupCommit::sync_together() {
    // syncfs tells of a failure once, to whoever calls it then, and not whose bytes are lost: they
    // may be those of a log that waits for the next round. Each file tells of its own.
    if (together_failed_) return false;
    together_failed_ = !disk_.sync_all(folder_);
    return !together_failed_;
}

void GroupCommit::tell(std::vector<Work> works) {
    for (Work& work : works) {
        if (work.outcome && work.state->failed) {
            work.outcome = base::fail(base::Code::kIo, "an earlier sync of this log failed");
        }
        work.state->failed = !work.outcome;
        if (work.outcome) {
            points_->set_durable_end(work.state->recovery_slot, work.end);
        } else {
            stats_.failures += 1;
        }
    }
    // A recovery point that cannot be written is an older one: more work at the next start, no
    // harm.
    logs_since_points_sync_ += works.size();
    if (logs_since_points_sync_ >= kLogsPerPointsSync) {
        logs_since_points_sync_ = 0;
        static_cast<void>(points_->sync());
    } else {
        static_cast<void>(points_->write());
    }

    std::map<runtime::Loop*, std::vector<Work>> by_loop;
    for (Work& work : works) by_loop[work.state->loop].push_back(std::move(work));
    for (auto& [home, share] : by_loop) {
        home->post([works_here = std::move(share)] {
            for (const Work& work : works_here) {
                // The member may die within its own call: what is called must not die with it.
                if (const OnDurable call = work.state->on_durable) {
                    if (work.outcome) {
                        call(work.end);
                    } else {
                        call(base::fail(work.outcome.error()));
                    }
                }
            }
        });
    }
}

}  // namespace millrace::storage
