#include <algorithm>

#include "broker/group/consumer/assignor.h"

namespace millrace::broker {
namespace {

// What is left to give of one topic.
struct Ranges {
    std::int32_t partitions = 0;
    std::int32_t members = 0;
    std::int32_t given = 0;  // To so many members.
    std::int32_t next = 0;   // The first partition that nobody has.
};

// Static members come first, by their instance id, so that a restart changes nothing.
bool comes_before(const AssignorMembers::value_type* a, const AssignorMembers::value_type* b) {
    const auto& one = a->second.instance_id;
    const auto& other = b->second.instance_id;
    if (one && other) return *one < *other;
    if (one || other) return one.has_value();
    return a->first < b->first;
}

}  // namespace

TargetAssignment assign_range(const AssignorMembers& members, const PartitionCounts& partitions) {
    std::vector<const AssignorMembers::value_type*> order;
    std::map<kafka::Uuid, Ranges> topics;
    for (const auto& member : members) {
        order.push_back(&member);
        for (const kafka::Uuid& topic : member.second.topics) {
            Ranges& ranges = topics[topic];
            ranges.partitions = partitions.at(topic);
            ++ranges.members;
        }
    }
    std::ranges::sort(order, comes_before);

    TargetAssignment target;
    for (const auto* member : order) {
        TopicPartitions& assigned = target[member->first];
        for (const kafka::Uuid& topic : member->second.topics) {
            Ranges& ranges = topics.at(topic);
            // The first members have one more where it does not come out even.
            std::int32_t count = ranges.partitions / ranges.members;
            if (ranges.given++ < ranges.partitions % ranges.members) ++count;
            const std::int32_t end = ranges.next + count;
            while (ranges.next < end) assigned[topic].insert(ranges.next++);
        }
    }
    return target;
}

}  // namespace millrace::broker
