#include "broker/group/offsets_log.h"

#include <utility>

#include "broker/versioned_record.h"
#include "kafka/messages/group_log.h"
#include "kafka/reader.h"

namespace millrace::broker {
namespace {

constexpr std::int16_t kOffsetKeyVersion = 1;
constexpr std::int16_t kGroupKeyVersion = 2;
// The last versions that every Kafka since 2.3 reads.
constexpr std::int16_t kOffsetValueVersion = 3;
constexpr std::int16_t kGroupValueVersion = 3;

}  // namespace

base::Bytes offset_key(const std::string& group, const OffsetName& name) {
    kafka::OffsetCommitKey key;
    key.group = group;
    key.topic = name.topic;
    key.partition = name.partition;
    return encode_versioned(kOffsetKeyVersion, key, 0);
}

base::Bytes offset_value(const CommittedOffset& offset) {
    kafka::OffsetCommitValue value;
    value.offset = offset.offset;
    value.leader_epoch = offset.leader_epoch;
    value.metadata = offset.metadata;
    value.commit_timestamp = offset.commit_time_ms;
    return encode_versioned(kOffsetValueVersion, value, kOffsetValueVersion);
}

base::Bytes group_key(const std::string& group) {
    kafka::GroupMetadataKey key;
    key.group = group;
    return encode_versioned(kGroupKeyVersion, key, 0);
}

base::Bytes group_value(const Group::Snapshot& snapshot) {
    kafka::GroupMetadataValue value;
    value.protocol_type = snapshot.protocol_type;
    value.generation = snapshot.generation;
    value.protocol = snapshot.protocol_name;
    value.leader = snapshot.leader;
    value.current_state_timestamp = snapshot.state_time_ms;
    for (const Group::Member& member : snapshot.members) {
        auto& one = value.members.emplace_back();
        one.member_id = member.id;
        one.group_instance_id = member.instance_id;
        one.client_id = member.client_id;
        one.client_host = member.client_host;
        one.rebalance_timeout = member.rebalance_timeout_ms;
        one.session_timeout = member.session_timeout_ms;
        for (const GroupProtocol& protocol : member.protocols) {
            if (protocol.name == snapshot.protocol_name) one.subscription = protocol.metadata;
        }
        one.assignment = member.assignment;
    }
    return encode_versioned(kGroupValueVersion, value, kGroupValueVersion);
}

std::optional<std::variant<OffsetKey, GroupKey>> decode_key(base::ByteView key) {
    kafka::Reader reader(key);
    const std::int16_t version = reader.i16();
    if (version == 0 || version == kOffsetKeyVersion) {
        kafka::OffsetCommitKey read;
        read.decode(reader, 0);
        if (!reader.ok()) return std::nullopt;
        return OffsetKey{std::move(read.group), {std::move(read.topic), read.partition}};
    }
    if (version == kGroupKeyVersion) {
        kafka::GroupMetadataKey read;
        read.decode(reader, 0);
        if (!reader.ok()) return std::nullopt;
        return GroupKey{std::move(read.group)};
    }
    return std::nullopt;
}

std::optional<CommittedOffset> decode_offset_value(base::ByteView value) {
    auto read = decode_versioned<kafka::OffsetCommitValue>(value);
    if (!read) return std::nullopt;
    return CommittedOffset{read->offset, read->leader_epoch, std::move(read->metadata),
                           read->commit_timestamp};
}

std::optional<Group::Snapshot> decode_group_value(base::ByteView value) {
    auto read = decode_versioned<kafka::GroupMetadataValue>(value);
    if (!read) return std::nullopt;
    Group::Snapshot snapshot{.protocol_type = std::move(read->protocol_type),
                             .generation = read->generation,
                             .protocol_name = std::move(read->protocol),
                             .leader = std::move(read->leader),
                             .state_time_ms = read->current_state_timestamp};
    for (auto& one : read->members) {
        const std::int32_t rebalance_timeout_ms =
            one.rebalance_timeout < 0 ? one.session_timeout : one.rebalance_timeout;
        Group::Member member{.id = std::move(one.member_id),
                             .instance_id = std::move(one.group_instance_id),
                             .client_id = std::move(one.client_id),
                             .client_host = std::move(one.client_host),
                             .session_timeout_ms = one.session_timeout,
                             .rebalance_timeout_ms = rebalance_timeout_ms,
                             .assignment = std::move(one.assignment)};
        if (snapshot.protocol_name) {
            member.protocols.push_back({*snapshot.protocol_name, std::move(one.subscription)});
        }
        snapshot.members.push_back(std::move(member));
    }
    return snapshot;
}

}  // namespace millrace::broker
