// The few types that messages are made of beside numbers and strings.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "kafka/errors.h"

namespace millrace::kafka {

enum class ApiKey : std::int16_t {
    kProduce = 0,
    kFetch = 1,
    kListOffsets = 2,
    kMetadata = 3,
    kOffsetCommit = 8,
    kOffsetFetch = 9,
    kFindCoordinator = 10,
    kJoinGroup = 11,
    kHeartbeat = 12,
    kLeaveGroup = 13,
    kSyncGroup = 14,
    kDescribeGroups = 15,
    kListGroups = 16,
    kApiVersions = 18,
    kCreateTopics = 19,
    kDeleteTopics = 20,
    kDeleteRecords = 21,
    kInitProducerId = 22,
    kOffsetForLeaderEpoch = 23,
    kAddPartitionsToTxn = 24,
    kAddOffsetsToTxn = 25,
    kEndTxn = 26,
    kWriteTxnMarkers = 27,
    kTxnOffsetCommit = 28,
    kDescribeAcls = 29,
    kCreateAcls = 30,
    kDeleteAcls = 31,
    kDescribeConfigs = 32,
    kAlterConfigs = 33,
    kAlterReplicaLogDirs = 34,
    kDescribeLogDirs = 35,
    kCreatePartitions = 37,
    kCreateDelegationToken = 38,
    kRenewDelegationToken = 39,
    kExpireDelegationToken = 40,
    kDescribeDelegationToken = 41,
    kDeleteGroups = 42,
    kElectLeaders = 43,
    kIncrementalAlterConfigs = 44,
    kAlterPartitionReassignments = 45,
    kListPartitionReassignments = 46,
    kOffsetDelete = 47,
    kDescribeClientQuotas = 48,
    kAlterClientQuotas = 49,
    kDescribeUserScramCredentials = 50,
    kAlterUserScramCredentials = 51,
    kDescribeQuorum = 55,
    kUpdateFeatures = 57,
    kDescribeCluster = 60,
    kDescribeProducers = 61,
    kUnregisterBroker = 64,
    kDescribeTransactions = 65,
    kListTransactions = 66,
    kConsumerGroupHeartbeat = 68,
    kConsumerGroupDescribe = 69,
    kListConfigResources = 74,
    kDescribeTopicPartitions = 75,
    kAddRaftVoter = 80,
    kRemoveRaftVoter = 81,
    kShareGroupHeartbeat = 76,
    kShareGroupDescribe = 77,
    kShareFetch = 78,
    kShareAcknowledge = 79,
    kStreamsGroupHeartbeat = 88,
    kStreamsGroupDescribe = 89,
    kDescribeShareGroupOffsets = 90,
    kAlterShareGroupOffsets = 91,
    kDeleteShareGroupOffsets = 92,
};

// Names a topic through renames and re-creations. All zero: none.
struct Uuid {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    auto operator<=>(const Uuid&) const = default;
    bool is_zero() const { return high == 0 && low == 0; }
    // Kafka's text form: 22 characters of URL-safe base64.
    std::string to_string() const;
};

// Record batches inside a message: borrowed bytes of the frame or of the log. Data that is not in
// memory, because it goes from a file to the socket, has a size and no pointer.
struct Records {
    const char* data = nullptr;
    std::size_t size = 0;
    bool null = false;

    base::ByteView view() const { return data ? base::ByteView(data, size) : base::ByteView(); }
    bool is_external() const { return data == nullptr && size > 0; }
};

}  // namespace millrace::kafka
