#include "broker/share/share_group.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace millrace::broker {
namespace {

ShareHeartbeatAnswer refuse(ErrorCode error, std::string message) {
    return {.error = error, .message = std::move(message), .epoch = 0, .assignment = std::nullopt};
}

// Tells whether the topics are the same as at another time.
std::int64_t hash_of(const std::map<kafka::Uuid, ShareTopic>& topics) {
    std::uint64_t hash = 0xcbf29ce484222325;
    const auto mix = [&](std::uint64_t value) {
        for (int shift = 0; shift < 64; shift += 8) {
            hash = (hash ^ ((value >> shift) & 0xff)) * 0x100000001b3;
        }
    };
    for (const auto& [id, topic] : topics) {
        mix(id.high);
        mix(id.low);
        mix(static_cast<std::uint64_t>(topic.partitions));
    }
    return topics.empty() ? 0 : static_cast<std::int64_t>(hash);
}

}  // namespace

ShareHeartbeatAnswer ShareGroup::check(const ShareHeartbeat& request,
                                       const ShareGroupLimits& limits) const {
    const auto found = data_.members.find(request.member_id);
    if (found == data_.members.end()) {
        if (request.epoch != 0) {
            return refuse(
                ErrorCode::kUnknownMemberId,
                fmt::format("Member {} is not a member of group {}.", request.member_id, id_));
        }
        if (data_.members.size() >= limits.max_size) {
            return refuse(ErrorCode::kGroupMaxSizeReached,
                          fmt::format("The share group has reached its maximum capacity of {} "
                                      "members.",
                                      limits.max_size));
        }
        return {};
    }
    const ShareMember& member = found->second;
    if (request.epoch == 0) return {};
    if (request.epoch > member.epoch) {
        return refuse(
            ErrorCode::kFencedMemberEpoch,
            fmt::format("The share group member has a greater member epoch ({}) than the one known "
                        "by the group coordinator ({}). The member must abandon all its partitions "
                        "and rejoin.",
                        request.epoch, member.epoch));
    }
    if (request.epoch < member.epoch && request.epoch != member.previous_epoch) {
        return refuse(
            ErrorCode::kFencedMemberEpoch,
            fmt::format("The share group member has a smaller member epoch ({}) than the one known "
                        "by the group coordinator ({}), and it does not match the previous member "
                        "epoch ({}). The member must abandon all its partitions and rejoin.",
                        request.epoch, member.epoch, member.previous_epoch));
    }
    return {};
}

bool ShareGroup::update_member(const ShareHeartbeat& request, ShareGroupChanges& changes) {
    const bool is_new = !data_.members.contains(request.member_id);
    ShareMember& member = data_.members[request.member_id];
    bool changed = is_new;
    bool resubscribed = is_new;
    const auto set = [&](auto& field, const auto& value) {
        if (field == value) return false;
        field = value;
        changed = true;
        return true;
    };
    if (request.rack_id) set(member.rack_id, request.rack_id);
    if (request.subscribed) {
        std::vector<std::string> names = *request.subscribed;
        std::ranges::sort(names);
        names.erase(std::unique(names.begin(), names.end()), names.end());
        if (set(member.subscribed, names)) resubscribed = true;
    }
    set(member.client_id, request.client_id);
    set(member.client_host, request.client_host);
    if (changed) changes.members.insert(request.member_id);
    return resubscribed;
}

ShareHeartbeatAnswer ShareGroup::heartbeat(const ShareHeartbeat& request,
                                           const ShareGroupLimits& limits,
                                           const FindTopic& find_topic, std::int64_t now_ms,
                                           ShareGroupChanges& changes) {
    if (request.epoch < 0) return leave(request.member_id, find_topic, changes);
    ShareHeartbeatAnswer answer = check(request, limits);
    if (answer.error != ErrorCode::kNone) return answer;
    refresh(find_topic, update_member(request, changes), changes);
    maybe_assign(find_topic, limits.assignment_interval_ms, now_ms, changes);
    ShareMember& member = data_.members.at(request.member_id);
    member.deadline_ms = now_ms + limits.session_timeout_ms;
    const bool reassigned = reconcile(member, request.member_id, changes);
    answer.epoch = member.epoch;
    if (request.epoch == 0 || request.subscribed || reassigned) answer.assignment = member.assigned;
    return answer;
}

ShareHeartbeatAnswer ShareGroup::leave(const std::string& member_id, const FindTopic& find_topic,
                                       ShareGroupChanges& changes) {
    if (!data_.members.contains(member_id)) {
        return refuse(ErrorCode::kUnknownMemberId,
                      fmt::format("Member {} is not a member of group {}.", member_id, id_));
    }
    remove(member_id, changes);
    refresh(find_topic, true, changes);
    return {.error = ErrorCode::kNone, .message = {}, .epoch = -1, .assignment = std::nullopt};
}

void ShareGroup::remove(const std::string& member_id, ShareGroupChanges& changes) {
    data_.members.erase(member_id);
    data_.targets.erase(member_id);
    changes.removed.insert(member_id);
}

