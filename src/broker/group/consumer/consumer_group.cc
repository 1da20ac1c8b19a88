#include "broker/group/consumer/consumer_group.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/hash.h"
#include "broker/group/consumer/reconcile.h"
#include "broker/group/consumer/topic_pattern.h"

namespace millrace::broker {
namespace {

using Refusal = ConsumerGroup::Refusal;

Refusal unknown_member(const std::string& member, const std::string& group) {
    return {ErrorCode::kUnknownMemberId,
            "Member " + member + " is not a member of group " + group + "."};
}

// Is all that the member owns among what it was assigned? Not known is no.
bool is_subset(const std::optional<TopicPartitions>& owned, const OwnedPartitions& assigned) {
    if (!owned) return false;
    return std::ranges::all_of(*owned, [&](const auto& topic) {
        const auto known = assigned.find(topic.first);
        return std::ranges::all_of(topic.second, [&](std::int32_t partition) {
            return known != assigned.end() && known->second.contains(partition);
        });
    });
}

TopicPartitions without_epochs(const OwnedPartitions& owned) {
    TopicPartitions partitions;
    for (const auto& [topic, indexes] : owned) {
        for (const auto& [index, since] : indexes) partitions[topic].insert(index);
    }
    return partitions;
}

}  // namespace

std::string_view state_name(ConsumerGroup::State state) {
    switch (state) {
        case ConsumerGroup::State::kEmpty: return "Empty";
        case ConsumerGroup::State::kAssigning: return "Assigning";
        case ConsumerGroup::State::kReconciling: return "Reconciling";
        case ConsumerGroup::State::kStable: return "Stable";
    }
    return "Unknown";
}

ConsumerGroup::State ConsumerGroup::state() const {
    if (members_.empty()) return State::kEmpty;
    if (epoch_ > target_epoch_) return State::kAssigning;
    const bool reconciled = std::ranges::all_of(members_, [this](const auto& member) {
        return member.second.is_reconciled_to(target_epoch_);
    });
    return reconciled ? State::kStable : State::kReconciling;
}

// ---- heartbeats ----

ConsumerHeartbeatAnswer ConsumerGroup::refused(const Refusal& refusal) const {
    return {.error = refusal.error, .message = refusal.message};
}

Refusal ConsumerGroup::check_epoch(const ConsumerMember& member, const ConsumerHeartbeat& request) {
    const std::int32_t received = request.member_epoch;
    // Whoever joins begins anew; with the last epoch but one comes who missed the answer to a bump.
    if (received == ConsumerMember::kJoining || received == member.epoch) return {};
    const bool larger = received > member.epoch;
    if (!larger && received == member.previous_epoch && is_subset(request.owned, member.assigned)) {
        return {};
    }
    return {ErrorCode::kFencedMemberEpoch,
            std::string("The consumer group member has a ") + (larger ? "greater" : "smaller") +
                " member epoch (" + std::to_string(received) +
                ") than the one known by the group coordinator (" + std::to_string(member.epoch) +
                "). The member must abandon all its partitions and rejoin."};
}

Refusal ConsumerGroup::check_member(const ConsumerHeartbeat& request) const {
    const bool joining = request.member_epoch == ConsumerMember::kJoining;
    const auto member = members_.find(request.member_id);
    if (!request.instance_id) {
        if (member == members_.end()) {
            return joining ? Refusal() : unknown_member(request.member_id, id_);
        }
        return check_epoch(member->second, request);
    }
    const std::string& instance = *request.instance_id;
    const auto known = static_members_.find(instance);
    if (known == static_members_.end()) {
        if (joining) return {};
        return {ErrorCode::kUnknownMemberId, "Instance id " + instance + " is unknown."};
    }
    const ConsumerMember& current = members_.at(known->second);
    if (joining) {
        // A classic member may be replaced at any time: it cannot say that it will be back.
        if (current.classic || current.epoch == ConsumerMember::kLeavingForAWhile) return {};
        return {ErrorCode::kUnreleasedInstanceId,
                "Static member " + request.member_id + " with instance id " + instance +
                    " cannot join the group because the instance id is owned by " + current.id +
                    " member."};
    }
    if (current.id != request.member_id) {
        return {ErrorCode::kFencedInstanceId, "Static member " + request.member_id +
                                                  " with instance id " + instance +
                                                  " was fenced by member " + current.id + "."};
    }
    return check_epoch(current, request);
}

Refusal ConsumerGroup::check_regex(const ConsumerHeartbeat& request) const {
    if (!request.regex || request.regex->empty() || regexes_.contains(*request.regex)) return {};
    const auto pattern = TopicPattern::compile(*request.regex);
    if (pattern) return {};
    return {ErrorCode::kInvalidRegularExpression,
            "SubscribedTopicRegex `" + *request.regex +
                "` is not a valid regular expression: " + pattern.error().message() + "."};
}

ConsumerHeartbeatAnswer ConsumerGroup::heartbeat(const ConsumerHeartbeat& request,
                                                 std::int64_t now_ms,
                                                 ConsumerGroupChanges& changes) {
    if (request.member_epoch < ConsumerMember::kJoining) return leave(request, changes);
    if (members_.size() >= limits_.max_size && !members_.contains(request.member_id)) {
        return refused({ErrorCode::kGroupMaxSizeReached,
                        "The consumer group has reached its maximum capacity of " +
                            std::to_string(limits_.max_size) + " members."});
    }
    if (const Refusal refusal = check_member(request)) return refused(refusal);
    if (const Refusal refusal = check_regex(request)) return refused(refusal);

    ConsumerMember& member =
        find_or_join(request.member_id, request.member_epoch == ConsumerMember::kJoining,
                     request.instance_id, changes);
    const bool subscription_changed = update(member, request, changes);
    const bool moved = advance(member, subscription_changed, request.owned, now_ms, changes);
    member.session_deadline_ms = now_ms + timeouts_.session_timeout_ms;

    Answer answer{.member_id = member.id,
                  .member_epoch = member.epoch,
                  .heartbeat_interval_ms = timeouts_.heartbeat_interval_ms};
    // Who tells everything is told everything: it may have missed an answer.
    const bool full_request =
        request.rebalance_timeout_ms && request.owned && (request.topics || request.regex);
    if (request.member_epoch == ConsumerMember::kJoining || full_request || moved) {
        answer.assignment = without_epochs(member.assigned);
    }
    // As in Kafka, which looks for the topics of a new expression in the background: the member is
    // assigned those that it named first, and the others by its next heartbeat.
    if (resolve_regexes(/*again=*/false, changes) && update_metadata_hash(changes)) {
        ++epoch_;
        changes.epoch = true;
    }
    return answer;
}

bool ConsumerGroup::advance(ConsumerMember& member, bool subscription_changed,
                            const std::optional<TopicPartitions>& owned, std::int64_t now_ms,
                            ConsumerGroupChanges& changes) {
    bool bump = subscription_changed || epoch_ == 0;
    if (bump || topics_seen_ != source_.version()) bump = refresh_topics(changes) || bump;
    if (bump) {
        ++epoch_;
        changes.epoch = true;
    }
    // Members that come in quick succession are assigned together, by a later heartbeat.
    const bool too_soon =
        target_computed_ms_ && now_ms - *target_computed_ms_ < timeouts_.assignment_interval_ms;
    if (epoch_ > target_epoch_ && !too_soon) {
        update_target(changes);
        target_computed_ms_ = now_ms;
    }
    return reconcile_member(member, owned, subscription_changed, now_ms, changes);
}

ConsumerHeartbeatAnswer ConsumerGroup::leave(const ConsumerHeartbeat& request,
                                             ConsumerGroupChanges& changes) {
    Answer answer{.member_id = request.member_id, .member_epoch = request.member_epoch};
    std::string id = request.member_id;
    if (request.instance_id) {
        const auto known = static_members_.find(*request.instance_id);
        if (known == static_members_.end()) {
            return refused({ErrorCode::kUnknownMemberId,
                            "Instance id " + *request.instance_id + " is unknown."});
        }
        if (known->second != id) {
            return refused({ErrorCode::kFencedInstanceId,
                            "Static member " + id + " with instance id " + *request.instance_id +
                                " was fenced by member " + known->second + "."});
        }
    }
    const auto found = members_.find(id);
    if (found == members_.end()) return refused(unknown_member(id, id_));
    if (request.instance_id && request.member_epoch == ConsumerMember::kLeavingForAWhile) {
        // It keeps what it has until its session ends, or it is back.
        ConsumerMember& member = found->second;
        forget_owned(member);
        member.epoch = ConsumerMember::kLeavingForAWhile;
        member.revoking.clear();
        member.revoke_deadline_ms.reset();
        for (auto& [topic, partitions] : member.assigned) {
            for (auto& [partition, since] : partitions) since = 0;
        }
        note_owned(member);
        changes.currents.insert(id);
        return answer;
    }
    remove(id, changes);
    return answer;
}

ConsumerMember& ConsumerGroup::find_or_join(const std::string& member_id, bool joining,
                                            const std::optional<std::string>& instance_id,
                                            ConsumerGroupChanges& changes) {
    if (joining && instance_id) {
        const auto known = static_members_.find(*instance_id);
        if (known != static_members_.end()) {
            replace_static(std::string(known->second), member_id, changes);
        }
    }
    const auto [found, is_new] = members_.try_emplace(member_id);
    ConsumerMember& member = found->second;
    if (is_new) {
        MR_CHECK(joining);
        member.id = member_id;
        changes.members.insert(member.id);
        changes.currents.insert(member.id);
    }
    return member;
}

// The new process takes the place of the old one, with everything that one had.
void ConsumerGroup::replace_static(const std::string& old_id, const std::string& new_id,
                                   ConsumerGroupChanges& changes) {
    auto node = members_.extract(old_id);
    MR_CHECK(!node.empty());
    forget_owned(node.mapped());
    for (auto* records : {&changes.members, &changes.targets, &changes.currents}) {
        records->insert(old_id);
        records->insert(new_id);
    }
    auto target = targets_.extract(old_id);
    node.key() = new_id;
    ConsumerMember& member = node.mapped();
    member.id = new_id;
    member.epoch = 0;
    member.previous_epoch = 0;
    member.revoke_deadline_ms.reset();
    member.join_deadline_ms.reset();
    member.sync_deadline_ms.reset();
    static_members_[*member.instance_id] = new_id;
    note_owned(members_.insert(std::move(node)).position->second);
    if (!target.empty()) {
        target.key() = new_id;
        targets_.insert(std::move(target));
    }
}

bool ConsumerGroup::update(ConsumerMember& member, const ConsumerHeartbeat& request,
                           ConsumerGroupChanges& changes) {
    bool changed = false;
    const auto set = [&](auto& field, auto value) {
        if (field == value) return;
        field = std::move(value);
        changed = true;
    };
    if (request.instance_id) set(member.instance_id, request.instance_id);
    if (request.rack_id) set(member.rack_id, request.rack_id);
    if (request.rebalance_timeout_ms) {
        set(member.rebalance_timeout_ms, *request.rebalance_timeout_ms);
    }
    if (request.assignor) set(member.assignor, request.assignor);
    set(member.client_id, request.client_id);
    set(member.client_host, request.client_host);
    set(member.classic, std::optional<ConsumerMember::Classic>());
    bool subscription_changed = false;
    if (request.topics) {
        std::set<std::string> topics(request.topics->begin(), request.topics->end());
        subscription_changed = topics != member.topics;
        set(member.topics, std::move(topics));
    }
    if (request.regex) {
        subscription_changed = subscription_changed || *request.regex != member.regex;
        set(member.regex, *request.regex);
    }
    if (member.instance_id) static_members_[*member.instance_id] = member.id;
    if (changed) changes.members.insert(member.id);
    return subscription_changed;
}

void ConsumerGroup::remove(const std::string& member_id, ConsumerGroupChanges& changes) {
    const auto found = members_.find(member_id);
    MR_CHECK(found != members_.end());
    forget_owned(found->second);
    if (!found->second.classic) changes.lost_consumer = true;
    if (found->second.instance_id) static_members_.erase(*found->second.instance_id);
    for (auto* records : {&changes.members, &changes.targets, &changes.currents}) {
        records->insert(member_id);
    }
    targets_.erase(member_id);
    members_.erase(found);
    refresh_topics(changes);
    ++epoch_;
    changes.epoch = true;
}

// ---- topics and targets ----

std::size_t ConsumerGroup::subscribers_of_regex(const std::string& regex) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        members_, [&](const auto& member) { return member.second.regex == regex; }));
}

