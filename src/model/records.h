// Records inside a batch: one at a time, or straight into columns.
//
// Both borrow the unpacked payload (unpack() gives it for any codec). Every length is checked
// against the bytes left before it is used.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "model/batch.h"
#include "model/types.h"

namespace millrace::model {

struct Header {
    std::string key;
    std::optional<base::Bytes> value;
    bool operator==(const Header&) const = default;
};

struct HeaderView {
    base::ByteView key;
    std::optional<base::ByteView> value;
};

struct RecordView {
    Offset offset;
    Timestamp timestamp;  // LogAppendTime batches give the batch's time to every record.
    std::optional<base::ByteView> key;
    std::optional<base::ByteView> value;
    std::int32_t header_count = 0;
    base::ByteView headers;  // Checked; decode_headers() reads them.
};

// The unpacked records of `batch`: its own bytes when it is not compressed, else `scratch`, which
// then must outlive the result.
base::Result<base::ByteView> unpack(const RecordBatch& batch, base::Bytes& scratch,
                                    std::size_t max_bytes = kMaxUnpackedBytes);

class RecordIterator {
public:
    // `payload` is what unpack() gave for `batch`.
    RecordIterator(const RecordBatch& batch, base::ByteView payload);

    // The next record into `record`; false after the last one. kCorrupt when the bytes are no
    // record or do not end with the last one.
    base::Result<bool> next(RecordView& record);
    // Where in the payload the next record begins: what lies between two calls is the record as it
    // is encoded.
    const char* position() const { return at_; }

private:
    const char* at_;
    const char* end_;
    std::int32_t left_;
    std::int64_t base_offset_;
    std::int64_t base_timestamp_ms_;
    std::int64_t fixed_timestamp_ms_;  // Of LogAppendTime batches.
    bool log_append_time_;
};

// Headers of a record whose iteration succeeded.
std::vector<HeaderView> decode_headers(const RecordView& record);

// Records of one partition as columns: what the engine scans. Row i has key
// [key_offsets[i], key_offsets[i+1]) of `keys` unless key_null[i]; the same for values. Control
// records and records of aborted transactions are left out.
struct RecordColumns {
    std::vector<std::int64_t> offsets;
    std::vector<std::int64_t> timestamps_ms;
    std::vector<std::int8_t> timestamp_types;  // 0 CreateTime, 1 LogAppendTime
    base::Bytes keys;
    std::vector<std::uint64_t> key_offsets{0};
    std::vector<std::uint8_t> key_null;
    base::Bytes values;
    std::vector<std::uint64_t> value_offsets{0};
    std::vector<std::uint8_t> value_null;
    // Filled only when asked for; one entry a row.
    std::vector<std::vector<Header>> headers;

    std::size_t rows() const { return offsets.size(); }
};

struct DecodeRange {
    Offset from;  // Records before it are left out: a batch may begin before what was asked.
    Offset to;    // So are those at or after it.
    bool headers = false;
};

// Appends the records of `batch` in `range` to `columns`. Control batches add nothing. After an
// error the columns are as before. `scratch` is for unpacking and may be reused from call to call.
base::Result<void> decode_into(const RecordBatch& batch, const DecodeRange& range,
                               base::Bytes& scratch, RecordColumns& columns);

}  // namespace millrace::model
