// TransactionTracker: while batches of a log go by in order, which belong to an aborted
// transaction, and which markers have no data left that they would speak of.
//
// A state machine over batch headers; it owns nothing of the log.
// Not thread-safe: one round of cleaning has it.
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "model/batch.h"
#include "model/types.h"

namespace millrace::storage {

struct AbortedRange {
    std::int64_t producer_id = -1;
    model::Offset first;  // Of its first record.
    model::Offset last;   // Of its marker.
};

class TransactionTracker {
public:
    // What was aborted in the range that will be walked, in any order: every marker that lies
    // before its end must go by.
    explicit TransactionTracker(std::vector<AbortedRange> aborted = {});

    // A batch of data: whether it belongs to an aborted transaction.
    bool is_aborted(const model::RecordBatch& batch);
    // A control batch: whether it may go as far as data is concerned, because no batch of its
    // transaction went by. kCorrupt when its record cannot be read.
    base::Result<bool> is_spent_marker(const model::RecordBatch& batch);

    // The aborted transactions whose markers went by after data of theirs did: readers must still
    // be told of them. Each is given once.
    std::vector<AbortedRange> take_needed() { return std::exchange(needed_, {}); }

private:
    void begin_up_to(model::Offset offset);

    struct Ongoing {
        AbortedRange range;
        bool has_data = false;
    };
    std::deque<AbortedRange> coming_;  // By their first offset.
    std::unordered_map<std::int64_t, Ongoing> aborted_;
    std::vector<AbortedRange> needed_;
    std::unordered_set<std::int64_t> committed_;  // Producers whose data went by.
};

}  // namespace millrace::storage
