#include "broker/group/consumer/consumer_group_log.h"

#include <utility>

#include "broker/versioned_record.h"
#include "kafka/messages/consumer_group_log.h"
#include "kafka/reader.h"
#include "kafka/writer.h"

namespace millrace::broker {
namespace {

using Kind = ConsumerRecordKey::Kind;

constexpr std::int16_t key_version(Kind kind) {
    switch (kind) {
        case Kind::kEpoch: return 3;
        case Kind::kMember: return 5;
        case Kind::kTargetEpoch: return 6;
        case Kind::kTarget: return 7;
        case Kind::kCurrent: return 8;
        case Kind::kRegex: return 16;
    }
    return -1;
}

base::Bytes encode_key(Kind kind, const std::string& group, const std::string& name = "") {
    kafka::Writer writer;
    writer.i16(key_version(kind));
    writer.string(group, /*flexible=*/false);
    if (kind != Kind::kEpoch && kind != Kind::kTargetEpoch) {
        writer.string(name, /*flexible=*/false);
    }
    return writer.take_all();
}

// ---- values ----

base::Bytes epoch_value(const ConsumerGroup& group) {
    kafka::ConsumerGroupMetadataValue value;
    value.epoch = group.epoch();
    value.metadata_hash = group.metadata_hash();
    return encode_versioned(0, value);
}

base::Bytes target_epoch_value(const ConsumerGroup& group, std::int64_t now_ms) {
    kafka::ConsumerGroupTargetAssignmentMetadataValue value;
    value.assignment_epoch = group.target_epoch();
    value.assignment_timestamp = now_ms;
    return encode_versioned(0, value);
}

base::Bytes member_value(const ConsumerMember& member) {
    kafka::ConsumerGroupMemberMetadataValue value;
    value.instance_id = member.instance_id;
    value.rack_id = member.rack_id;
    value.client_id = member.client_id;
    value.client_host = member.client_host;
    value.subscribed_topic_names.assign(member.topics.begin(), member.topics.end());
    value.subscribed_topic_regex.reset();
    if (!member.regex.empty()) value.subscribed_topic_regex = member.regex;
    value.rebalance_timeout_ms = member.rebalance_timeout_ms;
    value.server_assignor = member.assignor;
    if (member.classic) {
        using Classic = kafka::ConsumerGroupMemberMetadataValue::ClassicMemberMetadata;
        value.classic_member_metadata.emplace(Classic{});
        value.classic_member_metadata->session_timeout_ms = member.classic->session_timeout_ms;
        for (const GroupProtocol& protocol : member.classic->protocols) {
            auto& one = value.classic_member_metadata->supported_protocols.emplace_back();
            one.name = protocol.name;
            one.metadata = protocol.metadata;
        }
    }
    return encode_versioned(0, value);
}

base::Bytes target_value(const TopicPartitions& target) {
    kafka::ConsumerGroupTargetAssignmentMemberValue value;
    for (const auto& [topic, partitions] : target) {
        auto& one = value.topic_partitions.emplace_back();
        one.topic_id = topic;
        one.partitions.assign(partitions.begin(), partitions.end());
    }
    return encode_versioned(0, value);
}

template <class Message>
void to_message(const OwnedPartitions& owned, std::vector<Message>& into) {
    for (const auto& [topic, partitions] : owned) {
        Message& one = into.emplace_back();
        one.topic_id = topic;
        one.assignment_epochs.emplace();
        for (const auto& [partition, since] : partitions) {
            one.partitions.push_back(partition);
            one.assignment_epochs->push_back(since);
        }
    }
}

// Where a record does not say since when (Kafka before 4.3), since the member's own epoch.
template <class Message>
OwnedPartitions from_message(const std::vector<Message>& all, std::int32_t epoch) {
    OwnedPartitions owned;
    for (const Message& one : all) {
        for (std::size_t i = 0; i < one.partitions.size(); ++i) {
            const bool told = one.assignment_epochs && i < one.assignment_epochs->size();
            owned[one.topic_id][one.partitions[i]] = told ? (*one.assignment_epochs)[i] : epoch;
        }
    }
    return owned;
}

base::Bytes current_value(const ConsumerMember& member) {
    kafka::ConsumerGroupCurrentMemberAssignmentValue value;
    value.member_epoch = member.epoch;
    value.previous_member_epoch = member.previous_epoch;
    value.state = static_cast<std::int8_t>(member.state);
    to_message(member.assigned, value.assigned_partitions);
    to_message(member.revoking, value.partitions_pending_revocation);
    return encode_versioned(0, value);
}

base::Bytes regex_value(const ConsumerGroup::Resolved& topics, std::int64_t now_ms) {
    kafka::ConsumerGroupRegularExpressionValue value;
    value.topics.assign(topics.begin(), topics.end());
    value.timestamp = now_ms;
    return encode_versioned(0, value);
}

MemberState to_state(std::int8_t number) {
    switch (number) {
        case 0: return MemberState::kStable;
        case 1: return MemberState::kUnrevokedPartitions;
        case 2: return MemberState::kUnreleasedPartitions;
        default: return MemberState::kUnknown;
    }
}

// ---- restoring ----

bool restore_member(ConsumerGroup& group, const std::string& id, base::ByteView bytes) {
    auto value = decode_versioned<kafka::ConsumerGroupMemberMetadataValue>(bytes);
    if (!value) return false;
    ConsumerMember member{
        .id = id,
        .instance_id = std::move(value->instance_id),
        .rack_id = std::move(value->rack_id),
        .client_id = std::move(value->client_id),
        .client_host = std::move(value->client_host),
        .topics = {value->subscribed_topic_names.begin(), value->subscribed_topic_names.end()},
        .regex = std::move(value->subscribed_topic_regex).value_or(""),
        .rebalance_timeout_ms = value->rebalance_timeout_ms,
        .assignor = std::move(value->server_assignor)};
    if (value->classic_member_metadata) {
        ConsumerMember::Classic& classic = member.classic.emplace(ConsumerMember::Classic{});
        classic.session_timeout_ms = value->classic_member_metadata->session_timeout_ms;
        for (auto& protocol : value->classic_member_metadata->supported_protocols) {
            classic.protocols.push_back({std::move(protocol.name), std::move(protocol.metadata)});
        }
    }
    group.restore_member(std::move(member));
    return true;
}

bool restore_target(ConsumerGroup& group, const std::string& id, base::ByteView bytes) {
    const auto value = decode_versioned<kafka::ConsumerGroupTargetAssignmentMemberValue>(bytes);
    if (!value) return false;
    TopicPartitions target;
    for (const auto& one : value->topic_partitions) {
        target[one.topic_id].insert(one.partitions.begin(), one.partitions.end());
    }
    group.restore_target(id, std::move(target));
    return true;
}

bool restore_current(ConsumerGroup& group, const std::string& id, base::ByteView bytes) {
    const auto value = decode_versioned<kafka::ConsumerGroupCurrentMemberAssignmentValue>(bytes);
    if (!value) return false;
    group.restore_current(id, value->member_epoch, value->previous_member_epoch,
                          to_state(value->state),
                          from_message(value->assigned_partitions, value->member_epoch),
                          from_message(value->partitions_pending_revocation, value->member_epoch));
    return true;
}

}  // namespace

std::vector<KeyedRecord> consumer_group_records(const ConsumerGroup& group,
                                                const ConsumerGroupChanges& changes,
                                                std::int64_t now_ms) {
    std::vector<KeyedRecord> records;
    const std::string& id = group.id();
    const auto& members = group.members();
    const auto take_away = [&](Kind kind, const std::set<std::string>& names) {
        for (const std::string& name : names) {
            if (!members.contains(name)) {
                records.push_back({encode_key(kind, id, name), std::nullopt});
            }
        }
    };
    take_away(Kind::kCurrent, changes.currents);
    take_away(Kind::kTarget, changes.targets);
    take_away(Kind::kMember, changes.members);
    for (const std::string& name : changes.members) {
        const auto member = members.find(name);
        if (member == members.end()) continue;
        records.push_back({encode_key(Kind::kMember, id, name), member_value(member->second)});
    }
    for (const std::string& regex : changes.regexes) {
        const auto topics = group.regexes().find(regex);
        std::optional<base::Bytes> value;
        if (topics != group.regexes().end()) value = regex_value(topics->second, now_ms);
        records.push_back({encode_key(Kind::kRegex, id, regex), std::move(value)});
    }
    if (changes.epoch) records.push_back({encode_key(Kind::kEpoch, id), epoch_value(group)});
    for (const std::string& name : changes.targets) {
        const auto target = group.targets().find(name);
        if (target == group.targets().end() || !members.contains(name)) continue;
        records.push_back({encode_key(Kind::kTarget, id, name), target_value(target->second)});
    }
    if (changes.target_epoch) {
        records.push_back({encode_key(Kind::kTargetEpoch, id), target_epoch_value(group, now_ms)});
    }
    for (const std::string& name : changes.currents) {
        const auto member = members.find(name);
        if (member == members.end()) continue;
        records.push_back({encode_key(Kind::kCurrent, id, name), current_value(member->second)});
    }
    return records;
}

std::vector<KeyedRecord> consumer_group_tombstones(const ConsumerGroup& group) {
    std::vector<KeyedRecord> records;
    const auto take_away = [&](Kind kind, const std::string& name = "") {
        records.push_back({encode_key(kind, group.id(), name), std::nullopt});
    };
    for (const auto& [id, member] : group.members()) take_away(Kind::kCurrent, id);
    for (const auto& [id, target] : group.targets()) take_away(Kind::kTarget, id);
    take_away(Kind::kTargetEpoch);
    for (const auto& [id, member] : group.members()) take_away(Kind::kMember, id);
    for (const auto& [regex, topics] : group.regexes()) take_away(Kind::kRegex, regex);
    take_away(Kind::kEpoch);
    return records;
}

std::optional<ConsumerRecordKey> decode_consumer_key(base::ByteView key) {
    kafka::Reader reader(key);
    const std::int16_t version = reader.i16();
    for (const Kind kind : {Kind::kEpoch, Kind::kMember, Kind::kTargetEpoch, Kind::kTarget,
                            Kind::kCurrent, Kind::kRegex}) {
        if (version != key_version(kind)) continue;
        ConsumerRecordKey read{.kind = kind};
        read.group = reader.string(/*flexible=*/false);
        if (kind != Kind::kEpoch && kind != Kind::kTargetEpoch) {
            read.name = reader.string(/*flexible=*/false);
        }
        if (!reader.ok()) return std::nullopt;
        return read;
    }
    return std::nullopt;
}

bool restore_consumer_record(ConsumerGroup& group, const ConsumerRecordKey& key,
                             std::optional<base::ByteView> value) {
    switch (key.kind) {
        case Kind::kEpoch: {
            if (!value) return true;  // The caller takes the group away.
            const auto read = decode_versioned<kafka::ConsumerGroupMetadataValue>(*value);
            if (read) group.restore_epoch(read->epoch, read->metadata_hash);
            return read.has_value();
        }
        case Kind::kTargetEpoch: {
            if (!value) return true;
            const auto read =
                decode_versioned<kafka::ConsumerGroupTargetAssignmentMetadataValue>(*value);
            if (read) group.restore_target_epoch(read->assignment_epoch);
            return read.has_value();
        }
        case Kind::kMember:
            if (value) return restore_member(group, key.name, *value);
            group.forget_member(key.name);
            return true;
        case Kind::kTarget:
            if (value) return restore_target(group, key.name, *value);
            group.forget_target(key.name);
            return true;
        case Kind::kCurrent:
            if (value) return restore_current(group, key.name, *value);
            group.restore_current(key.name, ConsumerMember::kLeaving, ConsumerMember::kLeaving,
                                  MemberState::kStable, {}, {});
            return true;
        case Kind::kRegex: {
            if (!value) {
                group.forget_regex(key.name);
                return true;
            }
            auto read = decode_versioned<kafka::ConsumerGroupRegularExpressionValue>(*value);
            if (!read) return false;
            group.restore_regex(key.name, {read->topics.begin(), read->topics.end()});
            return true;
        }
    }
    return false;
}

}  // namespace millrace::broker
