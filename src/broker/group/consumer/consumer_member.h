// ConsumerMember: a member of a consumer group (KIP-848), what it asks for and what it has.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/group/consumer/assignor.h"
#include "broker/group/group.h"
#include "kafka/types.h"

namespace millrace::broker {

// Partitions with the member epoch in which each was assigned: a commit that is older than that
// comes from a time when somebody else may have had the partition (KIP-1251).
using OwnedPartitions = std::map<kafka::Uuid, std::map<std::int32_t, std::int32_t>>;

// As they are numbered in the log.
enum class MemberState : std::int8_t {
    kStable = 0,                // Has what it is to have at its epoch.
    kUnrevokedPartitions = 1,   // Is to give partitions up, and has not said yet that it did.
    kUnreleasedPartitions = 2,  // Waits for partitions that others have not given up.
    kUnknown = 127,             // Of a newer server.
};

struct ConsumerMember {
    // Epochs that clients send in place of their own.
    static constexpr std::int32_t kJoining = 0;
    static constexpr std::int32_t kLeaving = -1;
    static constexpr std::int32_t kLeavingForAWhile = -2;  // A static member that will be back.

    std::string id;
    std::optional<std::string> instance_id;
    std::optional<std::string> rack_id;
    std::string client_id;
    std::string client_host;
    std::set<std::string> topics;
    std::string regex;  // Empty: none.
    std::int32_t rebalance_timeout_ms = -1;
    std::optional<std::string> assignor;
    // Of a member that speaks the classic protocol, while its group is on the way to the new one.
    struct Classic {
        std::int32_t session_timeout_ms = 0;
        std::vector<GroupProtocol> protocols;
        bool operator==(const Classic&) const = default;
    };
    std::optional<Classic> classic;

    std::int32_t epoch = 0;
    std::int32_t previous_epoch = -1;  // An answer with the last bump may have got lost.
    MemberState state = MemberState::kStable;
    OwnedPartitions assigned;
    OwnedPartitions revoking;

    // Not in the log. Milliseconds of a clock that never goes back.
    std::int64_t session_deadline_ms = 0;
    std::optional<std::int64_t> revoke_deadline_ms;  // In kUnrevokedPartitions.
    std::optional<std::int64_t> join_deadline_ms;    // Classic: to join again when called back.
    std::optional<std::int64_t> sync_deadline_ms;    // Classic: to ask for its share.

    bool is_reconciled_to(std::int32_t target_epoch) const {
        return state == MemberState::kStable && epoch == target_epoch;
    }
};

}  // namespace millrace::broker
