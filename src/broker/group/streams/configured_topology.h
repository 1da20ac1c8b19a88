// configure(): what a topology comes to with the topics that there are: how many tasks each
// subtopology has, which topics are still to be made, or why it cannot run yet (KIP-1071).
//
// Repartition topics without a number of partitions get the greatest of what their writers read;
// topics that must be copartitioned, the number that the others have; changelogs, one per task.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "broker/group/consumer/topic_source.h"
#include "broker/group/streams/streams_topology.h"

namespace millrace::broker {

// What members are told beside their tasks, as numbered in the protocol.
struct StreamsStatus {
    enum class Code : std::int8_t {
        kStaleTopology = 0,
        kMissingSourceTopics = 1,
        kIncorrectlyPartitionedTopics = 2,
        kMissingInternalTopics = 3,
        kShutdownApplication = 4,
        kAssignmentDelayed = 5,
    };
    Code code = Code::kStaleTopology;
    std::string detail;
    bool operator==(const StreamsStatus&) const = default;
};

struct ConfiguredTopology {
    using Topic = StreamsTopology::Topic;
    struct Subtopology {
        std::int32_t tasks = 0;
        std::set<std::string> source_topics;
        std::set<std::string> repartition_sinks;
        std::map<std::string, Topic> repartition_sources;  // With their numbers of partitions.
        std::map<std::string, Topic> changelogs;           // The same.
        bool stateful() const { return !changelogs.empty(); }
    };
    std::optional<StreamsStatus> fault;  // Why no task can run yet.
    // Known where topics are missing that the server makes; else empty if there is a fault.
    std::map<std::string, Subtopology> subtopologies;
    std::vector<Topic> missing;  // To be made by the server.
    bool ready() const { return !fault; }
};

// An error where the topology can never run: STREAMS_INVALID_TOPOLOGY, in Kafka's words.
base::Result<ConfiguredTopology> configure(const StreamsTopology& topology,
                                           const TopicSource& topics);

}  // namespace millrace::broker
