// LogCleaner: compacts the logs of compacted topics, the dirtiest first, one at a time.
//
// It looks for work every log.cleaner.backoff.ms and goes on as long as there is some. What is due
// is for the log to say; how much memory and bandwidth a round takes is said here.
// Thread rule: run() and stop() on one loop; view() from any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "runtime/event.h"
#include "runtime/gate.h"
#include "runtime/task.h"
#include "storage/log.h"

namespace millrace::runtime {
class Pool;
class Random;
}  // namespace millrace::runtime

namespace millrace::broker {

class Catalog;
class Partition;

class LogCleaner {
public:
    struct Settings {
        std::int64_t backoff_ms = 15'000;
        std::int64_t dedupe_buffer_bytes = std::int64_t{128} << 20;
        double max_bytes_per_second = 0;  // 0: no limit.
    };
    struct View {
        std::int64_t max_dirty_percent = 0;  // Of the logs that were looked at last.
        std::int64_t uncleanable_partitions = 0;
    };

    // All must outlive it. The pool is for files alone: commits have theirs.
    LogCleaner(Catalog& catalog, runtime::Pool& pool, runtime::Random& random, Settings settings);
    ~LogCleaner();

    // Ends after stop().
    runtime::Task<void> run();
    // Waits for the round that is under way, which its log cuts short when it closes.
    runtime::Task<void> stop();
    View view() const { return {max_dirty_percent_.load(), uncleanable_.load()}; }

private:
    struct Work {
        std::shared_ptr<Partition> partition;
        std::string name;
        double dirty_ratio = -1;
        bool overdue = false;
    };
    // The log that needs it most; no partition when none does.
    runtime::Task<Work> find_work();
    runtime::Task<void> clean(Work work);

    Catalog& catalog_;
    runtime::Pool& pool_;
    runtime::Random& random_;
    const Settings settings_;
    std::set<std::string> postponed_;  // They failed since the last pause.
    bool stopping_ = false;
    std::shared_ptr<Partition> current_;
    runtime::Condition stop_wanted_;
    runtime::Gate gate_;
    std::atomic<std::int64_t> max_dirty_percent_ = 0;
    std::atomic<std::int64_t> uncleanable_ = 0;
};

}  // namespace millrace::broker
