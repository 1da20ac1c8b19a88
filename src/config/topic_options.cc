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
         {"compact", "delete"},
         Reload::kLive,
         "What happens to old segments: they are deleted, or only the last record of a key stays."},
        {"compression.gzip.level", &T::compression_gzip_level, -1, 9, Reload::kLive,
         "How hard gzip tries where the server compresses; -1: its own default."},
        {"compression.lz4.level", &T::compression_lz4_level, 1, 17, Reload::kLive,
         "How hard lz4 tries where the server compresses."},
        {"compression.type",
         &T::compression_type,
         Kind::kString,
         {"uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"},
         Reload::kLive,
         "The codec that batches are stored in; producer: the one that they came in."},
        {"compression.zstd.level", &T::compression_zstd_level, -131072, 22, Reload::kLive,
         "How hard zstd tries where the server compresses."},
        {"delete.retention.ms", &T::delete_retention_ms, 0, kMax, Reload::kLive,
         "How long a compacted topic shows that a key was deleted."},
        {"file.delete.delay.ms", &T::file_delete_delay_ms, 0, kMax, Reload::kLive,
         "Taken for clients' sake: a file that is still read stays readable without a delay."},
        {"flush.messages", &T::flush_messages, 1, kMax, Reload::kLive,
         "Taken for clients' sake: records are synced before they are acknowledged to acks=all."},
        {"flush.ms", &T::flush_ms, 0, kMax, Reload::kLive,
         "Taken for clients' sake: records are synced before they are acknowledged to acks=all."},
        {"follower.replication.throttled.replicas",
         &T::follower_replication_throttled_replicas,
         Kind::kList,
         {},
         Reload::kLive,
         "Taken for clients' sake: one broker replicates nothing."},
        {"index.interval.bytes", &T::index_interval_bytes, 0, kMaxInt, Reload::kLive,
         "One index entry for so many bytes of log."},
        {"leader.replication.throttled.replicas",
         &T::leader_replication_throttled_replicas,
         Kind::kList,
         {},
         Reload::kLive,
         "Taken for clients' sake: one broker replicates nothing."},
        {"local.retention.bytes", &T::local_retention_bytes, -2, kMax, Reload::kLive,
         "Taken for clients' sake: there is no remote storage; -2: as retention.bytes."},
        {"local.retention.ms", &T::local_retention_ms, -2, kMax, Reload::kLive,
         "Taken for clients' sake: there is no remote storage; -2: as retention.ms."},
        {"max.compaction.lag.ms", &T::max_compaction_lag_ms, 1, kMax, Reload::kLive,
         "After this time a record of a compacted topic is compacted, however little is dirty."},
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
        {"min.cleanable.dirty.ratio", &T::min_cleanable_dirty_ratio, 0.0, 1.0, Reload::kLive,
         "The share of a log that must be dirty before it is compacted."},
        {"min.compaction.lag.ms", &T::min_compaction_lag_ms, 0, kMax, Reload::kLive,
         "Before this time a record of a compacted topic is not compacted."},
        {"min.insync.replicas", &T::min_insync_replicas, 1, kMaxInt, Reload::kLive,
         "Copies that must have a batch before acks=all is answered; this server keeps one."},
        {"preallocate", &T::preallocate, Reload::kLive,
         "Taken for clients' sake: files grow as they are written."},
        {"remote.log.copy.disable", &T::remote_log_copy_disable, Reload::kLive,
         "Taken for clients' sake: there is no remote storage."},
        {"remote.log.delete.on.disable", &T::remote_log_delete_on_disable, Reload::kLive,
         "Taken for clients' sake: there is no remote storage."},
        {"remote.storage.enable", &T::remote_storage_enable, Reload::kLive,
         "Only false: there is no remote storage."},
        {"retention.bytes", &T::retention_bytes, -1, kMax, Reload::kLive,
         "Delete the oldest segments of a partition beyond this size; -1 for no limit."},
        {"retention.ms", &T::retention_ms, -1, kMax, Reload::kLive,
         "Delete segments whose newest record is older than this; -1 to keep them for ever."},
        {"segment.bytes", &T::segment_bytes, 14, kMaxInt, Reload::kLive,
         "Roll the active segment at this size."},
        {"segment.index.bytes", &T::segment_index_bytes, 4, kMaxInt, Reload::kLive,
         "Roll the active segment when one of its indexes has this size."},
        {"segment.jitter.ms", &T::segment_jitter_ms, 0, kMax, Reload::kLive,
         "The longest time that segment.ms is shortened by, so that segments roll apart."},
        {"segment.ms", &T::segment_ms, 1, kMax, Reload::kLive,
         "Roll the active segment at this age, full or not."},
        {"unclean.leader.election.enable", &T::unclean_leader_election_enable, Reload::kLive,
         "Taken for clients' sake: with one copy of the records there is nothing to elect."},
    };
    return kTable;
}

std::span<const std::pair<std::string_view, std::string_view>> topic_option_defaults() {
    static constexpr std::pair<std::string_view, std::string_view> kDefaults[] = {
        {"cleanup.policy", "log.cleanup.policy"},
        {"compression.gzip.level", "compression.gzip.level"},
        {"compression.lz4.level", "compression.lz4.level"},
        {"compression.type", "compression.type"},
        {"compression.zstd.level", "compression.zstd.level"},
        {"delete.retention.ms", "log.cleaner.delete.retention.ms"},
        {"file.delete.delay.ms", "log.segment.delete.delay.ms"},
        {"flush.messages", "log.flush.interval.messages"},
        {"flush.ms", "log.flush.interval.ms"},
        {"index.interval.bytes", "log.index.interval.bytes"},
        {"local.retention.bytes", "log.local.retention.bytes"},
        {"local.retention.ms", "log.local.retention.ms"},
        {"max.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms"},
        {"max.message.bytes", "message.max.bytes"},
        {"message.timestamp.after.max.ms", "log.message.timestamp.after.max.ms"},
        {"message.timestamp.before.max.ms", "log.message.timestamp.before.max.ms"},
        {"message.timestamp.type", "log.message.timestamp.type"},
        {"min.cleanable.dirty.ratio", "log.cleaner.min.cleanable.ratio"},
        {"min.compaction.lag.ms", "log.cleaner.min.compaction.lag.ms"},
        {"min.insync.replicas", "min.insync.replicas"},
        {"preallocate", "log.preallocate"},
        {"retention.bytes", "log.retention.bytes"},
        {"retention.ms", "log.retention.ms"},
        {"segment.bytes", "log.segment.bytes"},
        {"segment.index.bytes", "log.index.size.max.bytes"},
        {"segment.jitter.ms", "log.roll.jitter.ms"},
        {"segment.ms", "log.roll.ms"},
        {"unclean.leader.election.enable", "unclean.leader.election.enable"},
    };
    return kDefaults;
}

std::string_view server_option_of(std::string_view topic_option) {
    for (const auto& [topic, server] : topic_option_defaults()) {
        if (topic == topic_option) return server;
    }
    return {};
}

Result<void> check(const TopicOptions& options) {
    if (options.min_compaction_lag_ms > options.max_compaction_lag_ms) {
        return base::fail(base::Code::kInvalidArgument,
                          "conflict topic config setting min.compaction.lag.ms ({}) > "
                          "max.compaction.lag.ms ({})",
                          options.min_compaction_lag_ms, options.max_compaction_lag_ms);
    }
    return {};
}

}  // namespace millrace::config
