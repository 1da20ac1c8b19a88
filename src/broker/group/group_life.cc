// How members of a classic group stay, go and are remembered; how they come: group.cc.
#include <algorithm>
#include <utility>

#include "broker/group/group.h"
#include "broker/group/subscription.h"

namespace millrace::broker {

// ---- staying and leaving ----

ErrorCode Group::heartbeat(const std::string& member_id,
                           const std::optional<std::string>& instance_id, std::int32_t generation,
                           std::int64_t now_ms) {
    if (state_ == State::kDead) return ErrorCode::kCoordinatorNotAvailable;
    const ErrorCode known = check_member(member_id, instance_id);
    if (known != ErrorCode::kNone) return known;
    if (generation != generation_) return ErrorCode::kIllegalGeneration;
    heard_of(members_.at(member_id), now_ms);
    return state_ == State::kPreparingRebalance ? ErrorCode::kRebalanceInProgress
                                                : ErrorCode::kNone;
}

ErrorCode Group::may_commit(const std::string& member_id,
                            const std::optional<std::string>& instance_id, std::int32_t generation,
                            std::int64_t now_ms) {
    if (state_ == State::kDead) return ErrorCode::kCoordinatorNotAvailable;
    // From outside: an admin client, or a consumer that assigns partitions to itself.
    if (generation < 0 && state_ == State::kEmpty) return ErrorCode::kNone;
    if (generation < 0 && member_id.empty() && !instance_id) return ErrorCode::kUnknownMemberId;
    const ErrorCode known = check_member(member_id, instance_id);
    if (known != ErrorCode::kNone) return known;
    if (generation != generation_) return ErrorCode::kIllegalGeneration;
    if (state_ == State::kCompletingRebalance) return ErrorCode::kRebalanceInProgress;
    heard_of(members_.at(member_id), now_ms);
    return ErrorCode::kNone;
}

ErrorCode Group::may_delete() const {
    if (state_ == State::kDead) return ErrorCode::kGroupIdNotFound;
    return state_ == State::kEmpty ? ErrorCode::kNone : ErrorCode::kNonEmptyGroup;
}

ErrorCode Group::may_delete_offsets() const {
    if (state_ == State::kDead) return ErrorCode::kGroupIdNotFound;
    // Of groups of other kinds it is not known which offsets they use.
    const bool in_use = state_ != State::kEmpty && !uses_consumer_protocol();
    return in_use ? ErrorCode::kNonEmptyGroup : ErrorCode::kNone;
}

void Group::rebalance(std::int64_t now_ms, GroupActions& actions) {
    if (state_ == State::kStable || state_ == State::kCompletingRebalance) {
        prepare_rebalance(now_ms, actions);
    }
}

ErrorCode Group::leave(const std::string& member_id, const std::optional<std::string>& instance_id,
                       std::int64_t now_ms, GroupActions& actions) {
    if (state_ == State::kDead) return ErrorCode::kCoordinatorNotAvailable;
    if (pending_.erase(member_id) > 0) {
        try_complete_join(now_ms, actions);
        return ErrorCode::kNone;
    }
    std::string id = member_id;
    if (instance_id && member_id.empty()) {  // An administrator removes a static member.
        const auto known = static_members_.find(*instance_id);
        if (known == static_members_.end()) return ErrorCode::kUnknownMemberId;
        id = known->second;
    }
    const ErrorCode known = check_member(id, instance_id);
    if (known != ErrorCode::kNone) return known;
    remove_member(id, ErrorCode::kUnknownMemberId, actions);
    after_removal(now_ms, actions);
    return ErrorCode::kNone;
}

void Group::after_removal(std::int64_t now_ms, GroupActions& actions) {
    if (state_ == State::kEmpty || state_ == State::kDead) return;
    maybe_prepare_rebalance(now_ms, actions);
}

// ---- time ----

void Group::tick(std::int64_t now_ms, GroupActions& actions) {
    std::erase_if(pending_, [&](const auto& one) { return one.second <= now_ms; });

    std::vector<std::string> gone;
    for (auto& [id, member] : members_) {
        if (member.deadline_ms > now_ms) continue;
        const bool waits_for_us = !member.is_new && (member.join || member.sync);
        if (waits_for_us) {
            heard_of(member, now_ms);
        } else {
            gone.push_back(id);
        }
    }
    const bool completing = state_ == State::kCompletingRebalance || state_ == State::kStable;
    if (completing && !not_synced_.empty() && sync_deadline_ms_ <= now_ms) {
        for (const std::string& id : not_synced_) {
            if (std::ranges::find(gone, id) == gone.end()) gone.push_back(id);
        }
    }
    for (const std::string& id : gone) remove_member(id, ErrorCode::kUnknownMemberId, actions);
    if (!gone.empty()) after_removal(now_ms, actions);
    try_complete_join(now_ms, actions);
}

std::optional<std::int64_t> Group::next_deadline_ms() const {
    std::optional<std::int64_t> next;
    const auto consider = [&](std::int64_t deadline_ms) {
        if (!next || deadline_ms < *next) next = deadline_ms;
    };
    for (const auto& [id, member] : members_) consider(member.deadline_ms);
    for (const auto& [id, deadline_ms] : pending_) consider(deadline_ms);
    if (state_ == State::kPreparingRebalance) consider(join_deadline_ms_);
    if (!not_synced_.empty()) consider(sync_deadline_ms_);
    return next;
}

// ---- the log ----

Group::Snapshot Group::snapshot() const {
    Snapshot snapshot{.protocol_type = protocol_type_.value_or(""),
                      .generation = generation_,
                      .protocol_name = protocol_name_,
                      .leader = leader_};
    for (const auto& [id, member] : members_) snapshot.members.push_back(member);
    return snapshot;
}

void Group::restore(Snapshot snapshot, std::int64_t now_ms) {
    generation_ = snapshot.generation;
    protocol_type_.reset();
    if (!snapshot.protocol_type.empty()) protocol_type_ = snapshot.protocol_type;
    protocol_name_ = snapshot.protocol_name;
    leader_ = snapshot.leader;
    members_.clear();
    static_members_.clear();
    if (!protocol_name_) snapshot.members.clear();  // No rebalance ever ended with them.
    for (Member& member : snapshot.members) {
        heard_of(member, now_ms);
        if (member.instance_id) static_members_[*member.instance_id] = member.id;
        members_.insert_or_assign(member.id, std::move(member));
    }
    if (leader_ && !members_.contains(*leader_)) leader_.reset();
    state_ = members_.empty() ? State::kEmpty : State::kStable;
}

void Group::dissolve(ErrorCode why, GroupActions& actions) {
    while (!members_.empty()) remove_member(members_.begin()->first, why, actions);
    pending_.clear();
    restore({}, 0);
}

void Group::die(ErrorCode why, GroupActions& actions) {
    while (!members_.empty()) remove_member(members_.begin()->first, why, actions);
    pending_.clear();
    state_ = State::kDead;
}

// ---- what they subscribe to ----

std::optional<std::set<std::string>> Group::subscribed_topics() const {
    if (!uses_consumer_protocol()) return std::nullopt;
    if (!members_.empty() && !protocol_name_) return std::nullopt;
    std::set<std::string> topics;
    for (const auto& [id, member] : members_) {
        const auto subscribed = subscribed_topics_of(metadata(member));
        if (!subscribed) return std::nullopt;
        topics.insert(subscribed->begin(), subscribed->end());
    }
    return topics;
}

bool Group::is_subscribed_to(const std::string& topic) const {
    const auto topics = subscribed_topics();
    return topics ? topics->contains(topic) : uses_consumer_protocol();
}

}  // namespace millrace::broker
