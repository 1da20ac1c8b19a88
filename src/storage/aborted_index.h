// AbortedIndex: the aborted transactions whose markers lie in one segment.
//
// A consumer that reads committed records is told of them, and leaves out what they hold. The
// entries are in memory, 32 bytes for each; the log writes them beside its snapshots, into
// "<base>.txnindex" (docs/formats/aborted_index.md), and whatever came later is read from the log.
// AbortedFilter does what such a consumer does, for readers in this process.
// Not thread-safe: owned by its Segment, on one loop.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "model/batch.h"
#include "model/types.h"

namespace millrace::storage {

struct AbortedTransaction {
    std::int64_t producer_id = -1;
    model::Offset first_offset;
    model::Offset last_offset;         // That of its marker.
    model::Offset last_stable_offset;  // As it became with the marker.
    bool operator==(const AbortedTransaction&) const = default;
};

class AbortedIndex {
public:
    // In the order of the markers.
    void note(const AbortedTransaction& transaction);
    std::size_t size() const { return entries_.size(); }
    std::span<const AbortedTransaction> entries() const { return entries_; }

    // Appends those that have records in [from, to) to `into`. True when no later segment holds
    // any: every transaction that began before `to` has ended by then.
    bool collect(model::Offset from, model::Offset to, std::vector<AbortedTransaction>& into) const;

    // Whether there is something that changes() has not given yet.
    bool changed() const { return changed_; }
    // The content of the file; from here on it counts as written.
    base::Bytes take_content();
    // The first `count` entries of a file; kCorrupt when it does not hold so many, or fails its
    // checksum.
    static base::Result<AbortedIndex> parse(base::ByteView content, std::uint64_t count);

private:
    std::vector<AbortedTransaction> entries_;
    bool changed_ = false;
};

// Leaves out what was aborted from batches that are shown to it in order.
class AbortedFilter {
public:
    explicit AbortedFilter(std::vector<AbortedTransaction> transactions);
    // Are the records of this batch, which may be a control batch, to be left out?
    bool leaves_out(const model::RecordBatch& batch);

private:
    std::vector<AbortedTransaction> transactions_;  // By first offset, the last one in front.
    std::set<std::int64_t> open_;                   // Producers of those that have begun.
};

}  // namespace millrace::storage
