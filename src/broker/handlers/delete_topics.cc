// DeleteTopics 1-6: removes topics and what groups committed for them. 5 adds messages, 6 ids.
#include "kafka/messages/delete_topics.h"

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/log.h"
#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/group/coordinator.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/topic_rules.h"
#include "broker/partition.h"
#include "broker/services.h"
#include "broker/share/share_service.h"
#include "broker/to_kafka.h"
#include "runtime/loop.h"

namespace millrace::broker {
namespace {

using kafka::ErrorCode;
using Asked = kafka::DeleteTopicsRequest::DeleteTopicState;
using Answer = kafka::DeleteTopicsResponse::DeletableTopicResult;

Answer refused(const Asked& asked, ErrorCode error, std::string message) {
    Answer answer;
    answer.name = asked.name;
    answer.topic_id = asked.topic_id;
    answer.error_code = error;
    answer.error_message = std::move(message);
    return answer;
}

// Where share groups stood in a topic that is gone.
Task<void> forget_share_topic(Call& call, const Topic& topic) {
    for (GroupShard* shard : call.services.groups.shards()) {
        const auto groups = co_await runtime::call_on(
            shard->loop(), [&] { return shard->share_groups().forget_topic(topic.record.id); });
        for (const std::string& group : groups) {
            for (const auto& partition : topic.partitions) {
                const auto removed = co_await call.services.shares.remove(
                    {group, topic.record.id, partition->index()});
                if (!removed) base::log_warning("share groups: {}", removed.error().message());
            }
        }
    }
}

Task<Answer> delete_one(Call& call, const Asked& asked) {
    Catalog& catalog = call.services.catalog;
    Answer answer;
    answer.name = asked.name;
    answer.topic_id = asked.topic_id;
    const auto topic = asked.name ? catalog.find(*asked.name) : catalog.find(asked.topic_id);
    if (!topic) {
        answer.error_code =
            asked.name ? ErrorCode::kUnknownTopicOrPartition : ErrorCode::kUnknownTopicId;
        answer.error_message = asked.name ? "This server does not host this topic-partition."
                                          : "This server does not host this topic ID.";
        co_return answer;
    }
    answer.name = topic->name();
    answer.topic_id = topic->record.id;
    if (topic->internal()) {
        answer.error_code = ErrorCode::kInvalidRequest;
        answer.error_message = "Internal topics cannot be deleted.";
        co_return answer;
    }
    const TopicRefusal refusal =
        charge_partitions(call, topic->record.partitions, /*strict_from=*/5);
    if (refusal) co_return refused(asked, refusal.error, refusal.message);
    const auto removed = co_await runtime::call_on(
        catalog.loop(), [&] { return catalog.remove(topic->name(), topic->record.id); });
    if (!removed) {
        answer.error_code = to_kafka(removed.error());
        answer.error_message = removed.error().message();
        co_return answer;
    }
    co_await call.services.groups.forget_topic(topic->name());
    co_await forget_share_topic(call, *topic);
    co_return answer;
}

}  // namespace

Task<kafka::DeleteTopicsResponse> delete_topics(Call& call, kafka::DeleteTopicsRequest request) {
    for (const std::string& name : request.topic_names) request.topics.push_back({.name = name});
    kafka::DeleteTopicsResponse response;
    if (!call.services.options.delete_topic_enable) {
        const auto error =
            call.version() < 3 ? ErrorCode::kInvalidRequest : ErrorCode::kTopicDeletionDisabled;
        for (const Asked& asked : request.topics) {
            response.responses.push_back(refused(asked, error, "Topic deletion is disabled."));
        }
        co_return response;
    }
    std::map<std::pair<std::optional<std::string>, kafka::Uuid>, int> times;
    for (const Asked& asked : request.topics) ++times[{asked.name, asked.topic_id}];
    for (const Asked& asked : request.topics) {
        int& count = times[{asked.name, asked.topic_id}];
        if (count == 0) continue;
        const bool by_id = !asked.topic_id.is_zero();
        if (asked.name && by_id) {
            response.responses.push_back(
                refused(asked, ErrorCode::kInvalidRequest,
                        "You may not specify both topic name and topic id."));
        } else if (!asked.name && !by_id) {
            response.responses.push_back(refused(asked, ErrorCode::kInvalidRequest,
                                                 "Neither topic name nor id were specified."));
        } else if (count > 1) {
            response.responses.push_back(
                refused(asked, ErrorCode::kInvalidRequest,
                        by_id ? "Duplicate topic id." : "Duplicate topic name."));
            count = 0;  // One answer is enough.
        } else {
            response.responses.push_back(co_await delete_one(call, asked));
        }
    }
    co_return response;
}

}  // namespace millrace::broker
