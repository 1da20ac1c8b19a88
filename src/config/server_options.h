// ServerOptions: what a Millrace server may be told, by file, environment or command line.
//
// Names are Kafka's where Kafka has one (log.retention.ms, num.partitions ...).
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "config/option.h"
#include "config/topic_options.h"

namespace millrace::config {

struct ServerOptions {
    std::string listen_host = "127.0.0.1";
    std::string advertised_host;  // Empty: listen_host.
    std::int32_t kafka_port = 9092;
    std::int32_t connect_port = 15002;
    std::int32_t http_port = 8080;
    std::string data_dir = "millrace-data";
    std::string log_level = "info";
    std::int32_t loops = 0;         // 0: one per core.
    std::int32_t pool_threads = 0;  // 0: one per core.

    bool auto_create_topics = true;
    std::int32_t num_partitions = 1;
    std::int64_t message_max_bytes = 1048588;
    std::int64_t socket_request_max_bytes = 100 * kMiB;
    std::int32_t max_connections = 10000;
    std::int64_t connections_max_idle_ms = 600'000;

    bool delete_topic_enable = true;
    std::int32_t default_replication_factor = 1;
    bool replication_factor_clamp = true;

    std::int32_t compression_gzip_level = -1;
    std::int32_t compression_lz4_level = 9;
    std::string compression_type = "producer";
    std::int32_t compression_zstd_level = 3;
    bool log_cleaner_enable = true;
    std::int64_t log_cleaner_backoff_ms = 15'000;
    std::int64_t log_cleaner_dedupe_buffer_size = 128 * kMiB;
    std::int64_t log_cleaner_delete_retention_ms = std::int64_t{24} * 3600 * 1000;
    double log_cleaner_io_max_bytes_per_second = std::numeric_limits<double>::max();
    std::int64_t log_cleaner_max_compaction_lag_ms = std::numeric_limits<std::int64_t>::max();
    double log_cleaner_min_cleanable_ratio = 0.5;
    std::int64_t log_cleaner_min_compaction_lag_ms = 0;
    std::string log_cleanup_policy = "delete";
    std::int64_t log_flush_interval_messages = std::numeric_limits<std::int64_t>::max();
    std::int64_t log_flush_interval_ms = std::numeric_limits<std::int64_t>::max();
    std::int64_t log_index_interval_bytes = 4096;
    std::int64_t log_index_size_max_bytes = 10 * kMiB;
    std::int64_t log_local_retention_bytes = TopicOptions::kAsRetention;
    std::int64_t log_local_retention_ms = TopicOptions::kAsRetention;
    std::int64_t log_message_timestamp_after_max_ms = 3600 * 1000;
    std::int64_t log_message_timestamp_before_max_ms = std::numeric_limits<std::int64_t>::max();
    std::string log_message_timestamp_type = "CreateTime";
    bool log_preallocate = false;
    std::int64_t log_retention_bytes = TopicOptions::kUnlimited;
    std::int64_t log_retention_check_interval_ms = 300'000;
    std::int64_t log_retention_ms = std::int64_t{7} * 24 * 3600 * 1000;
    std::int64_t log_roll_jitter_ms = 0;
    std::int64_t log_roll_ms = std::int64_t{7} * 24 * 3600 * 1000;
    std::int64_t log_segment_bytes = kGiB;
    std::int64_t log_segment_delete_delay_ms = 60'000;
    std::int64_t min_insync_replicas = 1;
    bool unclean_leader_election_enable = false;

    std::int32_t quota_window_num = 11;
    std::int32_t quota_window_size_seconds = 1;

    std::int64_t group_initial_rebalance_delay_ms = 0;
    std::int64_t group_min_session_timeout_ms = 6'000;
    std::int64_t group_max_session_timeout_ms = 1'800'000;
    std::int32_t group_max_size = std::numeric_limits<std::int32_t>::max();
    std::int32_t group_consumer_assignment_interval_ms = 1'000;
    std::string group_consumer_assignors = "uniform,range";
    std::int32_t group_consumer_heartbeat_interval_ms = 5'000;
    std::int32_t group_consumer_max_size = std::numeric_limits<std::int32_t>::max();
    std::string group_consumer_migration_policy = "bidirectional";
    std::int32_t group_consumer_session_timeout_ms = 45'000;
    std::int32_t offset_metadata_max_bytes = 4096;
    std::int64_t offsets_retention_check_interval_ms = 600'000;
    std::int32_t offsets_retention_minutes = 7 * 24 * 60;
    std::int32_t offsets_topic_num_partitions = 8;
    std::int64_t offsets_topic_segment_bytes = 16 * kMiB;

    std::int64_t transaction_max_timeout_ms = 900'000;
    std::int32_t transaction_state_log_num_partitions = 8;
    std::int64_t transactional_id_expiration_ms = std::int64_t{7} * 24 * 3600 * 1000;
    std::int32_t group_share_assignment_interval_ms = 1000;
    std::int32_t group_share_delivery_count_limit = 5;
    std::int32_t group_share_heartbeat_interval_ms = 5'000;
    std::int32_t group_share_max_record_lock_duration_ms = 60'000;
    std::int32_t group_share_max_share_sessions = 2'000;
    std::int32_t group_share_max_size = 200;
    std::int32_t group_share_min_record_lock_duration_ms = 15'000;
    std::int32_t group_share_partition_max_record_locks = 2'000;
    std::int32_t group_share_record_lock_duration_ms = 30'000;
    std::int32_t group_share_session_timeout_ms = 45'000;
    std::int32_t group_streams_assignment_interval_ms = 1000;
    std::int32_t group_streams_heartbeat_interval_ms = 5000;
    std::int32_t group_streams_initial_rebalance_delay_ms = 3000;
    std::int32_t group_streams_max_size = INT32_MAX;
    std::int32_t group_streams_num_standby_replicas = 0;
    std::int32_t group_streams_session_timeout_ms = 45'000;
    std::int32_t share_state_topic_num_partitions = 8;

    // What a topic has where its own settings say nothing.
    TopicOptions topic_defaults() const;
};

const OptionTable<ServerOptions>& server_option_table();

// Where the settings of one server come from; later ones win.
struct Sources {
    std::string file_name;  // For messages.
    std::string file_text;  // key=value lines; see parse_properties.
    // The whole environment: MILLRACE_KAFKA_PORT sets kafka.port.
    Settings environment;
    Settings command_line;  // Option names, as in the file.
};

struct LoadedOptions {
    ServerOptions options;
    // Variables that begin with MILLRACE_ and name no option: told at start, since other programs
    // may use the prefix too.
    std::vector<std::string> warnings;
};

Result<LoadedOptions> load_server_options(const Sources& sources);

// "kafka.port" -> "MILLRACE_KAFKA_PORT".
std::string environment_name(std::string_view option);

// Java's properties in their plain form: `key = value` lines, # and ! comments, empty lines. An
// error names the line.
Result<Settings> parse_properties(std::string_view text);

}  // namespace millrace::config
