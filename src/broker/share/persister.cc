#include "broker/share/persister.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "broker/partition.h"
#include "runtime/loop.h"

namespace millrace::broker {

using base::Result;
using runtime::Task;

SharePersister::SharePersister(Catalog& catalog, runtime::Clock& clock, std::int32_t partitions)
    // Not compacted: an update has to be read together with those before it. The shards cut the
    // log off when a snapshot stands behind it.
    : shards_(catalog,
              {.name = kStateTopic,
               .partitions = partitions,
               .configs = {{"cleanup.policy", "delete"},
                           {"max.message.bytes", "67108864"},
                           {"retention.bytes", "-1"},
                           {"retention.ms", "-1"},
                           {"segment.bytes", "16777216"}}},
              [&clock](std::shared_ptr<Partition> partition) {
                  runtime::Loop& home = partition->loop();
                  return std::make_unique<ShareStateShard>(std::move(partition), home, clock);
              }) {}

Task<Result<ShareStateShard*>> SharePersister::shard(const ShareKey& key) {
    // As Kafka finds the partition of a key.
    return shards_.shard(fmt::format("{}:{}:{}", key.group, key.topic.to_string(), key.partition));
}

Task<Result<ShareState>> SharePersister::read(ShareKey key) {
    MR_CO_TRY(ShareStateShard* const home, co_await shard(key));
    co_return co_await runtime::call_on(home->loop(), [&] { return home->read(key); });
}

Task<Result<void>> SharePersister::write(ShareKey key, std::int32_t state_epoch,
                                         ShareWrite change) {
    MR_CO_TRY(ShareStateShard* const home, co_await shard(key));
    co_return co_await runtime::call_on(
        home->loop(), [&] { return home->write(key, state_epoch, std::move(change)); });
}

Task<Result<void>> SharePersister::initialize(ShareKey key, std::int64_t start_offset) {
    MR_CO_TRY(ShareStateShard* const home, co_await shard(key));
    co_return co_await runtime::call_on(home->loop(),
                                        [&] { return home->initialize(key, start_offset); });
}

Task<Result<void>> SharePersister::remove(ShareKey key) {
    MR_CO_TRY(ShareStateShard* const home, co_await shard(key));
    co_return co_await runtime::call_on(home->loop(), [&] { return home->remove(key); });
}

}  // namespace millrace::broker
