// DescribeShareGroupOffsets 0-1: where share groups stand. 1 adds the lag.
#include "kafka/messages/describe_share_group_offsets.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/group/coordinator.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/share_rules.h"
#include "broker/partition.h"
#include "broker/services.h"
#include "broker/share/share_groups.h"
#include "broker/share/share_service.h"
#include "broker/to_kafka.h"
#include "runtime/loop.h"

namespace millrace::broker {
namespace {

using kafka::ErrorCode;
using Asked = kafka::DescribeShareGroupOffsetsRequest::Group;
using Answer = kafka::DescribeShareGroupOffsetsResponse::GroupAnswer;
using PartitionAnswer = Answer::TopicAnswer::PartitionAnswer;

Task<PartitionAnswer> describe_partition(Call& call, std::string group,
                                         std::shared_ptr<const Topic> topic, std::int32_t index) {
    PartitionAnswer answer;
    answer.partition_index = index;
    answer.start_offset = ShareState::kNotBegun;
    const auto partition = topic ? topic->partition(index) : nullptr;
    if (!partition) {
        answer.error_code = ErrorCode::kUnknownTopicOrPartition;
        answer.error_message = "This server does not host this topic-partition.";
        co_return answer;
    }
    const auto state =
        co_await call.services.shares.persister().read({group, topic->record.id, index});
    if (!state) {
        answer.error_code = to_coordinator_error(base::fail(state.error()));
        co_return answer;
    }
    answer.start_offset = state->start_offset;
    if (state->start_offset == ShareState::kNotBegun) co_return answer;
    const std::int64_t end = co_await runtime::call_on(partition->loop(), [&] {
        storage::Log* log = partition->log();
        return log ? log->offsets().high_watermark.value : state->start_offset;
    });
    const std::int64_t done = std::max(state->delivery_complete_count, 0);
    answer.lag = std::max<std::int64_t>(end - state->start_offset - done, 0);
    co_return answer;
}

// All partitions that the group has a position in.
std::vector<Asked::Topic> all_topics(const ShareGroup& group) {
    std::vector<Asked::Topic> topics;
    for (const auto& [id, topic] : group.data().initialized) {
        topics.push_back({topic.name, {topic.partitions.begin(), topic.partitions.end()}});
    }
    return topics;
}

Task<Answer> describe(Call& call, Asked asked) {
    Answer answer;
    answer.group_id = asked.group_id;
    if (!shares_enabled(call.services)) {
        answer.error_code = ErrorCode::kUnsupportedVersion;
        co_return answer;
    }
    const auto shard = co_await call.services.groups.shard(asked.group_id);
    if (!shard) {
        answer.error_code = to_coordinator_error(base::fail(shard.error()));
        co_return answer;
    }
    const bool known = co_await runtime::call_on((*shard)->loop(), [&] {
        const ShareGroup* group = (*shard)->share_groups().find(asked.group_id);
        if (group && !asked.topics) asked.topics = all_topics(*group);
        return group != nullptr;
    });
    if (!known) {
        answer.error_code = ErrorCode::kGroupIdNotFound;
        answer.error_message = "Group " + asked.group_id + " not found.";
        co_return answer;
    }
    for (const Asked::Topic& topic : *asked.topics) {
        const auto found = call.services.catalog.find(topic.topic_name);
        auto& one = answer.topics.emplace_back();
        one.topic_name = topic.topic_name;
        if (found) one.topic_id = found->record.id;
        for (const std::int32_t index : topic.partitions) {
            one.partitions.push_back(
                co_await describe_partition(call, asked.group_id, found, index));
        }
    }
    co_return answer;
}

}  // namespace

Task<kafka::DescribeShareGroupOffsetsResponse> describe_share_group_offsets(
    Call& call, kafka::DescribeShareGroupOffsetsRequest request) {
    kafka::DescribeShareGroupOffsetsResponse response;
    for (Asked& asked : request.groups) {
        response.groups.push_back(co_await describe(call, std::move(asked)));
    }
    co_return response;
}

}  // namespace millrace::broker
