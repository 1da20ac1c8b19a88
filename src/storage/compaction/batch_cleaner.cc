#include "storage/compaction/batch_cleaner.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/varint.h"

namespace millrace::storage {

using base::Code;
using base::fail;
using base::Result;
using model::RecordBatch;
namespace layout = model::batch_layout;

namespace {

std::int64_t subtract_wrapping(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

// Fills in what a changed header needs: the length and the checksum.
void seal(base::Bytes& bytes, std::size_t start) {
    char* const header = bytes.data() + start;
    const std::size_t size = bytes.size() - start;
    base::store_big_endian(header + layout::kLength,
                           static_cast<std::int32_t>(size - model::kBatchPrefixBytes));
    base::store_big_endian(header + layout::kCrc,
                           base::crc32c(base::ByteView(bytes).substr(start + layout::kAttributes)));
}

void append_empty(const RecordBatch& batch, base::Bytes& into) {
    const std::size_t start = into.size();
    into.append(batch.bytes().substr(0, model::kBatchHeaderBytes));
    char* const header = into.data() + start;
    constexpr std::int16_t kKept =
        layout::kTimestampTypeBit | layout::kTransactionalBit | layout::kControlBit;
    base::store_big_endian(header + layout::kAttributes,
                           static_cast<std::int16_t>(batch.attributes() & kKept));
    base::store_big_endian(header + layout::kBaseTimestamp, std::int64_t{-1});
    base::store_big_endian(header + layout::kCount, std::int32_t{0});
    seal(into, start);
}

struct Kept {
    base::ByteView records;  // Encoded for `base_timestamp`.
    std::int32_t count = 0;
    model::Timestamp max_timestamp;
    model::Timestamp base_timestamp;
    bool has_horizon = false;
};

void append_changed(const RecordBatch& batch, const Kept& kept, base::Bytes& into) {
    const std::size_t start = into.size();
    into.append(batch.bytes().substr(0, model::kBatchHeaderBytes));
    if (batch.codec() == model::Codec::kNone) {
        into.append(kept.records);
    } else {
        model::compress(batch.codec(), kept.records, into);
    }
    char* const header = into.data() + start;
    const auto attributes = static_cast<std::int16_t>(
        kept.has_horizon ? batch.attributes() | layout::kDeleteHorizonBit : batch.attributes());
    base::store_big_endian(header + layout::kAttributes, attributes);
    base::store_big_endian(header + layout::kBaseTimestamp, kept.base_timestamp.ms);
    if (batch.timestamp_type() == model::TimestampType::kCreateTime) {
        base::store_big_endian(header + layout::kMaxTimestamp, kept.max_timestamp.ms);
    }
    base::store_big_endian(header + layout::kCount, kept.count);
    seal(into, start);
}

// The records in `encoded`, whose times count from `from`, once more with times that count from
// `to`. They were read before, so they are well formed.
base::Bytes move_base_timestamp(base::ByteView encoded, std::int64_t from, std::int64_t to) {
    base::Bytes moved;
    moved.reserve(encoded.size() + encoded.size() / 8);
    const char* at = encoded.data();
    const char* const end = at + encoded.size();
    while (at != end) {
        std::int32_t length = 0;
        at = base::read_zigzag_i32(at, end, length);
        MR_CHECK(at != nullptr && length > 0 && length <= end - at);
        const char* const record_end = at + length;
        const char attributes = *at++;
        std::int64_t delta = 0;
        at = base::read_zigzag_i64(at, record_end, delta);
        MR_CHECK(at != nullptr);
        const auto shifted = subtract_wrapping(delta, subtract_wrapping(to, from));
        const auto rest = static_cast<std::size_t>(record_end - at);
        const std::size_t size = 1 + base::varint_bytes(base::zigzag(shifted)) + rest;
        base::append_zigzag(moved, static_cast<std::int64_t>(size));
        moved.push_back(attributes);
        base::append_zigzag(moved, shifted);
        moved.append(at, rest);
        at = record_end;
    }
    return moved;
}

}  // namespace

bool BatchCleaner::keep(const RecordBatch& batch, const model::RecordView& record) {
    if (record.offset >= rules_.map_end) return true;  // Nothing is known of it yet.
    if (!record.key) {
        ++counts_.without_key;
        return false;
    }
    const auto latest = map_.find(*record.key);
    if (latest && record.offset < *latest) return false;
    return record.value || !batch.has_delete_horizon() || rules_.now_ms < batch.base_timestamp().ms;
}

bool BatchCleaner::keep_when_empty(const RecordBatch& batch) const {
    if (batch.next_offset() == rules_.round_end) return true;
    const auto live = live_.find(batch.producer().id);
    if (batch.producer().id < 0 || live == live_.end()) return false;
    if (live->second.last_data_offset) {
        return batch.last_offset() == *live->second.last_data_offset;
    }
    return batch.control() && batch.producer().epoch == live->second.epoch;
}

Result<void> BatchCleaner::clean(const RecordBatch& batch, base::Bytes& into) {
    MR_TRY_VOID(batch.check_crc());
    counts_.records_read += static_cast<std::uint64_t>(batch.record_count());
    bool discard = false;
    bool spent_marker = false;
    if (batch.control()) {
        MR_TRY(spent_marker, transactions_.is_spent_marker(batch));
        discard = spent_marker && batch.has_delete_horizon() &&
                  batch.base_timestamp().ms <= rules_.now_ms;
    } else {
        discard = transactions_.is_aborted(batch);
    }

    Kept kept{.max_timestamp = {std::numeric_limits<std::int64_t>::min()},
              .base_timestamp = batch.base_timestamp(),
              .has_horizon = batch.has_delete_horizon()};
    bool has_tombstones = false;
    if (!discard && batch.record_count() > 0) {
        MR_TRY(const auto payload, model::unpack(batch, unpacked_));
        kept_.clear();
        model::RecordIterator records(batch, payload);
        model::RecordView record;
        while (true) {
            const char* const start = records.position();
            MR_TRY(const bool found, records.next(record));
            if (!found) break;
            if (!batch.control() && !keep(batch, record)) continue;
            has_tombstones = has_tombstones || (!record.value && !batch.control());
            kept.max_timestamp = std::max(kept.max_timestamp, record.timestamp);
            kept_.append(start, static_cast<std::size_t>(records.position() - start));
            ++kept.count;
        }
        kept.records = kept_;
    }
    counts_.records_kept += static_cast<std::uint64_t>(kept.count);
    if (kept.count == 0) {
        if (keep_when_empty(batch)) append_empty(batch, into);
        return {};
    }

    // The first round that sees a tombstone, or a marker without data, sets when it may go.
    const bool needs_horizon = (has_tombstones || spent_marker) && !batch.has_delete_horizon();
    if (!needs_horizon) {
        if (kept.count == batch.record_count()) {
            into.append(batch.bytes());
        } else {
            append_changed(batch, kept, into);
        }
        return {};
    }
    const std::int64_t left = std::numeric_limits<std::int64_t>::max() - rules_.now_ms;
    const std::int64_t horizon_ms = rules_.now_ms + std::min(rules_.delete_retention_ms, left);
    const base::Bytes moved =
        move_base_timestamp(kept.records, batch.base_timestamp().ms, horizon_ms);
    kept.records = moved;
    kept.base_timestamp = {horizon_ms};
    kept.has_horizon = true;
    append_changed(batch, kept, into);
    return {};
}

}  // namespace millrace::storage
