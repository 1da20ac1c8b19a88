#include "broker/log_cleaner.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "base/log.h"
#include "broker/catalog/catalog.h"
#include "broker/on_loops.h"
#include "broker/partition.h"
#include "runtime/clock.h"
#include "runtime/loop.h"
#include "runtime/pool.h"

namespace millrace::broker {

using base::Result;
using runtime::Task;
using storage::Log;

LogCleaner::LogCleaner(Catalog& catalog, runtime::Pool& pool, runtime::Random& random,
                       Settings settings)
    : catalog_(catalog), pool_(pool), random_(random), settings_(settings) {}

LogCleaner::~LogCleaner() = default;

Task<void> LogCleaner::run() {
    const auto pass = gate_.enter();
    while (!stopping_) {
        const Work work = co_await find_work();
        if (stopping_) co_return;
        if (work.partition) {
            co_await clean(work);
            continue;
        }
        co_await stop_wanted_.wait_for(std::chrono::milliseconds(settings_.backoff_ms));
        postponed_.clear();
    }
}

Task<void> LogCleaner::stop() {
    stopping_ = true;
    stop_wanted_.notify_all();
    if (const auto partition = current_) {
        co_await runtime::call_on(partition->loop(), [&] {
            if (Log* log = partition->log()) log->stop_cleaning();
        });
    }
    co_await gate_.close();
}

Task<LogCleaner::Work> LogCleaner::find_work() {
    Work best;
    double dirtiest = 0;
    std::int64_t uncleanable = 0;
    struct Look {
        std::optional<Log::Cleanable> due;
        double dirty_ratio = 0;
        bool uncleanable = false;
    };
    for (const auto& [name, partitions] : catalog_.compacted()) {
        std::vector<Look> looks(partitions.size());
        co_await on_loops(partitions, [&](std::size_t index) {
            Log* log = partitions[index]->log();
            if (!log) return;
            Look& look = looks[index];
            look.due = log->due_for_cleaning();
            if (const auto range = log->cleanable()) look.dirty_ratio = range->dirty_ratio();
            look.uncleanable = log->uncleanable() != nullptr;
        });
        if (stopping_) co_return Work{};
        for (std::size_t i = 0; i < looks.size(); ++i) {
            dirtiest = std::max(dirtiest, looks[i].dirty_ratio);
            uncleanable += looks[i].uncleanable ? 1 : 0;
            std::string log_name = name + "-" + std::to_string(i);
            if (!looks[i].due || postponed_.contains(log_name)) continue;
            const Work found{partitions[i], std::move(log_name), looks[i].dirty_ratio,
                             looks[i].due->overdue};
            if (std::pair(found.overdue, found.dirty_ratio) >
                std::pair(best.overdue, best.dirty_ratio)) {
                best = found;
            }
        }
    }
    max_dirty_percent_ = static_cast<std::int64_t>(dirtiest * 100);
    uncleanable_ = uncleanable;
    co_return best;
}

Task<void> LogCleaner::clean(Work work) {
    current_ = work.partition;
    const std::uint64_t seed[2] = {random_.next(), random_.next()};
    const auto done =
        co_await runtime::call_on(work.partition->loop(), [&]() -> Task<Result<Log::Cleaned>> {
            Log* log = work.partition->log();
            if (!log) co_return Log::Cleaned{};
            co_return co_await log->clean(
                {.pool = pool_,
                 .map_bytes = static_cast<std::size_t>(settings_.dedupe_buffer_bytes),
                 .seed = {seed[0], seed[1]},
                 .bytes_per_second = settings_.max_bytes_per_second});
        });
    current_.reset();
    if (!done) {
        // Not again before the next pause: what is in the way may be gone by then.
        postponed_.insert(work.name);
        base::log_info("compaction of {} was cut short: {}", work.name, done.error().message());
        co_return;
    }
    base::log_debug("compacted {}: {} of {} records and {} of {} segments are left", work.name,
                    done->records_kept, done->records_read, done->segments_after,
                    done->segments_before);
}

}  // namespace millrace::broker
