// RecordBatch: a checked view over one record batch v2, the same bytes on disk and on the wire.
//
// Format: docs/formats/record_batch.md. parse() has checked that the header and the whole batch lie
// inside the bytes, so accessors need no checks; check_crc() and check_records() go deeper. The
// view borrows: the bytes must outlive it. Stamping changes the bytes in place. Not thread-safe
// when stamped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/error.h"
#include "model/codec.h"
#include "model/types.h"

namespace millrace::model {

// Byte positions in a batch. Integers are big-endian.
namespace batch_layout {
inline constexpr std::size_t kBaseOffset = 0;
inline constexpr std::size_t kLength = 8;  // Bytes after this field.
inline constexpr std::size_t kLeaderEpoch = 12;
inline constexpr std::size_t kMagic = 16;
inline constexpr std::size_t kCrc = 17;  // CRC-32C of everything after it.
inline constexpr std::size_t kAttributes = 21;
inline constexpr std::size_t kLastOffsetDelta = 23;
inline constexpr std::size_t kBaseTimestamp = 27;
inline constexpr std::size_t kMaxTimestamp = 35;
inline constexpr std::size_t kProducerId = 43;
inline constexpr std::size_t kProducerEpoch = 51;
inline constexpr std::size_t kBaseSequence = 53;
inline constexpr std::size_t kCount = 57;
inline constexpr std::size_t kRecords = 61;

inline constexpr std::int16_t kCodecMask = 0x07;
inline constexpr std::int16_t kTimestampTypeBit = 0x08;
inline constexpr std::int16_t kTransactionalBit = 0x10;
inline constexpr std::int16_t kControlBit = 0x20;
inline constexpr std::int16_t kDeleteHorizonBit = 0x40;
}  // namespace batch_layout

inline constexpr std::size_t kBatchHeaderBytes = batch_layout::kRecords;
// Base offset and length: what precedes the bytes that the length counts.
inline constexpr std::size_t kBatchPrefixBytes = 12;

class RecordBatch {
public:
    // The batch at the front of `bytes`, which may go on after it. kOutOfRange when the bytes end
    // before the batch does; kUnsupported for the message formats before v2; kCorrupt otherwise.
    static base::Result<RecordBatch> parse(base::ByteView bytes);
    // The same checks where only the header is at hand: bytes() is the header, payload() is empty,
    // and check_crc() must not be called.
    static base::Result<RecordBatch> parse_header(base::ByteView bytes);

    base::ByteView bytes() const { return bytes_; }
    // Of the whole batch.
    std::size_t size_bytes() const {
        return kBatchPrefixBytes +
               static_cast<std::size_t>(get<std::int32_t>(batch_layout::kLength));
    }

    Offset base_offset() const { return {get<std::int64_t>(batch_layout::kBaseOffset)}; }
    Offset last_offset() const { return base_offset() + last_offset_delta(); }
    Offset next_offset() const { return last_offset() + 1; }
    std::int32_t last_offset_delta() const {
        return get<std::int32_t>(batch_layout::kLastOffsetDelta);
    }
    LeaderEpoch leader_epoch() const { return {get<std::int32_t>(batch_layout::kLeaderEpoch)}; }
    std::uint32_t crc() const { return get<std::uint32_t>(batch_layout::kCrc); }
    std::int16_t attributes() const { return get<std::int16_t>(batch_layout::kAttributes); }
    Codec codec() const { return static_cast<Codec>(attributes() & batch_layout::kCodecMask); }
    TimestampType timestamp_type() const {
        return (attributes() & batch_layout::kTimestampTypeBit) != 0 ? TimestampType::kLogAppendTime
                                                                     : TimestampType::kCreateTime;
    }
    bool transactional() const { return (attributes() & batch_layout::kTransactionalBit) != 0; }
    bool control() const { return (attributes() & batch_layout::kControlBit) != 0; }
    bool has_delete_horizon() const {
        return (attributes() & batch_layout::kDeleteHorizonBit) != 0;
    }
    Timestamp base_timestamp() const { return {get<std::int64_t>(batch_layout::kBaseTimestamp)}; }
    Timestamp max_timestamp() const { return {get<std::int64_t>(batch_layout::kMaxTimestamp)}; }
    Producer producer() const {
        return {get<std::int64_t>(batch_layout::kProducerId),
                get<std::int16_t>(batch_layout::kProducerEpoch)};
    }
    std::int32_t base_sequence() const { return get<std::int32_t>(batch_layout::kBaseSequence); }
    // Wraps from the largest int32 to 0, as Kafka's producers count.
    std::int32_t last_sequence() const;
    std::int32_t record_count() const { return get<std::int32_t>(batch_layout::kCount); }
    // The records as they lie in the batch: compressed unless codec() is kNone.
    base::ByteView payload() const { return bytes_.substr(batch_layout::kRecords); }

    // kCorrupt when the checksum does not match the bytes.
    base::Result<void> check_crc() const;

private:
    explicit RecordBatch(base::ByteView bytes) : bytes_(bytes) {}
    template <class Integer>
    Integer get(std::size_t at) const {
        return base::load_big_endian<Integer>(bytes_.data() + at);
    }
    base::ByteView bytes_;
};

// What a producer's batch must satisfy beyond its checksum, and what a look at its records gave.
struct RecordRules {
    bool require_keys = false;  // Compacted topics.
    std::size_t max_unpacked_bytes = kMaxUnpackedBytes;
};
struct RecordSummary {
    Timestamp max_timestamp;  // The largest of the records, whatever the header says.
    std::size_t unpacked_bytes = 0;
};

// Unpacks and walks the records: as many as declared, offsets 0, 1, 2 …, nothing left over.
// kCorrupt when the bytes are not that; kInvalidArgument when a key is missing where it is
// required. `scratch` receives the unpacked bytes and may be reused from call to call.
base::Result<RecordSummary> check_records(const RecordBatch& batch, const RecordRules& rules,
                                          base::Bytes& scratch);

// Sets where the batch lies in its log. The checksum does not cover these fields.
void stamp_position(std::span<char> batch, Offset base_offset, LeaderEpoch epoch);
// Sets the timestamp type and the largest timestamp, and a new checksum when either changed.
void stamp_timestamps(std::span<char> batch, TimestampType type, Timestamp max_timestamp);

}  // namespace millrace::model
