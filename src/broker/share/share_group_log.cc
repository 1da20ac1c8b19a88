#include "broker/share/share_group_log.h"

#include <algorithm>
#include <utility>

#include "broker/versioned_record.h"
#include "kafka/messages/share_group_log.h"
#include "kafka/reader.h"

namespace millrace::broker {
namespace {

enum class Kind : std::int16_t {
    kMember = 10,
    kEpoch = 11,
    kAssignmentEpoch = 12,
    kTarget = 13,
    kCurrent = 14,
    kInitialized = 15,
};

template <class Key>
base::Bytes group_key(Kind kind, const std::string& group) {
    Key key;
    key.group_id = group;
    return encode_versioned(static_cast<std::int16_t>(kind), key);
}

template <class Key>
base::Bytes member_key(Kind kind, const std::string& group, const std::string& member) {
    Key key;
    key.group_id = group;
    key.member_id = member;
    return encode_versioned(static_cast<std::int16_t>(kind), key);
}

base::Bytes epoch_key(const std::string& group) {
    return group_key<kafka::ShareGroupMetadataKey>(Kind::kEpoch, group);
}
base::Bytes assignment_epoch_key(const std::string& group) {
    return group_key<kafka::ShareGroupTargetAssignmentMetadataKey>(Kind::kAssignmentEpoch, group);
}
base::Bytes initialized_key(const std::string& group) {
    return group_key<kafka::ShareGroupStatePartitionMetadataKey>(Kind::kInitialized, group);
}
base::Bytes metadata_key(const std::string& group, const std::string& member) {
    return member_key<kafka::ShareGroupMemberMetadataKey>(Kind::kMember, group, member);
}
base::Bytes target_key(const std::string& group, const std::string& member) {
    return member_key<kafka::ShareGroupTargetAssignmentMemberKey>(Kind::kTarget, group, member);
}
base::Bytes current_key(const std::string& group, const std::string& member) {
    return member_key<kafka::ShareGroupCurrentMemberAssignmentKey>(Kind::kCurrent, group, member);
}

// ---- values ----

base::Bytes metadata_value(const ShareMember& member) {
    kafka::ShareGroupMemberMetadataValue value;
    value.rack_id = member.rack_id;
    value.client_id = member.client_id;
    value.client_host = member.client_host;
    value.subscribed_topic_names = member.subscribed;
    return encode_versioned(0, value);
}

template <class Topics>
void put_assignment(const ShareAssignment& assignment, Topics& topics) {
    for (const auto& [id, partitions] : assignment) {
        auto& topic = topics.emplace_back();
        topic.topic_id = id;
        topic.partitions = partitions;
    }
}

template <class Topics>
ShareAssignment take_assignment(Topics& topics) {
    ShareAssignment assignment;
    for (auto& topic : topics) {
        std::ranges::sort(topic.partitions);
        if (!topic.partitions.empty()) assignment[topic.topic_id] = std::move(topic.partitions);
    }
    return assignment;
}

base::Bytes target_value(const ShareAssignment& assignment) {
    kafka::ShareGroupTargetAssignmentMemberValue value;
    put_assignment(assignment, value.topic_partitions);
    return encode_versioned(0, value);
}

base::Bytes current_value(const ShareMember& member) {
    kafka::ShareGroupCurrentMemberAssignmentValue value;
    value.member_epoch = member.epoch;
    value.previous_member_epoch = member.previous_epoch;
    value.state = 1;  // Kafka's "stable": a member of a share group has no other state.
    put_assignment(member.assigned, value.assigned_partitions);
    return encode_versioned(0, value);
}

base::Bytes initialized_value(const ShareGroupData& data) {
    kafka::ShareGroupStatePartitionMetadataValue value;
    for (const auto& [id, topic] : data.initialized) {
        auto& one = value.initialized_topics.emplace_back();
        one.topic_id = id;
        one.topic_name = topic.name;
        one.partitions.assign(topic.partitions.begin(), topic.partitions.end());
    }
    return encode_versioned(0, value);
}

base::Bytes epoch_value(const ShareGroupData& data) {
    kafka::ShareGroupMetadataValue value;
    value.epoch = data.epoch;
    value.metadata_hash = data.metadata_hash;
    return encode_versioned(0, value);
}

base::Bytes assignment_epoch_value(const ShareGroupData& data, std::int64_t now_ms) {
    kafka::ShareGroupTargetAssignmentMetadataValue value;
    value.assignment_epoch = data.assignment_epoch;
    value.assignment_timestamp = now_ms;
    return encode_versioned(0, value);
}

// ---- loading ----

void load_member(const kafka::ShareGroupMemberMetadataKey& key, std::optional<base::ByteView> bytes,
                 ShareGroupData& data) {
    if (!bytes) {
        data.members.erase(key.member_id);
        return;
    }
    auto value = decode_versioned<kafka::ShareGroupMemberMetadataValue>(*bytes);
    if (!value) return;
    ShareMember& member = data.members[key.member_id];
    member.rack_id = std::move(value->rack_id);
    member.client_id = std::move(value->client_id);
    member.client_host = std::move(value->client_host);
    member.subscribed = std::move(value->subscribed_topic_names);
}

void load_current(const kafka::ShareGroupCurrentMemberAssignmentKey& key,
                  std::optional<base::ByteView> bytes, ShareGroupData& data) {
    const auto member = data.members.find(key.member_id);
    if (!bytes || member == data.members.end()) return;
    auto value = decode_versioned<kafka::ShareGroupCurrentMemberAssignmentValue>(*bytes);
    if (!value) return;
    member->second.epoch = value->member_epoch;
    member->second.previous_epoch = value->previous_member_epoch;
    member->second.assigned = take_assignment(value->assigned_partitions);
}

void load_target(const kafka::ShareGroupTargetAssignmentMemberKey& key,
                 std::optional<base::ByteView> bytes, ShareGroupData& data) {
    data.targets.erase(key.member_id);
    if (!bytes) return;
    auto value = decode_versioned<kafka::ShareGroupTargetAssignmentMemberValue>(*bytes);
    if (value) data.targets[key.member_id] = take_assignment(value->topic_partitions);
}

void load_initialized(std::optional<base::ByteView> bytes, ShareGroupData& data) {
    data.initialized.clear();
    if (!bytes) return;
    const auto value = decode_versioned<kafka::ShareGroupStatePartitionMetadataValue>(*bytes);
    if (!value) return;
    for (const auto& topic : value->initialized_topics) {
        auto& one = data.initialized[topic.topic_id];
        one.name = topic.topic_name;
        one.partitions.insert(topic.partitions.begin(), topic.partitions.end());
    }
}

}  // namespace

std::vector<KeyedRecord> share_group_records(const ShareGroup& group,
                                             const ShareGroupChanges& changes,
                                             std::int64_t now_ms) {
    const ShareGroupData& data = group.data();
    const std::string& id = group.id();
    std::vector<KeyedRecord> records;
    for (const std::string& member : changes.removed) {
        if (data.members.contains(member)) continue;
        records.push_back({current_key(id, member), std::nullopt});
        records.push_back({target_key(id, member), std::nullopt});
        records.push_back({metadata_key(id, member), std::nullopt});
    }
    const auto each = [&](const std::set<std::string>& members, const auto& write) {
        for (const std::string& member : members) {
            const auto found = data.members.find(member);
            if (found != data.members.end()) write(member, found->second);
        }
    };
    each(changes.members, [&](const std::string& member, const ShareMember& state) {
        records.push_back({metadata_key(id, member), metadata_value(state)});
    });
    if (changes.epoch) records.push_back({epoch_key(id), epoch_value(data)});
    each(changes.targets, [&](const std::string& member, const ShareMember&) {
        records.push_back({target_key(id, member), target_value(data.targets.at(member))});
    });
    if (changes.assignment_epoch) {
        records.push_back({assignment_epoch_key(id), assignment_epoch_value(data, now_ms)});
    }
    each(changes.current, [&](const std::string& member, const ShareMember& state) {
        records.push_back({current_key(id, member), current_value(state)});
    });
    if (changes.initialized) records.push_back({initialized_key(id), initialized_value(data)});
    return records;
}

std::vector<KeyedRecord> share_group_state(const ShareGroup& group, std::int64_t now_ms) {
    ShareGroupChanges all{.epoch = true, .assignment_epoch = true, .initialized = true};
    for (const auto& [member, state] : group.data().members) {
        all.members.insert(member);
        all.current.insert(member);
        if (group.data().targets.contains(member)) all.targets.insert(member);
    }
    return share_group_records(group, all, now_ms);
}

std::vector<KeyedRecord> share_group_tombstones(const ShareGroup& group) {
    std::vector<KeyedRecord> records;
    records.push_back({assignment_epoch_key(group.id()), std::nullopt});
    records.push_back({initialized_key(group.id()), std::nullopt});
    records.push_back({epoch_key(group.id()), std::nullopt});
    return records;
}

bool load_share_group_record(base::ByteView key, std::optional<base::ByteView> value,
                             std::map<std::string, ShareGroupData>& groups) {
    kafka::Reader reader(key);
    switch (Kind{reader.i16()}) {
        case Kind::kMember:
            if (const auto read = decode_key_of_kind<kafka::ShareGroupMemberMetadataKey>(reader)) {
                load_member(*read, value, groups[read->group_id]);
            }
            return true;
        case Kind::kEpoch:
            if (const auto read = decode_key_of_kind<kafka::ShareGroupMetadataKey>(reader)) {
                if (!value) {
                    groups.erase(read->group_id);
                } else if (const auto epoch =
                               decode_versioned<kafka::ShareGroupMetadataValue>(*value)) {
                    groups[read->group_id].epoch = epoch->epoch;
                    groups[read->group_id].metadata_hash = epoch->metadata_hash;
                }
            }
            return true;
        case Kind::kAssignmentEpoch:
            if (const auto read =
                    decode_key_of_kind<kafka::ShareGroupTargetAssignmentMetadataKey>(reader)) {
                const auto epoch =
                    value ? decode_versioned<kafka::ShareGroupTargetAssignmentMetadataValue>(*value)
                          : std::nullopt;
                groups[read->group_id].assignment_epoch = epoch ? epoch->assignment_epoch : 0;
            }
            return true;
        case Kind::kTarget:
            if (const auto read =
                    decode_key_of_kind<kafka::ShareGroupTargetAssignmentMemberKey>(reader)) {
                load_target(*read, value, groups[read->group_id]);
            }
            return true;
        case Kind::kCurrent:
            if (const auto read =
                    decode_key_of_kind<kafka::ShareGroupCurrentMemberAssignmentKey>(reader)) {
                load_current(*read, value, groups[read->group_id]);
            }
            return true;
        case Kind::kInitialized:
            if (const auto read =
                    decode_key_of_kind<kafka::ShareGroupStatePartitionMetadataKey>(reader)) {
                load_initialized(value, groups[read->group_id]);
            }
            return true;
    }
    return false;
}

}  // namespace millrace::broker
