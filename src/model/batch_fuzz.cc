// Any bytes as a record batch: whatever passes parse() can be walked without reading outside, and
// the iterator and the columns agree on what is in it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "base/check.h"
#include "model/batch.h"
#include "model/records.h"

using namespace millrace;

namespace {

void look_at(base::ByteView bytes) {
    constexpr std::size_t kCapBytes = std::size_t{1} << 20;
    const auto batch = model::RecordBatch::parse(bytes);
    if (!batch) return;
    MR_CHECK(batch->size_bytes() <= bytes.size());
    static_cast<void>(batch->check_crc());
    base::Bytes scratch;
    static_cast<void>(model::check_records(*batch, {.max_unpacked_bytes = kCapBytes}, scratch));

    const auto payload = model::unpack(*batch, scratch, kCapBytes);
    if (!payload) return;
    MR_CHECK(payload->size() <= std::max(kCapBytes, bytes.size()));
    std::size_t rows = 0;
    std::size_t value_bytes = 0;
    bool whole = false;
    model::RecordIterator records(*batch, *payload);
    model::RecordView record;
    while (true) {
        const auto found = records.next(record);
        if (!found) break;
        whole = !*found;
        if (whole) break;
        if (record.value) value_bytes += record.value->size();
        MR_CHECK(model::decode_headers(record).size() ==
                 static_cast<std::size_t>(record.header_count));
        ++rows;
    }
    model::RecordColumns columns;
    base::Bytes other;
    const auto decoded = model::decode_into(
        *batch, {{0}, {std::numeric_limits<std::int64_t>::max()}, true}, other, columns);
    if (batch->control()) return;
    MR_CHECK(decoded.has_value() == whole);
    if (!whole) {
        MR_CHECK(columns.rows() == 0 && columns.values.empty());
    } else {
        MR_CHECK(columns.rows() == rows && columns.values.size() == value_bytes);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const base::ByteView input(reinterpret_cast<const char*>(data), size);
    look_at(input);
    if (size < 2) return 0;
    // The same bytes behind a header that holds, so that the records are reached.
    namespace layout = model::batch_layout;
    base::Bytes batch(model::kBatchHeaderBytes, '\0');
    batch += input.substr(2);
    base::store_big_endian(batch.data() + layout::kLength,
                           static_cast<std::int32_t>(batch.size() - model::kBatchPrefixBytes));
    batch[layout::kMagic] = 2;
    base::store_big_endian(batch.data() + layout::kAttributes,
                           static_cast<std::int16_t>(data[0] % 16));
    base::store_big_endian(batch.data() + layout::kCount, std::int32_t{data[1]});
    base::store_big_endian(batch.data() + layout::kLastOffsetDelta, std::int32_t{data[1]});
    look_at(batch);
    return 0;
}
