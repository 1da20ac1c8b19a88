// Offsets and the log of a streams group; its life is in streams_group.cc.
#include <utility>

#include <fmt/format.h>

#include "broker/group/streams/streams_group.h"

namespace millrace::broker {
namespace {

using Refusal = StreamsGroup::Refusal;

Refusal stale(std::string message) {
    return {ErrorCode::kStaleMemberEpoch, std::move(message)};
}

// The epoch in which the member got the task that it has, or is about to give up.
std::optional<std::int32_t> assigned_since(const StreamsMember& member,
                                           const std::string& subtopology, std::int32_t partition) {
    for (const AssignedTasks* tasks : {&member.assigned, &member.revoking}) {
        const auto partitions = tasks->active.find(subtopology);
        if (partitions == tasks->active.end()) continue;
        const auto since = partitions->second.find(partition);
        if (since != partitions->second.end()) return since->second;
    }
    return std::nullopt;
}

}  // namespace

// ---- offsets ----

Refusal StreamsGroup::may_commit(
    const std::string& member_id, std::int32_t member_epoch, std::int16_t api_version,
    const std::vector<std::pair<std::string, std::int32_t>>& partitions) const {
    // From outside: an admin client.
    if (member_epoch < 0 && members_.empty()) return {};
    const auto found = members_.find(member_id);
    if (found == members_.end()) {
        return {ErrorCode::kUnknownMemberId,
                fmt::format("Member {} is not a member of group {}.", member_id, id_)};
    }
    const StreamsMember& member = found->second;
    if (api_version < 9) {
        return {ErrorCode::kUnsupportedVersion,
                "OffsetCommit version 9 or above must be used by members using the streams group "
                "protocol"};
    }
    if (member_epoch == member.epoch) return {};
    if (member_epoch > member.epoch) {
        return stale(fmt::format("Received member epoch {} is newer than current member epoch {}.",
                                 member_epoch, member.epoch));
    }
    // The member may not know its new epoch yet. What it has had since the epoch that it names was
    // nobody else's in between.
    if (!topology_) return stale("Topology is not available for offset commit validation.");
    for (const auto& [topic, partition] : partitions) {
        const std::string* const subtopology = topology_->reader_of(topic);
        if (!subtopology) return stale("Topic " + topic + " is not in the topology.");
        const auto since = assigned_since(member, *subtopology, partition);
        if (!since) {
            return stale(fmt::format("Task {}-{} is not assigned or pending revocation for member.",
                                     *subtopology, partition));
        }
        if (member_epoch < *since) {
            return stale(
                fmt::format("Received member epoch {} is older than assignment epoch {} "
                            "for task {}-{}.",
                            member_epoch, *since, *subtopology, partition));
        }
    }
    return {};
}

Refusal StreamsGroup::may_fetch(const std::optional<std::string>& member_id,
                                std::int32_t member_epoch) const {
    if (!member_id && member_epoch < 0) return {};
    const auto found = members_.find(member_id.value_or(""));
    if (found == members_.end()) {
        return {ErrorCode::kUnknownMemberId,
                fmt::format("Member {} is not a member of group {}.", member_id.value_or(""), id_)};
    }
    if (found->second.epoch == member_epoch) return {};
    return stale(
        fmt::format("The received member epoch {} does not match the expected member "
                    "epoch {}.",
                    member_epoch, found->second.epoch));
}

// ---- the log ----

void StreamsGroup::restore_epoch(std::int32_t epoch, std::int64_t metadata_hash,
                                 std::int32_t validated_topology_epoch, AssignmentConfigs configs) {
    epoch_ = epoch;
    metadata_hash_ = metadata_hash;
    validated_topology_epoch_ = validated_topology_epoch;
    assignment_configs_ = std::move(configs);
}

void StreamsGroup::restore_target(const std::string& member, Tasks target) {
    targets_.insert_or_assign(member, std::move(target));
}

void StreamsGroup::restore_member(StreamsMember member) {
    StreamsMember& known = members_[member.id];
    member.epoch = known.epoch;
    member.previous_epoch = known.previous_epoch;
    member.state = known.state;
    member.assigned = std::move(known.assigned);
    member.revoking = std::move(known.revoking);
    known = std::move(member);
}

void StreamsGroup::restore_current(const std::string& member, std::int32_t epoch,
                                   std::int32_t previous_epoch, StreamsMemberState state,
                                   AssignedTasks assigned, AssignedTasks revoking) {
    StreamsMember& known = members_[member];
    known.epoch = epoch;
    known.previous_epoch = previous_epoch;
    known.state = state;
    known.assigned = std::move(assigned);
    known.revoking = std::move(revoking);
}

void StreamsGroup::finish_restore(std::int64_t now_ms) {
    // Whoever has no record of its own, but only of what it had, has left.
    std::erase_if(members_, [](const auto& member) { return member.second.id.empty(); });
    owners_.clear();
    for (auto& [id, member] : members_) {
        owners_.add(member);
        member.session_deadline_ms = now_ms + settings_.session_timeout_ms;
        if (member.state == StreamsMemberState::kUnrevokedTasks) {
            member.revoke_deadline_ms = now_ms + member.rebalance_timeout_ms;
        }
    }
    std::erase_if(targets_,
                  [this](const auto& target) { return !members_.contains(target.first); });
}

StreamsGroupChanges StreamsGroup::everything() const {
    StreamsGroupChanges all{.epoch = true, .target_epoch = true, .topology = topology_.has_value()};
    for (const auto& [id, member] : members_) {
        all.members.insert(id);
        all.currents.insert(id);
    }
    for (const auto& [id, target] : targets_) all.targets.insert(id);
    return all;
}

}  // namespace millrace::broker
