#include "config/topic_options.h"

namespace millrace::config {

const OptionTable<TopicOptions>& topic_option_table() {
    constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
    constexpr std::int64_t kMaxInt = std::numeric_limits<std::int32_t>::max();
    using T = TopicOptions;
    static const OptionTable<TopicOptions> kTable{
        {"cleanup.policy",
         &T::cleanup_policy,
         Kind::kList,
         {"delete", "compact"},
         Reload::kLive,
         "What happens to old segments: they are deleted, or only the last record of a key stays."},
        {"compression.type",
         &T::compression_type,
         Kind::kString,
         {"producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"},
         Reload::kLive,
         "The codec that batches are stored in; producer: the one that they came in."},
        {"delete.retention.ms", &T::delete_retention_ms, 0, kMax, Reload::kLive,
         "How long a compacted topic shows that a key was deleted."},
        {"index.interval.bytes", &T::index_interval_bytes, 0, kMaxInt, Reload::kLive,
         "One index entry for so many bytes of log."},
        {"max.message.bytes", &T::max_message_bytes, 0, kMaxInt, Reload::kLive,
         "The largest batch that is accepted, as it comes (compressed, if it is)."},
        {"message.timestamp.after.max.ms", &T::message_timestamp_after_max_ms, 0, kMax,
         Reload::kLive, "How far in the future a producer's timestamp may lie."},
        {"message.timestamp.before.max.ms", &T::message_timestamp_before_max_ms, 0, kMax,
         Reload::kLive, "How far in the past a producer's timestamp may lie."},
        {"message.timestamp.type",
         &T::message_timestamp_type,
         Kind::kString,
         {"CreateTime", "LogAppendTime"},
         Reload::kLive,
         "Whether records keep the producer's time or get the time of the append."},
        {"min.insync.replicas", &T::min_insync_replicas, 1, kMaxInt, Reload::kLive,
         "Copies that must have a batch before acks=all is answered; this server keeps one."},
        {"retention.bytes", &T::retention_bytes, -1, kMax, Reload::kLive,
         "Delete the oldest segments of a partition beyond this size; -1 for no limit."},
        {"retention.ms", &T::retention_ms, -1, kMax, Reload::kLive,
         "Delete segments whose newest record is older than this; -1 to keep them for ever."},
        {"segment.bytes", &T::segment_bytes, 14, kMaxInt, Reload::kLive,
         "Roll the active segment at this size."},
        {"segment.index.bytes", &T::segment_index_bytes, 4, kMaxInt, Reload::kLive,
         "Roll the active segment when one of its indexes has this size."},
        {"segment.ms", &T::segment_ms, 1, kMax, Reload::kLive,
         "Roll the active segment at this age, full or not."},
    };
    return kTable;
}

}  // namespace millrace::config
