#include "config/server_options.h"

#include <algorithm>
#include <limits>

namespace millrace::config {
namespace {

constexpr std::string_view kPrefix = "MILLRACE_";
// Variables of the build, the tests and the other commands, which share the prefix.
constexpr std::string_view kOthers[] = {"MILLRACE_DEPS",       "MILLRACE_PEERS",
                                        "MILLRACE_SOURCE_DIR", "MILLRACE_BINARY",
                                        "MILLRACE_BROKERS",    "MILLRACE_CLIENT_CONFIG"};

bool is_other(std::string_view variable) {
    for (const std::string_view other : kOthers) {
        if (variable == other) return true;
    }
    return false;
}

}  // namespace

const OptionTable<ServerOptions>& server_option_table() {
    constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
    constexpr std::int64_t kMaxInt = std::numeric_limits<std::int32_t>::max();
    using S = ServerOptions;
    static const OptionTable<ServerOptions> kTable{
        {"listen.host",
         &S::listen_host,
         Kind::kString,
         {},
         Reload::kRestart,
         "The address that every door listens on."},
        {"advertised.host",
         &S::advertised_host,
         Kind::kString,
         {},
         Reload::kRestart,
         "The host name that Kafka clients are told to connect to; empty for listen.host."},
        {"kafka.port", &S::kafka_port, 0, 65535, Reload::kRestart,
         "Port of the Kafka protocol; 0 takes any free one."},
        {"connect.port", &S::connect_port, 0, 65535, Reload::kRestart,
         "Port of Spark Connect (gRPC); 0 takes any free one."},
        {"http.port", &S::http_port, 0, 65535, Reload::kRestart,
         "Port of /ready and /metrics; 0 takes any free one."},
        {"data.dir",
         &S::data_dir,
         Kind::kString,
         {},
         Reload::kRestart,
         "The folder that holds everything that is kept."},
        {"log.level",
         &S::log_level,
         Kind::kString,
         {"debug", "info", "warn", "error"},
         Reload::kRestart,
         "The least important messages that are printed."},
        {"loops", &S::loops, 0, 256, Reload::kRestart,
         "Event loops, each with its own partitions; 0 for one per core."},
        {"pool.threads", &S::pool_threads, 0, 256, Reload::kRestart,
         "Threads for disk syncs and computation; 0 for one per core."},
        {"auto.create.topics.enable", &S::auto_create_topics, Reload::kRestart,
         "Make a topic when a client first asks for it."},
        {"num.partitions", &S::num_partitions, 1, 10'000, Reload::kRestart,
         "Partitions of a topic that is made without a number."},
        {"message.max.bytes", &S::message_max_bytes, 0, kMaxInt, Reload::kLive,
         "Default of the topic option max.message.bytes."},
        {"socket.request.max.bytes", &S::socket_request_max_bytes, 1, kMaxInt, Reload::kRestart,
         "A larger Kafka request closes its connection."},
        {"max.connections", &S::max_connections, 0, kMaxInt, Reload::kLive,
         "Kafka connections beyond this number are closed at once."},
        {"connections.max.idle.ms", &S::connections_max_idle_ms, 1, kMax, Reload::kRestart,
         "A Kafka connection without a request for so long is closed."},
        {"delete.topic.enable", &S::delete_topic_enable, Reload::kRestart,
         "Whether topics may be deleted by clients."},
        {"default.replication.factor", &S::default_replication_factor, 1, 32767, Reload::kRestart,
         "Copies of a topic that is made without a number; one is kept, see "
         "replication.factor.clamp."},
        {"replication.factor.clamp", &S::replication_factor_clamp, Reload::kRestart,
         "Take topics with more copies than there are brokers, and keep one copy; else refuse "
         "them, as Kafka does."},
        {"compression.gzip.level", &S::compression_gzip_level, -1, 9, Reload::kLive,
         "Default of the topic option compression.gzip.level."},
        {"compression.lz4.level", &S::compression_lz4_level, 1, 17, Reload::kLive,
         "Default of the topic option compression.lz4.level."},
        {"compression.type",
         &S::compression_type,
         Kind::kString,
         {"uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"},
         Reload::kLive,
         "Default of the topic option compression.type."},
        {"compression.zstd.level", &S::compression_zstd_level, -131072, 22, Reload::kLive,
         "Default of the topic option compression.zstd.level."},
        {"log.cleaner.backoff.ms", &S::log_cleaner_backoff_ms, 1, kMax, Reload::kRestart,
         "How often compaction looks for work when it found none."},
        {"log.cleaner.dedupe.buffer.size", &S::log_cleaner_dedupe_buffer_size, kMiB, 64 * kGiB,
         Reload::kRestart,
         "Memory for the keys of one round of compaction, taken only while it runs."},
        {"log.cleaner.delete.retention.ms", &S::log_cleaner_delete_retention_ms, 0, kMax,
         Reload::kLive, "Default of the topic option delete.retention.ms."},
        {"log.cleaner.enable", &S::log_cleaner_enable, Reload::kRestart,
         "Whether compacted topics are compacted, the server's own among them."},
        {"log.cleaner.io.max.bytes.per.second", &S::log_cleaner_io_max_bytes_per_second, 1.0,
         std::numeric_limits<double>::max(), Reload::kRestart,
         "What compaction reads and writes in a second at most."},
        {"log.cleaner.max.compaction.lag.ms", &S::log_cleaner_max_compaction_lag_ms, 1, kMax,
         Reload::kLive, "Default of the topic option max.compaction.lag.ms."},
        {"log.cleaner.min.cleanable.ratio", &S::log_cleaner_min_cleanable_ratio, 0.0, 1.0,
         Reload::kLive, "Default of the topic option min.cleanable.dirty.ratio."},
        {"log.cleaner.min.compaction.lag.ms", &S::log_cleaner_min_compaction_lag_ms, 0, kMax,
         Reload::kLive, "Default of the topic option min.compaction.lag.ms."},
        {"log.cleanup.policy",
         &S::log_cleanup_policy,
         Kind::kList,
         {"compact", "delete"},
         Reload::kLive,
         "Default of the topic option cleanup.policy."},
        {"log.flush.interval.messages", &S::log_flush_interval_messages, 1, kMax, Reload::kLive,
         "Default of the topic option flush.messages."},
        {"log.flush.interval.ms", &S::log_flush_interval_ms, 0, kMax, Reload::kLive,
         "Default of the topic option flush.ms."},
        {"log.index.interval.bytes", &S::log_index_interval_bytes, 0, kMaxInt, Reload::kLive,
         "Default of the topic option index.interval.bytes."},
        {"log.index.size.max.bytes", &S::log_index_size_max_bytes, 4, kMaxInt, Reload::kLive,
         "Default of the topic option segment.index.bytes."},
        {"log.local.retention.bytes", &S::log_local_retention_bytes, -2, kMax, Reload::kLive,
         "Default of the topic option local.retention.bytes."},
        {"log.local.retention.ms", &S::log_local_retention_ms, -2, kMax, Reload::kLive,
         "Default of the topic option local.retention.ms."},
        {"log.message.timestamp.after.max.ms", &S::log_message_timestamp_after_max_ms, 0, kMax,
         Reload::kLive, "Default of the topic option message.timestamp.after.max.ms."},
        {"log.message.timestamp.before.max.ms", &S::log_message_timestamp_before_max_ms, 0, kMax,
         Reload::kLive, "Default of the topic option message.timestamp.before.max.ms."},
        {"log.message.timestamp.type",
         &S::log_message_timestamp_type,
         Kind::kString,
         {"CreateTime", "LogAppendTime"},
         Reload::kLive,
         "Default of the topic option message.timestamp.type."},
        {"log.preallocate", &S::log_preallocate, Reload::kLive,
         "Default of the topic option preallocate."},
        {"log.retention.bytes", &S::log_retention_bytes, -1, kMax, Reload::kLive,
         "Default of the topic option retention.bytes."},
        {"log.retention.check.interval.ms", &S::log_retention_check_interval_ms, 1, kMax,
         Reload::kRestart, "How often old segments are looked for."},
        {"log.retention.ms", &S::log_retention_ms, -1, kMax, Reload::kLive,
         "Default of the topic option retention.ms."},
        {"log.roll.jitter.ms", &S::log_roll_jitter_ms, 0, kMax, Reload::kLive,
         "Default of the topic option segment.jitter.ms."},
        {"log.roll.ms", &S::log_roll_ms, 1, kMax, Reload::kLive,
         "Default of the topic option segment.ms."},
        {"log.segment.bytes", &S::log_segment_bytes, 14, kMaxInt, Reload::kLive,
         "Default of the topic option segment.bytes."},
        {"log.segment.delete.delay.ms", &S::log_segment_delete_delay_ms, 0, kMax, Reload::kLive,
         "Default of the topic option file.delete.delay.ms."},
        {"min.insync.replicas", &S::min_insync_replicas, 1, kMaxInt, Reload::kLive,
         "Default of the topic option min.insync.replicas."},
        {"unclean.leader.election.enable", &S::unclean_leader_election_enable, Reload::kLive,
         "Default of the topic option unclean.leader.election.enable."},
        {"quota.window.num", &S::quota_window_num, 1, 10'000, Reload::kRestart,
         "Over how many windows the rate of a client with a quota is measured."},
        {"quota.window.size.seconds", &S::quota_window_size_seconds, 1, 3600, Reload::kRestart,
         "How long each of these windows is."},
        {"group.initial.rebalance.delay.ms", &S::group_initial_rebalance_delay_ms, 0, kMaxInt,
         Reload::kRestart, "How long a new consumer group waits for more members."},
        {"group.min.session.timeout.ms", &S::group_min_session_timeout_ms, 1, kMaxInt,
         Reload::kRestart, "The shortest session timeout that a consumer may ask for."},
        {"group.max.session.timeout.ms", &S::group_max_session_timeout_ms, 1, kMaxInt,
         Reload::kRestart, "The longest session timeout that a consumer may ask for."},
        {"group.max.size", &S::group_max_size, 1, kMaxInt, Reload::kRestart,
         "How many members a group of the classic protocol may have."},
        {"group.consumer.assignment.interval.ms", &S::group_consumer_assignment_interval_ms, 0,
         15'000, Reload::kRestart, "The least time between two assignments of a consumer group."},
        {"group.consumer.assignors",
         &S::group_consumer_assignors,
         Kind::kList,
         {"uniform", "range"},
         Reload::kRestart,
         "Assignors that members of consumer groups may ask for; the first is the default."},
        {"group.consumer.heartbeat.interval.ms", &S::group_consumer_heartbeat_interval_ms, 1,
         kMaxInt, Reload::kRestart, "How often members of consumer groups are to be heard of."},
        {"group.consumer.max.size", &S::group_consumer_max_size, 1, kMaxInt, Reload::kRestart,
         "How many members a consumer group may have."},
        {"group.consumer.migration.policy",
         &S::group_consumer_migration_policy,
         Kind::kString,
         {"bidirectional", "upgrade", "downgrade", "disabled"},
         Reload::kRestart,
         "Whether a group with members may go from the classic protocol to that of consumer "
         "groups, "
         "or back."},
        {"group.consumer.session.timeout.ms", &S::group_consumer_session_timeout_ms, 1, kMaxInt,
         Reload::kRestart, "A member of a consumer group that is silent for so long is dropped."},
        {"offset.metadata.max.bytes", &S::offset_metadata_max_bytes, 0, kMaxInt, Reload::kRestart,
         "The longest note that a client may leave with a committed offset."},
        {"offsets.retention.check.interval.ms", &S::offsets_retention_check_interval_ms, 1, kMax,
         Reload::kRestart, "How often old offsets and empty groups are looked for."},
        {"offsets.retention.minutes", &S::offsets_retention_minutes, 1, kMaxInt, Reload::kRestart,
         "How long offsets stay after their group became empty or, where nobody subscribes to "
         "their "
         "topic, after the last commit."},
        {"group.share.assignment.interval.ms", &S::group_share_assignment_interval_ms, 0, kMaxInt,
         Reload::kRestart, "The least time between two assignments of a share group."},
        {"group.share.delivery.count.limit", &S::group_share_delivery_count_limit, 2, 10,
         Reload::kRestart, "How often a record is delivered to a share group at most."},
        {"group.share.heartbeat.interval.ms", &S::group_share_heartbeat_interval_ms, 1, kMaxInt,
         Reload::kRestart, "How often members of share groups are to say that they live."},
        {"group.share.max.record.lock.duration.ms", &S::group_share_max_record_lock_duration_ms,
         30'000, 3'600'000, Reload::kRestart,
         "The longest share.record.lock.duration.ms that a share group may be given."},
        {"group.share.max.share.sessions", &S::group_share_max_share_sessions, 1, kMaxInt,
         Reload::kRestart, "Members of share groups that may fetch at the same time."},
        {"group.share.max.size", &S::group_share_max_size, 1, 1000, Reload::kRestart,
         "The largest number of members of a share group."},
        {"group.share.min.record.lock.duration.ms", &S::group_share_min_record_lock_duration_ms,
         1000, 30'000, Reload::kRestart,
         "The shortest share.record.lock.duration.ms that a share group may be given."},
        {"group.share.partition.max.record.locks", &S::group_share_partition_max_record_locks, 100,
         10'000, Reload::kRestart,
         "Records of a partition that may be in flight in a share group."},
        {"group.share.record.lock.duration.ms", &S::group_share_record_lock_duration_ms, 1000,
         3'600'000, Reload::kRestart, "How long a member of a share group has a record to itself."},
        {"group.share.session.timeout.ms", &S::group_share_session_timeout_ms, 1, kMaxInt,
         Reload::kRestart, "After how long without a heartbeat a member leaves its share group."},
        {"group.streams.assignment.interval.ms", &S::group_streams_assignment_interval_ms, 0,
         kMaxInt, Reload::kRestart, "The least time between two assignments of a streams group."},
        {"group.streams.heartbeat.interval.ms", &S::group_streams_heartbeat_interval_ms, 1, kMaxInt,
         Reload::kRestart, "How often members of streams groups are to say that they live."},
        {"group.streams.initial.rebalance.delay.ms", &S::group_streams_initial_rebalance_delay_ms,
         0, kMaxInt, Reload::kRestart, "How long a new streams group waits for more members."},
        {"group.streams.max.size", &S::group_streams_max_size, 1, kMaxInt, Reload::kRestart,
         "The largest number of members of a streams group."},
        {"group.streams.num.standby.replicas", &S::group_streams_num_standby_replicas, 0, 2,
         Reload::kRestart,
         "Copies of each task's state beside the working one, in a streams group."},
        {"group.streams.session.timeout.ms", &S::group_streams_session_timeout_ms, 1, kMaxInt,
         Reload::kRestart, "After how long without a heartbeat a member leaves its streams group."},
        {"share.coordinator.state.topic.num.partitions", &S::share_state_topic_num_partitions, 1,
         10'000, Reload::kRestart,
         "Partitions of __share_group_state; fixed once the topic exists."},
        {"offsets.topic.num.partitions", &S::offsets_topic_num_partitions, 1, 10'000,
         Reload::kRestart, "Partitions of __consumer_offsets; fixed once the topic exists."},
        {"offsets.topic.segment.bytes", &S::offsets_topic_segment_bytes, 1, kMaxInt,
         Reload::kRestart, "Segment size of __consumer_offsets, taken when the topic is made."},
        {"transaction.max.timeout.ms", &S::transaction_max_timeout_ms, 1, kMaxInt, Reload::kRestart,
         "The longest transaction timeout that a producer may ask for."},
        {"transaction.state.log.num.partitions", &S::transaction_state_log_num_partitions, 1,
         10'000, Reload::kRestart,
         "Partitions of __transaction_state; fixed once the topic exists."},
        {"transactional.id.expiration.ms", &S::transactional_id_expiration_ms, 1, kMaxInt,
         Reload::kRestart, "A transactional id that nobody uses for so long is forgotten."},
    };
    return kTable;
}

TopicOptions ServerOptions::topic_defaults() const {
    TopicOptions topic;
    for (const auto& [topic_option, server_option] : topic_option_defaults()) {
        const auto* const row = server_option_table().find(server_option);
        MR_CHECK(row != nullptr);
        const Result<void> taken =
            topic_option_table().set(topic, topic_option, row->view(*this).value);
        MR_CHECK(taken);  // Both rows have the same range.
    }
    return topic;
}

std::string environment_name(std::string_view option) {
    std::string name = std::string(kPrefix) + base::to_upper(option);
    std::ranges::replace(name, '.', '_');
    return name;
}

Result<Settings> parse_properties(std::string_view text) {
    Settings settings;
    for (int line_number = 1; !text.empty(); ++line_number) {
        const auto end = text.find('\n');
        const std::string_view line = base::trim(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.empty() || line[0] == '#' || line[0] == '!') continue;
        const auto equals = line.find('=');
        const std::string_view key = base::trim(line.substr(0, equals));
        if (equals == std::string_view::npos || key.empty()) {
            return base::fail(base::Code::kInvalidArgument, "line {}: '{}' is not key=value",
                              line_number, line);
        }
        if (!settings.emplace(key, base::trim(line.substr(equals + 1))).second) {
            return base::fail(base::Code::kInvalidArgument, "line {}: '{}' is set twice",
                              line_number, key);
        }
    }
    return settings;
}

Result<LoadedOptions> load_server_options(const Sources& sources) {
    const OptionTable<ServerOptions>& table = server_option_table();
    LoadedOptions loaded;

    Result<void> outcome;
    const Result<Settings> file = parse_properties(sources.file_text);
    outcome = file ? table.apply(loaded.options, *file) : Result<void>(base::fail(file.error()));
    if (!outcome) return base::fail(outcome.error().with(sources.file_name));

    std::map<std::string, std::string_view, std::less<>> by_variable;
    for (const std::string_view name : table.names()) by_variable[environment_name(name)] = name;
    std::vector<std::string_view> variables;
    for (const auto& [variable, name] : by_variable) variables.push_back(variable);
    for (const auto& [variable, text] : sources.environment) {
        if (!variable.starts_with(kPrefix) || is_other(variable)) continue;
        const auto known = by_variable.find(variable);
        if (known == by_variable.end()) {
            loaded.warnings.push_back(
                fmt::format("environment: {}", unknown_option(variable, variables).message()));
            continue;
        }
        outcome = table.set(loaded.options, known->second, text);
        if (!outcome) return base::fail(outcome.error().with(variable));
    }

    outcome = table.apply(loaded.options, sources.command_line);
    if (!outcome) return base::fail(outcome.error().with("command line"));
    return loaded;
}

}  // namespace millrace::config
