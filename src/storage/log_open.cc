// Opening a log: what a crash may have left behind is cut, real damage is refused.
//
// The rules. Below the durable end (known from the recovery points and the newest snapshot) every
// byte was synced: whatever is wrong there is damage, and the log is not opened. Above it a write
// may have been torn or lost by a power cut: the log is cut at the last good batch. If good batches
// lie beyond the cut, which a power cut can cause, since the disk may write in any order, they are
// kept in a "*.cut" file. If nothing is known of the durable end, good batches beyond mean damage.

#include <algorithm>
#include <map>

#include "base/log.h"
#include "runtime/clock.h"
#include "runtime/disk.h"
#include "storage/batch_scanner.h"
#include "storage/log_internal.h"

namespace millrace::storage {

using base::Code;
using base::fail;
using base::Result;
using model::Offset;

namespace {

// Whether a whole, valid batch begins anywhere in [from, size): byte for byte, because what lies
// between is not understood.
Result<bool> good_batch_follows(const runtime::File& file, std::uint64_t from, std::uint64_t size,
                                Offset at_least) {
    constexpr std::size_t kPieceBytes = std::size_t{1} << 20;
    base::Bytes piece;
    while (from + model::kBatchHeaderBytes <= size) {
        piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kPieceBytes, size - from)));
        MR_TRY(const std::size_t got, file.read_at(from, piece.data(), piece.size()));
        if (got < model::kBatchHeaderBytes) return false;
        const std::size_t starts = got - model::kBatchHeaderBytes + 1;
        for (std::size_t at = 0; at < starts; ++at) {
            if (piece[at + model::batch_layout::kMagic] != 2) continue;
            const auto header =
                model::RecordBatch::parse_header(base::ByteView(piece).substr(at, got - at));
            if (!header || header->base_offset() < at_least ||
                header->size_bytes() > size - from - at) {
                continue;
            }
            BatchScanner scanner(file, from + at, size, header->size_bytes());
            const auto batch = scanner.next(BatchScanner::Depth::kWhole);
            if (batch && *batch && (*batch)->check_crc()) return true;
        }
        from += starts;
    }
    return false;
}

// Copies [from, size) of `file` to `path` and makes it durable.
Result<void> keep_bytes(runtime::Disk& disk, const runtime::File& file, std::uint64_t from,
                        std::uint64_t size, const std::string& path) {
    MR_TRY(const auto to, disk.open(path, runtime::OpenMode::kCreateFresh));
    base::Bytes piece(std::size_t{1} << 20, '\0');
    for (std::uint64_t at = from; at < size;) {
        const auto want =
            static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), size - at));
        MR_TRY(const std::size_t got, file.read_at(at, piece.data(), want));
        if (got == 0) break;
        MR_TRY_VOID(to->write_at(at - from, base::ByteView(piece).substr(0, got)));
        at += got;
    }
    return to->sync();
}

}  // namespace

std::unexpected<base::Error> Log::Impl::damaged(const Segment& segment, std::uint64_t position,
                                                std::string_view what) const {
    return fail(Code::kCorrupt,
                "{}/{} is damaged at byte {} (offset {}): {}. Nothing was cut or changed. Restore "
                "the file from a copy, or move the folder {} away to begin with an empty partition",
                folder, segment_file_name(segment.base(), ".log"), position, log_end, what, folder);
}

Result<void> Log::Impl::find_segments() {
    MR_TRY_VOID(SegmentSwap::recover(shared->disk, folder));
    MR_TRY(const auto entries, shared->disk.list(folder));
    std::map<Offset, std::uint64_t> logs;
    std::map<std::string, std::uint64_t> sizes;
    for (const auto& entry : entries) {
        if (entry.is_directory) continue;
        if (entry.name.ends_with(".deleted") || entry.name.ends_with(".tmp")) {
            MR_TRY_VOID(shared->disk.remove(folder + "/" + entry.name));
        } else if (const auto base = segment_base_of(entry.name, ".log")) {
            logs.emplace(*base, entry.size_bytes);
        } else {
            sizes.emplace(entry.name, entry.size_bytes);
        }
    }
    const auto size_of = [&](Offset base, std::string_view suffix) {
        const auto found = sizes.find(segment_file_name(base, suffix));
        return found == sizes.end() ? 0 : found->second;
    };
    for (const auto& [file_name, bytes] : sizes) {
        const auto base = segment_base_of(file_name, ".txnindex");
        // That of a segment which compaction has merged into another one may still be needed.
        if (base && (logs.empty() || *base < logs.begin()->first)) {
            MR_TRY_VOID(shared->disk.remove(folder + "/" + file_name));
        }
    }
    for (const auto& [base, bytes] : logs) {
        segments.push_back(Segment::sealed(shared->disk, folder, base, bytes,
                                           size_of(base, ".index"), size_of(base, ".timeindex")));
    }
    return {};
}

