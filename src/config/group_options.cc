#include "config/group_options.h"

#include <limits>

namespace millrace::config {
namespace {

constexpr std::string_view kByDuration = "by_duration:";

// Java's Duration, without a sign: P1DT2H3M4.5S. Whole milliseconds.
Result<std::int64_t> parse_duration_ms(std::string_view text) {
    const auto wrong = [&] {
        return base::fail(base::Code::kInvalidArgument, "'{}' is not a duration like PT1H30M",
                          text);
    };
    constexpr double kMostMs = 9e15;
    std::string_view rest = text;
    if (!rest.starts_with('P') && !rest.starts_with('p')) return wrong();
    rest.remove_prefix(1);
    double total_ms = 0;
    bool time = false;
    bool any = false;
    std::size_t least_unit = 0;  // Units come in order, each once.
    while (!rest.empty()) {
        if (rest[0] == 'T' || rest[0] == 't') {
            if (time || rest.size() == 1) return wrong();
            time = true;
            rest.remove_prefix(1);
        }
        const auto digits = rest.find_first_not_of("0123456789.");
        if (digits == 0 || digits == std::string_view::npos || digits > 18) return wrong();
        const auto number = base::parse_double(rest.substr(0, digits));
        const auto unit = std::string_view("DHMS").find(base::to_upper(rest.substr(digits, 1)));
        if (!number || unit == std::string_view::npos || (unit == 0) == time) return wrong();
        if (any && unit < least_unit) return wrong();
        const bool fraction = rest.substr(0, digits).find('.') != std::string_view::npos;
        if (fraction && unit != 3) return wrong();
        constexpr double kUnitMs[] = {86'400'000, 3'600'000, 60'000, 1000};
        total_ms += *number * kUnitMs[unit];
        if (total_ms > kMostMs) return wrong();
        least_unit = unit + 1;
        any = true;
        rest.remove_prefix(digits + 1);
    }
    if (!any) return wrong();
    return static_cast<std::int64_t>(total_ms);
}

}  // namespace

Result<AutoOffsetReset> parse_auto_offset_reset(std::string_view text) {
    if (text == "earliest") return AutoOffsetReset{AutoOffsetReset::Kind::kEarliest};
    if (text == "latest") return AutoOffsetReset{AutoOffsetReset::Kind::kLatest};
    if (!text.starts_with(kByDuration)) {
        return base::fail(base::Code::kInvalidArgument,
                          "'{}' is neither earliest, latest nor by_duration:<duration>", text);
    }
    MR_TRY(const std::int64_t duration_ms, parse_duration_ms(text.substr(kByDuration.size())));
    return AutoOffsetReset{AutoOffsetReset::Kind::kByDuration, duration_ms};
}

const OptionTable<GroupOptions>& group_option_table() {
    constexpr std::int64_t kMaxInt = std::numeric_limits<std::int32_t>::max();
    using G = GroupOptions;
    static const OptionTable<GroupOptions> kTable{
        {"consumer.assignment.interval.ms", &G::consumer_assignment_interval_ms, 0, 15'000,
         Reload::kLive, "The least time between two assignments of a consumer group."},
        {"consumer.heartbeat.interval.ms", &G::consumer_heartbeat_interval_ms, 5000, 15'000,
         Reload::kLive,
         "How often the members of a consumer group are told to say that they live."},
        {"consumer.session.timeout.ms", &G::consumer_session_timeout_ms, 45'000, 60'000,
         Reload::kLive, "A member of a consumer group that is silent for so long is put out."},
        {"share.assignment.interval.ms", &G::share_assignment_interval_ms, 0, 15'000, Reload::kLive,
         "The least time between two assignments of a share group."},
        {"share.auto.offset.reset",
         &G::share_auto_offset_reset,
         Kind::kString,
         {},
         Reload::kLive,
         "Where a share group starts in a partition: earliest, latest or by_duration:<duration>."},
        {"share.delivery.count.limit", &G::share_delivery_count_limit, 2, 10, Reload::kLive,
         "How often a record is delivered to a share group at most."},
        {"share.heartbeat.interval.ms", &G::share_heartbeat_interval_ms, 5000, 15'000,
         Reload::kLive, "How often the members of a share group are told to say that they live."},
        {"share.isolation.level",
         &G::share_isolation_level,
         Kind::kString,
         {"read_committed", "read_uncommitted"},
         Reload::kLive,
         "Whether a share group gets records of transactions before their end."},
        {"share.partition.max.record.locks", &G::share_partition_max_record_locks, 100, 4000,
         Reload::kLive, "How many records of a partition a share group may hold locked."},
        {"share.record.lock.duration.ms", &G::share_record_lock_duration_ms, 1000, 3'600'000,
         Reload::kLive,
         "How long a record is locked for whom it was delivered to; within the server's "
         "group.share.min.record.lock.duration.ms and group.share.max.record.lock.duration.ms."},
        {"share.renew.acknowledge.enable", &G::share_renew_acknowledge_enable, Reload::kLive,
         "Whether members of a share group may renew the lock of a record."},
        {"share.session.timeout.ms", &G::share_session_timeout_ms, 45'000, 60'000, Reload::kLive,
         "A member of a share group that is silent for so long is put out."},
        {"streams.assignment.interval.ms", &G::streams_assignment_interval_ms, 0, 15'000,
         Reload::kLive, "The least time between two assignments of a streams group."},
        {"streams.heartbeat.interval.ms", &G::streams_heartbeat_interval_ms, 5000, 15'000,
         Reload::kLive, "How often the members of a streams group are told to say that they live."},
        {"streams.initial.rebalance.delay.ms", &G::streams_initial_rebalance_delay_ms, 0, kMaxInt,
         Reload::kLive, "How long a new streams group waits for more members."},
        {"streams.num.standby.replicas", &G::streams_num_standby_replicas, 0, 2, Reload::kLive,
         "Copies of each task's state beside the working one."},
        {"streams.session.timeout.ms", &G::streams_session_timeout_ms, 45'000, 60'000,
         Reload::kLive, "A member of a streams group that is silent for so long is put out."},
    };
    return kTable;
}

}  // namespace millrace::config
