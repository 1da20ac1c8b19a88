// Offsets and the log of a consumer group; its life is in consumer_group.cc.
#include <utility>

#include "broker/group/consumer/consumer_group.h"

namespace millrace::broker {
namespace {

using Refusal = ConsumerGroup::Refusal;

Refusal stale(const ConsumerMember& member, std::string message) {
    return {member.classic ? ErrorCode::kIllegalGeneration : ErrorCode::kStaleMemberEpoch,
            std::move(message)};
}

// The epoch in which the member got the partition that it has, or is about to give up.
std::optional<std::int32_t> assigned_since(const ConsumerMember& member, const kafka::Uuid& topic,
                                           std::int32_t partition) {
    for (const OwnedPartitions* owned : {&member.assigned, &member.revoking}) {
        const auto partitions = owned->find(topic);
        if (partitions == owned->end()) continue;
        const auto since = partitions->second.find(partition);
        if (since != partitions->second.end()) return since->second;
    }
    return std::nullopt;
}

}  // namespace

// ---- offsets ----

Refusal ConsumerGroup::may_commit(
    const std::string& member_id, std::int32_t member_epoch, std::int16_t api_version,
    const std::vector<std::pair<std::string, std::int32_t>>& partitions) const {
    // From outside: an admin client, or a consumer that assigns partitions to itself.
    if (member_epoch < 0 && members_.empty()) return {};
    const auto found = members_.find(member_id);
    if (found == members_.end()) {
        return {ErrorCode::kUnknownMemberId,
                "Member " + member_id + " is not a member of group " + id_ + "."};
    }
    const ConsumerMember& member = found->second;
    if (!member.classic && api_version < 9) {
        return {ErrorCode::kUnsupportedVersion,
                "OffsetCommit version 9 or above must be used by members using the consumer group "
                "protocol"};
    }
    if (member_epoch == member.epoch) return {};
    if (member_epoch > member.epoch) {
        return stale(member, "Received member epoch " + std::to_string(member_epoch) +
                                 " is newer than current member epoch " +
                                 std::to_string(member.epoch) + ".");
    }
    // The member may not know its new epoch yet. What it has had since the epoch that it names was
    // nobody else's in between.
    for (const auto& [name, partition] : partitions) {
        const auto topic = source_.find(name);
        const auto since = topic ? assigned_since(member, topic->id, partition) : std::nullopt;
        if (!since) {
            return stale(member, "Partition " + name + "-" + std::to_string(partition) +
                                     " is not assigned or pending revocation for member.");
        }
        if (member_epoch < *since) {
            return stale(member, "Received member epoch " + std::to_string(member_epoch) +
                                     " is older than assignment epoch " + std::to_string(*since) +
                                     " for partition " + name + "-" + std::to_string(partition) +
                                     ".");
        }
    }
    return {};
}

Refusal ConsumerGroup::may_fetch(const std::optional<std::string>& member_id,
                                 std::int32_t member_epoch) const {
    if (!member_id && member_epoch < 0) return {};
    const auto found = members_.find(member_id.value_or(""));
    if (found == members_.end()) {
        return {ErrorCode::kUnknownMemberId,
                "Member " + member_id.value_or("") + " is not a member of group " + id_ + "."};
    }
    if (found->second.epoch == member_epoch) return {};
    return stale(found->second, "The received member epoch " + std::to_string(member_epoch) +
                                    " does not match the expected member epoch " +
                                    std::to_string(found->second.epoch) + ".");
}

// ---- the log ----

void ConsumerGroup::restore_epoch(std::int32_t epoch, std::int64_t metadata_hash) {
    epoch_ = epoch;
    metadata_hash_ = metadata_hash;
}

void ConsumerGroup::restore_target(const std::string& member, TopicPartitions target) {
    targets_.insert_or_assign(member, std::move(target));
}

void ConsumerGroup::restore_member(ConsumerMember member) {
    ConsumerMember& known = members_[member.id];
    member.epoch = known.epoch;
    member.previous_epoch = known.previous_epoch;
    member.state = known.state;
    member.assigned = std::move(known.assigned);
    member.revoking = std::move(known.revoking);
    known = std::move(member);
}

void ConsumerGroup::restore_current(const std::string& member, std::int32_t epoch,
                                    std::int32_t previous_epoch, MemberState state,
                                    OwnedPartitions assigned, OwnedPartitions revoking) {
    ConsumerMember& known = members_[member];
    known.epoch = epoch;
    known.previous_epoch = previous_epoch;
    known.state = state;
    known.assigned = std::move(assigned);
    known.revoking = std::move(revoking);
}

void ConsumerGroup::restore_regex(const std::string& regex, Resolved topics) {
    regexes_.insert_or_assign(regex, std::move(topics));
}

void ConsumerGroup::finish_restore(std::int64_t now_ms) {
    // Whoever has no record of its own, but only of what it had, has left.
    std::erase_if(members_, [](const auto& member) { return member.second.id.empty(); });
    static_members_.clear();
    owners_.clear();
    for (auto& [id, member] : members_) {
        if (member.instance_id) static_members_[*member.instance_id] = id;
        note_owned(member);
        member.session_deadline_ms = now_ms + (member.classic ? member.classic->session_timeout_ms
                                                              : timeouts_.session_timeout_ms);
        if (member.state == MemberState::kUnrevokedPartitions && !member.classic) {
            member.revoke_deadline_ms = now_ms + member.rebalance_timeout_ms;
        }
    }
    std::erase_if(targets_,
                  [this](const auto& target) { return !members_.contains(target.first); });
}

ConsumerGroupChanges ConsumerGroup::everything() const {
    ConsumerGroupChanges all{.epoch = true, .target_epoch = true};
    for (const auto& [id, member] : members_) {
        all.members.insert(id);
        all.currents.insert(id);
    }
    for (const auto& [id, target] : targets_) all.targets.insert(id);
    for (const auto& [regex, topics] : regexes_) all.regexes.insert(regex);
    return all;
}

}  // namespace millrace::broker
