// WriteTxnMarkers 1-2: ends transactions in the logs of partitions, whatever their coordinator
// thinks. 2 tells which protocol the marker belongs to (KIP-1228).
#include "kafka/messages/write_txn_markers.h"

#include <vector>

#include "broker/call.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"
#include "broker/transaction/markers.h"

namespace millrace::broker {

Task<kafka::WriteTxnMarkersResponse> write_txn_markers(Call& call,
                                                       kafka::WriteTxnMarkersRequest request) {
    kafka::WriteTxnMarkersResponse response;
    for (const auto& asked : request.markers) {
        std::vector<TransactionPartition> partitions;
        for (const auto& topic : asked.topics) {
            for (const std::int32_t index : topic.partition_indexes) {
                partitions.push_back({topic.name, index});
            }
        }
        const Marker marker{{asked.producer_id, asked.producer_epoch},
                            {asked.transaction_result, asked.coordinator_epoch},
                            /*must_be_newer=*/asked.transaction_version >= 2};
        const auto outcomes = co_await write_markers(call.services.catalog, call.services.groups,
                                                     marker, std::move(partitions));
        auto& answer = response.markers.emplace_back();
        answer.producer_id = asked.producer_id;
        std::size_t at = 0;
        for (const auto& topic : asked.topics) {
            auto& answered = answer.topics.emplace_back();
            answered.name = topic.name;
            for (const std::int32_t index : topic.partition_indexes) {
                answered.partitions.push_back({index, outcomes.at(at++)});
            }
        }
    }
    co_return response;
}

}  // namespace millrace::broker
