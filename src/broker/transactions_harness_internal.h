// A transactional producer over the wire, as short functions: for tests.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <vector>

#include "broker/wire_harness_internal.h"
#include "kafka/messages/add_offsets_to_txn.h"
#include "kafka/messages/add_partitions_to_txn.h"
#include "kafka/messages/describe_producers.h"
#include "kafka/messages/describe_transactions.h"
#include "kafka/messages/end_txn.h"
#include "kafka/messages/list_transactions.h"
#include "kafka/messages/txn_offset_commit.h"
#include "kafka/messages/write_txn_markers.h"
#include "model/records.h"
#include "storage/aborted_index.h"

namespace millrace::broker {

// Words of an error code, with what came with it: "NONE 5/0".
class TransactionHarness : protected WireHarness {
protected:
    explicit TransactionHarness(config::ServerOptions options = {})
        : WireHarness(std::move(options)) {}

    struct Producer {
        std::string id;
        model::Producer producer;
        std::int32_t sequence = 0;
        void next_epoch(std::int64_t producer_id, std::int16_t epoch) {
            producer = {producer_id, epoch};
            sequence = 0;
        }
    };

    kafka::InitProducerIdResponse init_once(const std::string& id, std::int32_t timeout_ms,
                                            std::optional<model::Producer> expected,
                                            std::int16_t version) {
        kafka::InitProducerIdRequest request;
        request.transactional_id = id;
        request.transaction_timeout_ms = timeout_ms;
        if (expected) {
            request.producer_id = expected->id;
            request.producer_epoch = expected->epoch;
        }
        const auto response = client.call<kafka::InitProducerIdResponse>(request, version);
        MR_CHECK(response);
        return *response;
    }
    std::string init_error(const std::string& id, std::int32_t timeout_ms = 60'000,
                           std::optional<model::Producer> expected = {}, std::int16_t version = 5) {
        return std::string(error_name(init_once(id, timeout_ms, expected, version).error_code));
    }
    // As producers do: again while an earlier transaction is at its end.
    Producer init(const std::string& id, std::int32_t timeout_ms = 60'000,
                  std::optional<model::Producer> expected = {}) {
        while (true) {
            const auto answer = init_once(id, timeout_ms, expected, 5);
            if (answer.error_code == ErrorCode::kConcurrentTransactions) continue;
            MR_CHECK(answer.error_code == ErrorCode::kNone);
            return {id, {answer.producer_id, answer.producer_epoch}};
        }
    }
    std::string add(const Producer& producer, const std::vector<std::string>& topics,
                    std::int16_t version = 3) {
        kafka::AddPartitionsToTxnRequest request;
        request.v3_and_below_transactional_id = producer.id;
        request.v3_and_below_producer_id = producer.producer.id;
        request.v3_and_below_producer_epoch = producer.producer.epoch;
        for (const std::string& topic : topics) {
            request.v3_and_below_topics.push_back({topic, {0}});
        }
        while (true) {
            const auto response = client.call<kafka::AddPartitionsToTxnResponse>(request, version);
            MR_CHECK(response);
            std::string words;
            bool again = false;
            for (const auto& topic : response->results_by_topic_v3_and_below) {
                const ErrorCode error = topic.results_by_partition.at(0).partition_error_code;
                again = again || error == ErrorCode::kConcurrentTransactions;
                words += (words.empty() ? "" : " ") + std::string(error_name(error));
            }
            if (!again) return words;
        }
    }
    // `version` 12 and above add the partition by the way, those below want it added.
    std::string write(Producer& producer, const std::string& topic, std::int16_t version = 12,
                      int records = 1) {
        const base::Bytes batch = make_batch(records, runtime::make_system_clock()->wall_ms(),
                                             {.producer = producer.producer,
                                              .base_sequence = producer.sequence,
                                              .transactional = true});
        auto request = produce_request(topic, batch);
        request.transactional_id = producer.id;
        const auto response = client.call<kafka::ProduceResponse>(request, version);
        MR_CHECK(response);
        const auto& one = response->responses.at(0).partition_responses.at(0);
        if (one.error_code != ErrorCode::kNone) return std::string(error_name(one.error_code));
        producer.sequence += records;
        return fmt::format("{}", one.base_offset);
    }
    // Version 5 and above give the producer its next epoch.
    std::string end(Producer& producer, bool commit, std::int16_t version = 5,
                    TestClient* from = nullptr) {
        kafka::EndTxnRequest request;
        request.transactional_id = producer.id;
        request.producer_id = producer.producer.id;
        request.producer_epoch = producer.producer.epoch;
        request.committed = commit;
        const auto response = (from ? *from : client).call<kafka::EndTxnResponse>(request, version);
        MR_CHECK(response);
        if (response->error_code == ErrorCode::kNone && version >= 5) {
            producer.next_epoch(response->producer_id, response->producer_epoch);
        }
        return std::string(error_name(response->error_code));
    }
    std::string state(const std::string& id) {
        kafka::DescribeTransactionsRequest request;
        request.transactional_ids = {id};
        const auto response = client.call<kafka::DescribeTransactionsResponse>(request, 0);
        MR_CHECK(response);
        const auto& one = response->transaction_states.at(0);
        return one.error_code == ErrorCode::kNone ? one.transaction_state
                                                  : std::string(error_name(one.error_code));
    }
    // Ends once the transaction is in that state; the test's own time limit ends it otherwise.
    void await_state(const std::string& id, const std::string& wanted) {
        while (state(id) != wanted) {
        }
    }
    std::int64_t stable(const std::string& topic) {
        kafka::ListOffsetsRequest request;
        request.isolation_level = 1;
        auto& asked = request.topics.emplace_back();
        asked.name = topic;
        asked.partitions.emplace_back().timestamp = -1;
        const auto response = client.call<kafka::ListOffsetsResponse>(request, 7);
        MR_CHECK(response);
        return response->topics.at(0).partitions.at(0).offset;
    }
    // Base offsets of the batches that a consumer of committed records shows.
    std::string committed_batches(const std::string& topic, std::int32_t max_wait_ms = 0,
                                  std::int64_t from = 0) {
        auto request = fetch_request(topic, from, max_wait_ms);
        request.isolation_level = 1;
        const auto response = client.call<kafka::FetchResponse>(request, 12);
        MR_CHECK(response);
        const auto& one = response->responses.at(0).partitions.at(0);
        std::vector<storage::AbortedTransaction> aborted;
        for (const auto& each : *one.aborted_transactions) {
            aborted.push_back({each.producer_id, {each.first_offset}, {}, {}});
        }
        storage::AbortedFilter filter(std::move(aborted));
        std::string text;
        base::ByteView rest = one.records.view();
        while (!rest.empty()) {
            const auto batch = model::RecordBatch::parse(rest);
            if (!batch) break;
            rest.remove_prefix(batch->size_bytes());
            if (!filter.leaves_out(*batch)) text += fmt::format("{} ", batch->base_offset());
        }
        return text;
    }
    std::string commit_offset(const Producer& producer, const std::string& group,
                              const std::string& topic, std::int64_t offset,
                              std::int16_t version = 5) {
        kafka::TxnOffsetCommitRequest request;
        request.transactional_id = producer.id;
        request.group_id = group;
        request.producer_id = producer.producer.id;
        request.producer_epoch = producer.producer.epoch;
        auto& asked = request.topics.emplace_back();
        asked.name = topic;
        asked.partitions.push_back({0, offset, -1, "in a transaction"});
        const auto response = client.call<kafka::TxnOffsetCommitResponse>(request, version);
        MR_CHECK(response);
        return std::string(error_name(response->topics.at(0).partitions.at(0).error_code));
    }
    // The committed offset, or why it is not told.
    std::string group_offset(const std::string& group, const std::string& topic, bool stable) {
        kafka::OffsetFetchRequest request;
        request.require_stable = stable;
        auto& asked = request.groups.emplace_back();
        asked.group_id = group;
        asked.topics.emplace();
        auto& one = asked.topics->emplace_back();
        one.name = topic;
        one.partition_indexes = {0};
        const auto response = client.call<kafka::OffsetFetchResponse>(request, 9);
        MR_CHECK(response);
        const auto& partition = response->groups.at(0).topics.at(0).partitions.at(0);
        return partition.error_code == ErrorCode::kNone
                   ? fmt::format("{}", partition.committed_offset)
                   : std::string(error_name(partition.error_code));
    }
    std::string add_offsets(const Producer& producer, const std::string& group) {
        kafka::AddOffsetsToTxnRequest request;
        request.transactional_id = producer.id;
        request.producer_id = producer.producer.id;
        request.producer_epoch = producer.producer.epoch;
        request.group_id = group;
        const auto response = client.call<kafka::AddOffsetsToTxnResponse>(request, 3);
        MR_CHECK(response);
        return std::string(error_name(response->error_code));
    }
};

}  // namespace millrace::broker
