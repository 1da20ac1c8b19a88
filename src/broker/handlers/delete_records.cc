// DeleteRecords 0-2: moves the start of partitions up. 2 is flexible.
#include "kafka/messages/delete_records.h"

#include <memory>
#include <vector>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/handlers/handlers.h"
#include "broker/partition.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "runtime/loop.h"

namespace millrace::broker {
namespace {

using base::Result;
using kafka::ErrorCode;
using Asked = kafka::DeleteRecordsRequest::Topic::Partition;
using Answer = kafka::DeleteRecordsResponse::Topic::Partition;

// Kafka's Topic.isInternal: what these hold is not for clients to delete.
ErrorCode check_topic(const Topic& topic) {
    if (topic.internal()) return ErrorCode::kInvalidTopicException;
    // Compaction alone decides what goes.
    const bool compact_only = topic.log_config.cleanup_compact && !topic.log_config.cleanup_delete;
    return compact_only ? ErrorCode::kPolicyViolation : ErrorCode::kNone;
}

Task<Answer> delete_from(std::shared_ptr<const Topic> topic, Asked asked) {
    Answer answer{.partition_index = asked.partition_index, .low_watermark = -1};
    const auto partition = topic ? topic->partition(asked.partition_index) : nullptr;
    answer.error_code = partition ? check_topic(*topic) : ErrorCode::kUnknownTopicOrPartition;
    if (answer.error_code != ErrorCode::kNone) co_return answer;
    const model::Offset before{asked.offset};  // -1 is the high watermark, here and there.
    const auto start = co_await runtime::call_on(
        partition->loop(), [&partition, before]() -> Task<Result<model::Offset>> {
            storage::Log* log = partition->log();
            if (!log) co_return base::fail(base::Code::kNotFound, "the topic is being deleted");
            co_return co_await log->delete_records(before);
        });
    if (start) {
        answer.low_watermark = start->value;
    } else {
        answer.error_code = to_kafka(start.error());
    }
    co_return answer;
}

}  // namespace

Task<kafka::DeleteRecordsResponse> delete_records(Call& call, kafka::DeleteRecordsRequest request) {
    kafka::DeleteRecordsResponse response;
    std::vector<Task<Answer>> deletions;
    for (const auto& asked : request.topics) {
        const auto topic = call.services.catalog.find(asked.name);
        for (const Asked& partition : asked.partitions) {
            deletions.push_back(delete_from(topic, partition));
        }
    }
    // All at once, so that their syncs share the disk.
    std::vector<Answer> answers = co_await runtime::when_all(std::move(deletions));
    auto next = answers.begin();
    for (const auto& asked : request.topics) {
        auto& answer = response.topics.emplace_back();
        answer.name = asked.name;
        for (std::size_t i = 0; i < asked.partitions.size(); ++i) {
            answer.partitions.push_back(*next++);
        }
    }
    co_return response;
}

}  // namespace millrace::broker
