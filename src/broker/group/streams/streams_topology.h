// StreamsTopology: what a Kafka Streams application reads, keeps and writes, as its members
// describe it (KIP-1071).
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace millrace::broker {

struct StreamsTopology {
    // A topic that the server makes for the application.
    struct Topic {
        std::string name;
        std::int32_t partitions = 0;          // 0: the server decides.
        std::int16_t replication_factor = 0;  // 0: the server's default.
        std::vector<std::pair<std::string, std::string>> configs;
        bool operator==(const Topic&) const = default;
    };
    // Indexes into the lists of the subtopology; these topics have equal numbers of partitions.
    struct CopartitionGroup {
        std::vector<std::int16_t> source_topics;
        std::vector<std::int16_t> source_topic_regex;
        std::vector<std::int16_t> repartition_source_topics;
        bool operator==(const CopartitionGroup&) const = default;
    };
    struct Subtopology {
        std::vector<std::string> source_topics;
        std::vector<std::string> source_topic_regex;  // Nobody may have one yet.
        std::vector<Topic> changelogs;
        std::vector<std::string> repartition_sinks;
        std::vector<Topic> repartition_sources;
        std::vector<CopartitionGroup> copartition_groups;
        bool operator==(const Subtopology&) const = default;
    };

    std::int32_t epoch = 0;
    std::map<std::string, Subtopology> subtopologies;  // By id.
    bool operator==(const StreamsTopology&) const = default;

    // All that must exist before tasks can run.
    std::set<std::string> required_topics() const;
    // Who reads the topic; null: nobody.
    const std::string* reader_of(const std::string& topic) const;
};

}  // namespace millrace::broker
