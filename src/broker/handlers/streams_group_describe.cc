// StreamsGroupDescribe 0: topology, members and tasks of streams groups (KIP-1071).
#include "kafka/messages/streams_group_describe.h"

#include <algorithm>
#include <utility>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/features.h"
#include "broker/group/coordinator.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/topic_rules.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "runtime/loop.h"

namespace millrace::broker {
namespace {

using kafka::ErrorCode;
using Answer = kafka::StreamsGroupDescribeResponse::DescribedGroup;

template <class Messages>
void add_topic(const StreamsTopology::Topic& topic, Messages& into) {
    auto& one = into.emplace_back();
    one.name = topic.name;
    one.partitions = topic.partitions;
    one.replication_factor = topic.replication_factor;
    for (const auto& [key, value] : topic.configs) one.topic_configs.push_back({key, value});
}

template <class Messages>
void sort_by_name(Messages& topics) {
    std::ranges::sort(topics, {}, [](const auto& topic) { return topic.name; });
}

// As the members described it, where it cannot run (yet).
Answer::Topology to_topology(const StreamsTopology& topology) {
    Answer::Topology answer;
    answer.epoch = topology.epoch;
    answer.subtopologies.emplace();
    for (const auto& [id, subtopology] : topology.subtopologies) {
        auto& one = answer.subtopologies->emplace_back();
        one.subtopology_id = id;
        one.source_topics = subtopology.source_topics;
        std::ranges::sort(one.source_topics);
        one.repartition_sink_topics = subtopology.repartition_sinks;
        std::ranges::sort(one.repartition_sink_topics);
        for (const auto& topic : subtopology.changelogs) {
            add_topic(topic, one.state_changelog_topics);
        }
        for (const auto& topic : subtopology.repartition_sources) {
            add_topic(topic, one.repartition_source_topics);
        }
        sort_by_name(one.state_changelog_topics);
        sort_by_name(one.repartition_source_topics);
    }
    return answer;
}

Answer::Topology to_topology(std::int32_t epoch, const ConfiguredTopology& topology) {
    Answer::Topology answer;
    answer.epoch = epoch;
    answer.subtopologies.emplace();
    for (const auto& [id, subtopology] : topology.subtopologies) {
        auto& one = answer.subtopologies->emplace_back();
        one.subtopology_id = id;
        one.source_topics.assign(subtopology.source_topics.begin(),
                                 subtopology.source_topics.end());
        one.repartition_sink_topics.assign(subtopology.repartition_sinks.begin(),
                                           subtopology.repartition_sinks.end());
        for (const auto& [name, topic] : subtopology.changelogs) {
            add_topic(topic, one.state_changelog_topics);
        }
        for (const auto& [name, topic] : subtopology.repartition_sources) {
            add_topic(topic, one.repartition_source_topics);
        }
    }
    return answer;
}

template <class Assignment>
void to_assignment(const Tasks& tasks, Assignment& into) {
    const auto add = [](const TaskSet& set, auto& messages) {
        for (const auto& [subtopology, partitions] : set) {
            messages.push_back({subtopology, {partitions.begin(), partitions.end()}});
        }
    };
    add(tasks.active, into.active_tasks);
    add(tasks.standby, into.standby_tasks);
    add(tasks.warmup, into.warmup_tasks);
}

Answer::Member to_member(const StreamsGroupDescription::Member& described) {
    const StreamsMember& member = described.member;
    Answer::Member answer;
    answer.member_id = member.id;
    answer.member_epoch = member.epoch;
    answer.instance_id = member.instance_id;
    answer.rack_id = member.rack_id;
    answer.client_id = member.client_id;
    answer.client_host = member.client_host;
    answer.topology_epoch = member.topology_epoch;
    answer.process_id = member.process_id;
    if (member.endpoint) {
        answer.user_endpoint.emplace(Answer::Member::Endpoint{});
        answer.user_endpoint->host = member.endpoint->host;
        answer.user_endpoint->port = member.endpoint->port;
    }
    for (const auto& [key, value] : member.client_tags) answer.client_tags.push_back({key, value});
    to_assignment(without_epochs(member.assigned), answer.assignment);
    to_assignment(described.target, answer.target_assignment);
    return answer;
}

Task<Answer> describe(Call& call, std::string id) {
    Answer answer;
    answer.group_id = id;
    if (feature_level(*call.services.catalog.cluster_state(), "streams.version") < 1) {
        answer.error_code = ErrorCode::kUnsupportedVersion;
        co_return answer;
    }
    if (id.empty()) {
        answer.error_code = ErrorCode::kInvalidGroupId;
        co_return answer;
    }
    const auto shard = co_await call.services.groups.shard(id);
    if (!shard) {
        answer.error_code = to_coordinator_error(base::fail(shard.error()));
        co_return answer;
    }
    const StreamsGroupDescription group =
        co_await runtime::call_on((*shard)->loop(), [&] { return (*shard)->describe_streams(id); });
    answer.error_code = group.error;
    if (group.error != ErrorCode::kNone) {
        if (!group.message.empty()) answer.error_message = group.message;
        co_return answer;
    }
    answer.group_state = group.state;
    answer.group_epoch = group.epoch;
    answer.assignment_epoch = group.target_epoch;
    if (group.topology) {
        answer.topology = group.configured ? to_topology(group.topology->epoch, *group.configured)
                                           : to_topology(*group.topology);
    }
    for (const auto& member : group.members) answer.members.push_back(to_member(member));
    co_return answer;
}

}  // namespace

Task<kafka::StreamsGroupDescribeResponse> streams_group_describe(
    Call& call, kafka::StreamsGroupDescribeRequest request) {
    kafka::StreamsGroupDescribeResponse response;
    for (const std::string& id : request.group_ids) {
        response.groups.push_back(co_await describe(call, id));
        const bool found = response.groups.back().error_code == ErrorCode::kNone;
        if (request.include_authorized_operations && found) {
            response.groups.back().authorized_operations = kGroupOperations;
        }
    }
    co_return response;
}

}  // namespace millrace::broker
