// KeyedLog: keyed records in one partition of an internal topic, as a durable table.
//
// The latest record of a key is its value, a record without value takes the key away: what Kafka
// keeps in compacted topics. The state itself lives with the owner; here are only loading and
// appending. So that the log does not grow for ever, rewrite() writes the whole state once more and
// drops everything before it.
// Thread rule: belongs to the partition's loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "model/types.h"
#include "runtime/task.h"

namespace millrace::runtime {
class Clock;
}

namespace millrace::storage {
class Log;
}

namespace millrace::broker {

class Partition;

struct KeyedRecord {
    base::Bytes key;
    std::optional<base::Bytes> value;
};

class KeyedLog {
public:
    // A log is left alone up to this size.
    static constexpr std::uint64_t kRewriteBytes = 64 << 20;

    KeyedLog(std::shared_ptr<Partition> partition, runtime::Clock& clock,
             std::uint64_t rewrite_bytes = kRewriteBytes)
        : partition_(std::move(partition)), clock_(clock), rewrite_bytes_(rewrite_bytes) {}

    using Apply = std::function<void(base::ByteView key, std::optional<base::ByteView> value)>;
    // What producers have written in transactions: each record, then the end that decides on them.
    struct Transactional {
        std::function<void(std::int64_t producer_id, base::ByteView key,
                           std::optional<base::ByteView> value)>
            record;
        std::function<void(std::int64_t producer_id, bool commit)> end;
    };
    // Calls `apply` with every record, from the oldest on, but for those of transactions, which
    // `transactional` is told of. Yields to the loop between reads.
    runtime::Task<base::Result<void>> load(Apply apply, Transactional transactional = {});
    // While load() calls back: the offset behind the batch that is being read.
    model::Offset load_position() const { return load_position_; }

    // Appends the records as one batch; the offset behind it, for wait_durable().
    base::Result<model::Offset> append(const std::vector<KeyedRecord>& records);
    // The same as part of a producer's transaction; `verification` as Log::append() wants it.
    base::Result<model::Offset> append(const std::vector<KeyedRecord>& records,
                                       model::Producer producer, std::uint64_t verification);
    // Null once the partition is closed.
    storage::Log* log() const;
    runtime::Task<base::Result<void>> wait_durable(model::Offset next);

    // Is the log so much larger than the state that it should be rewritten?
    bool wants_rewrite() const;
    // Appends `state`, and drops what was there before once that is durable.
    runtime::Task<base::Result<void>> rewrite(std::vector<KeyedRecord> state);

private:
    std::shared_ptr<Partition> partition_;
    runtime::Clock& clock_;
    const std::uint64_t rewrite_bytes_;
    std::uint64_t state_bytes_ = 0;  // Of the last rewrite.
    bool rewriting_ = false;
    model::Offset load_position_;
};

}  // namespace millrace::broker
