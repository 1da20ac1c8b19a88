// Compaction of a log: when it is due, and one round of it. What is read and written is done by
// CleaningRound on a pool; here is what belongs to the loop.
#include <algorithm>
#include <unordered_set>

#include "base/log.h"
#include "runtime/clock.h"
#include "runtime/disk.h"
#include "runtime/loop.h"
#include "runtime/pool.h"
#include "storage/log_internal.h"

namespace millrace::storage {

using base::Code;
using base::fail;
using base::Result;
using model::Offset;
using model::Timestamp;
using runtime::Task;

namespace {

// The cleaning of a log that was interrupted: it is tried again.
bool is_passing(Code code) {
    return code == Code::kCancelled || code == Code::kNoSpace || code == Code::kOffline;
}

}  // namespace

// --- When ---------------------------------------------------------------------------------------

Result<Log::Cleanable> Log::Impl::cleanable() {
    // Never the active segment, nothing that may still be aborted or lost, nothing that is younger
    // than the topic wants.
    Offset bound = std::min(active().base(), last_stable_offset());
    Cleanable range;
    range.first_dirty = std::max(checkpoint.first_dirty, log_start);
    // A log that was cut or restored may end before that.
    if (range.first_dirty > log_end) range.first_dirty = log_start;
    const std::int64_t now_ms = shared->clock.wall_ms();
    const std::size_t last = segments.size() - 1;
    if (config.min_compaction_lag_ms > 0) {
        for (std::size_t i = segment_holding(range.first_dirty); i < last; ++i) {
            MR_TRY(const Timestamp newest, segments[i]->max_timestamp());
            if (newest.ms <= now_ms - config.min_compaction_lag_ms) continue;
            bound = std::min(bound, segments[i]->base());
            break;
        }
    }
    // Whole segments only.
    range.end = std::max(segments[segment_holding(bound)]->base(), range.first_dirty);
    if (bound < range.first_dirty) range.end = range.first_dirty;
    const bool has_lag = config.max_compaction_lag_ms < now_ms;
    for (std::size_t i = 0; i < last; ++i) {
        Segment& segment = *segments[i];
        if (segment_end(i) <= range.first_dirty) {
            range.clean_bytes += segment.size_bytes();
        } else if (segment.base() < range.end) {
            range.dirty_bytes += segment.size_bytes();
        }
        if (!has_lag || segment_end(i) <= range.first_dirty) continue;
        MR_TRY(const Timestamp first, segment.first_timestamp());
        range.overdue =
            range.overdue || (first.ms > 0 && first.ms < now_ms - config.max_compaction_lag_ms);
    }
    return range;
}

Result<Log::Cleanable> Log::cleanable() {
    MR_TRY_VOID(impl_->usable());
    return impl_->cleanable();
}

std::optional<Log::Cleanable> Log::due_for_cleaning() {
    Impl& log = *impl_;
    if (!log.may_clean() || log.cleaning || log.uncleanable_reason) return std::nullopt;
    const auto range = log.cleanable();
    if (!range || range->dirty_bytes == 0) return std::nullopt;
    const bool due = range->overdue || range->dirty_ratio() > log.config.min_cleanable_dirty_ratio;
    return due ? std::optional(*range) : std::nullopt;
}

const base::Error* Log::uncleanable() const {
    return impl_->uncleanable_reason ? &*impl_->uncleanable_reason : nullptr;
}

Result<void> Log::Impl::may_clean() const {
    MR_TRY_VOID(usable());
    if (closing || cleaning_unwanted) {
        return fail(Code::kCancelled, "partition {} is closing", name);
    }
    if (!config.cleanup_compact) {
        return fail(Code::kCancelled, "the cleanup.policy of {} is not compact", name);
    }
    return {};
}

// --- One round ----------------------------------------------------------------------------------

CleaningRound::Plan Log::Impl::plan_round(const Cleanable& range,
                                          const CleanOptions& options) const {
    CleaningRound::Plan plan{.folder = folder,
                             .sources = {},
                             .first_dirty = range.first_dirty,
                             .round_end = range.end,
                             .now_ms = shared->clock.wall_ms(),
                             .delete_retention_ms = config.delete_retention_ms,
                             .segment_bytes = config.segment_bytes,
                             .segment_index_bytes = config.segment_index_bytes,
                             .index_interval_bytes = config.index_interval_bytes,
                             .live = producers.live(),
                             .aborted = {},
                             .map_bytes = options.map_bytes,
                             .seed = {options.seed[0], options.seed[1]}};
    for (std::size_t i = 0; i < segments.size() && segments[i]->base() < range.end; ++i) {
        plan.sources.push_back({segments[i]->base(), segment_end(i), segments[i]->size_bytes(),
                                segments[i]->index_bytes()});
    }
    // A transaction that ended after the round may have begun in it.
    for (const auto& segment : segments) {
        for (const AbortedTransaction& one : segment->aborted().entries()) {
            if (one.first_offset >= range.end) continue;
            plan.aborted.push_back({one.producer_id, one.first_offset, one.last_offset});
        }
    }
    return plan;
}

// A quick restart must not need what is noted of the segments that go.
Task<void> Log::Impl::refresh_snapshot() {
    if (bytes_since_snapshot > 0) take_snapshot();
    while (pending_snapshot && pending_snapshot->end > high_watermark && may_clean()) {
        co_await changed.wait();
    }
    write_pending_snapshot();
    if (!snapshot_job) co_return;
    const runtime::OneShot<void> job = *snapshot_job;
    co_await job.wait();
}

Task<void> Log::Impl::keep_pace(std::int64_t began_ns, double bytes_per_second,
                                std::uint64_t bytes) {
    if (bytes_per_second <= 0) co_return;
    const double due_ns = static_cast<double>(bytes) / bytes_per_second * 1e9;
    while (!closing && !cleaning_unwanted) {
        const auto early_ns = due_ns - static_cast<double>(loop.now_ns() - began_ns);
        if (early_ns < 1e6) co_return;
        co_await cleaning_changed.wait_for(
            std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(early_ns, 60e9))));
    }
}

