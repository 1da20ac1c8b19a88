#include "storage/segment.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/check.h"
#include "model/records.h"
#include "runtime/disk.h"
#include "storage/batch_scanner.h"

namespace millrace::storage {

using base::Code;
using base::fail;
using base::Result;
using model::Offset;
using model::RecordBatch;
using model::Timestamp;

namespace {

constexpr std::size_t kNameDigits = 20;
// Lookups read little: the batch that is sought lies within one index interval.
constexpr std::size_t kLookupBytes = 8192;
constexpr std::size_t kLostIndexBytes = std::size_t{1} << 20;

}  // namespace

std::string segment_file_name(Offset base, std::string_view suffix) {
    return fmt::format("{:020}{}", base.value, suffix);
}

std::optional<Offset> segment_base_of(std::string_view file_name, std::string_view suffix) {
    if (file_name.size() != kNameDigits + suffix.size() || !file_name.ends_with(suffix)) {
        return std::nullopt;
    }
    Offset base;
    const char* const end = file_name.data() + kNameDigits;
    const auto [rest, code] = std::from_chars(file_name.data(), end, base.value);
    if (code != std::errc() || rest != end || base.value < 0) return std::nullopt;
    return base;
}

Segment::Segment(runtime::Disk& disk, const std::string& folder, Offset base,
                 const Progress& progress, std::string_view suffix)
    : disk_(&disk),
      folder_(folder),
      suffix_(suffix),
      base_(base),
      progress_(progress),
      offsets_(disk, path_of(".index"), base, progress.offset_entries),
      times_(disk, path_of(".timeindex"), base, progress.time_entries) {}

std::string Segment::path_of(std::string_view kind) const {
    return folder_ + "/" + segment_file_name(base_, kind) + suffix_;
}

Result<std::unique_ptr<Segment>> Segment::create(runtime::Disk& disk, const std::string& folder,
                                                 Offset base, std::string_view suffix) {
    auto segment = std::make_unique<Segment>(disk, folder, base, Progress{}, suffix);
    MR_TRY(segment->file_, disk.open(segment->path_of(".log"), runtime::OpenMode::kCreateFresh));
    return segment;
}

std::unique_ptr<Segment> Segment::sealed(runtime::Disk& disk, const std::string& folder,
                                         Offset base, std::uint64_t log_bytes,
                                         std::uint64_t offset_index_bytes,
                                         std::uint64_t time_index_bytes) {
    auto segment = std::make_unique<Segment>(
        disk, folder, base,
        Progress{.size_bytes = log_bytes,
                 .offset_entries = offset_index_bytes / OffsetIndex::kEntryBytes,
                 .time_entries = time_index_bytes / TimeIndex::kEntryBytes});
    segment->loaded_ = false;
    segment->sealed_ = true;
    return segment;
}

Segment::Progress Segment::progress() const {
    Progress progress = progress_;
    progress.offset_entries = offsets_.file().entries();
    progress.time_entries = times_.file().entries();
    return progress;
}

Result<std::shared_ptr<runtime::File>> Segment::file() const {
    if (file_ == nullptr) {
        MR_TRY(file_, disk_->open(path_of(".log"), runtime::OpenMode::kReadWrite));
    }
    return file_;
}

Result<void> Segment::append(const RecordBatch& batch, std::int64_t index_interval_bytes) {
    MR_CHECK(!broken_);
    MR_TRY(const auto to, file());
    auto written = to->write_at(progress_.size_bytes, batch.bytes());
    if (!written) {
        // Part of the batch may be in the file: without this cut it would look like damage.
        if (auto cut = to->truncate(progress_.size_bytes); !cut) broken_ = true;
        return fail(written.error());
    }
    note(batch, index_interval_bytes);
    return {};
}

Result<void> Segment::append_all(base::ByteView batches, std::int64_t index_interval_bytes) {
    MR_TRY(const auto to, file());
    MR_TRY_VOID(to->write_at(progress_.size_bytes, batches));
    while (!batches.empty()) {
        const auto batch = RecordBatch::parse(batches);
        MR_CHECK(batch.has_value());
        note(*batch, index_interval_bytes);
        batches.remove_prefix(batch->size_bytes());
    }
    return {};
}

std::uint64_t Segment::index_bytes() const {
    return std::max(offsets_.file().entries() * OffsetIndex::kEntryBytes,
                    times_.file().entries() * TimeIndex::kEntryBytes);
}

void Segment::note(const RecordBatch& batch, std::int64_t index_interval_bytes) {
    index_interval_bytes_ = index_interval_bytes;
    if (progress_.size_bytes == 0) first_timestamp_ = batch.max_timestamp();
    const bool newest = batch.max_timestamp() > progress_.max_timestamp;
    if (newest) {
        progress_.max_timestamp = batch.max_timestamp();
        progress_.max_timestamp_offset = batch.base_offset();
    }
    // The first batch needs no entry: every search that finds none begins at the start.
    if (progress_.size_bytes > 0 &&
        static_cast<std::int64_t>(progress_.bytes_since_index) >= index_interval_bytes) {
        offsets_.note(batch.base_offset(), static_cast<std::uint32_t>(progress_.size_bytes));
        if (progress_.max_timestamp.ms >= 0) {
            const TimeIndex::Entry entry{progress_.max_timestamp, progress_.max_timestamp_offset};
            if (entry.timestamp > progress_.indexed_timestamp) {
                times_.note(entry);
                progress_.indexed_timestamp = entry.timestamp;
            }
        }
        progress_.bytes_since_index = 0;
    }
    progress_.bytes_since_index += batch.size_bytes();
    progress_.size_bytes += batch.size_bytes();
}

bool Segment::has_room(std::size_t bytes, Offset last_offset, std::int64_t segment_bytes,
                       std::int64_t index_bytes) const {
    if (progress_.size_bytes == 0) return true;  // Any batch goes somewhere.
    const std::uint64_t size = progress_.size_bytes + bytes;
    // Index entries have 31 bits for the distance in offsets and 32 for the position.
    return size <= static_cast<std::uint64_t>(segment_bytes) &&
           size <= std::numeric_limits<std::uint32_t>::max() &&
           last_offset - base_ <= std::numeric_limits<std::int32_t>::max() &&
           static_cast<std::int64_t>((offsets_.file().entries() + 1) * OffsetIndex::kEntryBytes) <=
               index_bytes &&
           static_cast<std::int64_t>((times_.file().entries() + 2) * TimeIndex::kEntryBytes) <=
               index_bytes;
}

Result<Timestamp> Segment::first_timestamp() {
    if (first_timestamp_ == model::kNoTimestamp && progress_.size_bytes > 0) {
        MR_TRY(const auto from, file());
        BatchScanner scanner(*from, 0, progress_.size_bytes, model::kBatchHeaderBytes);
        MR_TRY(const auto first, scanner.next(BatchScanner::Depth::kHeader));
        if (first) first_timestamp_ = first->max_timestamp();
    }
    return first_timestamp_;
}

Result<std::uint64_t> Segment::verified_position(Offset offset) {
    // A large segment without any entry has lost its index.
    if (!loaded_ && offsets_.file().entries() == 0 && progress_.size_bytes > kLostIndexBytes) {
        MR_TRY_VOID(rebuild_indexes());
    }
    for (const bool last_attempt : {false, true}) {
        const auto entry = offsets_.find(offset);
        if (entry && entry->position_bytes == 0) return 0;
        if (entry && entry->position_bytes < progress_.size_bytes) {
            MR_TRY(const auto from, file());
            BatchScanner scanner(*from, entry->position_bytes, progress_.size_bytes,
                                 model::kBatchHeaderBytes);
            const auto batch = scanner.next(BatchScanner::Depth::kHeader);
            if (batch && *batch && (*batch)->base_offset() == entry->offset) {
                return entry->position_bytes;
            }
        }
        if (last_attempt) break;
        MR_TRY_VOID(rebuild_indexes());
    }
    return fail(Code::kCorrupt, "no batch where the index of segment {} says", base_);
}

Result<std::optional<Segment::Found>> Segment::find(Offset offset) {
    MR_TRY(const std::uint64_t start, verified_position(offset));
    MR_TRY(const auto from, file());
    BatchScanner scanner(*from, start, progress_.size_bytes, kLookupBytes);
    while (true) {
        const std::uint64_t position = scanner.position_bytes();
        auto batch = scanner.next(BatchScanner::Depth::kHeader);
        if (!batch) {
            return fail(batch.error().with(fmt::format("segment {} at byte {}", base_, position)));
        }
        if (!*batch) return std::nullopt;
        const RecordBatch& header = **batch;
        if (header.last_offset() < offset) continue;
        return Found{position, header.size_bytes(), header.base_offset(), header.last_offset()};
    }
}

Result<std::optional<Offset>> Segment::bound_at(std::uint64_t position_bytes) const {
    MR_TRY(const auto entry, offsets_.find_position(position_bytes));
    if (!entry || entry->position_bytes >= progress_.size_bytes) return std::nullopt;
    MR_TRY(const auto from, file());
    BatchScanner scanner(*from, entry->position_bytes, progress_.size_bytes,
                         model::kBatchHeaderBytes);
    const auto batch = scanner.next(BatchScanner::Depth::kHeader);
    // An entry that does not hold bounds nothing.
    if (!batch || !*batch || (*batch)->base_offset() != entry->offset) return std::nullopt;
    return entry->offset;
}

Result<void> Segment::load_from_indexes() {
    if (loaded_) return {};
    // The last entry of the time index has the largest timestamp, if the batch agrees.
    const auto last = times_.last();
    if (last && *last) {
        const auto found = find((*last)->offset);
        if (found && *found && (*found)->base_offset == (*last)->offset) {
            MR_TRY(const auto from, file());
            BatchScanner scanner(*from, (*found)->position_bytes, progress_.size_bytes,
                                 model::kBatchHeaderBytes);
            MR_TRY(const auto batch, scanner.next(BatchScanner::Depth::kHeader));
            if (batch && batch->max_timestamp() == (*last)->timestamp) {
                progress_.max_timestamp = (*last)->timestamp;
                progress_.max_timestamp_offset = (*last)->offset;
                progress_.indexed_timestamp = (*last)->timestamp;
                loaded_ = true;
                return {};
            }
        }
    }
    return rebuild_indexes();
}

Result<void> Segment::rebuild_indexes() {
    const std::uint64_t size = progress_.size_bytes;
    offsets_.file().clear();
    times_.file().clear();
    progress_ = {};
    loaded_ = true;
    MR_TRY(const auto from, file());
    BatchScanner scanner(*from, 0, size);
    while (true) {
        const std::uint64_t position = scanner.position_bytes();
        auto batch = scanner.next(BatchScanner::Depth::kHeader);
        if (!batch) {
            progress_.size_bytes = size;
            return fail(batch.error().with(fmt::format("segment {} at byte {}", base_, position)));
        }
        if (!*batch) break;
        note(**batch, index_interval_bytes_);
    }
    return sealed_ ? seal() : Result<void>();
}

Result<Timestamp> Segment::max_timestamp() {
    MR_TRY_VOID(load_from_indexes());
    return progress_.max_timestamp;
}

Result<std::uint64_t> Segment::start_of_time_search(Timestamp timestamp) {
    const auto entry = times_.find_before(timestamp);
    if (!entry) return fail(entry.error());
    if (!*entry) return 0;
    MR_TRY(const auto found, find((*entry)->offset));
    if (found && found->base_offset == (*entry)->offset) {
        MR_TRY(const auto from, file());
        BatchScanner scanner(*from, found->position_bytes, progress_.size_bytes,
                             model::kBatchHeaderBytes);
        MR_TRY(const auto batch, scanner.next(BatchScanner::Depth::kHeader));
        if (batch && batch->max_timestamp() == (*entry)->timestamp) return found->position_bytes;
    }
    // The entry does not tell the truth. From the start the search is slow but right.
    return 0;
}

Result<std::optional<Segment::Match>> Segment::find_timestamp(Timestamp timestamp, Offset from,
                                                              Offset to) {
    MR_TRY(std::uint64_t start, start_of_time_search(timestamp));
    if (from > base_) {
        MR_TRY(const auto found, find(from));
        if (!found) return std::nullopt;
        start = std::max(start, found->position_bytes);
    }
    MR_TRY(const auto log, file());
    BatchScanner scanner(*log, start, progress_.size_bytes, std::size_t{64} << 10);
    base::Bytes scratch;
    while (true) {
        const std::uint64_t position = scanner.position_bytes();
        MR_TRY(const auto header, scanner.next(BatchScanner::Depth::kHeader));
        if (!header || header->base_offset() >= to) return std::nullopt;
        if (header->control() || header->max_timestamp() < timestamp ||
            header->last_offset() < from) {
            continue;
        }
        BatchScanner again(*log, position, progress_.size_bytes, header->size_bytes());
        MR_TRY(const auto batch, again.next(BatchScanner::Depth::kWhole));
        MR_TRY(const auto payload, model::unpack(*batch, scratch));
        model::RecordIterator records(*batch, payload);
        model::RecordView record;
        while (true) {
            MR_TRY(const bool more, records.next(record));
            if (!more) break;
            if (record.timestamp >= timestamp && record.offset >= from && record.offset < to) {
                return Match{record.offset, record.timestamp, batch->leader_epoch()};
            }
        }
    }
}

Result<std::optional<Segment::Match>> Segment::find_latest(Offset from, Offset to) {
    MR_TRY(const Timestamp newest, max_timestamp());
    // No batch before the place where a search for `newest` begins has more than the batch there.
    MR_TRY(std::uint64_t start, start_of_time_search(newest));
    MR_TRY(const auto log, file());
    Timestamp best;
    bool skipped = false;
    for (const bool whole : {false, true}) {
        if (whole) start = 0;
        BatchScanner scanner(*log, start, progress_.size_bytes, std::size_t{64} << 10);
        while (true) {
            MR_TRY(const auto header, scanner.next(BatchScanner::Depth::kHeader));
            if (!header || header->base_offset() >= to) break;
            if (header->control() || header->last_offset() < from) continue;
            // Compaction leaves the time of records that are gone.
            skipped = skipped || header->record_count() == 0;
            if (header->record_count() > 0) best = std::max(best, header->max_timestamp());
        }
        // The start may lie outside what is asked for, or at what is gone: then all of the segment
        // counts.
        if ((best != model::kNoTimestamp && !skipped) || start == 0) break;
    }
    if (best == model::kNoTimestamp) return std::nullopt;
    return find_timestamp(best, from, to);
}

Result<void> Segment::flush_indexes() {
    MR_TRY_VOID(offsets_.file().flush());
    return times_.file().flush();
}

Result<void> Segment::seal() {
    sealed_ = true;
    MR_TRY_VOID(load_from_indexes());
    // The last entry must have the largest timestamp: retention and searches by time rely on it.
    if (progress_.max_timestamp > progress_.indexed_timestamp && progress_.max_timestamp.ms >= 0) {
        times_.note({progress_.max_timestamp, progress_.max_timestamp_offset});
        progress_.indexed_timestamp = progress_.max_timestamp;
    }
    MR_TRY_VOID(offsets_.file().finish());
    return times_.file().finish();
}

std::vector<std::shared_ptr<runtime::File>> Segment::index_files() const {
    std::vector<std::shared_ptr<runtime::File>> files;
    if (auto file = offsets_.file().handle()) files.push_back(std::move(file));
    if (auto file = times_.file().handle()) files.push_back(std::move(file));
    return files;
}

}  // namespace millrace::storage
