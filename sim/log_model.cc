#include "sim/log_model.h"

#include <algorithm>

#include "base/hash.h"
#include "model/batch.h"
#include "model/records.h"

namespace millrace::sim {

using base::Code;
using base::fail;
using base::Result;

std::uint64_t record_hash(base::ByteView value) {
    return base::hash64(value, 7);
}

void LogModel::note_appended(std::int64_t base, const std::vector<std::uint64_t>& records) {
    batches_[base].insert(records);
}

Result<void> LogModel::note_acknowledged(std::int64_t base,
                                         const std::vector<std::uint64_t>& records) {
    for (std::size_t i = 0; i < records.size(); ++i) {
        MR_TRY_VOID(check_record(base + static_cast<std::int64_t>(i), records[i]));
    }
    promised_end_ = std::max(promised_end_, base + static_cast<std::int64_t>(records.size()));
    return {};
}

void LogModel::note_start_requested(std::int64_t start) {
    requested_start_ = std::max(requested_start_, start);
}
void LogModel::note_start_durable(std::int64_t start) {
    durable_start_ = std::max(durable_start_, start);
}

Result<void> LogModel::check_offsets(std::int64_t start, std::int64_t end) const {
    if (end < promised_end_) {
        return fail(Code::kInternal, "LOST: the log ends at {}, but {} was promised", end,
                    promised_end_);
    }
    if (start < durable_start_ || start > requested_start_) {
        return fail(Code::kInternal, "the log starts at {}, not between {} and {}", start,
                    durable_start_, requested_start_);
    }
    return {};
}

Result<void> LogModel::check_record(std::int64_t offset, std::uint64_t hash) {
    const auto [at, first] = fixed_.emplace(offset, hash);
    if (at->second != hash) {
        return fail(Code::kInternal, "CHANGED: offset {} holds another record than promised",
                    offset);
    }
    const auto [place, first_place] = offset_of_.emplace(hash, offset);
    if (place->second != offset) {
        return fail(Code::kInternal, "TWICE: one record lies at the offsets {} and {}",
                    place->second, offset);
    }
    return {};
}

Result<std::int64_t> LogModel::check_read(base::ByteView bytes, std::int64_t from,
                                          std::uint64_t& records) {
    std::int64_t next = -1;
    base::Bytes scratch;
    while (!bytes.empty()) {
        const auto batch = model::RecordBatch::parse(bytes);
        if (!batch && batch.error().code() == Code::kOutOfRange && next >= 0) break;  // Cut off.
        if (!batch) return fail(batch.error().with(fmt::format("read from {}", from)));
        MR_TRY_VOID(batch->check_crc());
        const std::int64_t base = batch->base_offset().value;
        if (next < 0 ? base > from || batch->last_offset().value < from : base != next) {
            return fail(Code::kInternal, "GAP: read from {}: a batch of {} where {} is due", from,
                        base, next < 0 ? from : next);
        }
        MR_TRY(const auto payload, model::unpack(*batch, scratch));
        model::RecordIterator iterator(*batch, payload);
        model::RecordView record;
        std::vector<std::uint64_t> hashes;
        while (true) {
            MR_TRY(const bool more, iterator.next(record));
            if (!more) break;
            hashes.push_back(record_hash(record.value.value_or("")));
        }
        const auto known = batches_.find(base);
        if (known == batches_.end() || !known->second.contains(hashes)) {
            return fail(Code::kInternal, "INVENTED: the batch at {} was never appended there",
                        base);
        }
        for (std::size_t i = 0; i < hashes.size(); ++i) {
            MR_TRY_VOID(check_record(base + static_cast<std::int64_t>(i), hashes[i]));
        }
        records += hashes.size();
        next = base + static_cast<std::int64_t>(hashes.size());
        // What a reader was shown counts as promised.
        promised_end_ = std::max(promised_end_, next);
        bytes.remove_prefix(batch->size_bytes());
    }
    return next < 0 ? from : next;
}

}  // namespace millrace::sim
