#include "broker/group/streams/streams_group_log.h"

#include <utility>

#include "broker/versioned_record.h"
#include "kafka/messages/streams_group_log.h"
#include "kafka/reader.h"
#include "kafka/writer.h"

namespace millrace::broker {
namespace {

using Kind = StreamsRecordKey::Kind;

constexpr std::int16_t key_version(Kind kind) {
    switch (kind) {
        case Kind::kEpoch: return 17;
        case Kind::kMember: return 19;
        case Kind::kTargetEpoch: return 20;
        case Kind::kTarget: return 21;
        case Kind::kCurrent: return 22;
        case Kind::kTopology: return 23;
    }
    return -1;
}

constexpr bool names_member(Kind kind) {
    return kind == Kind::kMember || kind == Kind::kTarget || kind == Kind::kCurrent;
}

base::Bytes encode_key(Kind kind, const std::string& group, const std::string& member = "") {
    kafka::Writer writer;
    writer.i16(key_version(kind));
    writer.string(group, /*flexible=*/false);
    if (names_member(kind)) writer.string(member, /*flexible=*/false);
    return writer.take_all();
}

// ---- tasks ----

template <class Message>
void to_message(const TaskSet& tasks, std::vector<Message>& into) {
    for (const auto& [subtopology, partitions] : tasks) {
        Message& one = into.emplace_back();
        one.subtopology_id = subtopology;
        one.partitions.assign(partitions.begin(), partitions.end());
    }
}

template <class Message>
void to_message(const TasksSince& tasks, std::vector<Message>& into) {
    for (const auto& [subtopology, partitions] : tasks) {
        Message& one = into.emplace_back();
        one.subtopology_id = subtopology;
        one.assignment_epochs.emplace();
        for (const auto& [partition, since] : partitions) {
            one.partitions.push_back(partition);
            one.assignment_epochs->push_back(since);
        }
    }
}

template <class Message>
TaskSet from_message(const std::vector<Message>& all) {
    TaskSet tasks;
    for (const Message& one : all) {
        tasks[one.subtopology_id].insert(one.partitions.begin(), one.partitions.end());
    }
    return tasks;
}

// Where a record does not say since when (Kafka before 4.3), since the member's own epoch.
template <class Message>
TasksSince from_message(const std::vector<Message>& all, std::int32_t epoch) {
    TasksSince tasks;
    for (const Message& one : all) {
        for (std::size_t i = 0; i < one.partitions.size(); ++i) {
            const bool told = one.assignment_epochs && i < one.assignment_epochs->size();
            tasks[one.subtopology_id][one.partitions[i]] =
                told ? (*one.assignment_epochs)[i] : epoch;
        }
    }
    return tasks;
}

// ---- topics of a topology ----

template <class Message>
void to_message(const std::vector<StreamsTopology::Topic>& topics, std::vector<Message>& into) {
    for (const auto& topic : topics) {
        Message& one = into.emplace_back();
        one.name = topic.name;
        one.partitions = topic.partitions;
        one.replication_factor = topic.replication_factor;
        for (const auto& [key, value] : topic.configs) one.topic_configs.push_back({key, value});
    }
}

template <class Message>
std::vector<StreamsTopology::Topic> topics_from(std::vector<Message>& all) {
    std::vector<StreamsTopology::Topic> topics;
    for (Message& one : all) {
        auto& topic = topics.emplace_back();
        topic.name = std::move(one.name);
        topic.partitions = one.partitions;
        topic.replication_factor = one.replication_factor;
        for (auto& config : one.topic_configs) {
            topic.configs.emplace_back(std::move(config.key), std::move(config.value));
        }
    }
    return topics;
}

// ---- values ----

base::Bytes epoch_value(const StreamsGroup& group) {
    kafka::StreamsGroupMetadataValue value;
    value.epoch = group.epoch();
    value.metadata_hash = group.metadata_hash();
    value.validated_topology_epoch = group.validated_topology_epoch();
    value.last_assignment_configs.emplace();
    for (const auto& [key, text] : group.assignment_configs()) {
        value.last_assignment_configs->push_back({key, text});
    }
    return encode_versioned(0, value);
}

base::Bytes target_epoch_value(const StreamsGroup& group, std::int64_t now_ms) {
    kafka::StreamsGroupTargetAssignmentMetadataValue value;
    value.assignment_epoch = group.target_epoch();
    value.assignment_timestamp = now_ms;
    return encode_versioned(0, value);
}

base::Bytes member_value(const StreamsMember& member) {
    kafka::StreamsGroupMemberMetadataValue value;
    value.instance_id = member.instance_id;
    value.rack_id = member.rack_id;
    value.client_id = member.client_id;
    value.client_host = member.client_host;
    value.rebalance_timeout_ms = member.rebalance_timeout_ms;
    value.topology_epoch = member.topology_epoch;
    value.process_id = member.process_id;
    if (member.endpoint) {
        using Endpoint = kafka::StreamsGroupMemberMetadataValue::Endpoint;
        Endpoint& endpoint = value.user_endpoint.emplace(Endpoint{});
        endpoint.host = member.endpoint->host;
        endpoint.port = member.endpoint->port;
    }
    for (const auto& [key, text] : member.client_tags) value.client_tags.push_back({key, text});
    return encode_versioned(0, value);
}

base::Bytes target_value(const Tasks& target) {
    kafka::StreamsGroupTargetAssignmentMemberValue value;
    to_message(target.active, value.active_tasks);
    to_message(target.standby, value.standby_tasks);
    to_message(target.warmup, value.warmup_tasks);
    return encode_versioned(0, value);
}

base::Bytes current_value(const StreamsMember& member) {
    kafka::StreamsGroupCurrentMemberAssignmentValue value;
    value.member_epoch = member.epoch;
    value.previous_member_epoch = member.previous_epoch;
    value.state = static_cast<std::int8_t>(member.state);
    to_message(member.assigned.active, value.active_tasks);
    to_message(member.assigned.standby, value.standby_tasks);
    to_message(member.assigned.warmup, value.warmup_tasks);
    to_message(member.revoking.active, value.active_tasks_pending_revocation);
    to_message(member.revoking.standby, value.standby_tasks_pending_revocation);
    to_message(member.revoking.warmup, value.warmup_tasks_pending_revocation);
    return encode_versioned(0, value);
}

base::Bytes topology_value(const StreamsTopology& topology) {
    kafka::StreamsGroupTopologyValue value;
    value.epoch = topology.epoch;
    for (const auto& [id, subtopology] : topology.subtopologies) {
        auto& one = value.subtopologies.emplace_back();
        one.subtopology_id = id;
        one.source_topics = subtopology.source_topics;
        one.source_topic_regex = subtopology.source_topic_regex;
        to_message(subtopology.changelogs, one.state_changelog_topics);
        one.repartition_sink_topics = subtopology.repartition_sinks;
        to_message(subtopology.repartition_sources, one.repartition_source_topics);
        for (const auto& group : subtopology.copartition_groups) {
            one.copartition_groups.push_back(
                {group.source_topics, group.source_topic_regex, group.repartition_source_topics});
        }
    }
    return encode_versioned(0, value);
}

StreamsMemberState to_state(std::int8_t number) {
    switch (number) {
        case 1: return StreamsMemberState::kStable;
        case 2: return StreamsMemberState::kUnrevokedTasks;
        case 3: return StreamsMemberState::kUnreleasedTasks;
        default: return StreamsMemberState::kUnknown;
    }
}

// ---- restoring ----

bool restore_epoch(StreamsGroup& group, base::ByteView bytes) {
    auto value = decode_versioned<kafka::StreamsGroupMetadataValue>(bytes);
    if (!value) return false;
    StreamsGroup::AssignmentConfigs configs;
    if (value->last_assignment_configs) {
        for (auto& config : *value->last_assignment_configs) {
            configs[std::move(config.key)] = std::move(config.value);
        }
    }
    group.restore_epoch(value->epoch, value->metadata_hash, value->validated_topology_epoch,
                        std::move(configs));
    return true;
}

bool restore_member(StreamsGroup& group, const std::string& id, base::ByteView bytes) {
    auto value = decode_versioned<kafka::StreamsGroupMemberMetadataValue>(bytes);
    if (!value) return false;
    StreamsMember member;
    member.id = id;
    member.instance_id = std::move(value->instance_id);
    member.rack_id = std::move(value->rack_id);
    member.client_id = std::move(value->client_id);
    member.client_host = std::move(value->client_host);
    member.rebalance_timeout_ms = value->rebalance_timeout_ms;
    member.topology_epoch = value->topology_epoch;
    member.process_id = std::move(value->process_id);
    if (value->user_endpoint) {
        member.endpoint =
            StreamsEndpoint{std::move(value->user_endpoint->host), value->user_endpoint->port};
    }
    for (auto& tag : value->client_tags) {
        member.client_tags[std::move(tag.key)] = std::move(tag.value);
    }
    group.restore_member(std::move(member));
    return true;
}

bool restore_target(StreamsGroup& group, const std::string& id, base::ByteView bytes) {
    const auto value = decode_versioned<kafka::StreamsGroupTargetAssignmentMemberValue>(bytes);
    if (!value) return false;
    group.restore_target(id, {from_message(value->active_tasks), from_message(value->standby_tasks),
                              from_message(value->warmup_tasks)});
    return true;
}

bool restore_current(StreamsGroup& group, const std::string& id, base::ByteView bytes) {
    const auto value = decode_versioned<kafka::StreamsGroupCurrentMemberAssignmentValue>(bytes);
    if (!value) return false;
    group.restore_current(
        id, value->member_epoch, value->previous_member_epoch, to_state(value->state),
        {from_message(value->active_tasks, value->member_epoch), from_message(value->standby_tasks),
         from_message(value->warmup_tasks)},
        {from_message(value->active_tasks_pending_revocation, value->member_epoch),
         from_message(value->standby_tasks_pending_revocation),
         from_message(value->warmup_tasks_pending_revocation)});
    return true;
}

bool restore_topology(StreamsGroup& group, base::ByteView bytes) {
    auto value = decode_versioned<kafka::StreamsGroupTopologyValue>(bytes);
    if (!value) return false;
    StreamsTopology topology;
    topology.epoch = value->epoch;
    for (auto& one : value->subtopologies) {
        auto& subtopology = topology.subtopologies[std::move(one.subtopology_id)];
        subtopology.source_topics = std::move(one.source_topics);
        subtopology.source_topic_regex = std::move(one.source_topic_regex);
        subtopology.changelogs = topics_from(one.state_changelog_topics);
        subtopology.repartition_sinks = std::move(one.repartition_sink_topics);
        subtopology.repartition_sources = topics_from(one.repartition_source_topics);
        for (auto& copartitioned : one.copartition_groups) {
            subtopology.copartition_groups.push_back(
                {std::move(copartitioned.source_topics),
                 std::move(copartitioned.source_topic_regex),
                 std::move(copartitioned.repartition_source_topics)});
        }
    }
    group.restore_topology(std::move(topology));
    return true;
}

}  // namespace

std::vector<KeyedRecord> streams_group_records(const StreamsGroup& group,
                                               const StreamsGroupChanges& changes,
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
    if (changes.topology && group.topology()) {
        records.push_back({encode_key(Kind::kTopology, id), topology_value(*group.topology())});
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

std::vector<KeyedRecord> streams_group_tombstones(const StreamsGroup& group) {
    std::vector<KeyedRecord> records;
    const auto take_away = [&](Kind kind, const std::string& member = "") {
        records.push_back({encode_key(kind, group.id(), member), std::nullopt});
    };
    for (const auto& [id, member] : group.members()) take_away(Kind::kCurrent, id);
    for (const auto& [id, target] : group.targets()) take_away(Kind::kTarget, id);
    take_away(Kind::kTargetEpoch);
    for (const auto& [id, member] : group.members()) take_away(Kind::kMember, id);
    take_away(Kind::kEpoch);
    take_away(Kind::kTopology);
    return records;
}

std::optional<StreamsRecordKey> decode_streams_key(base::ByteView key) {
    kafka::Reader reader(key);
    const std::int16_t version = reader.i16();
    for (const Kind kind : {Kind::kEpoch, Kind::kMember, Kind::kTargetEpoch, Kind::kTarget,
                            Kind::kCurrent, Kind::kTopology}) {
        if (version != key_version(kind)) continue;
        StreamsRecordKey read{.kind = kind};
        read.group = reader.string(/*flexible=*/false);
        if (names_member(kind)) read.member = reader.string(/*flexible=*/false);
        if (!reader.ok()) return std::nullopt;
        return read;
    }
    return std::nullopt;
}

bool restore_streams_record(StreamsGroup& group, const StreamsRecordKey& key,
                            std::optional<base::ByteView> value) {
    switch (key.kind) {
        case Kind::kEpoch:
            return !value || restore_epoch(group, *value);  // Without: the caller takes it away.
        case Kind::kTargetEpoch: {
            if (!value) return true;
            const auto read =
                decode_versioned<kafka::StreamsGroupTargetAssignmentMetadataValue>(*value);
            if (read) group.restore_target_epoch(read->assignment_epoch);
            return read.has_value();
        }
        case Kind::kMember:
            if (value) return restore_member(group, key.member, *value);
            group.forget_member(key.member);
            return true;
        case Kind::kTarget:
            if (value) return restore_target(group, key.member, *value);
            group.forget_target(key.member);
            return true;
        case Kind::kCurrent:
            if (value) return restore_current(group, key.member, *value);
            group.restore_current(key.member, StreamsMember::kLeaving, StreamsMember::kLeaving,
                                  StreamsMemberState::kStable, {}, {});
            return true;
        case Kind::kTopology:
            if (value) return restore_topology(group, *value);
            group.forget_topology();
            return true;
    }
    return false;
}

}  // namespace millrace::broker