Result<Log::Impl::AbortedBySegment> Log::Impl::load_aborted(const Snapshot& snapshot) const {
    AbortedBySegment aborted;
    for (const auto& [base, count] : snapshot.aborted) {
        if (base < segments.front()->base()) continue;  // Deleted since.
        const std::string path = folder + "/" + segment_file_name(base, ".txnindex");
        MR_TRY(const auto content, runtime::read_file(shared->disk, path));
        MR_TRY(const auto entries, AbortedIndex::parse(content, count));
        // Compaction may have merged the segment into the one that holds its offsets now.
        AbortedIndex& holder = aborted[segments[segment_holding(base)]->base()];
        const Offset seen =
            holder.size() == 0 ? model::kNoOffset : holder.entries().back().last_offset;
        for (const AbortedTransaction& one : entries.entries()) {
            if (one.last_offset > seen) holder.note(one);
        }
    }
    return aborted;
}

Result<std::optional<Snapshot>> Log::Impl::newest_snapshot(AbortedBySegment& aborted) const {
    MR_TRY(auto entries, shared->disk.list(folder));
    std::ranges::reverse(entries);  // Names sort by offset.
    for (const auto& entry : entries) {
        if (!segment_base_of(entry.name, ".snapshot")) continue;
        MR_TRY(const auto bytes, runtime::read_file(shared->disk, folder + "/" + entry.name));
        auto snapshot = Snapshot::decode(bytes);
        if (!snapshot) {
            base::log_warning("{}/{} is no use and is passed over: {}", folder, entry.name,
                              snapshot.error().message());
            continue;
        }
        const auto segment =
            std::ranges::find(segments, snapshot->segment_base,
                              [](const auto& candidate) { return candidate->base(); });
        // A snapshot of a segment that is gone or shorter says nothing of this log, nor does one
        // of a segment that was cleaned since.
        if (snapshot->segment_base < checkpoint.compacted_to || segment == segments.end() ||
            (*segment)->size_bytes() < snapshot->progress.size_bytes) {
            continue;
        }
        auto loaded = load_aborted(*snapshot);
        if (!loaded) {
            base::log_warning("{}/{} is passed over: {}", folder, entry.name,
                              loaded.error().message());
            continue;
        }
        aborted = std::move(*loaded);
        return std::move(*snapshot);
    }
    return std::nullopt;
}

Result<void> Log::Impl::cut(std::size_t index, std::uint64_t position,
                            std::optional<Offset> durable_end, const base::Error& cause) {
    Segment& segment = *segments[index];
    if (cause.code() != Code::kCorrupt && cause.code() != Code::kOutOfRange &&
        cause.code() != Code::kUnsupported) {
        return fail(cause);  // The disk refuses to be read: nothing is known of the bytes.
    }
    if (durable_end && log_end < *durable_end) {
        return damaged(
            segment, position,
            fmt::format("{}; records up to offset {} were durable", cause.message(), *durable_end));
    }
    MR_TRY(const auto file, segment.file());
    MR_TRY(const std::uint64_t size, file->size_bytes());
    MR_TRY(bool good_follows, good_batch_follows(*file, position + 1, size, log_end));
    for (std::size_t i = index + 1; i < segments.size(); ++i) {
        good_follows = good_follows || segments[i]->size_bytes() > 0;
    }
    if (good_follows && !durable_end) {
        return damaged(segment, position, cause.message() + "; good records follow it");
    }
    const std::string path = folder + "/" + segment_file_name(segment.base(), ".log");
    if (good_follows) {
        MR_TRY_VOID(keep_bytes(shared->disk, *file, position, size,
                               fmt::format("{}.{}.cut", path, position)));
    }
    base::log_warning(
        "{}: cut {} bytes that were written but not durable at byte {} (offset {}): {}{}", path,
        size - position, position, log_end, cause.message(),
        good_follows ? "; what was cut is kept beside it" : "");
    for (std::size_t i = segments.size() - 1; i > index; --i) {
        const std::string later = folder + "/" + segment_file_name(segments[i]->base(), ".log");
        MR_TRY_VOID(shared->disk.rename(later, later + ".cut"));
        segments.pop_back();
    }
    MR_TRY_VOID(file->truncate(position));
    MR_TRY_VOID(file->sync());
    return shared->disk.sync_directory(folder);
}

Result<void> Log::Impl::replay(std::size_t index, std::optional<Offset> durable_end) {
    Segment& segment = *segments[index];
    MR_TRY(const auto file, segment.file());
    MR_TRY(const std::uint64_t size, file->size_bytes());
    BatchScanner scanner(*file, segment.size_bytes(), size, std::size_t{1} << 20);
    const std::int64_t now_ms = shared->clock.wall_ms();
    while (true) {
        const std::uint64_t position = scanner.position_bytes();
        const auto batch = scanner.next(BatchScanner::Depth::kWhole);
        if (batch && !*batch) return {};
        const auto good = [&]() -> Result<void> {
            if (!batch) return fail(batch.error());
            MR_TRY_VOID((*batch)->check_crc());
            // Only compaction leaves gaps.
            if ((*batch)->base_offset() < log_end ||
                (*batch)->base_offset() > std::max(log_end, checkpoint.compacted_to)) {
                return fail(Code::kCorrupt, "a batch of offset {} where {} is due",
                            (*batch)->base_offset(), log_end);
            }
            return {};
        }();
        if (!good) return cut(index, position, durable_end, good.error());
        // After a failed sync the kernel keeps the bytes that it could not write and calls them
        // clean: what is not known to be durable is written once more, so that the next sync
        // counts.
        if (!durable_end || (*batch)->next_offset() > *durable_end) {
            MR_TRY_VOID(file->write_at(position, (*batch)->bytes()));
        }
        segment.note(**batch, config.index_interval_bytes);
        note_producer(segment, **batch, now_ms);
        log_end = (*batch)->next_offset();
    }
}

