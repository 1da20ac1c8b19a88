// reconcile: the next step of one member from what it has to what it is to have (KIP-848).
//
// A partition is first given up by the one who has it, which the member confirms by no longer
// naming it among what it owns; only then is it assigned to the next one. So nobody reads what
// another still has.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>

#include "broker/group/consumer/consumer_member.h"

namespace millrace::broker {

struct Reconciliation {
    std::int32_t target_epoch = 0;
    const TopicPartitions& target;
    // Topics that the member subscribes to: others are given up at once.
    const std::set<kafka::Uuid>& subscribed;
    bool subscription_changed = false;
    // What the member says it has; nullopt: it says nothing.
    const std::optional<TopicPartitions>& owned;
    // Has somebody else the partition still?
    std::function<bool(const kafka::Uuid& topic, std::int32_t partition)> taken;
};

// Changes epochs, state and partitions of the member; true if any did change.
bool reconcile(ConsumerMember& member, const Reconciliation& with);

}  // namespace millrace::broker
