// DescribeTransactions 0: the state of transactional ids.
#include "kafka/messages/describe_transactions.h"

#include <optional>

#include "broker/call.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"
#include "broker/transaction/coordinator.h"
#include "runtime/loop.h"

namespace millrace::broker {
namespace {

using kafka::ErrorCode;
using Answer = kafka::DescribeTransactionsResponse::TransactionState;

void describe(const TransactionData& data, Answer& answer) {
    answer.transaction_state = state_name(data.state);
    answer.transaction_timeout_ms = data.timeout_ms;
    answer.transaction_start_time_ms = data.start_ms;
    answer.producer_id = data.producer_id;
    answer.producer_epoch = data.producer_epoch;
    for (const auto& [topic, partition] : data.partitions) {
        if (answer.topics.empty() || answer.topics.back().topic != topic) {
            answer.topics.emplace_back().topic = topic;
        }
        answer.topics.back().partitions.push_back(partition);
    }
}

}  // namespace

Task<kafka::DescribeTransactionsResponse> describe_transactions(
    Call& call, kafka::DescribeTransactionsRequest request) {
    kafka::DescribeTransactionsResponse response;
    for (const std::string& id : request.transactional_ids) {
        auto& answer = response.transaction_states.emplace_back();
        answer.transactional_id = id;
        if (id.empty()) {
            answer.error_code = ErrorCode::kInvalidRequest;
            continue;
        }
        std::optional<TransactionData> known;
        if (TransactionShard* shard = call.services.transactions.existing_shard(id)) {
            co_await runtime::call_on(shard->loop(), [&] {
                if (const TransactionData* data = shard->describe(id)) known = *data;
            });
        }
        if (known) {
            describe(*known, answer);
        } else {
            answer.error_code = ErrorCode::kTransactionalIdNotFound;
        }
    }
    co_return response;
}

}  // namespace millrace::broker
