// Groups of the consumer protocol (KIP-848) in a shard.
#include <utility>

#include "base/log.h"
#include "broker/group/shard.h"
#include "broker/to_kafka.h"
#include "runtime/clock.h"
#include "runtime/loop.h"

namespace millrace::broker {

using base::Result;
using runtime::Task;

namespace {

// All records of a group that is new in the log, and those that a first event took away again.
ConsumerGroupChanges everything_after(const ConsumerGroup& group, ConsumerGroupChanges changes) {
    ConsumerGroupChanges all = group.everything();
    all.lost_consumer = changes.lost_consumer;
    return all;
}

}  // namespace

// ---- the log ----

void GroupShard::apply_consumer_record(const ConsumerRecordKey& key,
                                       std::optional<base::ByteView> value) {
    Entry* entry = value ? &find_or_make(key.group) : find(key.group);
    if (!entry) return;
    if (key.kind == ConsumerRecordKey::Kind::kEpoch && !value) {
        entry->consumer.reset();
        return;
    }
    if (!entry->consumer) {
        if (!value) return;
        entry->consumer = std::make_unique<ConsumerGroup>(key.group, limits_.consumer, topics_);
    }
    if (!restore_consumer_record(*entry->consumer, key, value)) {
        base::log_warning("__consumer_offsets: group {}: a record cannot be read", key.group);
    }
}

bool GroupShard::write_consumer(Entry& entry, const ConsumerGroupChanges& changes,
                                std::vector<KeyedRecord> before) {
    std::vector<KeyedRecord> records = std::move(before);
    for (auto& record : consumer_group_records(*entry.consumer, changes, clock_.wall_ms())) {
        records.push_back(std::move(record));
    }
    return append_group(entry, records);
}

bool GroupShard::append_group(Entry& entry, const std::vector<KeyedRecord>& records) {
    if (records.empty()) return true;
    const Result<model::Offset> next = log_.append(records);
    if (!next) {
        base::log_error("__consumer_offsets: {}", next.error().message());
        return false;
    }
    entry.records_end = *next;
    return true;
}

void GroupShard::set_timeouts(ConsumerGroup& group) const {
    group.set_timeouts(topics_.timeouts_of(group.id(), limits_.consumer.timeouts));
}

// ---- changing over ----

// Why the members of a classic group cannot go on as those of `into`; empty: they do.
std::string GroupShard::upgrade_fault(const Group& classic, ConsumerGroup& into) const {
    const std::string cannot =
        "Cannot upgrade classic group " + classic.id() + " to consumer group because ";
    if (!limits_.consumer.upgrade) return cannot + "online upgrade is disabled.";
    if (!classic.uses_consumer_protocol()) {
        return cannot + "the group does not use the consumer embedded protocol.";
    }
    if (classic.members().size() > limits_.consumer.max_size) {
        return cannot + "the group size exceeds the consumer group maximum size.";
    }
    if (!into.adopt(classic.snapshot(), now_ms())) {
        return cannot + "the embedded consumer protocol is malformed.";
    }
    return "";
}

void GroupShard::maybe_downgrade(Entry& entry, const ConsumerGroupChanges& changes) {
    if (!changes.lost_consumer || !limits_.consumer.downgrade) return;
    auto classic = entry.consumer->as_classic();
    if (!classic || classic->members.size() > limits_.max_size) return;
    base::log_info("group {}: all its members speak the classic protocol again", entry.group.id());
    append_quietly(consumer_group_tombstones(*entry.consumer));
    entry.consumer.reset();
    entry.group.restore(std::move(*classic), now_ms());
    GroupActions actions{.write = true};
    entry.group.rebalance(now_ms(), actions);
    carry_out(entry, actions);
}

// ---- requests ----

Task<ConsumerHeartbeatAnswer> GroupShard::consumer_heartbeat(std::string group,
                                                             ConsumerHeartbeat request) {
    const auto pass = gate_.enter();
    if (!pass) co_return ConsumerHeartbeatAnswer{.error = ErrorCode::kNotCoordinator};
    if (share_groups_.contains(group)) {
        co_return ConsumerHeartbeatAnswer{
            .error = ErrorCode::kGroupIdNotFound,
            .message = "Group " + group + " is not a consumer group."};
    }
    Entry* entry = find(group);
    if (entry && entry->streams) {
        co_return ConsumerHeartbeatAnswer{
            .error = ErrorCode::kGroupIdNotFound,
            .message = "Group " + group + " is not a consumer group."};
    }
    const bool joining = request.member_epoch == ConsumerMember::kJoining;
    if (!entry && !joining) {
        co_return ConsumerHeartbeatAnswer{.error = ErrorCode::kGroupIdNotFound,
                                          .message = "Consumer group " + group + " not found."};
    }
    // A group of the other protocol becomes one of this, once somebody is let in.
    std::unique_ptr<ConsumerGroup> fresh;
    ConsumerGroup* consumer = entry ? entry->consumer.get() : nullptr;
    if (!consumer) {
        if (!joining) {
            co_return ConsumerHeartbeatAnswer{
                .error = ErrorCode::kGroupIdNotFound,
                .message = "Group " + group + " is not a consumer group."};
        }
        fresh = std::make_unique<ConsumerGroup>(group, limits_.consumer, topics_);
        if (entry && entry->group.state() != Group::State::kEmpty) {
            const std::string fault = upgrade_fault(entry->group, *fresh);
            if (!fault.empty()) {
                co_return ConsumerHeartbeatAnswer{.error = ErrorCode::kGroupIdNotFound,
                                                  .message = fault};
            }
        }
        consumer = fresh.get();
    }
    set_timeouts(*consumer);
    ConsumerGroupChanges changes;
    ConsumerHeartbeatAnswer answer = consumer->heartbeat(request, now_ms(), changes);
    if (answer.error != ErrorCode::kNone) co_return answer;

    std::vector<KeyedRecord> before;
    if (fresh) {
        entry = &find_or_make(group);
        GroupActions actions;
        entry->group.dissolve(ErrorCode::kRebalanceInProgress, actions);
        carry_out(*entry, actions);
        if (!fresh->members().empty()) changes = everything_after(*fresh, std::move(changes));
        if (!entry->written.empty()) before.push_back({group_key(group), std::nullopt});
        entry->written.clear();
        entry->consumer = std::move(fresh);
    }
    const bool written = write_consumer(*entry, changes, std::move(before));
    maybe_downgrade(*entry, changes);
    if (changes.any()) settle(group);
    if (!written) {
        co_return ConsumerHeartbeatAnswer{.error = ErrorCode::kCoordinatorNotAvailable};
    }
    // Whatever this tells, the group's log has it, or the member would be fenced after a crash.
    const Result<void> durable = co_await log_.wait_durable(entry->records_end);
    if (!durable) co_return ConsumerHeartbeatAnswer{.error = to_coordinator_error(durable)};
    if (log_.wants_rewrite()) runtime::spawn(loop_, maybe_rewrite());
    co_return answer;
}

Task<JoinAnswer> GroupShard::join_consumer(std::string group, JoinRequest request) {
    Entry& entry = *find(group);
    if (!limits_.consumer.upgrade && !limits_.consumer.downgrade) {
        co_return JoinAnswer{.error = ErrorCode::kInconsistentGroupProtocol,
                             .member_id = request.member_id};
    }
    ConsumerGroupChanges changes;
    JoinAnswer answer = entry.consumer->join(request, now_ms(), changes);
    if (answer.error != ErrorCode::kNone) co_return answer;
    const bool written = write_consumer(entry, changes);
    const model::Offset next = entry.records_end;
    maybe_downgrade(entry, changes);
    settle(group);
    if (!written) co_return JoinAnswer{.error = ErrorCode::kCoordinatorNotAvailable};
    const Result<void> durable = co_await log_.wait_durable(next);
    if (!durable) co_return JoinAnswer{.error = to_coordinator_error(durable)};
    co_return answer;
}

Task<SyncAnswer> GroupShard::sync_consumer(std::string group, SyncRequest request) {
    Entry& entry = *find(group);
    SyncAnswer answer = entry.consumer->sync(request, now_ms());
    const model::Offset next = entry.records_end;
    settle(group);
    const Result<void> durable = co_await log_.wait_durable(next);
    if (!durable) co_return SyncAnswer{.error = to_coordinator_error(durable)};
    co_return answer;
}

Task<ConsumerGroupDescription> GroupShard::describe_consumer(std::string group) {
    const auto pass = gate_.enter();
    if (!pass) co_return ConsumerGroupDescription{.error = ErrorCode::kNotCoordinator};
    const Entry* entry = find(group);
    if (!entry) {
        co_return ConsumerGroupDescription{.error = ErrorCode::kGroupIdNotFound,
                                           .message = "Group " + group + " not found."};
    }
    if (!entry->consumer) {
        co_return ConsumerGroupDescription{
            .error = ErrorCode::kGroupIdNotFound,
            .message = "Group " + group + " is not a consumer group."};
    }
    const ConsumerGroup& consumer = *entry->consumer;
    ConsumerGroupDescription description{.state = state_name(consumer.state()),
                                         .epoch = consumer.epoch(),
                                         .target_epoch = consumer.target_epoch(),
                                         .assignor = consumer.assignor()};
    for (const auto& [id, member] : consumer.members()) {
        const auto target = consumer.targets().find(id);
        description.members.push_back(
            {member, target == consumer.targets().end() ? TopicPartitions() : target->second});
    }
    const Result<void> durable = co_await log_.wait_durable(entry->records_end);
    if (!durable) co_return ConsumerGroupDescription{.error = to_coordinator_error(durable)};
    co_return description;
}

ErrorCode GroupShard::may_commit(Entry& entry, const Committer& committer,
                                 const std::vector<OffsetWrite>& offsets) {
    if (!entry.consumer && !entry.streams) {
        return entry.group.may_commit(committer.member_id, committer.instance_id,
                                      committer.generation, now_ms());
    }
    std::vector<std::pair<std::string, std::int32_t>> partitions;
    for (const OffsetWrite& write : offsets) {
        partitions.emplace_back(write.name.topic, write.name.partition);
    }
    if (entry.streams) {
        return entry.streams
            ->may_commit(committer.member_id, committer.generation, committer.api_version,
                         partitions)
            .error;
    }
    return entry.consumer
        ->may_commit(committer.member_id, committer.generation, committer.api_version, partitions)
        .error;
}

ErrorCode GroupShard::may_fetch(const std::string& group,
                                const std::optional<std::string>& member_id,
                                std::int32_t member_epoch) const {
    const Entry* entry = find(group);
    if (entry && entry->streams) return entry->streams->may_fetch(member_id, member_epoch).error;
    if (!entry || !entry->consumer) return ErrorCode::kNone;
    return entry->consumer->may_fetch(member_id, member_epoch).error;
}

}  // namespace millrace::broker