Task<Result<void>> Log::Impl::store_checkpoint(CleanerCheckpoint next, runtime::Pool& pool) {
    auto store = [state = shared, directory = folder, next] {
        return next.store(state->disk, directory);
    };
    MR_CO_TRY_VOID(co_await runtime::run(pool, std::move(store)));
    checkpoint = next;
    co_return Result<void>();
}

Task<Result<Log::Cleaned>> Log::Impl::clean_round(CleanOptions options) {
    MR_CO_TRY_VOID(may_clean());
    MR_CO_TRY(const Cleanable range, cleanable());
    Cleaned done;
    if (range.dirty_bytes == 0) co_return done;
    co_await refresh_snapshot();
    MR_CO_TRY_VOID(may_clean());

    const auto round = std::make_shared<CleaningRound>(shared->disk, plan_round(range, options));
    const std::int64_t began_ns = loop.now_ns();
    const auto pause = [&] {
        const CleaningRound::Counts& counts = round->counts();
        return keep_pace(began_ns, options.bytes_per_second,
                         counts.bytes_read + counts.bytes_written);
    };
    for (bool mapped = false; !mapped;) {
        MR_CO_TRY(mapped,
                  co_await runtime::run(options.pool, [round] { return round->map_some(); }));
        co_await pause();
        MR_CO_TRY_VOID(may_clean());
    }
    // Whoever opens the log after a crash expects gaps from here on.
    CleanerCheckpoint next{std::max(checkpoint.compacted_to, range.end), range.first_dirty};
    MR_CO_TRY_VOID(co_await store_checkpoint(next, options.pool));

    while (round->has_more_groups()) {
        for (bool cleaned = false; !cleaned;) {
            auto piece =
                co_await runtime::run(options.pool, [round] { return round->clean_some(); });
            if (piece) co_await pause();
            const auto may = may_clean();
            if (!piece || !may) {
                co_await runtime::run(options.pool, [round] { round->abandon(); });
                if (!may) co_return fail(may.error());
                co_return fail(piece.error());
            }
            cleaned = *piece;
        }
        auto cleaned = round->take_cleaned();
        done.segments_before += cleaned.swap.replaced.size();
        done.segments_after += 1;
        MR_CO_TRY_VOID(co_await swap_in(std::move(cleaned), options.pool));
    }
    next.first_dirty = round->map_end();
    MR_CO_TRY_VOID(co_await store_checkpoint(next, options.pool));
    // The snapshots until now name aborted transactions by segments that are no more.
    const bool moved = std::ranges::any_of(
        segments, [](const auto& segment) { return segment->aborted().changed(); });
    if (moved) {
        take_snapshot();
        write_pending_snapshot();
    }

    const CleaningRound::Counts& counts = round->counts();
    done.bytes_read = counts.bytes_read;
    done.bytes_written = counts.bytes_written;
    done.records_read = counts.records.records_read;
    done.records_kept = counts.records.records_kept;
    co_return done;
}

