// How groups and offsets of a shard go: on request, with their topics, or with time.
#include <chrono>
#include <utility>

#include "base/log.h"
#include "broker/group/shard.h"
#include "broker/to_kafka.h"
#include "runtime/clock.h"
#include "runtime/loop.h"

namespace millrace::broker {

using base::Result;
using runtime::Task;

void GroupShard::append_quietly(const std::vector<KeyedRecord>& records) {
    if (records.empty()) return;
    const Result<model::Offset> appended = log_.append(records);
    if (!appended) base::log_error("__consumer_offsets: {}", appended.error().message());
}

void GroupShard::append_removal(const std::string& group, std::vector<KeyedRecord>& records) const {
    const Entry* entry = find(group);
    if (!entry) return;
    for (const auto& [name, offset] : entry->offsets) {
        records.push_back({offset_key(group, name), std::nullopt});
    }
    for (const OffsetName& name : pending_.names(group)) {
        if (entry->offsets.contains(name)) continue;
        records.push_back({offset_key(group, name), std::nullopt});
    }
    if (!entry->written.empty()) records.push_back({group_key(group), std::nullopt});
    if (entry->consumer) {
        for (auto& record : consumer_group_tombstones(*entry->consumer)) {
            records.push_back(std::move(record));
        }
    }
    if (entry->streams) {
        for (auto& record : streams_group_tombstones(*entry->streams)) {
            records.push_back(std::move(record));
        }
    }
}

// ---- on request ----

Task<ErrorCode> GroupShard::remove(std::string group) {
    const auto pass = gate_.enter();
    if (!pass) co_return ErrorCode::kNotCoordinator;
    const Entry* entry = find(group);
    if (!entry) co_return ErrorCode::kGroupIdNotFound;
    const bool in_use = (entry->consumer && !entry->consumer->members().empty()) ||
                        (entry->streams && !entry->streams->members().empty());
    const ErrorCode allowed = in_use ? ErrorCode::kNonEmptyGroup : entry->group.may_delete();
    if (allowed != ErrorCode::kNone) co_return allowed;
    std::vector<KeyedRecord> records;
    append_removal(group, records);
    if (records.empty()) {
        groups_.erase(group);
        co_return ErrorCode::kNone;
    }
    const Result<model::Offset> next = log_.append(records);
    if (!next) co_return to_coordinator_error(base::fail(next.error()));
    for (const OffsetName& name : pending_.names(group)) pending_.forget(group, name);
    groups_.erase(group);
    co_return to_coordinator_error(co_await log_.wait_durable(*next));
}

Task<GroupShard::OffsetsDeleted> GroupShard::delete_offsets(std::string group,
                                                            std::vector<OffsetName> names) {
    const auto pass = gate_.enter();
    if (!pass) co_return OffsetsDeleted{ErrorCode::kNotCoordinator, {}};
    Entry* entry = find(group);
    if (!entry) co_return OffsetsDeleted{ErrorCode::kGroupIdNotFound, {}};
    const ErrorCode allowed = entry->group.may_delete_offsets();  // None of newer protocols.
    if (allowed != ErrorCode::kNone) co_return OffsetsDeleted{allowed, {}};

    OffsetsDeleted outcome;
    std::vector<KeyedRecord> records;
    std::vector<OffsetName> deleted;
    const auto subscribed = subscribed_topics(*entry);
    for (const OffsetName& name : names) {
        const bool in_use =
            subscribed ? subscribed->contains(name.topic) : entry->group.uses_consumer_protocol();
        outcome.each.push_back(in_use ? ErrorCode::kGroupSubscribedToTopic : ErrorCode::kNone);
        const auto offset = entry->offsets.find(name);
        const bool committed = offset != entry->offsets.end() && offset->second.latest;
        if (in_use || !(committed || pending_.holds(group, name))) continue;
        records.push_back({offset_key(group, name), std::nullopt});
        deleted.push_back(name);
    }
    if (records.empty()) co_return outcome;
    const Result<model::Offset> next = log_.append(records);
    if (!next) {
        co_return OffsetsDeleted{to_coordinator_error(base::fail(next.error())), {}};
    }
    for (const OffsetName& name : deleted) {
        Offset& offset = entry->offsets[name];
        offset.latest.reset();
        offset.position = *next;
        pending_.forget(group, name);
    }
    const Result<void> durable = co_await log_.wait_durable(*next);
    if (!durable) co_return OffsetsDeleted{to_coordinator_error(durable), {}};
    entry = find(group);
    for (const OffsetName& name : deleted) {
        if (!entry) break;
        const auto offset = entry->offsets.find(name);
        // Somebody may have committed again meanwhile.
        if (offset == entry->offsets.end() || offset->second.position != *next) continue;
        entry->offsets.erase(offset);
    }
    co_return outcome;
}

std::optional<std::set<std::string>> GroupShard::subscribed_topics(const Entry& entry) const {
    if (entry.streams) return entry.streams->subscribed_topics();
    return entry.consumer ? entry.consumer->subscribed_topics() : entry.group.subscribed_topics();
}

// ---- with their topics ----

void GroupShard::forget_topic(const std::string& topic) {
    pending_.forget_topic(topic);
    forget_topics_but([&](const std::string& name) { return name != topic; });
}

void GroupShard::forget_topics_but(const std::function<bool(const std::string& topic)>& exists) {
    std::vector<KeyedRecord> records;
    for (const auto& [name, entry] : groups_) {
        std::erase_if(entry->offsets, [&](const auto& offset) {
            if (exists(offset.first.topic)) return false;
            records.push_back({offset_key(name, offset.first), std::nullopt});
            return true;
        });
    }
    append_quietly(records);
}

// ---- with time ----

bool GroupShard::holds_nothing(const Entry& entry) const {
    if (!entry.offsets.empty() || pending_.holds(entry.group.id())) return false;
    if (entry.consumer) return entry.consumer->members().empty();
    if (entry.streams) return entry.streams->members().empty();
    return entry.group.state() == Group::State::kEmpty && !entry.group.next_deadline_ms();
}

// Kafka's rules (KIP-211, KIP-496): offsets of a group without members count from when it lost the
// last one; those of simple consumers, and of topics that a stable group does not subscribe to,
// from the last commit; all others stay.
std::optional<std::int64_t> GroupShard::expires_from_ms(const Entry& entry,
                                                        const CommittedOffset& offset) const {
    const Group& group = entry.group;
    if (entry.consumer || entry.streams || !group.protocol_type()) return offset.commit_time_ms;
    if (group.state() == Group::State::kEmpty) {
        return entry.noted_ms >= 0 ? entry.noted_ms : offset.commit_time_ms;
    }
    const bool known = group.state() == Group::State::kStable && group.subscribed_topics();
    return known ? std::optional(offset.commit_time_ms) : std::nullopt;
}

void GroupShard::expire() {
    const std::int64_t now = clock_.wall_ms();
    std::vector<KeyedRecord> records;
    for (auto at = groups_.begin(); at != groups_.end();) {
        const std::string& name = at->first;
        Entry& entry = *at->second;
        const auto subscribed = subscribed_topics(entry);
        const bool unknown = !subscribed && entry.group.uses_consumer_protocol();
        std::erase_if(entry.offsets, [&](const auto& one) {
            const auto& [offset_name, offset] = one;
            // What is on its way to the disk is young.
            if (!offset.latest || offset.latest != offset.durable) return false;
            if (pending_.holds(name, offset_name)) return false;
            if (unknown || (subscribed && subscribed->contains(offset_name.topic))) return false;
            const auto from = expires_from_ms(entry, *offset.latest);
            if (!from || now - *from < limits_.offsets_retention_ms) return false;
            records.push_back({offset_key(name, offset_name), std::nullopt});
            return true;
        });
        if (holds_nothing(entry)) {
            append_removal(name, records);
            at = groups_.erase(at);
        } else {
            ++at;
        }
    }
    append_quietly(records);
}

void GroupShard::schedule_expiry() {
    const std::chrono::milliseconds interval(limits_.offsets_check_interval_ms);
    expiry_ = loop_.call_after(interval, [this] {
        if (gate_.closed()) return;
        expire();
        // Not from within the timer's own call.
        loop_.post([this] {
            if (!gate_.closed()) schedule_expiry();
        });
    });
}

}  // namespace millrace::broker
