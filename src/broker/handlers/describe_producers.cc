// DescribeProducers 0: who has written to partitions, and since which offset a transaction of
// theirs is open there.
#include "kafka/messages/describe_producers.h"

#include <memory>
#include <utility>
#include <vector>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/handlers/handlers.h"
#include "broker/on_loops.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "storage/log.h"

namespace millrace::broker {
namespace {

using kafka::ErrorCode;
using Answer = kafka::DescribeProducersResponse::Topic::Partition;

void describe(Partition& partition, Answer& answer) {
    const storage::Log* log = partition.log();
    if (!log) {
        answer.error_code = ErrorCode::kUnknownTopicOrPartition;
        return;
    }
    if (const base::Error* offline = log->offline()) {
        answer.error_code = to_kafka(*offline);
        answer.error_message = offline->message();
        return;
    }
    for (const auto& known : log->producers()) {
        answer.active_producers.push_back(
            {.producer_id = known.id,
             .producer_epoch = known.epoch,
             .last_sequence = known.last_sequence,
             .last_timestamp = known.last_timestamp.ms,
             .coordinator_epoch = known.coordinator_epoch,
             .current_txn_start_offset = known.transaction_start.value});
    }
}

}  // namespace

Task<kafka::DescribeProducersResponse> describe_producers(Call& call,
                                                          kafka::DescribeProducersRequest request) {
    kafka::DescribeProducersResponse response;
    std::vector<std::shared_ptr<Partition>> partitions;
    std::vector<std::pair<std::size_t, std::size_t>> places;
    for (const auto& asked : request.topics) {
        auto& answer = response.topics.emplace_back();
        answer.name = asked.name;
        const auto topic = call.services.catalog.find(asked.name);
        for (const std::int32_t index : asked.partition_indexes) {
            auto& one = answer.partitions.emplace_back();
            one.partition_index = index;
            places.emplace_back(response.topics.size() - 1, answer.partitions.size() - 1);
            partitions.push_back(topic ? topic->partition(index) : nullptr);
            if (!partitions.back()) one.error_code = ErrorCode::kUnknownTopicOrPartition;
        }
    }
    co_await on_loops(partitions, [&](std::size_t i) {
        describe(*partitions[i], response.topics[places[i].first].partitions[places[i].second]);
    });
    co_return response;
}

}  // namespace millrace::broker
