#include "broker/group/coordinator.h"

#include <memory>

#include "broker/catalog/catalog.h"
#include "broker/partition.h"
#include "runtime/loop.h"

namespace millrace::broker {

using base::Result;
using runtime::Task;

Coordinator::Coordinator(Catalog& catalog, runtime::Clock& clock, const GroupLimits& limits,
                         std::int32_t partitions, std::int64_t segment_bytes)
    : topics_(catalog),
      limits_(limits),
      shards_(
          catalog,
          {.name = kOffsetsTopic,
           .partitions = partitions,
           .configs = {{"cleanup.policy", "compact"},
                       {"segment.bytes", std::to_string(segment_bytes)},
                       {"max.message.bytes", "67108864"}}},
          [this, &catalog, &clock](std::shared_ptr<Partition> partition) {
              runtime::Loop& home = partition->loop();
              return std::make_unique<GroupShard>(std::move(partition), home, clock, catalog,
                                                  limits_, topics_);
          },
          [&catalog](GroupShard& shard) {
              // A crash may have come between the end of a topic and that of its offsets: a new
              // topic of that name must not begin with them.
              shard.forget_topics_but(
                  [&](const std::string& name) { return catalog.find(name) != nullptr; });
          }) {}

Task<Result<std::int32_t>> Coordinator::offsets_partition(std::string group) {
    MR_CO_TRY_VOID(co_await shard(group));
    co_return partition_of_key(group, static_cast<std::int32_t>(shards().size()));
}

Task<void> Coordinator::forget_topic(std::string topic) {
    for (GroupShard* shard : shards()) {
        co_await runtime::call_on(shard->loop(), [shard, &topic] { shard->forget_topic(topic); });
    }
}

}  // namespace millrace::broker
