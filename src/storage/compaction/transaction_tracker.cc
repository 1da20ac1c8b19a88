#include "storage/compaction/transaction_tracker.h"

#include <algorithm>

#include "model/records.h"

namespace millrace::storage {

using base::Code;
using base::fail;
using base::Result;

namespace {

constexpr std::int16_t kAbort = 0;
constexpr std::int16_t kCommit = 1;

// The type of a marker is the second of the two numbers in its key.
Result<std::int16_t> marker_type(const model::RecordBatch& batch) {
    base::Bytes scratch;
    MR_TRY(const auto payload, model::unpack(batch, scratch));
    model::RecordIterator records(batch, payload);
    model::RecordView record;
    MR_TRY(const bool found, records.next(record));
    if (!found || !record.key || record.key->size() < 4) {
        return fail(Code::kCorrupt, "the control batch at offset {} has no type",
                    batch.base_offset());
    }
    return base::load_big_endian<std::int16_t>(record.key->data() + 2);
}

}  // namespace

TransactionTracker::TransactionTracker(std::vector<AbortedRange> aborted) {
    std::ranges::sort(aborted, {}, &AbortedRange::first);
    coming_.assign(aborted.begin(), aborted.end());
}

void TransactionTracker::begin_up_to(model::Offset offset) {
    while (!coming_.empty() && coming_.front().first <= offset) {
        aborted_[coming_.front().producer_id] = {coming_.front()};
        coming_.pop_front();
    }
}

bool TransactionTracker::is_aborted(const model::RecordBatch& batch) {
    begin_up_to(batch.last_offset());
    if (!batch.transactional()) return false;
    const auto found = aborted_.find(batch.producer().id);
    if (found != aborted_.end()) {
        found->second.has_data = true;
        return true;
    }
    committed_.insert(batch.producer().id);
    return false;
}

Result<bool> TransactionTracker::is_spent_marker(const model::RecordBatch& batch) {
    begin_up_to(batch.last_offset());
    // What is empty has said all it had to say.
    if (batch.record_count() == 0) return true;
    MR_TRY(const std::int16_t type, marker_type(batch));
    const std::int64_t producer = batch.producer().id;
    if (type == kAbort) {
        const auto found = aborted_.find(producer);
        if (found == aborted_.end()) return true;
        const bool spent = !found->second.has_data;
        if (!spent) needed_.push_back(found->second.range);
        aborted_.erase(found);
        return spent;
    }
    if (type == kCommit) return committed_.erase(producer) == 0;
    return false;  // Some other control record: not ours to judge.
}

}  // namespace millrace::storage
