#include "model/batch_builder.h"

#include <algorithm>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/varint.h"

namespace millrace::model {
namespace {

std::size_t field_bytes(const std::optional<base::ByteView>& field) {
    if (!field) return 1;
    return base::varint_bytes(base::zigzag(static_cast<std::int64_t>(field->size()))) +
           field->size();
}

void append_field(base::Bytes& to, const std::optional<base::ByteView>& field) {
    base::append_zigzag(to, field ? static_cast<std::int64_t>(field->size()) : -1);
    if (field) to.append(*field);
}

std::optional<base::ByteView> view_of(const std::optional<base::Bytes>& bytes) {
    if (!bytes) return std::nullopt;
    return base::ByteView(*bytes);
}

}  // namespace

void BatchBuilder::add(Timestamp timestamp, std::optional<base::ByteView> key,
                       std::optional<base::ByteView> value, std::span<const Header> headers) {
    if (count_ == 0) {
        base_timestamp_ = timestamp;
        max_timestamp_ = timestamp;
    }
    max_timestamp_ = std::max(max_timestamp_, timestamp);
    const auto timestamp_delta = static_cast<std::int64_t>(
        static_cast<std::uint64_t>(timestamp.ms) - static_cast<std::uint64_t>(base_timestamp_.ms));

    const auto header_count = base::zigzag(static_cast<std::int64_t>(headers.size()));
    std::size_t length = 1 + base::varint_bytes(base::zigzag(timestamp_delta)) +
                         base::varint_bytes(base::zigzag(count_)) + field_bytes(key) +
                         field_bytes(value) + base::varint_bytes(header_count);
    for (const Header& header : headers) {
        length += field_bytes(base::ByteView(header.key)) + field_bytes(view_of(header.value));
    }

    base::append_zigzag(records_, static_cast<std::int64_t>(length));
    records_.push_back('\0');
    base::append_zigzag(records_, timestamp_delta);
    base::append_zigzag(records_, count_);
    append_field(records_, key);
    append_field(records_, value);
    base::append_varint(records_, header_count);
    for (const Header& header : headers) {
        append_field(records_, base::ByteView(header.key));
        append_field(records_, view_of(header.value));
    }
    ++count_;
}

base::Bytes BatchBuilder::build() {
    MR_CHECK(count_ > 0);
    namespace layout = batch_layout;
    base::Bytes batch(kBatchHeaderBytes, '\0');
    if (options_.codec == Codec::kNone) {
        batch += records_;
    } else {
        compress(options_.codec, records_, batch);
    }
    auto attributes = static_cast<std::int16_t>(options_.codec);
    if (options_.timestamp_type == TimestampType::kLogAppendTime) {
        attributes |= layout::kTimestampTypeBit;
    }
    if (options_.transactional) attributes |= layout::kTransactionalBit;
    if (options_.control) attributes |= layout::kControlBit;

    char* const to = batch.data();
    base::store_big_endian(to + layout::kLength,
                           static_cast<std::int32_t>(batch.size() - kBatchPrefixBytes));
    base::store_big_endian(to + layout::kLeaderEpoch, std::int32_t{-1});
    to[layout::kMagic] = 2;
    base::store_big_endian(to + layout::kAttributes, attributes);
    base::store_big_endian(to + layout::kLastOffsetDelta, count_ - 1);
    base::store_big_endian(to + layout::kBaseTimestamp, base_timestamp_.ms);
    base::store_big_endian(to + layout::kMaxTimestamp, max_timestamp_.ms);
    base::store_big_endian(to + layout::kProducerId, options_.producer.id);
    base::store_big_endian(to + layout::kProducerEpoch, options_.producer.epoch);
    base::store_big_endian(to + layout::kBaseSequence, options_.base_sequence);
    base::store_big_endian(to + layout::kCount, count_);
    base::store_big_endian(to + layout::kCrc,
                           base::crc32c(base::ByteView(batch).substr(layout::kAttributes)));

    records_.clear();
    count_ = 0;
    return batch;
}

}  // namespace millrace::model
