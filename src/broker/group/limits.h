// Limits of groups: what the server's options group.* and offsets.* come to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace millrace::broker {

// What a consumer group may have settings of its own for.
struct ConsumerTimeouts {
    std::int32_t session_timeout_ms = 45'000;
    std::int32_t heartbeat_interval_ms = 5'000;
    std::int32_t assignment_interval_ms = 1'000;  // Not sooner is a new target computed (KIP-1263).
};

struct ConsumerGroupLimits {
    ConsumerTimeouts timeouts;
    std::size_t max_size = INT32_MAX;
    std::vector<std::string> assignors = {"uniform", "range"};  // The default first.
    // May a group change its protocol while it has members?
    bool upgrade = true;
    bool downgrade = true;
};

// What a streams group may have settings of its own for.
struct StreamsGroupSettings {
    std::int32_t session_timeout_ms = 45'000;
    std::int32_t heartbeat_interval_ms = 5'000;
    std::int32_t assignment_interval_ms = 1'000;  // Not sooner is a new target computed.
    std::int32_t initial_rebalance_delay_ms = 3'000;
    std::int32_t num_standby_replicas = 0;
};

struct StreamsGroupLimits {
    StreamsGroupSettings settings;
    std::size_t max_size = INT32_MAX;
};

struct GroupLimits {
    std::int64_t initial_rebalance_delay_ms = 3000;
    std::int32_t min_session_timeout_ms = 6000;
    std::int32_t max_session_timeout_ms = 1'800'000;
    std::size_t max_size = INT32_MAX;
    std::int64_t offsets_retention_ms = std::int64_t{7} * 24 * 3600 * 1000;
    std::int64_t offsets_check_interval_ms = 600'000;
    ConsumerGroupLimits consumer;
    StreamsGroupLimits streams;
};

}  // namespace millrace::broker
