// Coordinator: finds the shard that a group belongs to, and makes __consumer_offsets when it is
// first needed.
//
// Thread rule: shard() and shards() from any loop; open() and stop() on the catalog's loop.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "broker/group/catalog_topics.h"
#include "broker/group/limits.h"
#include "broker/group/shard.h"
#include "broker/sharded_topic.h"
#include "runtime/task.h"

namespace millrace::broker {

class Catalog;

class Coordinator {
public:
    static constexpr const char* kOffsetsTopic = "__consumer_offsets";

    Coordinator(Catalog& catalog, runtime::Clock& clock, const GroupLimits& limits,
                std::int32_t partitions, std::int64_t segment_bytes);

    // Loads the groups, if there ever were any.
    runtime::Task<base::Result<void>> open() { return shards_.open(); }
    runtime::Task<void> stop() { return shards_.stop(); }

    // Where `group` lives; call it there: call_on(shard->loop(), ...).
    runtime::Task<base::Result<GroupShard*>> shard(std::string group) {
        return shards_.shard(std::move(group));
    }
    // The partition of __consumer_offsets that the group belongs to.
    runtime::Task<base::Result<std::int32_t>> offsets_partition(std::string group);
    // The shard of a partition of __consumer_offsets; null when there is none.
    GroupShard* shard_of_partition(std::int32_t index) const { return shards_.at(index); }
    // All of them; empty before there was any group.
    std::vector<GroupShard*> shards() const { return shards_.all(); }
    const GroupLimits& limits() const { return limits_; }
    // On any loop: takes the topic's offsets from every group.
    runtime::Task<void> forget_topic(std::string topic);

private:
    const CatalogTopics topics_;
    const GroupLimits limits_;
    ShardedTopic<GroupShard> shards_;
};

}  // namespace millrace::broker
