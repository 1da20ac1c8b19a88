// The "simple" assignor of share groups: who reads which partitions.
//
// A partition of a share group may have several readers, so nobody has to go without: each member
// gets a partition and each partition a reader, the loads differ by one at most, and what a member
// had before it keeps as far as that allows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "kafka/types.h"

namespace millrace::broker {

// Partitions by topic; sorted, without empty lists.
using ShareAssignment = std::map<kafka::Uuid, std::vector<std::int32_t>>;

struct ShareTopic {
    std::string name;
    kafka::Uuid id;
    std::int32_t partitions = 0;
};

struct ShareSubscription {
    std::string member_id;
    std::vector<kafka::Uuid> topics;  // Only topics that exist.
    ShareAssignment before;
};

// The assignment of each member, in the order of `members`.
std::vector<ShareAssignment> assign_simply(const std::vector<ShareSubscription>& members,
                                           const std::map<kafka::Uuid, ShareTopic>& topics);

}  // namespace millrace::broker
