// Topic administration through librdkafka's AdminClient, as blocking calls.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "client/rdkafka_internal.h"

namespace millrace::client {

class Admin {
public:
    Admin(rd_kafka_t* handle, std::string servers)
        : handle_(handle), servers_(std::move(servers)) {}

    // Partitions of every topic, by name. Listing all never creates one.
    base::Result<std::map<std::string, std::int32_t>> topics() const;
    base::Result<void> create(const topic::TopicDescription& topic) const;
    base::Result<void> remove(const std::string& topic) const;
    // The settings that the topic has of its own.
    base::Result<std::map<std::string, std::string>> configs(const std::string& topic) const;

private:
    // Waits for the one result of a request that was made on `queue`.
    base::Result<std::unique_ptr<rd_kafka_event_t, FreeWith<rd_kafka_event_destroy>>> wait(
        rd_kafka_queue_t* queue, std::string_view what) const;
    base::Result<void> check(const rd_kafka_topic_result_t* const* results, std::size_t count,
                             std::string_view what) const;

    rd_kafka_t* handle_;
    std::string servers_;
};

}  // namespace millrace::client
