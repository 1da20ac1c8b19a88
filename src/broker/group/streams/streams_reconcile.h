// TaskOwners and reconcile: the next step of one member of a streams group from what it has to what
// it is to have (KIP-1071).
//
// A task is first given up by the one who has it, which the member confirms by no longer naming it
// among what it owns. An active task waits until nobody works on it any more; and since members of
// one process share its disk, any task waits until no other part of it is left in the process.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "broker/group/streams/streams_member.h"

namespace millrace::broker {

// Which processes have a task, or are about to give it up.
class TaskOwners {
public:
    void add(const StreamsMember& member);
    void remove(const StreamsMember& member);
    void clear();

    bool is_active(const TaskId& task) const { return active_.contains(task); }
    // In whatever part.
    bool has(const TaskId& task, const std::string& process_id) const;

private:
    using Processes = std::map<TaskId, std::multiset<std::string>>;
    void note(const AssignedTasks& tasks, const std::string& process_id, bool there);

    Processes active_;
    Processes others_;  // Standbys and warm-ups.
};

struct StreamsReconciliation {
    std::int32_t target_epoch = 0;
    const Tasks& target;
    // What the member says it has; nullopt: it says nothing.
    const std::optional<Tasks>& owned;
    // The member's own tasks are among them.
    const TaskOwners& owners;
};

// Changes epochs, state and tasks of the member; true if any did change. A member in kUnknown is
// not to come here with tasks (it is fenced).
bool reconcile(StreamsMember& member, const StreamsReconciliation& with);

}  // namespace millrace::broker
