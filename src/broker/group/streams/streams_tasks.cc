#include "broker/group/streams/streams_tasks.h"

#include <algorithm>

namespace millrace::broker {
namespace {

// The partitions of one subtopology are a set, or the keys of a map.
template <class Others>
bool holds(const Others& others, const std::string& subtopology, std::int32_t partition) {
    const auto partitions = others.find(subtopology);
    return partitions != others.end() && partitions->second.contains(partition);
}

template <class Others>
bool any_in(const TaskSet& some, const Others& others) {
    return std::ranges::any_of(some, [&](const auto& one) {
        return std::ranges::any_of(one.second, [&](std::int32_t partition) {
            return holds(others, one.first, partition);
        });
    });
}

template <class Others>
bool all_in(const TaskSet& some, const Others& others) {
    return std::ranges::all_of(some, [&](const auto& one) {
        return std::ranges::all_of(one.second, [&](std::int32_t partition) {
            return holds(others, one.first, partition);
        });
    });
}

}  // namespace

TaskSet without_epochs(const TasksSince& tasks) {
    TaskSet set;
    for (const auto& [subtopology, partitions] : tasks) {
        for (const auto& [partition, since] : partitions) set[subtopology].insert(partition);
    }
    return set;
}

Tasks without_epochs(const AssignedTasks& tasks) {
    return {without_epochs(tasks.active), tasks.standby, tasks.warmup};
}

bool any_of(const Tasks& some, const AssignedTasks& others) {
    return any_in(some.active, others.active) || any_in(some.standby, others.standby) ||
           any_in(some.warmup, others.warmup);
}

bool all_of(const Tasks& some, const AssignedTasks& others) {
    return all_in(some.active, others.active) && all_in(some.standby, others.standby) &&
           all_in(some.warmup, others.warmup);
}

}  // namespace millrace::broker