std::optional<std::size_t> Log::Impl::find_replaced(const SegmentSwap& swap) const {
    const std::size_t first = segment_holding(swap.base);
    if (first + swap.replaced.size() >= segments.size()) return std::nullopt;
    for (std::size_t i = 0; i < swap.replaced.size(); ++i) {
        if (segments[first + i]->base() != swap.replaced[i]) return std::nullopt;
    }
    if (segments[first + swap.replaced.size()]->base() != swap.end) return std::nullopt;
    return first;
}

AbortedIndex Log::Impl::merged_aborted(std::size_t first, std::size_t count,
                                       const std::vector<AbortedRange>& needed) const {
    std::unordered_set<std::int64_t> markers;
    for (const AbortedRange& one : needed) markers.insert(one.last.value);
    AbortedIndex merged;
    for (std::size_t i = first; i < first + count; ++i) {
        for (const AbortedTransaction& one : segments[i]->aborted().entries()) {
            if (markers.contains(one.last_offset.value)) merged.note(one);
        }
    }
    return merged;
}

Task<Result<void>> Log::Impl::swap_in(CleaningRound::Cleaned cleaned, runtime::Pool& pool) {
    const SegmentSwap& swap = cleaned.swap;
    const auto place = find_replaced(swap);
    if (!place) {
        co_await runtime::run(pool, [state = shared, swap] { swap.abandon(state->disk); });
        co_return fail(Code::kCancelled, "segments of {} were deleted meanwhile", name);
    }
    // Until the files have their names no other job may touch those of this log's segments.
    swapping = true;
    auto outcome =
        co_await runtime::run(pool, [state = shared, swap] { return swap.commit(state->disk); });
    if (outcome) {
        // From here on the new segment is read, by the files that it holds open. Slices of the old
        // ones hold theirs.
        const Segment::Progress progress = cleaned.segment->progress();
        const auto first = segments.begin() + static_cast<std::ptrdiff_t>(*place);
        const AbortedIndex aborted = merged_aborted(*place, swap.replaced.size(), cleaned.needed);
        *first = std::move(cleaned.segment);
        (*first)->aborted() = aborted;
        segments.erase(first + 1, first + static_cast<std::ptrdiff_t>(swap.replaced.size()));
        if (last_end.segment_base >= swap.base && last_end.segment_base < swap.end) last_end = {};
        outcome = co_await runtime::run(
            pool, [state = shared, swap] { return swap.finish(state->disk); });
        // Segments that nobody reads hold no files.
        if (outcome) {
            segments[*place] = std::make_unique<Segment>(shared->disk, folder, swap.base, progress);
            segments[*place]->aborted() = aborted;
        }
    }
    swapping = false;
    delete_below_start();
    if (!outcome) {
        // A restart finds the new segment or the old ones; before that the two must not mix.
        co_return fail(Code::kIo, "replace segments of {}: {}", name, outcome.error().message());
    }
    co_return Result<void>();
}

void Log::stop_cleaning() {
    if (!impl_->cleaning) return;
    impl_->cleaning_unwanted = true;
    impl_->cleaning_changed.notify_all();
}

Task<Result<Log::Cleaned>> Log::clean(CleanOptions options) {
    Impl& log = *impl_;
    if (log.uncleanable_reason) co_return fail(*log.uncleanable_reason);
    if (log.cleaning) co_return fail(Code::kConflict, "{} is being cleaned already", log.name);
    log.cleaning = true;
    log.cleaning_unwanted = false;
    auto done = co_await log.clean_round(options);
    log.cleaning = log.cleaning_unwanted = false;
    log.cleaning_changed.notify_all();
    if (!done) {
        // Files that retention has taken away under the round's eyes.
        if (done.error().code() == Code::kNotFound) {
            co_return fail(Code::kCancelled, "{}", done.error().message());
        }
        if (is_passing(done.error().code())) co_return done;
        log.shared->cleaner_failures += 1;
        log.uncleanable_reason = done.error();
        base::log_error("{} will not be compacted until it is opened again: {}", log.name,
                        done.error().message());
        co_return done;
    }
    log.shared->cleaner_rounds += 1;
    log.shared->cleaner_bytes_read += done->bytes_read;
    log.shared->cleaner_bytes_written += done->bytes_written;
    log.shared->cleaner_records_read += done->records_read;
    log.shared->cleaner_records_kept += done->records_kept;
    co_return done;
}

}  // namespace millrace::storage