std::set<std::string> ConsumerGroup::topics_of(const ConsumerMember& member) const {
    std::set<std::string> topics = member.topics;
    const auto resolved = regexes_.find(member.regex);
    if (resolved != regexes_.end()) {
        topics.insert(resolved->second.begin(), resolved->second.end());
    }
    return topics;
}

std::set<kafka::Uuid> ConsumerGroup::topic_ids_of(const ConsumerMember& member) const {
    std::set<kafka::Uuid> ids;
    for (const std::string& name : topics_of(member)) {
        if (const auto topic = source_.find(name)) ids.insert(topic->id);
    }
    return ids;
}

std::set<std::string> ConsumerGroup::subscribed_topics() const {
    std::set<std::string> subscribed;
    for (const auto& [id, member] : members_) subscribed.merge(topics_of(member));
    return subscribed;
}

bool ConsumerGroup::refresh_topics(ConsumerGroupChanges& changes) {
    const std::uint64_t version = source_.version();
    const bool topics_changed = topics_seen_ != version;
    topics_seen_ = version;

    std::set<std::string> in_use;
    for (const auto& [id, member] : members_) {
        if (!member.regex.empty()) in_use.insert(member.regex);
    }
    std::erase_if(regexes_, [&](const auto& regex) {
        if (in_use.contains(regex.first)) return false;
        changes.regexes.insert(regex.first);
        return true;
    });
    if (topics_changed) resolve_regexes(/*again=*/true, changes);
    return update_metadata_hash(changes);
}

