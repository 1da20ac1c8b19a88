// GroupOptions: what may be configured per group, with Kafka's names and defaults. Groups of the
// classic protocol have none: their members say what they want.
#pragma once

#include <cstdint>
#include <string>

#include "config/option.h"

namespace millrace::config {

struct GroupOptions {
    std::int32_t consumer_assignment_interval_ms = 1000;
    std::int32_t consumer_heartbeat_interval_ms = 5000;
    std::int32_t consumer_session_timeout_ms = 45'000;
    std::int32_t share_assignment_interval_ms = 1000;
    std::string share_auto_offset_reset = "latest";
    std::int32_t share_delivery_count_limit = 5;
    std::int32_t share_heartbeat_interval_ms = 5000;
    std::string share_isolation_level = "read_uncommitted";
    std::int32_t share_partition_max_record_locks = 2000;
    std::int32_t share_record_lock_duration_ms = 30'000;
    bool share_renew_acknowledge_enable = true;
    std::int32_t share_session_timeout_ms = 45'000;
    std::int32_t streams_assignment_interval_ms = 1000;
    std::int32_t streams_heartbeat_interval_ms = 5000;
    std::int32_t streams_initial_rebalance_delay_ms = 3000;
    std::int32_t streams_num_standby_replicas = 0;
    std::int32_t streams_session_timeout_ms = 45'000;
};

const OptionTable<GroupOptions>& group_option_table();

// "earliest", "latest" or "by_duration:PnDTnHnMn.nS" with a duration that is not negative: how far
// back from now, in milliseconds. Nothing for another text.
struct AutoOffsetReset {
    enum class Kind : std::uint8_t { kEarliest, kLatest, kByDuration };
    Kind kind = Kind::kLatest;
    std::int64_t duration_ms = 0;
};
Result<AutoOffsetReset> parse_auto_offset_reset(std::string_view text);

}  // namespace millrace::config
