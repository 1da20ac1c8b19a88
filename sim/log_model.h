// LogModel: what one partition may hold, by what was appended to it and what was promised.
//
// An offset may have had several contents: a crash takes what was not acknowledged, and the offset
// is given anew. Once a record is acknowledged, or was shown to a reader, it is fixed for ever.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace millrace::sim {

class LogModel {
public:
    // A batch was taken by the log at `base`; `records` are hashes of its records, in order.
    void note_appended(std::int64_t base, const std::vector<std::uint64_t>& records);
    // The log has said that all before `next` is durable, and the batch at `base` is that long.
    base::Result<void> note_acknowledged(std::int64_t base,
                                         const std::vector<std::uint64_t>& records);
    // The log start was asked to move; it may do so at any time from now.
    void note_start_requested(std::int64_t start);
    // ... and has.
    void note_start_durable(std::int64_t start);

    // After a start: are the offsets possible?
    base::Result<void> check_offsets(std::int64_t start, std::int64_t end) const;
    // `bytes` were read from `from`: whole batches but for the last, as a reader is shown them.
    // Returns the offset after the last whole batch, and counts the records.
    base::Result<std::int64_t> check_read(base::ByteView bytes, std::int64_t from,
                                          std::uint64_t& records);

    // The smallest offset at which a log may end after a crash.
    std::int64_t promised_end() const { return promised_end_; }
    std::int64_t durable_start() const { return durable_start_; }

private:
    base::Result<void> check_record(std::int64_t offset, std::uint64_t hash);

    std::map<std::int64_t, std::set<std::vector<std::uint64_t>>> batches_;  // By base offset.
    std::unordered_map<std::int64_t, std::uint64_t> fixed_;                 // Offset to hash.
    std::unordered_map<std::uint64_t, std::int64_t> offset_of_;             // And back.
    std::int64_t promised_end_ = 0;
    std::int64_t durable_start_ = 0;
    std::int64_t requested_start_ = 0;
};

// What stands for a record in the model.
std::uint64_t record_hash(base::ByteView value);

}  // namespace millrace::sim