bool ConsumerGroup::resolve_regexes(bool again, ConsumerGroupChanges& changes) {
    bool found_any = false;
    std::optional<std::vector<std::string>> names;
    for (const auto& [id, member] : members_) {
        const std::string& regex = member.regex;
        if (regex.empty() || regexes_.contains(regex) != again) continue;
        if (again && changes.regexes.contains(regex)) continue;
        Resolved resolved;
        if (const auto pattern = TopicPattern::compile(regex)) {
            if (!names) names = source_.names();
            for (const std::string& name : *names) {
                if (pattern->matches(name)) resolved.insert(name);
            }
        }
        Resolved& known = regexes_[regex];
        if (again && known == resolved) continue;
        known = std::move(resolved);
        changes.regexes.insert(regex);
        found_any = true;
    }
    return found_any;
}

bool ConsumerGroup::update_metadata_hash(ConsumerGroupChanges& changes) {
    std::uint64_t hash = 0;
    for (const std::string& name : subscribed_topics()) {
        const auto topic = source_.find(name);
        if (!topic) continue;
        hash = base::hash64(topic->id.to_string() + std::to_string(topic->partitions) + name, hash);
    }
    const auto metadata_hash = static_cast<std::int64_t>(hash);  // 0 of no topic, as in Kafka.
    if (metadata_hash == metadata_hash_) return false;
    metadata_hash_ = metadata_hash;
    changes.epoch = true;
    return true;
}

