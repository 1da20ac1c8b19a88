#include "broker/catalog/topic.h"

namespace millrace::broker {

storage::LogConfig log_config(const config::TopicOptions& options) {
    storage::LogConfig log;
    log.segment_bytes = options.segment_bytes;
    log.segment_ms = options.segment_ms;
    log.segment_jitter_ms = options.segment_jitter_ms;
    log.segment_index_bytes = options.segment_index_bytes;
    log.index_interval_bytes = options.index_interval_bytes;
    log.retention_ms = options.retention_ms;
    log.retention_bytes = options.retention_bytes;
    log.max_message_bytes = options.max_message_bytes;
    log.cleanup_delete = options.cleanup_policy.find("delete") != std::string::npos;
    log.cleanup_compact = options.cleanup_policy.find("compact") != std::string::npos;
    log.min_cleanable_dirty_ratio = options.min_cleanable_dirty_ratio;
    log.min_compaction_lag_ms = options.min_compaction_lag_ms;
    log.max_compaction_lag_ms = options.max_compaction_lag_ms;
    log.delete_retention_ms = options.delete_retention_ms;
    log.timestamp_type = options.message_timestamp_type == "LogAppendTime"
                             ? model::TimestampType::kLogAppendTime
                             : model::TimestampType::kCreateTime;
    log.timestamp_before_max_ms = options.message_timestamp_before_max_ms;
    log.timestamp_after_max_ms = options.message_timestamp_after_max_ms;
    return log;
}

}  // namespace millrace::broker
