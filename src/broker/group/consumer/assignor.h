// The server-side assignors of consumer groups (KIP-848): who is to have which partitions.
//
// Pure functions of members, their subscriptions and what they were to have before. Both assign as
// Apache Kafka's assignors of the same names do, up to the order in which members with equal rights
// are taken, which is here that of their ids:
//
// - range: every topic by itself, in consecutive ranges, static members first by their instance id.
//   Topics with equal numbers of partitions are spread alike, so that keys meet.
// - uniform: all topics together, so that every member has as many partitions as every other or one
//   more, and moves as few as possible.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kafka/types.h"

namespace millrace::broker {

using TopicPartitions = std::map<kafka::Uuid, std::set<std::int32_t>>;

struct AssignorMember {
    std::optional<std::string> instance_id;
    std::set<kafka::Uuid> topics;  // That exist.
    TopicPartitions current;       // Of the last target assignment.
};
using AssignorMembers = std::map<std::string, AssignorMember>;
// Topics that members subscribe to, with their numbers of partitions.
using PartitionCounts = std::map<kafka::Uuid, std::int32_t>;
using TargetAssignment = std::map<std::string, TopicPartitions>;

inline constexpr const char* kUniformAssignor = "uniform";
inline constexpr const char* kRangeAssignor = "range";

// Every member is in the result. Each topic of a member must be in `partitions`.
TargetAssignment assign_range(const AssignorMembers& members, const PartitionCounts& partitions);
TargetAssignment assign_uniform(const AssignorMembers& members, const PartitionCounts& partitions);

}  // namespace millrace::broker