std::string ConsumerGroup::assignor() const {
    std::map<std::string, int> votes;
    for (const auto& [id, member] : members_) {
        if (member.assignor) ++votes[*member.assignor];
    }
    std::string chosen = limits_.assignors.front();
    int most = 0;
    for (const auto& [name, count] : votes) {
        if (count > most && std::ranges::find(limits_.assignors, name) != limits_.assignors.end()) {
            chosen = name;
            most = count;
        }
    }
    return chosen;
}

void ConsumerGroup::update_target(ConsumerGroupChanges& changes) {
    AssignorMembers members;
    PartitionCounts partitions;
    std::map<std::string, std::optional<TopicSource::Info>> topics;
    for (const auto& [id, member] : members_) {
        AssignorMember& one = members[id];
        one.instance_id = member.instance_id;
        for (const std::string& name : topics_of(member)) {
            const auto [found, is_new] = topics.try_emplace(name);
            if (is_new) found->second = source_.find(name);
            if (!found->second) continue;
            one.topics.insert(found->second->id);
            partitions[found->second->id] = found->second->partitions;
        }
        const auto target = targets_.find(id);
        if (target != targets_.end()) one.current = target->second;
    }
    TargetAssignment target = assignor() == kRangeAssignor ? assign_range(members, partitions)
                                                           : assign_uniform(members, partitions);
    for (const auto& [id, member] : members_) {
        const auto before = targets_.find(id);
        if (before == targets_.end() || before->second != target[id]) changes.targets.insert(id);
    }
    targets_ = std::move(target);
    target_epoch_ = epoch_;
    changes.target_epoch = true;
}

