// Reading a log: by offset and by time.
#include <algorithm>

#include "runtime/disk.h"
#include "storage/log_internal.h"

namespace millrace::storage {

using base::Code;
using base::fail;
using base::Result;
using model::Offset;
using model::Timestamp;

Result<Slice> Log::read(Offset from, std::size_t max_bytes, Isolation isolation) {
    Impl& log = *impl_;
    MR_TRY_VOID(log.usable());
    if (from < log.log_start || from > log.log_end) {
        return fail(Code::kOutOfRange, "offset {} of {} is outside [{}, {}]", from, log.name,
                    log.log_start, log.log_end);
    }
    const Offset sight =
        isolation == Isolation::kReadCommitted ? offsets().last_stable : log.high_watermark;
    // Compaction may leave segments without a record at or after `from`: then the next one is
    // asked.
    for (std::size_t i = log.segment_holding(from); i < log.segments.size() && from < sight; ++i) {
        Segment& segment = *log.segments[i];
        if (segment.size_bytes() == 0) continue;
        std::uint64_t begin = 0;
        std::size_t first_bytes = 0;
        const bool goes_on =
            log.last_end.offset == from && log.last_end.segment_base == segment.base();
        if (goes_on && log.last_end.position_bytes < segment.size_bytes()) {
            begin = log.last_end.position_bytes;
        } else {
            MR_TRY(const auto found, segment.find(from));
            if (!found) continue;
            if (found->base_offset >= sight) break;
            begin = found->position_bytes;
            first_bytes = found->size_bytes;
        }
        std::uint64_t end = segment.size_bytes();
        if (log.segment_end(i) > sight) {
            MR_TRY(const auto beyond, segment.find(sight));
            if (beyond) end = beyond->position_bytes;
        }
        if (end <= begin) break;
        std::size_t size = static_cast<std::size_t>(end - begin);
        if (size > max_bytes) {
            if (first_bytes == 0) {
                MR_TRY(const auto found, segment.find(from));
                first_bytes = found ? found->size_bytes : size;
            }
            size = std::min(size, std::max(max_bytes, first_bytes));
        } else {
            log.last_end = {std::min(sight, log.segment_end(i)), segment.base(), end};
        }
        MR_TRY(auto file, segment.file());
        return Slice{std::move(file), begin, size};
    }
    return Slice{};
}

Result<std::optional<Log::TimestampMatch>> Log::offset_at(Timestamp timestamp) {
    Impl& log = *impl_;
    MR_TRY_VOID(log.usable());
    for (const auto& segment : log.segments) {
        if (segment->size_bytes() == 0) continue;
        if (segment->base() >= log.high_watermark) break;
        MR_TRY(const Timestamp newest, segment->max_timestamp());
        if (newest < timestamp) continue;
        MR_TRY(const auto match,
               segment->find_timestamp(timestamp, log.log_start, log.high_watermark));
        if (match) return TimestampMatch{match->offset, match->timestamp, match->leader_epoch};
    }
    return std::nullopt;
}

Result<std::optional<Log::TimestampMatch>> Log::latest_timestamp() {
    Impl& log = *impl_;
    MR_TRY_VOID(log.usable());
    std::optional<TimestampMatch> best;
    for (const auto& segment : log.segments) {
        if (segment->size_bytes() == 0 || segment->base() >= log.high_watermark) continue;
        MR_TRY(const Timestamp newest, segment->max_timestamp());
        if (best && newest <= best->timestamp) continue;
        MR_TRY(const auto match, segment->find_latest(log.log_start, log.high_watermark));
        if (match && (!best || match->timestamp > best->timestamp)) {
            best = TimestampMatch{match->offset, match->timestamp, match->leader_epoch};
        }
    }
    return best;
}

}  // namespace millrace::storage
