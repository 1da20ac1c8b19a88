// StreamsGroupHeartbeat 0: a member of a streams group joins, lives and leaves (KIP-1071). Topics
// that the application keeps state in, or writes for itself, are made here when they are missing.
#include "kafka/messages/streams_group_heartbeat.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/catalog/topic.h"
#include "broker/features.h"
#include "broker/group/coordinator.h"
#include "broker/handlers/create_topic.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "model/topic_name.h"
#include "runtime/loop.h"

namespace millrace::broker {
namespace {

using kafka::ErrorCode;
using Request = kafka::StreamsGroupHeartbeatRequest;
using Response = kafka::StreamsGroupHeartbeatResponse;

struct Fault {
    ErrorCode error = ErrorCode::kNone;
    std::string message;
    explicit operator bool() const { return error != ErrorCode::kNone; }
};

Fault invalid(std::string message) {
    return {ErrorCode::kInvalidRequest, std::move(message)};
}

Response refused(Fault fault) {
    Response response;
    response.error_code = fault.error;
    if (!fault.message.empty()) response.error_message = std::move(fault.message);
    response.status.reset();
    return response;
}

// ---- what is wrong with the request in itself, in Kafka's words and order ----

Fault check_topic_names(const Request::Topology& topology) {
    std::vector<std::string> internal, invalid;
    std::set<std::string> seen;
    const auto look = [&](const std::string& name) {
        if (!seen.insert(name).second) return;
        if (is_internal_topic(name)) internal.push_back(name);
        if (!model::TopicName::make(name)) invalid.push_back(name);
    };
    for (const auto& subtopology : topology.subtopologies) {
        for (const std::string& name : subtopology.source_topics) look(name);
        for (const std::string& name : subtopology.repartition_sink_topics) look(name);
        for (const auto& topic : subtopology.repartition_source_topics) look(topic.name);
        for (const auto& topic : subtopology.state_changelog_topics) look(topic.name);
    }
    if (!internal.empty()) {
        return {ErrorCode::kStreamsInvalidTopology,
                fmt::format("Use of Kafka internal topics {} in a Kafka Streams topology is "
                            "prohibited.",
                            fmt::join(internal, ","))};
    }
    if (!invalid.empty()) {
        return {ErrorCode::kStreamsInvalidTopology,
                fmt::format("Topic names {} are not valid topic names.", fmt::join(invalid, ","))};
    }
    return {};
}

Fault check_supported(const Request& request) {
    if (request.instance_id) return invalid("Static membership is not yet supported.");
    if (request.task_offsets) return invalid("TaskOffsets are not supported yet.");
    if (request.task_end_offsets) return invalid("TaskEndOffsets are not supported yet.");
    if (request.warmup_tasks && !request.warmup_tasks->empty()) {
        return invalid("WarmupTasks are not supported yet.");
    }
    if (!request.topology) return {};
    for (const auto& subtopology : request.topology->subtopologies) {
        if (subtopology.source_topic_regex.empty()) continue;
        return invalid("Regular expressions for source topics are not supported yet.");
    }
    return {};
}

Fault check_joining(const Request& request) {
    if (request.rebalance_timeout_ms == -1) {
        return invalid("RebalanceTimeoutMs must be provided in first request.");
    }
    const auto some = [](const auto& tasks) { return tasks && !tasks->empty(); };
    if (some(request.active_tasks)) {
        return invalid("ActiveTasks must be empty when (re-)joining.");
    }
    if (some(request.standby_tasks)) {
        return invalid("StandbyTasks must be empty when (re-)joining.");
    }
    if (some(request.warmup_tasks)) {
        return invalid("WarmupTasks must be empty when (re-)joining.");
    }
    if (!request.topology) return invalid("Topology must be non-null when (re-)joining.");
    std::set<std::string> ids;
    for (const auto& subtopology : request.topology->subtopologies) {
        for (const auto& topic : subtopology.state_changelog_topics) {
            if (topic.partitions == 0) continue;
            return {ErrorCode::kStreamsInvalidTopology,
                    fmt::format("Changelog topic {} must have an undefined partition count, but it "
                                "is set to {}.",
                                topic.name, topic.partitions)};
        }
        if (!ids.insert(subtopology.subtopology_id).second) {
            return {ErrorCode::kStreamsInvalidTopology,
                    fmt::format("Subtopology {} is there twice.", subtopology.subtopology_id)};
        }
    }
    return {};
}

Fault check(const Request& request) {
    if (request.topology) {
        if (Fault fault = check_topic_names(*request.topology)) return fault;
    }
    if (Fault fault = check_supported(request)) return fault;
    if (request.member_id.empty()) return invalid("MemberId can't be empty.");
    if (request.group_id.empty()) return invalid("GroupId can't be empty.");
    if (request.rack_id && request.rack_id->empty()) return invalid("RackId can't be empty.");
    const std::int32_t epoch = request.member_epoch;
    if (epoch == StreamsMember::kJoining) {
        if (Fault fault = check_joining(request)) return fault;
    } else if (epoch == StreamsMember::kLeavingForAWhile) {
        return invalid("InstanceId can't be null.");
    } else if (epoch < StreamsMember::kLeavingForAWhile) {
        return invalid(
            fmt::format("MemberEpoch is {}, but must be greater than or equal to -2.", epoch));
    }
    const int kinds = request.active_tasks.has_value() + request.standby_tasks.has_value() +
                      request.warmup_tasks.has_value();
    if (kinds != 0 && kinds != 3) {
        return invalid("If one task-type is non-null, all must be non-null.");
    }
    if (epoch != StreamsMember::kJoining && request.topology) {
        return invalid("Topology can only be provided when (re-)joining.");
    }
    return {};
}

// ---- the request for the group ----

template <class Messages>
TaskSet tasks_from(const Messages& all) {
    TaskSet tasks;
    for (const auto& one : all) {
        tasks[one.subtopology_id].insert(one.partitions.begin(), one.partitions.end());
    }
    return tasks;
}

template <class Messages>
std::vector<StreamsTopology::Topic> topics_from(Messages& all) {
    std::vector<StreamsTopology::Topic> topics;
    for (auto& one : all) {
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

StreamsTopology topology_from(Request::Topology& from) {
    StreamsTopology topology;
    topology.epoch = from.epoch;
    for (auto& one : from.subtopologies) {
        auto& subtopology = topology.subtopologies[std::move(one.subtopology_id)];
        subtopology.source_topics = std::move(one.source_topics);
        subtopology.changelogs = topics_from(one.state_changelog_topics);
        subtopology.repartition_sinks = std::move(one.repartition_sink_topics);
        subtopology.repartition_sources = topics_from(one.repartition_source_topics);
        for (auto& group : one.copartition_groups) {
            subtopology.copartition_groups.push_back({std::move(group.source_topics),
                                                      std::move(group.source_topic_regex),
                                                      std::move(group.repartition_source_topics)});
        }
    }
    return topology;
}

StreamsHeartbeat to_heartbeat(Call& call, Request& request) {
    StreamsHeartbeat heartbeat{.member_id = std::move(request.member_id),
                               .member_epoch = request.member_epoch,
                               .endpoint_epoch = request.endpoint_information_epoch,
                               .rack_id = std::move(request.rack_id),
                               .process_id = std::move(request.process_id),
                               .shutdown_application = request.shutdown_application,
                               .client_id = call.client_id(),
                               .client_host = call.client_host};
    if (request.rebalance_timeout_ms != -1) {
        heartbeat.rebalance_timeout_ms = request.rebalance_timeout_ms;
    }
    if (request.topology) heartbeat.topology = topology_from(*request.topology);
    if (request.active_tasks) {
        heartbeat.owned =
            Tasks{tasks_from(*request.active_tasks), tasks_from(*request.standby_tasks),
                  tasks_from(*request.warmup_tasks)};
    }
    if (request.user_endpoint) {
        heartbeat.endpoint =
            StreamsEndpoint{std::move(request.user_endpoint->host), request.user_endpoint->port};
    }
    if (request.client_tags) {
        heartbeat.client_tags.emplace();
        for (auto& tag : *request.client_tags) {
            (*heartbeat.client_tags)[std::move(tag.key)] = std::move(tag.value);
        }
    }
    return heartbeat;
}

// ---- topics that are missing ----

// What could not be made, each with its reason.
Task<std::vector<std::string>> create_missing(Call& call,
                                              const std::vector<StreamsTopology::Topic>& topics) {
    std::vector<std::string> failed;
    for (const auto& topic : topics) {
        kafka::CreateTopicsRequest::CreatableTopic asked;
        asked.name = topic.name;
        asked.num_partitions = topic.partitions;
        asked.replication_factor =
            topic.replication_factor == 0 ? std::int16_t{-1} : topic.replication_factor;
        for (const auto& [key, value] : topic.configs) asked.configs.push_back({key, value});
        const auto answer = co_await create_topic(call, asked, /*validate_only=*/false);
        // Another member may have been faster.
        if (answer.error_code == ErrorCode::kNone ||
            answer.error_code == ErrorCode::kTopicAlreadyExists) {
            continue;
        }
        failed.push_back(
            fmt::format("{} ({})", topic.name,
                        answer.error_message.value_or(std::string(error_name(answer.error_code)))));
    }
    co_return failed;
}

void tell_failures(const std::vector<std::string>& failed, std::vector<StreamsStatus>& statuses) {
    constexpr std::size_t kShown = 3;
    if (failed.empty()) return;
    const auto status = std::ranges::find(statuses, StreamsStatus::Code::kMissingInternalTopics,
                                          &StreamsStatus::code);
    if (status == statuses.end()) return;
    const std::size_t shown = std::min(failed.size(), kShown);
    status->detail += fmt::format("; Creation failed: {}",
                                  fmt::join(failed.begin(), failed.begin() + shown, ", "));
    if (failed.size() > shown) status->detail += fmt::format(" and {} more", failed.size() - shown);
    status->detail += ".";
}

// ---- the answer ----

template <class Messages>
void to_message(const TaskSet& tasks, Messages& into) {
    into.emplace();
    for (const auto& [subtopology, partitions] : tasks) {
        auto& one = into->emplace_back();
        one.subtopology_id = subtopology;
        one.partitions.assign(partitions.begin(), partitions.end());
    }
}

Response to_response(StreamsHeartbeatAnswer& answer) {
    Response response;
    response.member_id = std::move(answer.member_id);
    response.member_epoch = answer.member_epoch;
    response.heartbeat_interval_ms = answer.heartbeat_interval_ms;
    response.status.emplace();
    for (StreamsStatus& status : answer.statuses) {
        response.status->push_back(
            {static_cast<std::int8_t>(status.code), std::move(status.detail)});
    }
    if (answer.tasks) {
        to_message(answer.tasks->active, response.active_tasks);
        to_message(answer.tasks->standby, response.standby_tasks);
        to_message(answer.tasks->warmup, response.warmup_tasks);
    }
    response.endpoint_information_epoch = answer.endpoint_epoch;
    if (!answer.endpoints) return response;
    response.partitions_by_user_endpoint.emplace();
    for (EndpointPartitions& endpoint : *answer.endpoints) {
        auto& one = response.partitions_by_user_endpoint->emplace_back();
        one.user_endpoint.host = std::move(endpoint.endpoint.host);
        one.user_endpoint.port = endpoint.endpoint.port;
        for (const auto& [topic, partitions] : endpoint.active) {
            one.active_partitions.push_back({topic, {partitions.begin(), partitions.end()}});
        }
        for (const auto& [topic, partitions] : endpoint.standby) {
            one.standby_partitions.push_back({topic, {partitions.begin(), partitions.end()}});
        }
    }
    return response;
}

}  // namespace

Task<Response> streams_group_heartbeat(Call& call, Request request) {
    if (feature_level(*call.services.catalog.cluster_state(), "streams.version") < 1) {
        co_return refused({ErrorCode::kUnsupportedVersion, ""});
    }
    if (Fault fault = check(request)) co_return refused(std::move(fault));
    const std::string group = std::move(request.group_id);
    const auto shard = co_await call.services.groups.shard(group);
    if (!shard) co_return refused({to_coordinator_error(base::fail(shard.error())), ""});
    StreamsHeartbeat heartbeat = to_heartbeat(call, request);
    StreamsHeartbeatAnswer answer = co_await runtime::call_on(
        (*shard)->loop(), [&] { return (*shard)->streams_heartbeat(group, std::move(heartbeat)); });
    if (answer.error != ErrorCode::kNone) {
        co_return refused({answer.error, std::move(answer.message)});
    }
    // The member is told that they are missing all the same: the group sees them with its next
    // heartbeat.
    tell_failures(co_await create_missing(call, answer.to_create), answer.statuses);
    Response response = to_response(answer);
    response.throttle_time_ms = static_cast<std::int32_t>(call.throttle_ms);
    co_return response;
}

}  // namespace millrace::broker
