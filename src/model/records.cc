#include "model/records.h"

#include <algorithm>
#include <limits>

#include "base/varint.h"

namespace millrace::model {
namespace {

using base::Code;
using base::fail;
using base::read_zigzag_i32;
using base::read_zigzag_i64;
using base::Result;

std::unexpected<base::Error> bad_record(std::int64_t base_offset, std::string_view what) {
    return fail(Code::kCorrupt, "record in the batch at offset {}: {}", base_offset, what);
}

// A length of -1 means null. Returns nullptr when the field does not fit before `end`.
const char* read_field(const char* at, const char* end, const char*& data, std::int32_t& length) {
    at = read_zigzag_i32(at, end, length);
    if (at == nullptr || length < -1 || length > end - at) return nullptr;
    data = at;
    return length > 0 ? at + length : at;
}

std::optional<base::ByteView> as_optional(const char* data, std::int32_t length) {
    if (length < 0) return std::nullopt;
    return base::ByteView(data, static_cast<std::size_t>(length));
}

// Reads `count` headers; `visit` sees each. Returns the byte after them or nullptr.
template <class Visit>
const char* walk_headers(const char* at, const char* end, std::int32_t count, Visit visit) {
    for (std::int32_t i = 0; i < count; ++i) {
        const char* key = nullptr;
        const char* value = nullptr;
        std::int32_t key_bytes = 0;
        std::int32_t value_bytes = 0;
        at = read_field(at, end, key, key_bytes);
        if (at == nullptr || key_bytes < 0) return nullptr;
        at = read_field(at, end, value, value_bytes);
        if (at == nullptr) return nullptr;
        visit(HeaderView{{key, static_cast<std::size_t>(key_bytes)},
                         as_optional(value, value_bytes)});
    }
    return at;
}

// One record with raw field pointers: what the iterator and the column decoder share.
struct RawRecord {
    std::int64_t timestamp_delta = 0;
    std::int32_t offset_delta = 0;
    const char* key = nullptr;
    std::int32_t key_bytes = -1;
    const char* value = nullptr;
    std::int32_t value_bytes = -1;
    std::int32_t header_count = 0;
    const char* headers = nullptr;
    const char* end = nullptr;
};

// Returns what is wrong, or nullptr. The headers are not walked yet.
const char* read_raw(const char* at, const char* end, RawRecord& record) {
    std::int32_t length = 0;
    at = read_zigzag_i32(at, end, length);
    if (at == nullptr || length < 1 || length > end - at) return "it is longer than its batch";
    record.end = at + length;
    ++at;  // Attributes of a record: none are defined.
    at = read_zigzag_i64(at, record.end, record.timestamp_delta);
    if (at == nullptr) return "its timestamp is cut off";
    at = read_zigzag_i32(at, record.end, record.offset_delta);
    if (at == nullptr || record.offset_delta < 0) return "its offset is wrong";
    at = read_field(at, record.end, record.key, record.key_bytes);
    if (at == nullptr) return "its key does not fit";
    at = read_field(at, record.end, record.value, record.value_bytes);
    if (at == nullptr) return "its value does not fit";
    at = read_zigzag_i32(at, record.end, record.header_count);
    if (at == nullptr || record.header_count < 0) return "its header count is wrong";
    record.headers = at;
    if (record.header_count == 0 && at != record.end) return "bytes are left over after it";
    return nullptr;
}

template <class Visit>
bool headers_fit(const RawRecord& record, Visit visit) {
    return walk_headers(record.headers, record.end, record.header_count, visit) == record.end;
}

std::int64_t add_wrapping(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

}  // namespace

Result<base::ByteView> unpack(const RecordBatch& batch, base::Bytes& scratch,
                              std::size_t max_bytes) {
    if (batch.codec() == Codec::kNone) return batch.payload();
    if (auto done = decompress(batch.codec(), batch.payload(), scratch, max_bytes); !done) {
        return fail(
            done.error().with(fmt::format("unpack the batch at offset {}", batch.base_offset())));
    }
    return base::ByteView(scratch);
}

RecordIterator::RecordIterator(const RecordBatch& batch, base::ByteView payload)
    : at_(payload.data()),
      end_(payload.data() + payload.size()),
      left_(batch.record_count()),
      base_offset_(batch.base_offset().value),
      base_timestamp_ms_(batch.base_timestamp().ms),
      fixed_timestamp_ms_(batch.max_timestamp().ms),
      log_append_time_(batch.timestamp_type() == TimestampType::kLogAppendTime) {}

Result<bool> RecordIterator::next(RecordView& record) {
    if (left_ == 0) {
        if (at_ != end_) return bad_record(base_offset_, "more bytes than records");
        return false;
    }
    RawRecord raw;
    if (const char* wrong = read_raw(at_, end_, raw); wrong != nullptr) {
        return bad_record(base_offset_, wrong);
    }
    if (raw.header_count > 0 && !headers_fit(raw, [](const HeaderView&) {})) {
        return bad_record(base_offset_, "its headers do not fit");
    }
    record.offset = {base_offset_ + raw.offset_delta};
    record.timestamp = {log_append_time_ ? fixed_timestamp_ms_
                                         : add_wrapping(base_timestamp_ms_, raw.timestamp_delta)};
    record.key = as_optional(raw.key, raw.key_bytes);
    record.value = as_optional(raw.value, raw.value_bytes);
    record.header_count = raw.header_count;
    record.headers = {raw.headers, static_cast<std::size_t>(raw.end - raw.headers)};
    at_ = raw.end;
    --left_;
    return true;
}

std::vector<HeaderView> decode_headers(const RecordView& record) {
    std::vector<HeaderView> headers;
    walk_headers(record.headers.data(), record.headers.data() + record.headers.size(),
                 record.header_count, [&](const HeaderView& header) { headers.push_back(header); });
    return headers;
}

namespace {

// Writes rows into columns that were made large enough for the whole batch, and on finish() cuts
// them to the rows that came; unless finished, the columns return to what they were.
class ColumnWriter {
public:
    ColumnWriter(RecordColumns& columns, std::size_t most_rows, std::size_t most_bytes)
        : columns_(columns),
          rows_before_(columns.rows()),
          key_bytes_before_(columns.keys.size()),
          value_bytes_before_(columns.values.size()),
          headers_before_(columns.headers.size()),
          row_(rows_before_) {
        resize_rows(rows_before_ + most_rows);
        grow(columns_.keys, most_bytes);
        grow(columns_.values, most_bytes);
        key_at_ = columns_.keys.data() + key_bytes_before_;
        value_at_ = columns_.values.data() + value_bytes_before_;
    }
    ColumnWriter(const ColumnWriter&) = delete;
    ColumnWriter& operator=(const ColumnWriter&) = delete;
    ~ColumnWriter() {
        if (finished_) return;
        resize_rows(rows_before_);
        columns_.keys.resize(key_bytes_before_);
        columns_.values.resize(value_bytes_before_);
        columns_.headers.resize(headers_before_);
    }

