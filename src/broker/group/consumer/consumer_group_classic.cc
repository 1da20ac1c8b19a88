// Members of a consumer group that speak the classic protocol: how a group with members goes from
// one protocol to the other, client by client. Their generation is the member epoch;
// REBALANCE_IN_PROGRESS takes the place of a new assignment, and the answer to SyncGroup is what
// the server has assigned.
#include <algorithm>
#include <utility>

#include "broker/group/consumer/consumer_group.h"

namespace millrace::broker {
namespace {

constexpr const char* kConsumerProtocol = "consumer";

TopicPartitions indexes_of(const OwnedPartitions& owned) {
    TopicPartitions partitions;
    for (const auto& [topic, indexes] : owned) {
        for (const auto& [index, since] : indexes) partitions[topic].insert(index);
    }
    return partitions;
}

}  // namespace

PartitionsByTopic ConsumerGroup::by_name(const TopicPartitions& partitions) const {
    PartitionsByTopic named;
    for (const auto& [id, indexes] : partitions) {
        if (const auto name = source_.name_of(id)) named[*name] = indexes;
    }
    return named;
}

TopicPartitions ConsumerGroup::by_id(const PartitionsByTopic& partitions) const {
    TopicPartitions known;
    for (const auto& [name, indexes] : partitions) {
        if (const auto topic = source_.find(name)) known[topic->id] = indexes;
    }
    return known;
}

// ---- changing over ----

bool ConsumerGroup::adopt(const Group::Snapshot& classic, std::int64_t now_ms) {
    if (!classic.protocol_name) return false;
    std::map<std::string, ConsumerMember> members;
    for (const Group::Member& from : classic.members) {
        const auto protocol =
            std::ranges::find(from.protocols, *classic.protocol_name, &GroupProtocol::name);
        if (protocol == from.protocols.end()) return false;
        auto subscription = decode_subscription(protocol->metadata);
        const auto assignment = decode_assignment(from.assignment);
        if (!subscription || !assignment) return false;
        ConsumerMember& member = members[from.id];
        member.id = from.id;
        member.instance_id = from.instance_id;
        member.rack_id = std::move(subscription->rack_id);
        member.client_id = from.client_id;
        member.client_host = from.client_host;
        member.topics.insert(subscription->topics.begin(), subscription->topics.end());
        member.rebalance_timeout_ms = from.rebalance_timeout_ms;
        member.classic = ConsumerMember::Classic{from.session_timeout_ms, from.protocols};
        member.epoch = classic.generation;
        member.previous_epoch = classic.generation;
        for (const auto& [topic, indexes] : by_id(*assignment)) {
            for (const std::int32_t index : indexes) {
                member.assigned[topic][index] = classic.generation;
            }
        }
    }
    epoch_ = classic.generation;
    target_epoch_ = classic.generation;
    members_ = std::move(members);
    targets_.clear();
    for (const auto& [id, member] : members_) targets_[id] = indexes_of(member.assigned);
    finish_restore(now_ms);
    return true;
}

std::optional<Group::Snapshot> ConsumerGroup::as_classic() const {
    if (members_.empty()) return std::nullopt;
    Group::Snapshot snapshot{.protocol_type = kConsumerProtocol, .generation = epoch_};
    std::map<std::string, std::size_t> supported;
    for (const auto& [id, member] : members_) {
        if (!member.classic || member.classic->protocols.empty()) return std::nullopt;
        for (const GroupProtocol& protocol : member.classic->protocols) ++supported[protocol.name];
    }
    // One that all have, which whoever joined was asked for; the rebalance to come chooses anew.
    for (const GroupProtocol& protocol : members_.begin()->second.classic->protocols) {
        if (!snapshot.protocol_name && supported[protocol.name] == members_.size()) {
            snapshot.protocol_name = protocol.name;
        }
    }
    if (!snapshot.protocol_name) return std::nullopt;
    for (const auto& [id, member] : members_) {
        const auto protocol = std::ranges::find(member.classic->protocols, *snapshot.protocol_name,
                                                &GroupProtocol::name);
        const auto target = targets_.find(id);
        const TopicPartitions partitions =
            target == targets_.end() ? TopicPartitions() : target->second;
        snapshot.members.push_back(
            {.id = id,
             .instance_id = member.instance_id,
             .client_id = member.client_id,
             .client_host = member.client_host,
             .session_timeout_ms = member.classic->session_timeout_ms,
             .rebalance_timeout_ms = member.rebalance_timeout_ms,
             .protocols = member.classic->protocols,
             .assignment = encode_assignment(by_name(partitions),
                                             consumer_protocol_version(protocol->metadata))});
    }
    return snapshot;
}

// ---- requests of the classic protocol ----

bool ConsumerGroup::supports(const JoinRequest& request) const {
    if (request.protocol_type != kConsumerProtocol || request.protocols.empty()) return false;
    return std::ranges::any_of(request.protocols, [this](const GroupProtocol& protocol) {
        return std::ranges::all_of(members_, [&](const auto& one) {
            const auto& classic = one.second.classic;
            return !classic || std::ranges::find(classic->protocols, protocol.name,
                                                 &GroupProtocol::name) != classic->protocols.end();
        });
    });
}

ErrorCode ConsumerGroup::check_classic(const std::string& member_id,
                                       const std::optional<std::string>& instance_id) const {
    if (instance_id) {
        const auto known = static_members_.find(*instance_id);
        if (known == static_members_.end()) return ErrorCode::kUnknownMemberId;
        if (known->second != member_id) return ErrorCode::kFencedInstanceId;
    }
    const auto member = members_.find(member_id);
    const bool speaks = member != members_.end() && member->second.classic;
    return speaks ? ErrorCode::kNone : ErrorCode::kUnknownMemberId;
}

JoinAnswer ConsumerGroup::join(const JoinRequest& request, std::int64_t now_ms,
                               ConsumerGroupChanges& changes) {
    const auto refuse = [&](ErrorCode error, const std::string& member_id) {
        return JoinAnswer{.error = error, .member_id = member_id};
    };
    const bool is_unknown = request.member_id.empty();
    const std::string& id = is_unknown ? request.new_member_id : request.member_id;
    if (members_.size() >= limits_.max_size && !members_.contains(id)) {
        return refuse(ErrorCode::kGroupMaxSizeReached, "");
    }
    if (!supports(request)) return refuse(ErrorCode::kInconsistentGroupProtocol, request.member_id);
    if (is_unknown && !request.instance_id && request.require_known_member_id) {
        return refuse(ErrorCode::kMemberIdRequired, id);
    }
    if (!is_unknown && request.instance_id) {
        const auto known = static_members_.find(*request.instance_id);
        if (known == static_members_.end()) return refuse(ErrorCode::kUnknownMemberId, id);
        if (known->second != id) return refuse(ErrorCode::kFencedInstanceId, id);
    }
    const auto subscription = decode_subscription(request.protocols.front().metadata);
    if (!subscription) return refuse(ErrorCode::kInconsistentGroupProtocol, request.member_id);

    if (is_unknown && request.instance_id) {
        const auto replaced = static_members_.find(*request.instance_id);
        if (replaced != static_members_.end() && !members_.at(replaced->second).classic) {
            changes.lost_consumer = true;
        }
    }
    ConsumerMember& member =
        find_or_join(id, /*joining=*/true,
                     is_unknown ? request.instance_id : std::optional<std::string>(), changes);
    std::set<std::string> topics(subscription->topics.begin(), subscription->topics.end());
    const bool subscription_changed = topics != member.topics || !member.regex.empty();
    member.topics = std::move(topics);
    member.regex.clear();
    if (request.instance_id) {
        member.instance_id = request.instance_id;
        static_members_[*member.instance_id] = member.id;
    }
    if (subscription->rack_id) member.rack_id = subscription->rack_id;
    member.rebalance_timeout_ms = request.rebalance_timeout_ms;
    member.client_id = request.client_id;
    member.client_host = request.client_host;
    member.classic = ConsumerMember::Classic{request.session_timeout_ms, request.protocols};
    changes.members.insert(member.id);
    advance(member, subscription_changed, by_id(subscription->owned), now_ms, changes);

    member.session_deadline_ms = now_ms + request.session_timeout_ms;
    member.join_deadline_ms.reset();
    member.sync_deadline_ms = now_ms + request.rebalance_timeout_ms;
    return {.generation = member.epoch,
            .protocol_type = kConsumerProtocol,
            .protocol_name = request.protocols.front().name,
            .member_id = member.id};
}

SyncAnswer ConsumerGroup::sync(const SyncRequest& request, std::int64_t now_ms) {
    const ErrorCode known = check_classic(request.member_id, request.instance_id);
    if (known != ErrorCode::kNone) return {.error = known};
    ConsumerMember& member = members_.at(request.member_id);
    if (request.generation != member.epoch) return {.error = ErrorCode::kIllegalGeneration};
    const GroupProtocol& protocol = member.classic->protocols.front();
    if ((request.protocol_type && *request.protocol_type != kConsumerProtocol) ||
        (request.protocol_name && *request.protocol_name != protocol.name)) {
        return {.error = ErrorCode::kInconsistentGroupProtocol};
    }
    if (epoch_ > member.epoch && member.state != MemberState::kUnrevokedPartitions) {
        if (!member.join_deadline_ms) {
            member.join_deadline_ms = now_ms + member.rebalance_timeout_ms;
        }
        return {.error = ErrorCode::kRebalanceInProgress};
    }
    member.sync_deadline_ms.reset();
    member.session_deadline_ms = now_ms + member.classic->session_timeout_ms;
    return {.protocol_type = kConsumerProtocol,
            .protocol_name = protocol.name,
            .assignment = encode_assignment(by_name(indexes_of(member.assigned)),
                                            consumer_protocol_version(protocol.metadata))};
}

// Is any partition that it is to have still in the hands of somebody else?
bool ConsumerGroup::waits_for_others(const ConsumerMember& member) const {
    const auto target = targets_.find(member.id);
    if (target == targets_.end()) return false;
    return std::ranges::any_of(target->second, [&](const auto& topic) {
        return std::ranges::any_of(topic.second, [&](std::int32_t partition) {
            const auto owner = owners_.find({topic.first, partition});
            return owner != owners_.end() && owner->second != member.id;
        });
    });
}

ErrorCode ConsumerGroup::classic_heartbeat(const std::string& member_id,
                                           const std::optional<std::string>& instance_id,
                                           std::int32_t generation, std::int64_t now_ms) {
    const ErrorCode known = check_classic(member_id, instance_id);
    if (known != ErrorCode::kNone) return known;
    ConsumerMember& member = members_.at(member_id);
    if (generation != member.epoch) return ErrorCode::kIllegalGeneration;
    member.session_deadline_ms = now_ms + member.classic->session_timeout_ms;
    // It joins again to reach a new epoch, to confirm what it gave up, or to take what got free.
    const bool may_take =
        member.state == MemberState::kUnreleasedPartitions && !waits_for_others(member);
    if (member.epoch >= epoch_ && member.state != MemberState::kUnrevokedPartitions && !may_take) {
        return ErrorCode::kNone;
    }
    if (!member.join_deadline_ms) member.join_deadline_ms = now_ms + member.rebalance_timeout_ms;
    return ErrorCode::kRebalanceInProgress;
}

ErrorCode ConsumerGroup::classic_leave(const std::string& member_id,
                                       const std::optional<std::string>& instance_id,
                                       ConsumerGroupChanges& changes) {
    std::string id = member_id;
    if (instance_id && id.empty()) {  // An administrator removes a static member.
        const auto known = static_members_.find(*instance_id);
        if (known == static_members_.end()) return ErrorCode::kUnknownMemberId;
        id = known->second;
    }
    const ErrorCode known = check_classic(id, instance_id);
    if (known == ErrorCode::kNone) remove(id, changes);
    return known;
}

}  // namespace millrace::broker
