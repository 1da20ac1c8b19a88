#include "model/batch.h"

#include <algorithm>
#include <limits>

#include "base/crc32c.h"
#include "model/records.h"

namespace millrace::model {
namespace {

using base::Code;
using base::fail;
using base::Result;
namespace layout = batch_layout;

template <class Integer>
Integer load(std::span<const char> batch, std::size_t at) {
    return base::load_big_endian<Integer>(batch.data() + at);
}

}  // namespace

Result<RecordBatch> RecordBatch::parse(base::ByteView bytes) {
    MR_TRY(const RecordBatch header, parse_header(bytes));
    const std::size_t size = header.size_bytes();
    if (bytes.size() < size) {
        return fail(Code::kOutOfRange, "batch of {} bytes is cut off after {}", size, bytes.size());
    }
    return RecordBatch(bytes.substr(0, size));
}

Result<RecordBatch> RecordBatch::parse_header(base::ByteView bytes) {
    // The magic comes before the length is judged, so that old formats are named as such.
    if (bytes.size() > layout::kMagic) {
        const auto magic = static_cast<std::int8_t>(bytes[layout::kMagic]);
        if (magic == 0 || magic == 1) {
            return fail(Code::kUnsupported, "message format v{} is older than record batches (v2)",
                        magic);
        }
        if (magic != 2) return fail(Code::kCorrupt, "batch has magic {} instead of 2", magic);
    }
    if (bytes.size() >= kBatchPrefixBytes) {
        const auto length = base::load_big_endian<std::int32_t>(bytes.data() + layout::kLength);
        constexpr auto kLeast = static_cast<std::int32_t>(kBatchHeaderBytes - kBatchPrefixBytes);
        if (length < kLeast) return fail(Code::kCorrupt, "batch declares a length of {}", length);
    }
    if (bytes.size() < kBatchHeaderBytes) {
        return fail(Code::kOutOfRange, "{} bytes are too few for a batch", bytes.size());
    }
    const RecordBatch batch(bytes.substr(0, kBatchHeaderBytes));
    if ((batch.attributes() & layout::kCodecMask) > static_cast<int>(Codec::kZstd)) {
        return fail(Code::kCorrupt, "batch has unknown codec {}",
                    batch.attributes() & layout::kCodecMask);
    }
    if (batch.last_offset_delta() < 0 || batch.record_count() < 0) {
        return fail(Code::kCorrupt, "batch has {} records and a last offset delta of {}",
                    batch.record_count(), batch.last_offset_delta());
    }
    // Never more records than offsets; compaction may leave fewer, even none.
    if (batch.record_count() > 0 && batch.record_count() - 1 > batch.last_offset_delta()) {
        return fail(Code::kCorrupt, "batch has {} records but only {} offsets",
                    batch.record_count(), std::int64_t{batch.last_offset_delta()} + 1);
    }
    if (batch.base_offset() < Offset{0} ||
        batch.base_offset().value >
            std::numeric_limits<std::int64_t>::max() - batch.last_offset_delta() - 1) {
        return fail(Code::kCorrupt, "batch has base offset {}", batch.base_offset());
    }
    return batch;
}

std::int32_t RecordBatch::last_sequence() const {
    if (base_sequence() < 0) return -1;
    constexpr std::int64_t kSequences = std::int64_t{std::numeric_limits<std::int32_t>::max()} + 1;
    return static_cast<std::int32_t>((std::int64_t{base_sequence()} + last_offset_delta()) %
                                     kSequences);
}

Result<void> RecordBatch::check_crc() const {
    const std::uint32_t actual = base::crc32c(bytes_.substr(layout::kAttributes));
    if (actual != crc()) {
        return fail(Code::kCorrupt,
                    "batch at offset {} has checksum {:08x} but its bytes give {:08x}",
                    base_offset(), crc(), actual);
    }
    return {};
}

Result<RecordSummary> check_records(const RecordBatch& batch, const RecordRules& rules,
                                    base::Bytes& scratch) {
    if (batch.record_count() - 1 != batch.last_offset_delta()) {
        return fail(Code::kCorrupt, "batch declares {} records and a last offset delta of {}",
                    batch.record_count(), batch.last_offset_delta());
    }
    MR_TRY(const auto payload, unpack(batch, scratch, rules.max_unpacked_bytes));
    RecordSummary summary{.unpacked_bytes = payload.size()};
    RecordIterator records(batch, payload);
    RecordView record;
    Offset expected = batch.base_offset();
    while (true) {
        MR_TRY(const bool found, records.next(record));
        if (!found) return summary;
        if (record.offset != expected) {
            return fail(Code::kCorrupt, "record {} of the batch claims offset {}",
                        expected - batch.base_offset(), record.offset);
        }
        if (rules.require_keys && !record.key) {
            return fail(Code::kInvalidArgument,
                        "record {} has no key, which a compacted topic requires",
                        expected - batch.base_offset());
        }
        summary.max_timestamp = std::max(summary.max_timestamp, record.timestamp);
        expected = expected + 1;
    }
}

void stamp_position(std::span<char> batch, Offset base_offset, LeaderEpoch epoch) {
    base::store_big_endian(batch.data() + layout::kBaseOffset, base_offset.value);
    base::store_big_endian(batch.data() + layout::kLeaderEpoch, epoch.value);
}

void stamp_timestamps(std::span<char> batch, TimestampType type, Timestamp max_timestamp) {
    const auto attributes = load<std::int16_t>(batch, layout::kAttributes);
    auto stamped = static_cast<std::int16_t>(attributes & ~layout::kTimestampTypeBit);
    if (type == TimestampType::kLogAppendTime) {
        stamped = static_cast<std::int16_t>(stamped | layout::kTimestampTypeBit);
    }
    if (stamped == attributes &&
        load<std::int64_t>(batch, layout::kMaxTimestamp) == max_timestamp.ms) {
        return;
    }
    base::store_big_endian(batch.data() + layout::kAttributes, stamped);
    base::store_big_endian(batch.data() + layout::kMaxTimestamp, max_timestamp.ms);
    const base::ByteView whole(batch.data(), batch.size());
    base::store_big_endian(batch.data() + layout::kCrc,
                           base::crc32c(whole.substr(layout::kAttributes)));
}

}  // namespace millrace::model
