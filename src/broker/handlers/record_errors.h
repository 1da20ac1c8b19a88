// Which records of a refused batch are to blame, as producers are told (KIP-467).
#pragma once

#include <cstdint>
#include <string>

#include "kafka/messages/produce.h"
#include "model/types.h"
#include "storage/log_config.h"

namespace millrace::broker {

struct RefusedBatch {
    const kafka::Records& records;
    const storage::LogConfig& config;
    const std::string& topic;
    std::int32_t partition;
    model::Timestamp now;
};

// Names the records without a key where the topic is compacted, and those whose time is outside
// of what the topic takes, and says so in the answer's message. A batch that is refused for
// something else stays without a word.
void tell_record_errors(
    const RefusedBatch& refused,
    kafka::ProduceResponse::TopicProduceResponse::PartitionProduceResponse& answer);

}  // namespace millrace::broker
