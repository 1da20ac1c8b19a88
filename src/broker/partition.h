// Partition: one partition's log and whoever waits for it.
//
// Thread rule: the fields that never change may be read anywhere; everything else belongs to
// loop().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/types.h"
#include "runtime/event.h"
#include "runtime/task.h"
#include "storage/log.h"

namespace millrace::runtime {
class Loop;
}

namespace millrace::broker {

class AppendSignal;

class Partition {
public:
    Partition(std::int32_t index, runtime::Loop& loop, std::unique_ptr<storage::Log> log,
              std::shared_ptr<AppendSignal> signal);
    ~Partition();
    Partition(const Partition&) = delete;
    Partition& operator=(const Partition&) = delete;

    std::int32_t index() const { return index_; }
    runtime::Loop& loop() const { return loop_; }

    // On the loop, once, before anything else there.
    void start();
    // The log, or null once the partition is closed: its topic is deleted, or the broker stops.
    storage::Log* log() { return closed_ ? nullptr : log_.get(); }
    // Sets `waiter` when there are more records to be seen, or when the log goes out of service.
    // Every waiter is set some day, by its owner at the latest, so that the list stays short.
    void wake(runtime::OneShot<void> waiter);
    // The log is closed, and whoever waits is woken.
    runtime::Task<base::Result<void>> close();

private:
    void wake_all();

    const std::int32_t index_;
    runtime::Loop& loop_;
    std::unique_ptr<storage::Log> log_;
    std::shared_ptr<AppendSignal> signal_;
    std::unique_ptr<storage::Log::Listener> listener_;
    std::vector<runtime::OneShot<void>> waiters_;
    std::size_t sweep_at_ = 16;
    bool closed_ = false;
};

}  // namespace millrace::broker
