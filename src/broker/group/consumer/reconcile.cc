#include "broker/group/consumer/reconcile.h"

#include <tuple>
#include <utility>

namespace millrace::broker {
namespace {

// Everything of a member that this file changes.
auto essence(const ConsumerMember& member) {
    return std::tie(member.epoch, member.previous_epoch, member.state, member.assigned,
                    member.revoking);
}

void set_epoch(ConsumerMember& member, std::int32_t epoch) {
    member.previous_epoch = std::exchange(member.epoch, epoch);
}

// Does it still have any of them, as far as it says?
bool owns_any(const std::optional<TopicPartitions>& owned, const OwnedPartitions& of) {
    if (!owned) return true;
    for (const auto& [topic, partitions] : *owned) {
        const auto wanted = of.find(topic);
        if (wanted == of.end()) continue;
        for (const std::int32_t partition : partitions) {
            if (wanted->second.contains(partition)) return true;
        }
    }
    return false;
}

// Towards the target: give up first, then take what is free.
void compute_next(ConsumerMember& member, const Reconciliation& with) {
    OwnedPartitions kept;
    OwnedPartitions to_revoke;
    TopicPartitions to_assign;
    bool unreleased = false;
    const auto target_of = [&](const kafka::Uuid& topic) -> const std::set<std::int32_t>* {
        if (!with.subscribed.contains(topic)) return nullptr;
        const auto found = with.target.find(topic);
        return found == with.target.end() ? nullptr : &found->second;
    };
    for (const auto& [topic, partitions] : member.assigned) {
        const auto* target = target_of(topic);
        for (const auto& [partition, since] : partitions) {
            const bool stays = target && target->contains(partition);
            (stays ? kept : to_revoke)[topic][partition] = since;
        }
    }
    for (const auto& [topic, unused] : with.target) {
        const auto* target = target_of(topic);
        if (!target) continue;
        const auto has = kept.find(topic);
        for (const std::int32_t partition : *target) {
            if (has != kept.end() && has->second.contains(partition)) continue;
            if (with.taken(topic, partition)) {
                unreleased = true;
            } else {
                to_assign[topic].insert(partition);
            }
        }
    }
    if (!to_revoke.empty() && owns_any(with.owned, to_revoke)) {
        // It stays in its epoch until it has confirmed.
        member.state = MemberState::kUnrevokedPartitions;
        set_epoch(member, member.epoch);
        member.assigned = std::move(kept);
        member.revoking = std::move(to_revoke);
        return;
    }
    for (const auto& [topic, partitions] : to_assign) {
        for (const std::int32_t partition : partitions) kept[topic][partition] = with.target_epoch;
    }
    member.state = unreleased ? MemberState::kUnreleasedPartitions : MemberState::kStable;
    set_epoch(member, with.target_epoch);
    member.assigned = std::move(kept);
    member.revoking.clear();
}

// Gives up the topics that it no longer subscribes to, without waiting for a new target.
void drop_unsubscribed(ConsumerMember& member, const Reconciliation& with) {
    OwnedPartitions kept;
    OwnedPartitions to_revoke = member.revoking;
    for (const auto& [topic, partitions] : member.assigned) {
        OwnedPartitions& into = with.subscribed.contains(topic) ? kept : to_revoke;
        into[topic].insert(partitions.begin(), partitions.end());
    }
    if (kept == member.assigned) return;
    const bool waits = owns_any(with.owned, to_revoke);
    member.state = waits ? MemberState::kUnrevokedPartitions : member.state;
    set_epoch(member, member.epoch);
    member.assigned = std::move(kept);
    if (waits) {
        member.revoking = std::move(to_revoke);
    } else {
        member.revoking.clear();
    }
}

}  // namespace

bool reconcile(ConsumerMember& member, const Reconciliation& with) {
    if (!with.subscription_changed && member.is_reconciled_to(with.target_epoch)) return false;
    const ConsumerMember before = member;
    switch (member.state) {
        case MemberState::kStable:
            if (member.epoch != with.target_epoch) {
                compute_next(member, with);
            } else {
                drop_unsubscribed(member, with);
            }
            break;
        case MemberState::kUnrevokedPartitions:
            if (!owns_any(with.owned, member.revoking)) {
                compute_next(member, with);
            } else if (with.subscription_changed) {
                drop_unsubscribed(member, with);
            }
            break;
        case MemberState::kUnreleasedPartitions:
        case MemberState::kUnknown: compute_next(member, with); break;
    }
    return essence(before) != essence(member);
}

}  // namespace millrace::broker
