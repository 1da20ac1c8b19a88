// AddPartitionsToTxn 0-5: makes partitions part of transactions. 2 knows PRODUCER_FENCED; 4 has
// several transactions, and may only ask whether the partitions are part of them; 5 knows
// TRANSACTION_ABORTABLE. Versions from 4 on are for brokers and speak the second protocol.
#include "kafka/messages/add_partitions_to_txn.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "broker/transaction/coordinator.h"
#include "broker/transaction/error_codes.h"
#include "runtime/loop.h"

namespace millrace::broker {
namespace {

using kafka::ErrorCode;

struct Asked {
    std::string transactional_id;
    model::Producer producer;
    bool verify_only = false;
    std::vector<TransactionPartition> partitions;
};

template <class Topics>
std::vector<TransactionPartition> partitions_of(const Topics& topics) {
    std::vector<TransactionPartition> partitions;
    for (const auto& topic : topics) {
        for (const std::int32_t index : topic.partitions) partitions.push_back({topic.name, index});
    }
    return partitions;
}

// Which partitions cannot be part of a transaction. One is enough for none to be added.
std::vector<ErrorCode> refused(Call& call, const Asked& asked) {
    std::vector<ErrorCode> outcomes;
    bool any = false;
    for (const auto& [name, index] : asked.partitions) {
        const auto topic = call.services.catalog.find(name);
        ErrorCode error = ErrorCode::kOperationNotAttempted;
        if (call.version() < 4 && topic && topic->internal()) {
            error = ErrorCode::kTopicAuthorizationFailed;
        } else if (!topic || !topic->partition(index)) {
            error = ErrorCode::kUnknownTopicOrPartition;
        }
        any = any || error != ErrorCode::kOperationNotAttempted;
        outcomes.push_back(error);
    }
    if (!any) outcomes.clear();
    return outcomes;
}

Task<std::vector<ErrorCode>> add(Call& call, Asked asked) {
    std::vector<ErrorCode> outcomes = refused(call, asked);
    if (!outcomes.empty()) co_return outcomes;
    outcomes.resize(asked.partitions.size());
    if (asked.transactional_id.empty()) {
        std::ranges::fill(outcomes, ErrorCode::kInvalidRequest);
        co_return outcomes;
    }
    if (asked.verify_only) {
        co_return co_await call.services.transactions.verify(
            {asked.transactional_id, asked.producer, asked.partitions});
    }
    const auto shard = co_await call.services.transactions.shard(asked.transactional_id);
    if (!shard) {
        std::ranges::fill(outcomes, to_coordinator_error(base::fail(shard.error())));
        co_return outcomes;
    }
    Transaction::Add request{asked.producer,
                             {asked.partitions.begin(), asked.partitions.end()},
                             /*second_protocol=*/call.version() >= 4};
    const auto answer = co_await runtime::call_on((*shard)->loop(), [&] {
        return (*shard)->add(asked.transactional_id, std::move(request));
    });
    std::ranges::fill(outcomes, fenced_for(call.version(), 2, answer.error));
    co_return outcomes;
}

template <class Results, class Topics>
void fill(Results& results, const Topics& topics, const std::vector<ErrorCode>& outcomes) {
    std::size_t at = 0;
    for (const auto& topic : topics) {
        auto& result = results.emplace_back();
        result.name = topic.name;
        for (const std::int32_t index : topic.partitions) {
            result.results_by_partition.push_back({index, outcomes.at(at++)});
        }
    }
}

}  // namespace

Task<kafka::AddPartitionsToTxnResponse> add_partitions_to_txn(
    Call& call, kafka::AddPartitionsToTxnRequest request) {
    kafka::AddPartitionsToTxnResponse response;
    if (call.version() < 4) {
        const auto outcomes = co_await add(
            call, {request.v3_and_below_transactional_id,
                   {request.v3_and_below_producer_id, request.v3_and_below_producer_epoch},
                   /*verify_only=*/false,
                   partitions_of(request.v3_and_below_topics)});
        fill(response.results_by_topic_v3_and_below, request.v3_and_below_topics, outcomes);
        co_return response;
    }
    for (const auto& transaction : request.transactions) {
        const auto outcomes =
            co_await add(call, {transaction.transactional_id,
                                {transaction.producer_id, transaction.producer_epoch},
                                transaction.verify_only,
                                partitions_of(transaction.topics)});
        auto& result = response.results_by_transaction.emplace_back();
        result.transactional_id = transaction.transactional_id;
        fill(result.topic_results, transaction.topics, outcomes);
    }
    co_return response;
}

}  // namespace millrace::broker
