// Consumer: reads records of a remote Kafka, by partitions or as a member of a group.
//
// For the command line and for tools; streaming reads through RemoteTopics. Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "client/settings.h"
#include "topic/topics.h"

namespace millrace::client {

class Consumer {
public:
    static constexpr std::int64_t kBeginning = -2;
    static constexpr std::int64_t kEnd = -1;
    struct Position {
        topic::TopicPartition partition;
        std::int64_t offset = kBeginning;
    };
    enum class TimestampType : std::uint8_t { kNone, kCreate, kLogAppend };
    struct Record {
        topic::TopicPartition partition;
        std::int64_t offset = 0;
        std::int64_t timestamp_ms = -1;
        TimestampType timestamp_type = TimestampType::kNone;
        std::int32_t broker = -1;  // Which one the record was fetched from.
        std::optional<base::Bytes> key;
        std::optional<base::Bytes> value;
        std::vector<topic::Header> headers;
    };

    // Without "group.id" in the settings, assign() is the way to read.
    static base::Result<std::unique_ptr<Consumer>> make(const Settings& settings);
    virtual ~Consumer() = default;  // Leaves its group.

    virtual base::Result<void> assign(const std::vector<Position>& positions) = 0;
    virtual base::Result<void> subscribe(const std::vector<std::string>& topics) = 0;
    // Up to `max_records`, waiting at most `timeout` for the first; none when nothing came.
    virtual base::Result<std::vector<Record>> poll(std::chrono::milliseconds timeout,
                                                   std::size_t max_records) = 0;
    // Whether every assigned partition was read to its end when it was last asked. As a member of a
    // group: false until the group has given it partitions.
    virtual bool at_end() const = 0;
    // The end of the partition, if it was at its end when it was last asked.
    virtual std::optional<std::int64_t> ended_at(const topic::TopicPartition& partition) const = 0;
    // Whether every server was lost and nothing has come since; it is looked for all the same.
    virtual bool is_cut_off() const = 0;
    // The group's offsets become those after the last polled records.
    virtual base::Result<void> commit() = 0;
};

}  // namespace millrace::client
