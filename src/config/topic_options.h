// TopicOptions: what may be configured per topic, with Kafka's names and defaults.
//
// The broker keeps these per topic, shows them by DescribeConfigs and translates them to
// storage::LogConfig. A topic without a setting of its own follows the server's default
// (server_options.h), so keep what a user set as Settings and build TopicOptions from both.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "config/option.h"

namespace millrace::config {

struct TopicOptions {
    static constexpr std::int64_t kUnlimited = -1;
    static constexpr std::int64_t kAsRetention = -2;

    std::string cleanup_policy = "delete";
    std::int32_t compression_gzip_level = -1;
    std::int32_t compression_lz4_level = 9;
    std::string compression_type = "producer";
    std::int32_t compression_zstd_level = 3;
    std::int64_t delete_retention_ms = std::int64_t{24} * 3600 * 1000;
    std::int64_t file_delete_delay_ms = 60'000;
    std::int64_t flush_messages = std::numeric_limits<std::int64_t>::max();
    std::int64_t flush_ms = std::numeric_limits<std::int64_t>::max();
    std::string follower_replication_throttled_replicas;
    std::int64_t index_interval_bytes = 4096;
    std::string leader_replication_throttled_replicas;
    std::int64_t local_retention_bytes = kAsRetention;
    std::int64_t local_retention_ms = kAsRetention;
    std::int64_t max_compaction_lag_ms = std::numeric_limits<std::int64_t>::max();
    std::int64_t max_message_bytes = 1048588;
    std::int64_t message_timestamp_after_max_ms = 3600 * 1000;
    std::int64_t message_timestamp_before_max_ms = std::numeric_limits<std::int64_t>::max();
    std::string message_timestamp_type = "CreateTime";
    double min_cleanable_dirty_ratio = 0.5;
    std::int64_t min_compaction_lag_ms = 0;
    std::int64_t min_insync_replicas = 1;
    bool preallocate = false;
    bool remote_log_copy_disable = false;
    bool remote_log_delete_on_disable = false;
    bool remote_storage_enable = false;
    std::int64_t retention_bytes = kUnlimited;
    std::int64_t retention_ms = std::int64_t{7} * 24 * 3600 * 1000;
    std::int64_t segment_bytes = kGiB;
    std::int64_t segment_index_bytes = 10 * kMiB;
    std::int64_t segment_jitter_ms = 0;
    std::int64_t segment_ms = std::int64_t{7} * 24 * 3600 * 1000;
    bool unclean_leader_election_enable = false;

    bool operator==(const TopicOptions&) const = default;
};

const OptionTable<TopicOptions>& topic_option_table();
// kInvalidArgument when two options do not go together.
Result<void> check(const TopicOptions& options);

// The server option that is the default of this topic option; empty when there is none.
std::string_view server_option_of(std::string_view topic_option);
// All pairs: topic option, server option.
std::span<const std::pair<std::string_view, std::string_view>> topic_option_defaults();

}  // namespace millrace::config
