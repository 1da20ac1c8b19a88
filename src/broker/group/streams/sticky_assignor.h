// The sticky task assignor of streams groups (KIP-1071): which member is to work on which tasks.
//
// Every task is active with one member; tasks with state have as many standbys as are configured,
// each in another process than the active one and the other standbys. Members get equal shares, and
// keep what they had, or were standby for, as far as their shares allow; what is left goes to the
// processes with the fewest tasks per member. As Apache Kafka's assignor of that name does, up to
// the order in which members with equal rights are taken, which is here that of their ids.
// A pure function.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "broker/group/streams/streams_tasks.h"

namespace millrace::broker {

struct StickyMember {
    std::string process_id;
    Tasks current;  // Of the last target assignment.
};
struct StickySubtopology {
    std::int32_t tasks = 0;
    bool stateful = false;
};

inline constexpr const char* kStickyAssignor = "sticky";

// Every member is in the result.
std::map<std::string, Tasks> assign_sticky(
    const std::map<std::string, StickyMember>& members,
    const std::map<std::string, StickySubtopology>& subtopologies, std::int32_t standbys);

}  // namespace millrace::broker
