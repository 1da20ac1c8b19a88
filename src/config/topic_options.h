// TopicOptions: what may be configured per topic, with Kafka's names and defaults.
//
// The broker keeps these per topic, shows them by DescribeConfigs and translates them to
// storage::LogConfig. A topic without a setting of its own follows the server's default
// (server_options.h), so keep what a user set as Settings and build TopicOptions from both.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "config/option.h"

namespace millrace::config {

struct TopicOptions {
    static constexpr std::int64_t kUnlimited = -1;

    std::string cleanup_policy = "delete";
    std::string compression_type = "producer";
    std::int64_t delete_retention_ms = std::int64_t{24} * 3600 * 1000;
    std::int64_t index_interval_bytes = 4096;
    std::int64_t max_message_bytes = 1048588;
    std::int64_t message_timestamp_after_max_ms = 3600 * 1000;
    std::int64_t message_timestamp_before_max_ms = std::numeric_limits<std::int64_t>::max();
    std::string message_timestamp_type = "CreateTime";
    std::int64_t min_insync_replicas = 1;
    std::int64_t retention_bytes = kUnlimited;
    std::int64_t retention_ms = std::int64_t{7} * 24 * 3600 * 1000;
    std::int64_t segment_bytes = kGiB;
    std::int64_t segment_index_bytes = 10 * kMiB;
    std::int64_t segment_ms = std::int64_t{7} * 24 * 3600 * 1000;
};

const OptionTable<TopicOptions>& topic_option_table();

}  // namespace millrace::config
