#include "broker/share/persister.h"

#include <fmt/format.h>

#include <mutex>
#include <utility>

#include "broker/catalog/catalog.h"
#include "broker/catalog/topic.h"
#include "broker/group/offsets_log.h"
#include "broker/partition.h"
#include "runtime/loop.h"

namespace millrace::broker {

using base::Result;
using runtime::Task;

std::vector<ShareStateShard*> SharePersister::shards() const {
    const std::shared_lock lock(mutex_);
    std::vector<ShareStateShard*> all;
    for (const auto& shard : shards_) all.push_back(shard.get());
    return all;
}

Task<Result<ShareStateShard*>> SharePersister::shard(const ShareKey& key) {
    std::vector<ShareStateShard*> all = shards();
    if (all.empty()) {
        MR_CO_TRY_VOID(co_await runtime::call_on(catalog_.loop(), [this] { return ensure(); }));
        all = shards();
    }
    // As Kafka finds the partition of a key.
    const std::string text =
        fmt::format("{}:{}:{}", key.group, key.topic.to_string(), key.partition);
    const auto index = partition_of_group(text, static_cast<std::int32_t>(all.size()));
    co_return all[static_cast<std::size_t>(index)];
}

Task<Result<void>> SharePersister::open() {
    const auto topic = catalog_.find(kStateTopic);
    if (!topic) co_return Result<void>();
    co_return co_await load(topic);
}

Task<Result<void>> SharePersister::ensure() {
    while (opening_) co_await opened_.wait();
    if (!shards().empty()) co_return Result<void>();
    opening_ = true;
    Result<void> outcome;
    auto topic = catalog_.find(kStateTopic);
    if (!topic) {
        // Not compacted: an update has to be read together with those before it. The shards cut
        // the log off when a snapshot stands behind it.
        auto made = co_await catalog_.create(kStateTopic, partitions_,
                                             {{"cleanup.policy", "delete"},
                                              {"max.message.bytes", "67108864"},
                                              {"retention.bytes", "-1"},
                                              {"retention.ms", "-1"},
                                              {"segment.bytes", "16777216"}});
        if (made) {
            topic = *made;
        } else {
            outcome = base::fail(made.error());
        }
    }
    if (outcome) outcome = co_await load(topic);
    opening_ = false;
    opened_.notify_all();
    co_return outcome;
}

Task<Result<void>> SharePersister::load(std::shared_ptr<const Topic> topic) {
    std::vector<std::unique_ptr<ShareStateShard>> shards;
    for (const auto& partition : topic->partitions) {
        runtime::Loop& home = partition->loop();
        shards.push_back(std::make_unique<ShareStateShard>(partition, home, clock_));
        ShareStateShard& shard = *shards.back();
        MR_CO_TRY_VOID(co_await runtime::call_on(home, [&shard] { return shard.load(); }));
    }
    const std::unique_lock lock(mutex_);
    shards_ = std::move(shards);
    co_return Result<void>();
}

Task<void> SharePersister::stop() {
    for (ShareStateShard* shard : shards()) {
        co_await runtime::call_on(shard->loop(), [shard] { return shard->stop(); });
    }
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