Result<void> Log::Impl::recover() {
    MR_TRY_VOID(find_segments());
    MR_TRY(log_start, start_file->load());
    MR_TRY(checkpoint, CleanerCheckpoint::load(shared->disk, folder));
    auto durable_end = shared->points->durable_end(slot);
    if (segments.empty()) {
        if (durable_end && *durable_end > Offset{0}) {
            return fail(Code::kCorrupt,
                        "{} holds no log file, but records up to offset {} were durable. Restore "
                        "its files from a copy, or move the folder away to begin with an empty "
                        "partition",
                        folder, *durable_end);
        }
        MR_TRY(auto first, Segment::create(shared->disk, folder, {0}));
        segments.push_back(std::move(first));
        // From here on it is known how far the log is durable, as little as that is.
        shared->points->set_durable_end(slot, {0});
        fresh = true;
        return {};
    }

    // What a deletion was about to remove when the process ended.
    if (const auto bases = take_segments_below_start(); !bases.empty()) {
        MR_TRY_VOID(delete_segments(shared->disk, folder, *start_file, log_start, bases));
    }

    AbortedBySegment aborted;
    MR_TRY(auto snapshot, newest_snapshot(aborted));
    for (const auto& segment : segments) {
        if (const auto at = aborted.find(segment->base()); at != aborted.end()) {
            segment->aborted() = at->second;
        }
    }
    std::size_t index = 0;
    log_end = segments.front()->base();
    if (snapshot) {
        durable_end = std::max(durable_end.value_or(Offset{0}), snapshot->end);
        producers = std::move(snapshot->producers);
        log_end = snapshot->end;
        index = segment_holding(snapshot->segment_base);
    }
    for (const std::size_t first = index; index < segments.size(); ++index) {
        const Offset base = segments[index]->base();
        const bool resumes = snapshot && index == first;
        if (index > first && base != log_end &&
            !(base > log_end && base <= checkpoint.compacted_to)) {
            const base::Error gap(Code::kCorrupt,
                                  fmt::format("the next segment begins at offset {}", base));
            MR_TRY_VOID(cut(index - 1, segments[index - 1]->size_bytes(), durable_end, gap));
            break;
        }
        log_end = std::max(log_end, base);  // The end of the one before may be cleaned away.
        segments[index] = std::make_unique<Segment>(
            shared->disk, folder, base, resumes ? snapshot->progress : Segment::Progress{});
        if (resumes) segments[index]->aborted() = std::move(aborted[base]);
        MR_TRY_VOID(replay(index, durable_end));
        if (index + 1 < segments.size()) MR_TRY_VOID(segments[index]->seal());
    }
    if (durable_end && log_end < *durable_end) {
        return damaged(active(), active().size_bytes(),
                       fmt::format("the file ends here, but records up to offset {} were durable",
                                   *durable_end));
    }
    log_start = std::clamp(log_start, segments.front()->base(), log_end);
    high_watermark = durable_end ? *durable_end : log_start;
    producers.advance_high_watermark(high_watermark);
    if (!snapshot || log_end > snapshot->end) bytes_since_snapshot = active().size_bytes() + 1;
    return {};
}

Result<std::unique_ptr<Log::Impl>> Log::Impl::open(std::shared_ptr<LogShared> shared,
                                                   std::string name, std::string folder,
                                                   const LogConfig& config, runtime::Loop& loop) {
    MR_TRY(auto epochs, LeaderEpochs::load(shared->disk, folder));
    const RecoveryPoints::Slot slot = shared->points->acquire(name);
    auto log = std::make_unique<Impl>(shared, std::move(name), std::move(folder), config, loop,
                                      slot, std::move(epochs));
    MR_TRY_VOID(log->recover());
    log->active_since_ms = log->snapshot_ms = shared->clock.wall_ms();
    // The answer to this comes to the log's loop: from here on the log is touched there alone.
    // An earlier process may have made names and died before it synced them.
    log->member.mark_directory(log->folder);
    for (std::size_t i = 0; i < log->segments.size(); ++i) {
        if (log->segment_end(i) <= log->high_watermark) continue;
        MR_TRY(const auto file, log->segments[i]->file());
        log->member.mark(file, log->log_end);
    }
    return log;
}

}  // namespace millrace::storage
