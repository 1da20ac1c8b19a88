#include "storage/compaction/cleaning_round.h"

#include <algorithm>
#include <iterator>
#include <limits>

#include "base/check.h"
#include "model/records.h"
#include "runtime/disk.h"

namespace millrace::storage {

using base::Code;
using base::fail;
using base::Result;
using model::Offset;

namespace {

// A piece of work: some milliseconds.
constexpr std::uint64_t kPieceBytes = std::uint64_t{4} << 20;
constexpr std::size_t kReadBytes = std::size_t{1} << 20;
constexpr std::size_t kWriteBytes = std::size_t{1} << 20;
// A large sync at the end would keep those of the producers waiting.
constexpr std::uint64_t kSyncBytes = std::uint64_t{8} << 20;

// How many keys the dirty part may hold at most, as far as offsets tell.
std::uint64_t most_keys(const CleaningRound::Plan& plan) {
    std::uint64_t most = 0;
    for (const auto& source : plan.sources) {
        if (source.end <= plan.first_dirty) continue;
        const Offset from = std::max(source.base, plan.first_dirty);
        most += static_cast<std::uint64_t>(source.end - from);
    }
    return most;
}

}  // namespace

CleaningRound::CleaningRound(runtime::Disk& disk, Plan plan)
    : disk_(disk), plan_(std::move(plan)), map_end_(plan_.first_dirty) {}
CleaningRound::~CleaningRound() = default;

Result<void> CleaningRound::open_source(std::size_t index) {
    const std::string path =
        plan_.folder + "/" + segment_file_name(plan_.sources[index].base, ".log");
    MR_TRY(file_, disk_.open(path, runtime::OpenMode::kRead));
    scanner_.emplace(*file_, 0, plan_.sources[index].size_bytes, kReadBytes);
    return {};
}

// --- The map ------------------------------------------------------------------------------------

Result<bool> CleaningRound::map_batch(const model::RecordBatch& batch) {
    MR_TRY_VOID(batch.check_crc());
    if (batch.control()) {
        MR_TRY_VOID(transactions_->is_spent_marker(batch));
        return true;
    }
    if (transactions_->is_aborted(batch)) return true;
    MR_TRY(const auto payload, model::unpack(batch, unpacked_));
    model::RecordIterator records(batch, payload);
    model::RecordView record;
    while (true) {
        MR_TRY(const bool found, records.next(record));
        if (!found) return true;
        if (!record.key || record.offset < plan_.first_dirty) continue;
        if (!map_->put(*record.key, record.offset)) return false;
    }
}

Result<bool> CleaningRound::map_some() {
    if (!map_) {
        map_.emplace(plan_.map_bytes, most_keys(plan_), plan_.seed);
        // Those whose markers do not go by must not be taken for open ones.
        std::vector<AbortedRange> dirty;
        std::ranges::copy_if(plan_.aborted, std::back_inserter(dirty),
                             [&](const auto& one) { return one.last >= plan_.first_dirty; });
        transactions_.emplace(std::move(dirty));
    }
    bool full = false;
    for (std::uint64_t piece = 0; piece < kPieceBytes;) {
        while (next_ < plan_.sources.size() && plan_.sources[next_].end <= plan_.first_dirty) {
            ++next_;
        }
        if (next_ == plan_.sources.size()) break;
        if (!scanner_) MR_TRY_VOID(open_source(next_));
        MR_TRY(const auto batch, scanner_->next(BatchScanner::Depth::kWhole));
        if (!batch) {
            // Also what earlier rounds have left out counts as seen.
            map_end_ = std::max(map_end_, plan_.sources[next_].end);
            scanner_.reset();
            ++next_;
            continue;
        }
        piece += batch->size_bytes();
        counts_.bytes_read += batch->size_bytes();
        if (batch->last_offset() < plan_.first_dirty) continue;
        MR_TRY(const bool fits, map_batch(*batch));
        if (!fits) {
            full = true;
            break;
        }
        map_end_ = batch->next_offset();
    }
    if (!full && next_ < plan_.sources.size()) return false;
    if (map_end_ <= plan_.first_dirty && full) {
        return fail(Code::kResourceExhausted,
                    "log.cleaner.dedupe.buffer.size gives room for {} keys, which is too few for "
                    "the batch at offset {}",
                    map_->size(), map_end_);
    }
    // From here on it reads all segments from the first one.
    scanner_.reset();
    file_.reset();
    next_ = 0;
    transactions_.emplace(plan_.aborted);
    cleaner_.emplace(BatchCleaner::Rules{.now_ms = plan_.now_ms,
                                         .delete_retention_ms = plan_.delete_retention_ms,
                                         .map_end = map_end_,
                                         .round_end = plan_.round_end},
                     *map_, plan_.live, *transactions_);
    return true;
}

// --- Groups -------------------------------------------------------------------------------------

Result<void> CleaningRound::begin_group() {
    MR_CHECK(has_more_groups());
    const Offset base = plan_.sources[next_].base;
    group_begin_ = next_;
    group_end_ = next_ + 1;
    std::uint64_t bytes = plan_.sources[next_].size_bytes;
    std::uint64_t index_bytes = plan_.sources[next_].index_bytes;
    for (; group_end_ < plan_.sources.size(); ++group_end_) {
        const Source& source = plan_.sources[group_end_];
        bytes += source.size_bytes;
        index_bytes += source.index_bytes;
        if (source.base >= map_end_ || bytes > static_cast<std::uint64_t>(plan_.segment_bytes) ||
            index_bytes > static_cast<std::uint64_t>(plan_.segment_index_bytes) ||
            source.end - base > std::numeric_limits<std::int32_t>::max()) {
            break;
        }
    }
    MR_TRY(output_, Segment::create(disk_, plan_.folder, base, SegmentSwap::kCleanedSuffix));
    return {};
}

Result<void> CleaningRound::flush() {
    if (buffer_.empty()) return {};
    MR_TRY_VOID(output_->append_all(buffer_, plan_.index_interval_bytes));
    counts_.bytes_written += buffer_.size();
    unsynced_bytes_ += buffer_.size();
    buffer_.clear();
    if (unsynced_bytes_ < kSyncBytes) return {};
    unsynced_bytes_ = 0;
    MR_TRY(const auto file, output_->file());
    return file->sync();
}

Result<bool> CleaningRound::clean_some() {
    if (!output_) MR_TRY_VOID(begin_group());
    for (std::uint64_t piece = 0; piece < kPieceBytes && next_ < group_end_;) {
        if (!scanner_) MR_TRY_VOID(open_source(next_));
        MR_TRY(const auto batch, scanner_->next(BatchScanner::Depth::kWhole));
        if (!batch) {
            scanner_.reset();
            file_.reset();
            ++next_;
            continue;
        }
        piece += batch->size_bytes();
        counts_.bytes_read += batch->size_bytes();
        MR_TRY_VOID(cleaner_->clean(*batch, buffer_));
        if (buffer_.size() >= kWriteBytes) MR_TRY_VOID(flush());
    }
    if (next_ < group_end_) return false;
    MR_TRY_VOID(finish_group());
    return true;
}

Result<void> CleaningRound::finish_group() {
    MR_TRY_VOID(flush());
    MR_TRY_VOID(output_->seal());
    for (const auto& index : output_->index_files()) MR_TRY_VOID(index->sync());
    MR_TRY(const auto file, output_->file());
    MR_TRY_VOID(file->sync());
    unsynced_bytes_ = 0;
    counts_.records = cleaner_->counts();
    return {};
}

CleaningRound::Cleaned CleaningRound::take_cleaned() {
    MR_CHECK(output_ != nullptr && next_ == group_end_);
    SegmentSwap swap{plan_.folder, output_->base(), plan_.sources[group_end_ - 1].end, {}};
    for (std::size_t i = group_begin_; i < group_end_; ++i) {
        swap.replaced.push_back(plan_.sources[i].base);
    }
    return {std::move(swap), std::move(output_), transactions_->take_needed()};
}

void CleaningRound::abandon() {
    if (!output_) return;
    const SegmentSwap swap{plan_.folder, output_->base(), {}, {}};
    output_.reset();
    swap.abandon(disk_);
}

}  // namespace millrace::storage