void ShareGroup::tick(const FindTopic& find_topic, std::int64_t now_ms,
                      ShareGroupChanges& changes) {
    std::vector<std::string> late;
    for (const auto& [id, member] : data_.members) {
        if (member.deadline_ms <= now_ms) late.push_back(id);
    }
    for (const std::string& id : late) remove(id, changes);
    if (!late.empty()) refresh(find_topic, true, changes);
}

std::optional<std::int64_t> ShareGroup::next_deadline_ms() const {
    std::optional<std::int64_t> next;
    for (const auto& [id, member] : data_.members) {
        if (!next || member.deadline_ms < *next) next = member.deadline_ms;
    }
    return next;
}

void ShareGroup::give_time(std::int64_t session_timeout_ms, std::int64_t now_ms) {
    for (auto& [id, member] : data_.members) member.deadline_ms = now_ms + session_timeout_ms;
}

// ---- topics and assignments ----

std::map<kafka::Uuid, ShareTopic> ShareGroup::topics(const FindTopic& find_topic) const {
    std::set<std::string> names;
    for (const auto& [id, member] : data_.members) {
        names.insert(member.subscribed.begin(), member.subscribed.end());
    }
    std::map<kafka::Uuid, ShareTopic> found;
    for (const std::string& name : names) {
        if (auto topic = find_topic(name)) found.emplace(topic->id, std::move(*topic));
    }
    return found;
}

void ShareGroup::refresh(const FindTopic& find_topic, bool changed, ShareGroupChanges& changes) {
    const std::map<kafka::Uuid, ShareTopic> existing = topics(find_topic);
    const std::int64_t hash = hash_of(existing);
    if (!changed && hash == data_.metadata_hash) return;
    ++data_.epoch;
    data_.metadata_hash = hash;
    changes.epoch = true;
    for (const auto& [id, topic] : existing) initialize(topic, changes);
}

void ShareGroup::maybe_assign(const FindTopic& find_topic, std::int32_t interval_ms,
                              std::int64_t now_ms, ShareGroupChanges& changes) {
    if (data_.assignment_epoch >= data_.epoch) return;
    if (assigned_ms_ && now_ms - *assigned_ms_ < interval_ms) return;
    assign(topics(find_topic), changes);
    assigned_ms_ = now_ms;
}

void ShareGroup::assign(const std::map<kafka::Uuid, ShareTopic>& topics,
                        ShareGroupChanges& changes) {
    std::map<std::string, kafka::Uuid> ids;
    for (const auto& [id, topic] : topics) ids.emplace(topic.name, id);
    std::vector<ShareSubscription> subscriptions;
    for (const auto& [id, member] : data_.members) {
        ShareSubscription& one = subscriptions.emplace_back();
        one.member_id = id;
        for (const std::string& name : member.subscribed) {
            const auto topic = ids.find(name);
            if (topic != ids.end()) one.topics.push_back(topic->second);
        }
        const auto before = data_.targets.find(id);
        if (before != data_.targets.end()) one.before = before->second;
    }
    std::vector<ShareAssignment> assignments = assign_simply(subscriptions, topics);
    for (std::size_t i = 0; i < subscriptions.size(); ++i) {
        const auto [target, is_new] = data_.targets.try_emplace(subscriptions[i].member_id);
        if (!is_new && target->second == assignments[i]) continue;
        target->second = std::move(assignments[i]);
        changes.targets.insert(subscriptions[i].member_id);
    }
    data_.assignment_epoch = data_.epoch;
    changes.assignment_epoch = true;
}

bool ShareGroup::reconcile(ShareMember& member, const std::string& member_id,
                           ShareGroupChanges& changes) {
    if (member.epoch == data_.assignment_epoch) return false;
    // Who came after the last assignment has nothing yet.
    const auto target = data_.targets.find(member_id);
    ShareAssignment assigned;
    if (target != data_.targets.end()) assigned = target->second;
    const bool reassigned = member.assigned != assigned;
    member.previous_epoch = member.epoch;
    member.epoch = data_.assignment_epoch;
    member.assigned = std::move(assigned);
    changes.current.insert(member_id);
    return reassigned;
}

void ShareGroup::found(ShareGroupChanges& changes) {
    ++data_.epoch;
    data_.assignment_epoch = data_.epoch;
    changes.epoch = changes.assignment_epoch = true;
}

void ShareGroup::initialize(const ShareTopic& topic, ShareGroupChanges& changes) {
    ShareGroupData::Initialized& known = data_.initialized[topic.id];
    known.name = topic.name;
    for (std::int32_t p = 0; p < topic.partitions; ++p) {
        if (known.partitions.insert(p).second) changes.initialized = true;
    }
}

void ShareGroup::forget(const kafka::Uuid& topic, ShareGroupChanges& changes) {
    if (data_.initialized.erase(topic) > 0) changes.initialized = true;
}

}  // namespace millrace::broker
