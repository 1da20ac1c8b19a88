// Topic: what the broker knows of one topic. Immutable once published, so any thread may hold it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/topic_options.h"
#include "kafka/types.h"
#include "storage/log_config.h"

namespace millrace::broker {

class Partition;

// Only these; users may begin names of their own with "__" too.
inline bool is_internal_topic(std::string_view name) {
    return name == "__consumer_offsets" || name == "__transaction_state" ||
           name == "__share_group_state" || name == "__millrace_metadata";
}

// What is kept of a topic; its settings are only those that were given.
struct TopicRecord {
    std::string name;
    kafka::Uuid id;
    std::int32_t partitions = 0;
    config::Settings settings;
};

struct Topic {
    TopicRecord record;
    config::TopicOptions options;
    storage::LogConfig log_config;
    std::vector<std::shared_ptr<Partition>> partitions;

    const std::string& name() const { return record.name; }
    // The broker's own: told as such, and no client may write there.
    bool internal() const { return is_internal_topic(record.name); }
    // Null when there is no such partition.
    std::shared_ptr<Partition> partition(std::int32_t index) const {
        const bool exists = index >= 0 && static_cast<std::size_t>(index) < partitions.size();
        return exists ? partitions[static_cast<std::size_t>(index)] : nullptr;
    }
};

storage::LogConfig log_config(const config::TopicOptions& options);

}  // namespace millrace::broker