    void add(std::int64_t offset, std::int64_t timestamp_ms, std::int8_t type,
             const RawRecord& raw) {
        columns_.offsets[row_] = offset;
        columns_.timestamps_ms[row_] = timestamp_ms;
        columns_.timestamp_types[row_] = type;
        columns_.key_null[row_] = raw.key_bytes < 0;
        columns_.value_null[row_] = raw.value_bytes < 0;
        if (raw.key_bytes > 0) key_at_ = copy(key_at_, raw.key, raw.key_bytes);
        if (raw.value_bytes > 0) value_at_ = copy(value_at_, raw.value, raw.value_bytes);
        ++row_;
        columns_.key_offsets[row_] = static_cast<std::uint64_t>(key_at_ - columns_.keys.data());
        columns_.value_offsets[row_] =
            static_cast<std::uint64_t>(value_at_ - columns_.values.data());
    }

    void finish() {
        resize_rows(row_);
        columns_.keys.resize(static_cast<std::size_t>(key_at_ - columns_.keys.data()));
        columns_.values.resize(static_cast<std::size_t>(value_at_ - columns_.values.data()));
        finished_ = true;
    }

private:
    static char* copy(char* to, const char* from, std::int32_t length) {
        std::memcpy(to, from, static_cast<std::size_t>(length));
        return to + length;
    }
    // Grows without filling: most of the room is overwritten at once, the rest is cut off again.
    static void grow(base::Bytes& bytes, std::size_t by) {
        const std::size_t size = bytes.size() + by;
        if (size > bytes.capacity()) bytes.reserve(std::max(size, 2 * bytes.capacity()));
        bytes.resize_and_overwrite(size, [=](char*, std::size_t) { return size; });
    }
    void resize_rows(std::size_t rows) {
        columns_.offsets.resize(rows);
        columns_.timestamps_ms.resize(rows);
        columns_.timestamp_types.resize(rows);
        columns_.key_null.resize(rows);
        columns_.value_null.resize(rows);
        columns_.key_offsets.resize(rows + 1);
        columns_.value_offsets.resize(rows + 1);
    }

