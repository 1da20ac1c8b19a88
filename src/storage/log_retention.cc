// What leaves a log: segments past their retention, and records that were deleted by request.
#include <algorithm>

#include "base/log.h"
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

std::vector<Offset> Log::Impl::take_segments_below_start() {
    std::vector<Offset> bases;
    while (segments.size() > 1 && segments[1]->base() <= log_start) {
        bases.push_back(segments.front()->base());
        segments.erase(segments.begin());
    }
    return bases;
}

// Whoever opens the log finds only whole segments: the start is durable before the first file goes,
// and a file whose removal a crash has undone lies below it.
Result<void> Log::Impl::delete_segments(runtime::Disk& disk, const std::string& folder,
                                        LogStartFile& start_file, Offset start,
                                        const std::vector<Offset>& bases) {
    MR_TRY_VOID(start_file.raise_to(start));
    for (const Offset base : bases) {
        for (const std::string_view suffix : {".log", ".index", ".timeindex", ".txnindex"}) {
            const std::string path = folder + "/" + segment_file_name(base, suffix);
            if (!disk.exists(path)) continue;
            MR_TRY_VOID(disk.rename(path, path + ".deleted"));
            MR_TRY_VOID(disk.remove(path + ".deleted"));
        }
    }
    return {};
}

void Log::Impl::delete_below_start() {
    if (swapping) return;  // swap_in() comes back to it.
    auto bases = take_segments_below_start();
    if (bases.empty()) return;
    shared->deleted_segments += bases.size();
    shared->pool.submit([state = shared, directory = folder, file = start_file, start = log_start,
                         doomed = std::move(bases)] {
        // What cannot be deleted now is deleted when the log is opened next.
        const auto done = delete_segments(state->disk, directory, *file, start, doomed);
        if (!done) {
            base::log_warning("delete segments of {}: {}", directory, done.error().message());
        }
    });
}

Result<std::size_t> Log::enforce_retention() {
    Impl& log = *impl_;
    MR_TRY_VOID(log.usable());
    // Topics that are only compacted keep what compaction keeps.
    if (!log.config.cleanup_delete) return 0;

    const std::int64_t now_ms = log.shared->clock.wall_ms();
    auto size = static_cast<std::int64_t>(size_bytes());
    std::size_t doomed = 0;
    // An active segment that has expired is rolled first; an empty one stays. Of the others those
    // that compaction has emptied go with the next one.
    for (std::size_t i = 0; i < log.segments.size(); ++i) {
        if (log.segment_end(i) > log.high_watermark) break;
        Segment& segment = *log.segments[i];
        if (segment.size_bytes() == 0) continue;
        const auto bytes = static_cast<std::int64_t>(segment.size_bytes());
        bool expired =
            log.config.retention_bytes >= 0 && size - log.config.retention_bytes >= bytes;
        if (!expired && log.config.retention_ms >= 0) {
            MR_TRY(const Timestamp newest, log.age_of(segment));
            expired = now_ms - newest.ms > log.config.retention_ms;
        }
        if (!expired) break;
        size -= bytes;
        doomed = i + 1;
    }
    if (doomed == 0) return 0;
    if (doomed == log.segments.size()) MR_TRY_VOID(log.roll());
    log.log_start = std::max(log.log_start, log.segments[doomed]->base());
    log.delete_below_start();
    return doomed;
}

Result<Timestamp> Log::Impl::age_of(Segment& segment) const {
    MR_TRY(const Timestamp newest, segment.max_timestamp());
    if (newest.ms >= 0) return newest;
    // Records without a time are as old as the file is untouched.
    MR_TRY(const auto entries, shared->disk.list(folder));
    const auto found = std::ranges::find(entries, segment_file_name(segment.base(), ".log"),
                                         &runtime::Disk::Entry::name);
    return Timestamp{found == entries.end() ? shared->clock.wall_ms() : found->modified_ms};
}

runtime::Task<Result<Offset>> Log::delete_records(Offset before) {
    Impl& log = *impl_;
    MR_CO_TRY_VOID(log.usable());
    if (before == model::kNoOffset) before = log.high_watermark;
    if (before > log.high_watermark || before < Offset{0}) {
        co_return fail(Code::kOutOfRange, "cannot delete {} up to {}: its high watermark is {}",
                       log.name, before, log.high_watermark);
    }
    // Durable first: nobody is told of a start that a crash would take back, and that may be one to
    // which retention has moved it.
    before = std::max(before, log.log_start);
    auto remember = [file = log.start_file, before] { return file->raise_to(before); };
    MR_CO_TRY_VOID(co_await runtime::run(log.shared->pool, std::move(remember)));
    log.log_start = std::max(log.log_start, before);
    log.delete_below_start();
    co_return log.log_start;
}

}  // namespace millrace::storage
