// The records of __millrace_metadata-0: keys and values (docs/formats/internal_topics.md), and what
// a log of them comes to.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "broker/catalog/cluster_state.h"
#include "broker/catalog/topic.h"
#include "broker/keyed_log.h"

namespace millrace::broker {

KeyedRecord topic_record(const TopicRecord& record);
KeyedRecord topic_gone_record(const std::string& name);
KeyedRecord cluster_record(const std::string& cluster_id, std::int64_t next_producer_id);
// What leads from one state to another.
std::vector<KeyedRecord> change_records(const ClusterState& from, const ClusterState& to);

// What a log that is read from its start comes to.
struct LoadedMetadata {
    std::map<std::string, TopicRecord> topics;
    std::string cluster_id;
    std::int64_t next_producer_id = 0;
    ClusterState cluster;
    bool understood = true;  // False: there was a record that this version does not know.

    void apply(base::ByteView key, std::optional<base::ByteView> value);
};

}  // namespace millrace::broker
