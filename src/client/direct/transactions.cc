#include <algorithm>

#include "client/direct/direct_internal.h"
#include "kafka/messages/describe_producers.h"
#include "kafka/messages/describe_transactions.h"
#include "kafka/messages/init_producer_id.h"
#include "kafka/messages/list_transactions.h"
#include "kafka/messages/write_txn_markers.h"

namespace millrace::client {

using base::Code;
using base::fail;
using base::Result;
using kafka::ErrorCode;
using topic::TopicPartition;

// Every server coordinates some of them.
Result<Direct::TransactionList> WireDirect::transactions(const TransactionFilter& filter) {
    constexpr std::string_view kWhat = "ask for the list of transactions";
    kafka::ListTransactionsRequest request;
    request.state_filters = filter.states;
    request.producer_id_filters = filter.producer_ids;
    request.duration_filter = filter.longer_than_ms.value_or(-1);
    if (!filter.id_pattern.empty()) request.transactional_id_pattern = filter.id_pattern;
    std::int16_t least = 0;
    if (filter.longer_than_ms) least = 1;
    if (!filter.id_pattern.empty()) least = 2;
    TransactionList list;
    std::map<std::string, std::size_t> unknown;
    for (const auto& [node, broker] : wire_->nodes()) {
        const auto answer = wire_->once_settled([&]() -> Result<kafka::ListTransactionsResponse> {
            MR_TRY(auto response,
                   wire_->ask<kafka::ListTransactionsResponse>(node, request, kWhat, least));
            if (response.error_code == ErrorCode::kNone) return response;
            return fail(to_error(response.error_code, kWhat));
        });
        if (!answer) return fail(answer.error());
        for (const auto& one : answer->transaction_states) {
            list.transactions.push_back(
                {one.transactional_id, node, one.producer_id, one.transaction_state});
        }
        for (const std::string& state : answer->unknown_state_filters) ++unknown[state];
    }
    for (const auto& [state, times] : unknown) {
        if (times == wire_->nodes().size()) list.unknown_states.push_back(state);
    }
    std::ranges::sort(list.transactions, {}, &TransactionListing::id);
    return list;
}

Result<Direct::Transaction> WireDirect::describe_transaction(const std::string& id) {
    return wire_->once_settled([&] { return ask_for_transaction(id); });
}

Result<Direct::Transaction> WireDirect::ask_for_transaction(const std::string& id) {
    const std::string what = fmt::format("transactional id {}", id);
    MR_TRY(const std::int32_t node, wire_->coordinator(Wire::Coordinated::kTransaction, id));
    kafka::DescribeTransactionsRequest request;
    request.transactional_ids = {id};
    MR_TRY(const auto answer, wire_->ask<kafka::DescribeTransactionsResponse>(node, request, what));
    if (answer.transaction_states.empty()) {
        return fail(Code::kCorrupt, "{}: the server tells nothing of it", what);
    }
    const auto& found = answer.transaction_states.front();
    if (found.error_code != ErrorCode::kNone) return fail(to_error(found.error_code, what));
    Transaction transaction{.id = id,
                            .coordinator = node,
                            .producer_id = found.producer_id,
                            .producer_epoch = found.producer_epoch,
                            .state = found.transaction_state,
                            .timeout_ms = found.transaction_timeout_ms,
                            .start_ms = std::nullopt,
                            .partitions = {}};
    if (found.transaction_start_time_ms >= 0)
        transaction.start_ms = found.transaction_start_time_ms;
    for (const auto& topic : found.topics) {
        for (const std::int32_t partition : topic.partitions) {
            transaction.partitions.push_back({topic.topic, partition});
        }
    }
    std::ranges::sort(transaction.partitions);
    return transaction;
}

Result<WireDirect::Leaders> WireDirect::leaders_of(const std::vector<TopicPartition>& partitions) {
    std::vector<std::string> names;
    for (const auto& [topic, numbers] : by_topic(partitions)) names.push_back(topic);
    MR_TRY(const auto metadata, wire_->metadata(&names));
    Leaders told;
    for (const auto& topic : metadata.topics) {
        const std::string name = topic.name.value_or("");
        for (const auto& partition : topic.partitions) {
            Result<std::int32_t> leader = partition.leader_id;
            if (partition.leader_id < 0) {
                leader = fail(Code::kUnavailable, "partition {}-{} has no leader", name,
                              partition.partition_index);
            }
            told.insert_or_assign({name, partition.partition_index}, leader);
        }
    }
    Leaders leaders;
    for (const TopicPartition& one : partitions) {
        const auto found = told.find(one);
        if (found != told.end()) {
            leaders.insert_or_assign(one, found->second);
        } else {
            leaders.insert_or_assign(one, fail(Code::kNotFound, "there is no partition {}-{}",
                                               one.topic, one.partition));
        }
    }
    return leaders;
}

Result<Direct::Producers> WireDirect::producers(const std::vector<TopicPartition>& partitions,
                                                std::optional<std::int32_t> broker) {
    constexpr std::string_view kWhat = "ask for producers";
    Producers producers;
    std::map<std::int32_t, std::vector<TopicPartition>> asked;
    if (broker) {
        asked[*broker] = partitions;
    } else {
        MR_TRY(const Leaders leaders, leaders_of(partitions));
        for (const auto& [partition, leader] : leaders) {
            if (leader) {
                asked[*leader].push_back(partition);
            } else {
                producers.insert_or_assign(partition, fail(leader.error()));
            }
        }
    }
    for (const auto& [node, some] : asked) {
        kafka::DescribeProducersRequest request;
        for (auto& [topic, numbers] : by_topic(some)) request.topics.push_back({topic, numbers});
        MR_TRY(const auto answer,
               wire_->ask<kafka::DescribeProducersResponse>(node, request, kWhat));
        for (const auto& topic : answer.topics) {
            for (const auto& partition : topic.partitions) {
                const TopicPartition key{topic.name, partition.partition_index};
                if (partition.error_code != ErrorCode::kNone) {
                    producers.insert_or_assign(
                        key, fail(to_error(partition.error_code,
                                           fmt::format("ask for producers of {}-{}", key.topic,
                                                       key.partition),
                                           partition.error_message)));
                    continue;
                }
                std::vector<ProducerState> states;
                for (const auto& one : partition.active_producers) {
                    ProducerState state{.id = one.producer_id,
                                        .epoch = one.producer_epoch,
                                        .coordinator_epoch = one.coordinator_epoch,
                                        .last_sequence = one.last_sequence,
                                        .last_timestamp_ms = one.last_timestamp,
                                        .transaction_start = std::nullopt};
                    if (one.current_txn_start_offset >= 0) {
                        state.transaction_start = one.current_txn_start_offset;
                    }
                    states.push_back(state);
                }
                std::ranges::sort(states, {}, &ProducerState::id);
                producers.insert_or_assign(key, std::move(states));
            }
        }
    }
    return producers;
}

Result<void> WireDirect::abort_transaction(const TopicPartition& partition,
                                           const AbortMarker& marker) {
    const std::string what =
        fmt::format("abort a transaction of {}-{}", partition.topic, partition.partition);
    MR_TRY(const Leaders leaders, leaders_of({partition}));
    MR_TRY(const std::int32_t leader, leaders.at(partition));
    kafka::WriteTxnMarkersRequest request;
    auto& one = request.markers.emplace_back();
    one.producer_id = marker.producer_id;
    one.producer_epoch = marker.producer_epoch;
    one.coordinator_epoch = marker.coordinator_epoch;
    one.transaction_result = false;
    one.topics.push_back({partition.topic, {partition.partition}});
    MR_TRY(const auto answer, wire_->ask<kafka::WriteTxnMarkersResponse>(leader, request, what));
    for (const auto& answered : answer.markers) {
        for (const auto& topic : answered.topics) {
            for (const auto& outcome : topic.partitions) {
                if (outcome.error_code == ErrorCode::kNone) return {};
                return fail(to_error(outcome.error_code, what));
            }
        }
    }
    return fail(Code::kCorrupt, "{}: the server tells nothing of it", what);
}

// As a new producer of the same id would: its first call ends what the former one left.
Result<void> WireDirect::terminate_transaction(const std::string& id) {
    MR_TRY_VOID(describe_transaction(id));
    const std::string what = fmt::format("end the transaction of {}", id);
    return wire_->once_settled([&]() -> Result<void> {
        MR_TRY(const std::int32_t node, wire_->coordinator(Wire::Coordinated::kTransaction, id));
        kafka::InitProducerIdRequest request;
        request.transactional_id = id;
        request.transaction_timeout_ms = 1;
        MR_TRY(const auto answer, wire_->ask<kafka::InitProducerIdResponse>(node, request, what));
        if (answer.error_code == ErrorCode::kNone) return {};
        // Its end was begun, and is waited for.
        if (answer.error_code == ErrorCode::kConcurrentTransactions) {
            return fail(Code::kUnavailable, "{}: it has not ended yet", what);
        }
        return fail(to_error(answer.error_code, what));
    });
}

}  // namespace millrace::client
