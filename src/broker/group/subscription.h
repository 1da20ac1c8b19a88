// What consumers of the classic protocol put into the metadata of JoinGroup and get from SyncGroup:
// to the protocol itself these are only bytes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace millrace::broker {

using PartitionsByTopic = std::map<std::string, std::set<std::int32_t>>;

struct ConsumerSubscription {
    std::vector<std::string> topics;
    PartitionsByTopic owned;
    std::optional<std::string> rack_id;
};

// The topics alone, which stand in front in every version, also in those to come; nullopt when the
// bytes are no subscription.
std::optional<std::vector<std::string>> subscribed_topics_of(base::ByteView metadata);
std::optional<ConsumerSubscription> decode_subscription(base::ByteView metadata);

// The version that the metadata or the assignment was written in, as far as it is known here.
std::int16_t consumer_protocol_version(base::ByteView bytes);
base::Bytes encode_assignment(const PartitionsByTopic& partitions, std::int16_t version);
std::optional<PartitionsByTopic> decode_assignment(base::ByteView assignment);

}  // namespace millrace::broker
