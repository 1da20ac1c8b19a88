// TxnOffsetCommit 0-5: offsets of a group that count once the producer's transaction commits.
// 2 adds leader epochs, 3 members, 4 knows TRANSACTION_ABORTABLE; 5 makes the offsets part of the
// transaction by the way (KIP-890).
#include "kafka/messages/txn_offset_commit.h"

#include <utility>
#include <vector>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/group/coordinator.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "broker/transaction/coordinator.h"
#include "broker/transaction/error_codes.h"
#include "runtime/loop.h"

namespace millrace::broker {
namespace {

using kafka::ErrorCode;

Task<ErrorCode> commit(Call& call, const kafka::TxnOffsetCommitRequest& request,
                       std::vector<OffsetWrite> writes) {
    if (request.group_id.empty()) co_return ErrorCode::kInvalidGroupId;
    const auto found = co_await call.services.groups.shard(request.group_id);
    const auto partition = co_await call.services.groups.offsets_partition(request.group_id);
    if (!found || !partition) {
        co_return to_coordinator_error(base::fail(found ? partition.error() : found.error()));
    }
    GroupShard& shard = **found;
    const model::Producer producer{request.producer_id, request.producer_epoch};
    const bool add = call.version() >= 5;
    const std::int64_t give_up_ns = runtime::Loop::current()->now_ns() + kAddPatienceMs * 1'000'000;
    std::uint64_t verification = 0;
    while (true) {
        verification = co_await runtime::call_on(
            shard.loop(), [&] { return shard.start_verification(producer); });
        if (verification == 0) break;
        const auto outcomes = co_await call.services.transactions.verify(
            {request.transactional_id, producer, {{Coordinator::kOffsetsTopic, *partition}}, add});
        const ErrorCode error = membership_for(call.version() >= 4, outcomes.front());
        if (error == ErrorCode::kNone) break;
        const std::int64_t left_ms = (give_up_ns - runtime::Loop::current()->now_ns()) / 1'000'000;
        if (!add || error != ErrorCode::kConcurrentTransactions || left_ms <= 0) co_return error;
        co_await call.services.transactions.wait_until_idle(request.transactional_id, left_ms);
    }
    Committer committer{request.member_id, request.group_instance_id, request.generation_id};
    co_return co_await runtime::call_on(shard.loop(), [&] {
        return shard.commit_in_transaction(request.group_id, std::move(committer), producer,
                                           verification, std::move(writes));
    });
}

}  // namespace

Task<kafka::TxnOffsetCommitResponse> txn_offset_commit(Call& call,
                                                       kafka::TxnOffsetCommitRequest request) {
    constexpr std::size_t kMaxMetadataBytes = 4096;  // offset.metadata.max.bytes
    kafka::TxnOffsetCommitResponse response;
    std::vector<OffsetWrite> writes;
    std::vector<std::pair<std::size_t, std::size_t>> written;
    for (std::size_t t = 0; t < request.topics.size(); ++t) {
        auto& asked = request.topics[t];
        auto& answer = response.topics.emplace_back();
        answer.name = asked.name;
        const auto topic = call.services.catalog.find(asked.name);
        for (std::size_t p = 0; p < asked.partitions.size(); ++p) {
            auto& partition = asked.partitions[p];
            auto& one = answer.partitions.emplace_back();
            one.partition_index = partition.partition_index;
            if (!topic || !topic->partition(partition.partition_index)) {
                one.error_code = ErrorCode::kUnknownTopicOrPartition;
            } else if (partition.committed_metadata.value_or("").size() > kMaxMetadataBytes) {
                one.error_code = ErrorCode::kOffsetMetadataTooLarge;
            } else {
                writes.push_back({{topic->name(), partition.partition_index},
                                  partition.committed_offset,
                                  partition.committed_leader_epoch,
                                  partition.committed_metadata.value_or("")});
                written.emplace_back(t, p);
            }
        }
    }
    if (written.empty()) co_return response;
    const ErrorCode outcome = co_await commit(call, request, std::move(writes));
    for (const auto& [t, p] : written) response.topics[t].partitions[p].error_code = outcome;
    co_return response;
}

}  // namespace millrace::broker
