// Topics: append to, read and watch topics, whoever serves them.
//
// Streaming, registry, archive and dataflow know only this interface. Behind it is the broker's own
// log in the same process (no socket), a remote Kafka (room client), or InMemoryTopics in tests.
// Calls block the calling thread (never call from a loop) and are thread-safe. Errors: kNotFound
// for an unknown topic or partition, kOutOfRange for an offset below the log start or above the
// end, kOffline and kUnavailable as the server says, kTimeout when a remote does not answer.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "model/records.h"

namespace millrace::topic {

using model::Header;
using model::RecordColumns;

// A record as a producer gives it. A timestamp of -1 means "now".
struct NewRecord {
    std::optional<base::Bytes> key;
    std::optional<base::Bytes> value;
    std::int64_t timestamp_ms = -1;
    std::vector<Header> headers;
};

struct TopicPartition {
    std::string topic;
    std::int32_t partition = 0;
    auto operator<=>(const TopicPartition&) const = default;
};

struct TopicDescription {
    std::string name;
    std::int32_t partitions = 0;
    std::map<std::string, std::string> configs;  // Only what differs from the defaults.
};

// first: the earliest offset that can be read. next: one past the last that a reader may see.
struct OffsetRange {
    std::int64_t first = 0;
    std::int64_t next = 0;
};

struct ReadOptions {
    std::size_t max_bytes = 64 << 20;  // At least one batch is returned however large it is.
    bool headers = false;
};

// Keeps a watch alive; its destructor ends it and waits for a callback that is running.
class Watch {
public:
    virtual ~Watch() = default;
};

class Topics {
public:
    virtual ~Topics() = default;

    // Sorted names, internal topics (those that begin with "__") left out.
    virtual base::Result<std::vector<std::string>> list() = 0;
    virtual base::Result<TopicDescription> describe(const std::string& topic) = 0;
    virtual base::Result<void> create(const TopicDescription& topic) = 0;
    virtual base::Result<void> remove(const std::string& topic) = 0;

    virtual base::Result<OffsetRange> offsets(const TopicPartition& partition) = 0;
    // The first offset whose record's timestamp is at or after `timestamp_ms`; nullopt when none
    // is.
    virtual base::Result<std::optional<std::int64_t>> offset_at(const TopicPartition& partition,
                                                                std::int64_t timestamp_ms) = 0;

    // Records of [from, to), as many as fit `options`; empty only when the range holds no data
    // record. `next_offset` is where to go on: it passes over control and compacted-away records.
    struct Read {
        RecordColumns records;
        std::int64_t next_offset = 0;
    };
    virtual base::Result<Read> read(const TopicPartition& partition, std::int64_t from,
                                    std::int64_t to, const ReadOptions& options) = 0;
    // Whether several threads that read from one partition are faster than one.
    virtual bool reads_in_parallel() const { return false; }

    // Append records in order; they are durable (acks=all) when it returns. Returns the offset of
    // the first one.
    virtual base::Result<std::int64_t> append(const TopicPartition& partition,
                                              const std::vector<NewRecord>& records) = 0;

    // Call `on_append` after records become readable in any partition of `topic` (also of a topic
    // that does not exist yet). It runs on a thread of the server and must not block; appends may
    // be merged into one call. A remote server may poll.
    virtual std::unique_ptr<Watch> watch(const std::string& topic,
                                         std::function<void()> on_append) = 0;
};

}  // namespace millrace::topic
