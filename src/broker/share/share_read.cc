#include "broker/share/share_read.h"

#include <algorithm>
#include <optional>

#include "model/batch.h"
#include "storage/aborted_index.h"

namespace millrace::broker {
namespace {

using base::Code;
using base::Result;

// A consumer of queues takes few records at a time: large reads would be for nothing.
constexpr std::int64_t kChunkBytes = 128 << 10;

}  // namespace

void ShareRead::trim(const std::vector<AcquiredBatch>& acquired) {
    if (acquired.empty()) {
        *this = {};
        return;
    }
    std::size_t first = 0;
    while (first < batches.size() && batches[first].last < acquired.front().first) ++first;
    std::size_t end = batches.size();
    while (end > first && batches[end - 1].first > acquired.back().last) --end;
    if (end == first) {
        *this = {};
        return;
    }
    bytes.resize(ends[end - 1]);
    if (first > 0) bytes.erase(0, ends[first - 1]);
    batches = {batches.begin() + static_cast<std::ptrdiff_t>(first),
               batches.begin() + static_cast<std::ptrdiff_t>(end)};
    ends.clear();
}

Result<ShareRead> read_for_share(storage::Log& log, std::int64_t from, std::int64_t max_records,
                                 std::int64_t max_bytes, storage::Isolation isolation) {
    ShareRead read;
    std::int64_t records = 0;
    std::int64_t at = from;
    std::optional<storage::AbortedFilter> aborted;
    if (isolation == storage::Isolation::kReadCommitted) {
        aborted.emplace(log.aborted_transactions(model::Offset{from}, log.offsets().last_stable));
    }
    while (records < max_records) {
        const std::int64_t left = max_bytes - static_cast<std::int64_t>(read.bytes.size());
        if (left <= 0 && !read.batches.empty()) break;
        const storage::Log::Offsets offsets = log.offsets();
        const model::Offset end = isolation == storage::Isolation::kReadCommitted
                                      ? offsets.last_stable
                                      : offsets.high_watermark;
        if (at >= end.value) break;
        const auto room = static_cast<std::size_t>(std::clamp<std::int64_t>(left, 1, kChunkBytes));
        MR_TRY(const storage::Slice slice, log.read(model::Offset{at}, room, isolation));
        MR_TRY(const base::Bytes bytes, slice.load());
        const std::int64_t before = at;
        for (base::ByteView rest = bytes; !rest.empty() && records < max_records;) {
            const auto batch = model::RecordBatch::parse(rest);
            if (!batch && batch.error().code() == Code::kOutOfRange) break;  // Cut off at the end.
            if (!batch) return base::fail(batch.error());
            const std::size_t size = batch->size_bytes();
            const bool fits = static_cast<std::int64_t>(read.bytes.size() + size) <= max_bytes;
            if (!fits && !read.batches.empty()) return read;
            const bool left_out = aborted && aborted->leaves_out(*batch);
            const LogBatch one{batch->base_offset().value, batch->last_offset().value,
                               !left_out && !batch->control()};
            read.bytes.append(rest.substr(0, size));
            read.ends.push_back(read.bytes.size());
            read.batches.push_back(one);
            if (one.deliver) records += one.last - std::max(one.first, from) + 1;
            at = one.last + 1;
            rest.remove_prefix(size);
        }
        if (at == before) break;
    }
    return read;
}

}  // namespace millrace::broker
