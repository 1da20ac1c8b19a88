// What leaves a log: segments past their retention, and records that were deleted by request.
#include <algorithm>

#include "runtime/clock.h"
#include "runtime/disk.h"
#include "runtime/pool.h"
#include "storage/log_internal.h"

namespace millrace::storage {

using base::Code;
using base::fail;
using base::Result;
using model::Offset;
using model::Timestamp;

Result<void> Log::Impl::delete_first_segment() {
    Segment& first = *segments.front();
    MR_TRY(auto files, first.rename_for_deletion());
    const Offset end = segment_end(0);
    segments.erase(segments.begin());
    if (log_start < end) {
        log_start = end;
        shared->points->set_log_start(slot, log_start);
        // A restart finds the new start by the names of the segments too.
        static_cast<void>(shared->points->write());
    }
    shared->pool.submit([state = shared, doomed = std::move(files)] {
        // What cannot be removed now is removed when the folder is opened next.
        for (const std::string& file : doomed) static_cast<void>(state->disk.remove(file));
    });
    return {};
}

Result<std::size_t> Log::enforce_retention() {
    Impl& log = *impl_;
    MR_TRY_VOID(log.usable());
    std::size_t deleted = 0;
    // The first segment may go when all of it is visible and it is not the active one; an active
    // segment that has expired is rolled first.
    const auto delete_first = [&]() -> Result<bool> {
        if (log.segment_end(0) > log.high_watermark || log.segments.front()->size_bytes() == 0) {
            return false;
        }
        if (log.segments.size() == 1) MR_TRY_VOID(log.roll());
        MR_TRY_VOID(log.delete_first_segment());
        ++deleted;
        return true;
    };

    while (log.segments.size() > 1 && log.segment_end(0) <= log.log_start) {
        MR_TRY(const bool gone, delete_first());
        if (!gone) break;
    }
    // Topics that are only compacted keep what compaction keeps.
    if (!log.config.cleanup_delete) return deleted;

    const std::int64_t now_ms = log.shared->clock.wall_ms();
    while (log.config.retention_ms >= 0) {
        MR_TRY(Timestamp newest, log.segments.front()->max_timestamp());
        // Records without a time are as old as the file is untouched.
        if (newest.ms < 0) {
            MR_TRY(const auto entries, log.shared->disk.list(log.folder));
            const auto name = segment_file_name(log.segments.front()->base(), ".log");
            const auto found = std::ranges::find(entries, name, &runtime::Disk::Entry::name);
            newest.ms = found == entries.end() ? now_ms : found->modified_ms;
        }
        if (now_ms - newest.ms <= log.config.retention_ms) break;
        MR_TRY(const bool gone, delete_first());
        if (!gone) break;
    }
    while (log.config.retention_bytes >= 0) {
        const auto excess = static_cast<std::int64_t>(size_bytes()) - log.config.retention_bytes;
        const auto first_bytes = static_cast<std::int64_t>(log.segments.front()->size_bytes());
        if (excess < first_bytes || first_bytes == 0) break;
        MR_TRY(const bool gone, delete_first());
        if (!gone) break;
    }
    return deleted;
}

runtime::Task<Result<Offset>> Log::delete_records(Offset before) {
    Impl& log = *impl_;
    MR_CO_TRY_VOID(log.usable());
    if (before == model::kNoOffset) before = log.high_watermark;
    if (before > log.high_watermark || before < Offset{0}) {
        co_return fail(Code::kOutOfRange, "cannot delete {} up to {}: its high watermark is {}",
                       log.name, before, log.high_watermark);
    }
    if (before > log.log_start) {
        log.log_start = before;
        log.shared->points->set_log_start(log.slot, before);
        auto points = log.shared->points;
        MR_CO_TRY_VOID(
            co_await runtime::run(log.shared->pool, [points] { return points->sync(); }));
    }
    while (log.segments.size() > 1 && log.segment_end(0) <= log.log_start) {
        MR_CO_TRY_VOID(log.delete_first_segment());
    }
    co_return log.log_start;
}

}  // namespace millrace::storage
