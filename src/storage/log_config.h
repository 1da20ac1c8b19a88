// LogConfig: what a topic may configure of its logs, with Kafka's names and defaults.
#pragma once

#include <cstdint>
#include <limits>

#include "model/types.h"

namespace millrace::storage {

struct LogConfig {
    static constexpr std::int64_t kUnlimited = -1;

    std::int64_t segment_bytes = std::int64_t{1} << 30;              // segment.bytes
    std::int64_t segment_ms = std::int64_t{7} * 24 * 3600 * 1000;    // segment.ms
    std::int64_t segment_jitter_ms = 0;                              // segment.jitter.ms
    std::int64_t segment_index_bytes = std::int64_t{10} << 20;       // segment.index.bytes
    std::int64_t index_interval_bytes = 4096;                        // index.interval.bytes
    std::int64_t retention_ms = std::int64_t{7} * 24 * 3600 * 1000;  // retention.ms, -1 for ever
    std::int64_t retention_bytes = kUnlimited;                       // retention.bytes
    std::int64_t max_message_bytes = 1048588;                        // max.message.bytes
    bool cleanup_delete = true;                                      // cleanup.policy
    bool cleanup_compact = false;
    double min_cleanable_dirty_ratio = 0.5;  // min.cleanable.dirty.ratio
    std::int64_t min_compaction_lag_ms = 0;  // min.compaction.lag.ms
    std::int64_t max_compaction_lag_ms = std::numeric_limits<std::int64_t>::max();
    std::int64_t delete_retention_ms = std::int64_t{24} * 3600 * 1000;  // delete.retention.ms
    model::TimestampType timestamp_type = model::TimestampType::kCreateTime;
    // message.timestamp.before.max.ms and .after.max.ms: how far CreateTime may lie from now.
    std::int64_t timestamp_before_max_ms = std::numeric_limits<std::int64_t>::max();
    std::int64_t timestamp_after_max_ms = std::numeric_limits<std::int64_t>::max();
    std::int64_t producer_expiration_ms = std::int64_t{24} * 3600 * 1000;
};

}  // namespace millrace::storage