    RecordColumns& columns_;
    const std::size_t rows_before_;
    const std::size_t key_bytes_before_;
    const std::size_t value_bytes_before_;
    const std::size_t headers_before_;
    std::size_t row_;
    char* key_at_ = nullptr;
    char* value_at_ = nullptr;
    bool finished_ = false;
};

// The shortest record: a length byte and six fields of one byte.
constexpr std::size_t kLeastRecordBytes = 7;

}  // namespace

Result<void> decode_into(const RecordBatch& batch, const DecodeRange& range, base::Bytes& scratch,
                         RecordColumns& columns) {
    if (batch.control() || batch.last_offset() < range.from || batch.base_offset() >= range.to) {
        return {};
    }
    MR_TRY(const auto payload, unpack(batch, scratch));
    const auto count = static_cast<std::size_t>(batch.record_count());
    if (count > payload.size() / kLeastRecordBytes) {
        return bad_record(batch.base_offset().value, "more records declared than fit");
    }
    ColumnWriter writer(columns, count, payload.size());

    const std::int64_t base_offset = batch.base_offset().value;
    const std::int64_t base_timestamp_ms = batch.base_timestamp().ms;
    const std::int64_t batch_timestamp_ms = batch.max_timestamp().ms;
    const auto type = static_cast<std::int8_t>(batch.timestamp_type());
    const char* at = payload.data();
    const char* const end = at + payload.size();
    RawRecord raw;
    for (std::size_t i = 0; i < count; ++i) {
        if (const char* wrong = read_raw(at, end, raw); wrong != nullptr) {
            return bad_record(base_offset, wrong);
        }
        at = raw.end;
        const std::int64_t offset = base_offset + raw.offset_delta;
        const bool wanted = offset >= range.from.value && offset < range.to.value;
        std::vector<Header> headers;
        if (raw.header_count > 0) {
            const bool keep = wanted && range.headers;
            const bool fit = headers_fit(raw, [&](const HeaderView& header) {
                if (keep) headers.push_back({std::string(header.key), std::nullopt});
                if (keep && header.value) headers.back().value.emplace(*header.value);
            });
            if (!fit) return bad_record(base_offset, "its headers do not fit");
        }
        if (!wanted) continue;
        writer.add(
            offset,
            type == 0 ? add_wrapping(base_timestamp_ms, raw.timestamp_delta) : batch_timestamp_ms,
            type, raw);
        if (range.headers) columns.headers.push_back(std::move(headers));
    }
    if (at != end) return bad_record(base_offset, "more bytes than records");
    writer.finish();
    return {};
}

}  // namespace millrace::model
