// Coordinator: finds the shard that a group belongs to, and makes __consumer_offsets when it is
// first needed.
//
// Thread rule: shard() and shards() from any loop; open() and stop() on the catalog's loop.
#pragma once

#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/error.h"
#include "broker/group/catalog_topics.h"
#include "broker/group/limits.h"
#include "broker/group/shard.h"
#include "runtime/event.h"
#include "runtime/task.h"

namespace millrace::broker {

class Catalog;
struct Topic;

class Coordinator {
public:
    static constexpr const char* kOffsetsTopic = "__consumer_offsets";

    Coordinator(Catalog& catalog, runtime::Clock& clock, const GroupLimits& limits,
                std::int32_t partitions, std::int64_t segment_bytes)
        : catalog_(catalog),
          topics_(catalog),
          clock_(clock),
          limits_(limits),
          partitions_(partitions),
          segment_bytes_(segment_bytes) {}

    // Loads the groups, if there ever were any.
    runtime::Task<base::Result<void>> open();
    runtime::Task<void> stop();

    // Where `group` lives; call it there: call_on(shard->loop(), ...).
    runtime::Task<base::Result<GroupShard*>> shard(std::string group);
    // The partition of __consumer_offsets that the group belongs to.
    runtime::Task<base::Result<std::int32_t>> offsets_partition(std::string group);
    // The shard of a partition of __consumer_offsets; null when there is none.
    GroupShard* shard_of_partition(std::int32_t index) const;
    // All of them; empty before there was any group.
    std::vector<GroupShard*> shards() const;
    const GroupLimits& limits() const { return limits_; }
    // On any loop: takes the topic's offsets from every group.
    runtime::Task<void> forget_topic(std::string topic);

private:
    runtime::Task<base::Result<void>> ensure();
    runtime::Task<base::Result<void>> load(std::shared_ptr<const Topic> topic);

    Catalog& catalog_;
    const CatalogTopics topics_;
    runtime::Clock& clock_;
    const GroupLimits limits_;
    const std::int32_t partitions_;
    const std::int64_t segment_bytes_;
    bool opening_ = false;             // On the catalog's loop.
    runtime::Condition opened_;        // The same.
    mutable std::shared_mutex mutex_;  // Of what follows.
    std::vector<std::unique_ptr<GroupShard>> shards_;
};

}  // namespace millrace::broker