bool ConsumerGroup::reconcile_member(ConsumerMember& member,
                                     const std::optional<TopicPartitions>& owned,
                                     bool subscription_changed, std::int64_t now_ms,
                                     ConsumerGroupChanges& changes) {
    if (!subscription_changed && member.is_reconciled_to(target_epoch_)) return false;
    static const TopicPartitions kNothing;
    const auto target = targets_.find(member.id);
    const std::set<kafka::Uuid> subscribed = topic_ids_of(member);
    const OwnedPartitions before = member.assigned;
    forget_owned(member);  // Its own partitions are not taken.
    const bool changed =
        reconcile(member, {.target_epoch = target_epoch_,
                           .target = target == targets_.end() ? kNothing : target->second,
                           .subscribed = subscribed,
                           .subscription_changed = subscription_changed,
                           .owned = owned,
                           .taken = [this](const kafka::Uuid& topic, std::int32_t partition) {
                               return owners_.contains({topic, partition});
                           }});
    note_owned(member);
    if (!changed) return false;
    changes.currents.insert(member.id);
    // The members of the classic protocol are given time to join and to sync instead.
    if (member.state == MemberState::kUnrevokedPartitions && !member.classic) {
        member.revoke_deadline_ms = now_ms + member.rebalance_timeout_ms;
    } else {
        member.revoke_deadline_ms.reset();
    }
    return member.assigned != before;
}

void ConsumerGroup::note_owned(const ConsumerMember& member) {
    for (const OwnedPartitions* owned : {&member.assigned, &member.revoking}) {
        for (const auto& [topic, partitions] : *owned) {
            for (const auto& [partition, since] : partitions) {
                owners_[{topic, partition}] = member.id;
            }
        }
    }
}

void ConsumerGroup::forget_owned(const ConsumerMember& member) {
    for (const OwnedPartitions* owned : {&member.assigned, &member.revoking}) {
        for (const auto& [topic, partitions] : *owned) {
            for (const auto& [partition, since] : partitions) {
                const auto owner = owners_.find({topic, partition});
                if (owner != owners_.end() && owner->second == member.id) owners_.erase(owner);
            }
        }
    }
}

// ---- time ----

void ConsumerGroup::tick(std::int64_t now_ms, ConsumerGroupChanges& changes) {
    std::vector<std::string> gone;
    for (const auto& [id, member] : members_) {
        const auto is_over = [&](const std::optional<std::int64_t>& deadline_ms) {
            return deadline_ms && *deadline_ms <= now_ms;
        };
        if (member.session_deadline_ms <= now_ms || is_over(member.revoke_deadline_ms) ||
            is_over(member.join_deadline_ms) || is_over(member.sync_deadline_ms)) {
            gone.push_back(id);
        }
    }
    for (const std::string& id : gone) remove(id, changes);
}

std::optional<std::int64_t> ConsumerGroup::next_deadline_ms() const {
    std::optional<std::int64_t> next;
    const auto consider = [&](const std::optional<std::int64_t>& deadline_ms) {
        if (deadline_ms && (!next || *deadline_ms < *next)) next = deadline_ms;
    };
    for (const auto& [id, member] : members_) {
        consider(member.session_deadline_ms);
        consider(member.revoke_deadline_ms);
        consider(member.join_deadline_ms);
        consider(member.sync_deadline_ms);
    }
    return next;
}

}  // namespace millrace::broker
