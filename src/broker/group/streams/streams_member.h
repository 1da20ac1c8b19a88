// StreamsMember: a member of a streams group (KIP-1071), what it tells of itself and what it has.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "broker/group/streams/streams_tasks.h"

namespace millrace::broker {

// Where a member answers interactive queries.
struct StreamsEndpoint {
    std::string host;
    std::uint16_t port = 0;
    auto operator<=>(const StreamsEndpoint&) const = default;
};

// As they are numbered in the log.
enum class StreamsMemberState : std::int8_t {
    kStable = 1,           // Has what it is to have at its epoch.
    kUnrevokedTasks = 2,   // Is to give tasks up, and has not said yet that it did.
    kUnreleasedTasks = 3,  // Waits for tasks that others have not given up.
    kUnknown = 127,        // Of a newer server.
};

struct StreamsMember {
    // Epochs that clients send in place of their own.
    static constexpr std::int32_t kJoining = 0;
    static constexpr std::int32_t kLeaving = -1;
    static constexpr std::int32_t kLeavingForAWhile = -2;

    std::string id;
    std::optional<std::string> instance_id;  // Nobody has one yet; kept as the log has it.
    std::optional<std::string> rack_id;
    std::string client_id;
    std::string client_host;
    std::int32_t rebalance_timeout_ms = -1;
    std::int32_t topology_epoch = -1;
    std::string process_id;  // Members of one process share its disk.
    std::optional<StreamsEndpoint> endpoint;
    std::map<std::string, std::string> client_tags;

    std::int32_t epoch = 0;
    std::int32_t previous_epoch = 0;  // An answer with the last bump may have got lost.
    StreamsMemberState state = StreamsMemberState::kStable;
    AssignedTasks assigned;
    AssignedTasks revoking;

    // Not in the log. Milliseconds of a clock that never goes back.
    std::int64_t session_deadline_ms = 0;
    std::optional<std::int64_t> revoke_deadline_ms;  // In kUnrevokedTasks.

    bool is_reconciled_to(std::int32_t target_epoch) const {
        return state == StreamsMemberState::kStable && epoch == target_epoch;
    }
};

}  // namespace millrace::broker
