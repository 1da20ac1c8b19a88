#include "broker/group/streams/streams_reconcile.h"

#include <tuple>
#include <utility>

namespace millrace::broker {

// ---- owners ----

void TaskOwners::note(const AssignedTasks& tasks, const std::string& process_id, bool there) {
    const auto change = [&](Processes& processes, TaskId task) {
        if (there) {
            processes[std::move(task)].insert(process_id);
            return;
        }
        const auto found = processes.find(task);
        if (found == processes.end()) return;
        const auto one = found->second.find(process_id);
        if (one != found->second.end()) found->second.erase(one);
        if (found->second.empty()) processes.erase(found);
    };
    for (const auto& [subtopology, partitions] : tasks.active) {
        for (const auto& [partition, since] : partitions) change(active_, {subtopology, partition});
    }
    for (const TaskSet* set : {&tasks.standby, &tasks.warmup}) {
        for (const auto& [subtopology, partitions] : *set) {
            for (const std::int32_t partition : partitions) {
                change(others_, {subtopology, partition});
            }
        }
    }
}

void TaskOwners::add(const StreamsMember& member) {
    note(member.assigned, member.process_id, /*there=*/true);
    note(member.revoking, member.process_id, /*there=*/true);
}

void TaskOwners::remove(const StreamsMember& member) {
    note(member.assigned, member.process_id, /*there=*/false);
    note(member.revoking, member.process_id, /*there=*/false);
}

void TaskOwners::clear() {
    active_.clear();
    others_.clear();
}

bool TaskOwners::has(const TaskId& task, const std::string& process_id) const {
    for (const Processes* processes : {&active_, &others_}) {
        const auto found = processes->find(task);
        if (found != processes->end() && found->second.contains(process_id)) return true;
    }
    return false;
}

// ---- one member ----

namespace {

// What the target means for what the member has.
struct Difference {
    AssignedTasks kept;
    AssignedTasks to_revoke;
    AssignedTasks to_assign;
    bool unreleased = false;
};

void compare(const TaskSet& current, const TaskSet& target, const StreamsMember& member,
             const TaskOwners& owners, TaskSet AssignedTasks::* part, Difference& into) {
    for (const auto& [subtopology, partitions] : current) {
        const auto wanted = target.find(subtopology);
        for (const std::int32_t partition : partitions) {
            const bool stays = wanted != target.end() && wanted->second.contains(partition);
            ((stays ? into.kept : into.to_revoke).*part)[subtopology].insert(partition);
        }
    }
    for (const auto& [subtopology, partitions] : target) {
        const auto has = current.find(subtopology);
        for (const std::int32_t partition : partitions) {
            if (has != current.end() && has->second.contains(partition)) continue;
            if (owners.has({subtopology, partition}, member.process_id)) {
                into.unreleased = true;
            } else {
                (into.to_assign.*part)[subtopology].insert(partition);
            }
        }
    }
}

void compare_active(const StreamsMember& member, const StreamsReconciliation& with,
                    Difference& into) {
    const TasksSince& current = member.assigned.active;
    const TaskSet& target = with.target.active;
    for (const auto& [subtopology, partitions] : current) {
        const auto wanted = target.find(subtopology);
        for (const auto& [partition, since] : partitions) {
            const bool stays = wanted != target.end() && wanted->second.contains(partition);
            (stays ? into.kept : into.to_revoke).active[subtopology][partition] = since;
        }
    }
    for (const auto& [subtopology, partitions] : target) {
        const auto has = current.find(subtopology);
        for (const std::int32_t partition : partitions) {
            if (has != current.end() && has->second.contains(partition)) continue;
            const TaskId task{subtopology, partition};
            if (with.owners.is_active(task) || with.owners.has(task, member.process_id)) {
                into.unreleased = true;
            } else {
                into.to_assign.active[subtopology][partition] = with.target_epoch;
            }
        }
    }
}

void merge(const AssignedTasks& from, AssignedTasks& into) {
    for (const auto& [subtopology, partitions] : from.active) {
        into.active[subtopology].insert(partitions.begin(), partitions.end());
    }
    for (const auto part : {&AssignedTasks::standby, &AssignedTasks::warmup}) {
        for (const auto& [subtopology, partitions] : from.*part) {
            (into.*part)[subtopology].insert(partitions.begin(), partitions.end());
        }
    }
}

void set_epoch(StreamsMember& member, std::int32_t epoch) {
    member.previous_epoch = std::exchange(member.epoch, epoch);
}

// Towards the target: give up first, then take what is free. `epoch` is the member's own meanwhile.
void compute_next(StreamsMember& member, std::int32_t epoch, const StreamsReconciliation& with) {
    Difference difference;
    compare_active(member, with, difference);
    compare(member.assigned.standby, with.target.standby, member, with.owners,
            &AssignedTasks::standby, difference);
    compare(member.assigned.warmup, with.target.warmup, member, with.owners, &AssignedTasks::warmup,
            difference);
    if (!difference.to_revoke.empty() &&
        (!with.owned || any_of(*with.owned, difference.to_revoke))) {
        member.state = StreamsMemberState::kUnrevokedTasks;
        set_epoch(member, epoch);
        member.assigned = std::move(difference.kept);
        member.revoking = std::move(difference.to_revoke);
        return;
    }
    member.state =
        difference.unreleased ? StreamsMemberState::kUnreleasedTasks : StreamsMemberState::kStable;
    set_epoch(member, with.target_epoch);
    member.assigned = std::move(difference.kept);
    merge(difference.to_assign, member.assigned);
    member.revoking = {};
}

// Everything of a member that this file changes.
auto essence(const StreamsMember& member) {
    return std::tie(member.epoch, member.previous_epoch, member.state, member.assigned,
                    member.revoking);
}

}  // namespace

bool reconcile(StreamsMember& member, const StreamsReconciliation& with) {
    if (member.is_reconciled_to(with.target_epoch)) return false;
    const StreamsMember before = member;
    switch (member.state) {
        case StreamsMemberState::kStable:
        case StreamsMemberState::kUnreleasedTasks: compute_next(member, member.epoch, with); break;
        case StreamsMemberState::kUnrevokedTasks:
            if (!with.owned || any_of(*with.owned, member.revoking)) break;
            // The epoch in which it gave up what it had is behind it.
            compute_next(member, member.epoch + 1, with);
            break;
        case StreamsMemberState::kUnknown: compute_next(member, with.target_epoch, with); break;
    }
    return essence(before) != essence(member);
}

}  // namespace millrace::broker
