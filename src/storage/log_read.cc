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
    const Offset sight = log.sight(isolation);
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
        Offset bound = std::min(sight, log.segment_end(i));
        if (size > max_bytes) {
            if (first_bytes == 0) {
                MR_TRY(const auto found, segment.find(from));
                first_bytes = found ? found->size_bytes : size;
            }
            size = std::min(size, std::max(max_bytes, first_bytes));
            // Only readers of committed records want to know it closer.
            if (isolation == Isolation::kReadCommitted) {
                MR_TRY(const auto closer, segment.bound_at(begin + size));
                if (closer) bound = std::min(bound, *closer);
            }
        } else {
            log.last_end = {bound, segment.base(), end};
        }
        MR_TRY(auto file, segment.file());
        return Slice{std::move(file), begin, size, bound};
    }
    return Slice{};
}

std::vector<AbortedTransaction> Log::aborted_transactions(Offset from, Offset to) const {
    const Impl& log = *impl_;
    std::vector<AbortedTransaction> found;
    if (from >= to) return found;
    for (std::size_t i = log.segment_holding(from); i < log.segments.size(); ++i) {
        if (log.segments[i]->aborted().collect(from, to, found)) break;
    }
    return found;
}

Result<std::optional<Log::TimestampMatch>> Log::offset_at(Timestamp timestamp,
                                                          Isolation isolation) {
    Impl& log = *impl_;
    MR_TRY_VOID(log.usable());
    const Offset sight = log.sight(isolation);
    for (const auto& segment : log.segments) {
        if (segment->size_bytes() == 0) continue;
        if (segment->base() >= sight) break;
        MR_TRY(const Timestamp newest, segment->max_timestamp());
        if (newest < timestamp) continue;
        MR_TRY(const auto match, segment->find_timestamp(timestamp, log.log_start, sight));
        if (match) return TimestampMatch{match->offset, match->timestamp, match->leader_epoch};
    }
    return std::nullopt;
}

Result<std::optional<Log::TimestampMatch>> Log::latest_timestamp(Isolation isolation) {
    Impl& log = *impl_;
    MR_TRY_VOID(log.usable());
    const Offset sight = log.sight(isolation);
    std::optional<TimestampMatch> best;
    for (const auto& segment : log.segments) {
        if (segment->size_bytes() == 0 || segment->base() >= sight) continue;
        MR_TRY(const Timestamp newest, segment->max_timestamp());
        if (best && newest <= best->timestamp) continue;
        MR_TRY(const auto match, segment->find_latest(log.log_start, sight));
        if (match && (!best || match->timestamp > best->timestamp)) {
            best = TimestampMatch{match->offset, match->timestamp, match->leader_epoch};
        }
    }
    return best;
}

}  // namespace millrace::storage
