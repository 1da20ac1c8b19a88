// OffsetForLeaderEpoch 2-4: where an epoch ended. 3 adds the replica, 4 is flexible.
#include "kafka/messages/offset_for_leader_epoch.h"

#include <vector>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/topic_rules.h"
#include "broker/on_loops.h"
#include "broker/services.h"
#include "broker/to_kafka.h"

namespace millrace::broker {

using kafka::ErrorCode;

Task<kafka::OffsetForLeaderEpochResponse> offset_for_leader_epoch(
    Call& call, kafka::OffsetForLeaderEpochRequest request) {
    kafka::OffsetForLeaderEpochResponse response;
    std::vector<std::shared_ptr<Partition>> partitions;
    std::vector<std::pair<std::size_t, std::size_t>> places;
    for (std::size_t t = 0; t < request.topics.size(); ++t) {
        const auto& asked = request.topics[t];
        auto& answer = response.topics.emplace_back();
        answer.topic = asked.topic;
        const auto topic = call.services.catalog.find(asked.topic);
        for (std::size_t p = 0; p < asked.partitions.size(); ++p) {
            auto& one = answer.partitions.emplace_back();
            one.partition = asked.partitions[p].partition;
            partitions.push_back(topic ? topic->partition(one.partition) : nullptr);
            places.emplace_back(t, p);
            if (!partitions.back()) one.error_code = ErrorCode::kUnknownTopicOrPartition;
        }
    }
    co_await on_loops(partitions, [&](std::size_t i) {
        const auto [t, p] = places[i];
        const auto& asked = request.topics[t].partitions[p];
        auto& answer = response.topics[t].partitions[p];
        storage::Log* log = partitions[i]->log();
        if (!log) {
            answer.error_code = ErrorCode::kUnknownTopicOrPartition;
            return;
        }
        answer.error_code = check_epoch(asked.current_leader_epoch, log->leader_epoch().value);
        if (answer.error_code != ErrorCode::kNone) return;
        // An epoch that is still to come has no end.
        if (asked.leader_epoch > log->leader_epoch().value) return;
        if (const auto end = log->end_of_epoch(model::LeaderEpoch{asked.leader_epoch})) {
            answer.leader_epoch = end->epoch.value;
            answer.end_offset = end->end.value;
        }
    });
    co_return response;
}

}  // namespace millrace::broker
