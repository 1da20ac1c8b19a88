#include "model/end_marker.h"

#include "model/batch_builder.h"
#include "model/records.h"

namespace millrace::model {
namespace {

constexpr std::int16_t kVersion = 0;
constexpr std::int16_t kAbort = 0;
constexpr std::int16_t kCommit = 1;

}  // namespace

base::Bytes build_end_marker(Producer producer, const EndMarker& marker, Timestamp timestamp) {
    base::Bytes key;
    base::append_big_endian(key, kVersion);
    base::append_big_endian(key, marker.commit ? kCommit : kAbort);
    base::Bytes value;
    base::append_big_endian(value, kVersion);
    base::append_big_endian(value, marker.coordinator_epoch);
    BatchBuilder builder({.producer = producer, .transactional = true, .control = true});
    builder.add(timestamp, base::ByteView(key), base::ByteView(value));
    return builder.build();
}

std::optional<EndMarker> parse_end_marker(const RecordBatch& batch) {
    if (!batch.control() || batch.record_count() < 1) return std::nullopt;
    base::Bytes scratch;
    const auto payload = unpack(batch, scratch);
    if (!payload) return std::nullopt;
    RecordIterator records(batch, *payload);
    RecordView record;
    const auto found = records.next(record);
    if (!found || !*found) return std::nullopt;
    if (!record.key || record.key->size() < 4 || !record.value || record.value->size() < 6) {
        return std::nullopt;
    }
    const auto type = base::load_big_endian<std::int16_t>(record.key->data() + 2);
    if (type != kAbort && type != kCommit) return std::nullopt;
    return EndMarker{type == kCommit,
                     base::load_big_endian<std::int32_t>(record.value->data() + 2)};
}

}  // namespace millrace::model
