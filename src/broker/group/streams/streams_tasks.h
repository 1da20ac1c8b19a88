// Tasks of a streams group (KIP-1071): one per partition of each subtopology's inputs, by whom it
// is worked on, and in which part.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace millrace::broker {

struct TaskId {
    std::string subtopology;
    std::int32_t partition = 0;
    auto operator<=>(const TaskId&) const = default;
};

// Partitions by subtopology.
using TaskSet = std::map<std::string, std::set<std::int32_t>>;
// The same, with the member epoch in which each was assigned: a commit that is older than that
// comes from a time when somebody else may have had the task.
using TasksSince = std::map<std::string, std::map<std::int32_t, std::int32_t>>;

// Warm-up tasks are in the protocol and in the log, but like Kafka 4.3 this server assigns none.
struct Tasks {
    TaskSet active;
    TaskSet standby;
    TaskSet warmup;
    bool operator==(const Tasks&) const = default;
    bool empty() const { return active.empty() && standby.empty() && warmup.empty(); }
};

struct AssignedTasks {
    TasksSince active;
    TaskSet standby;
    TaskSet warmup;
    bool operator==(const AssignedTasks&) const = default;
    bool empty() const { return active.empty() && standby.empty() && warmup.empty(); }
};

TaskSet without_epochs(const TasksSince& tasks);
Tasks without_epochs(const AssignedTasks& tasks);
// Is any of `some` among `others`, in the same part?
bool any_of(const Tasks& some, const AssignedTasks& others);
// Is all of `some` among `others`?
bool all_of(const Tasks& some, const AssignedTasks& others);

}  // namespace millrace::broker
