// PartitionReader: reads ranges of one partition of a remote Kafka, in order where it can.
//
// It keeps a queue that librdkafka fills in the background. A range that begins where the last one
// ended goes on with what is there; any other range starts the queue anew. Thread rule: calls take
// turns.
#pragma once

#include <deque>
#include <mutex>

#include "client/rdkafka_internal.h"

namespace millrace::client {

class PartitionReader {
public:
    PartitionReader(rd_kafka_t* consumer, std::string servers, topic::TopicPartition partition);
    ~PartitionReader();
    PartitionReader(const PartitionReader&) = delete;
    PartitionReader& operator=(const PartitionReader&) = delete;

    base::Result<topic::OffsetRange> offsets() const;
    base::Result<topic::Topics::Read> read(std::int64_t from, std::int64_t to,
                                           const topic::ReadOptions& options);

private:
    base::Result<void> start_at(std::int64_t offset);
    void stop();
    // Fills pending_ with what has come; waits for something until the deadline.
    base::Result<void> fetch(int timeout_ms);

    rd_kafka_t* consumer_;
    const std::string servers_;
    const topic::TopicPartition partition_;
    const std::string what_;
    std::mutex mutex_;
    TopicHandle topic_;
    QueueHandle queue_;
    bool started_ = false;
    std::int64_t position_ = -1;         // Where the last read ended.
    std::int64_t known_end_ = -1;        // The end when it was last asked.
    std::deque<MessageHandle> pending_;  // Come, but not read yet.
};

}  // namespace millrace::client
