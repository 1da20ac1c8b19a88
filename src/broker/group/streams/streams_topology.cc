#include "broker/group/streams/streams_topology.h"

#include <algorithm>

namespace millrace::broker {

std::set<std::string> StreamsTopology::required_topics() const {
    std::set<std::string> topics;
    for (const auto& [id, subtopology] : subtopologies) {
        topics.insert(subtopology.source_topics.begin(), subtopology.source_topics.end());
        for (const Topic& topic : subtopology.repartition_sources) topics.insert(topic.name);
        for (const Topic& topic : subtopology.changelogs) topics.insert(topic.name);
    }
    return topics;
}

const std::string* StreamsTopology::reader_of(const std::string& topic) const {
    for (const auto& [id, subtopology] : subtopologies) {
        if (std::ranges::find(subtopology.source_topics, topic) !=
                subtopology.source_topics.end() ||
            std::ranges::find(subtopology.repartition_sources, topic, &Topic::name) !=
                subtopology.repartition_sources.end()) {
            return &id;
        }
    }
    return nullptr;
}

}  // namespace millrace::broker
