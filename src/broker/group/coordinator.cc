#include "broker/group/coordinator.h"

#include <mutex>
#include <utility>

#include "broker/catalog/catalog.h"
#include "broker/catalog/topic.h"
#include "broker/partition.h"
#include "runtime/loop.h"

namespace millrace::broker {

using base::Result;
using runtime::Task;

std::vector<GroupShard*> Coordinator::shards() const {
    const std::shared_lock lock(mutex_);
    std::vector<GroupShard*> all;
    for (const auto& shard : shards_) all.push_back(shard.get());
    return all;
}

Task<Result<std::int32_t>> Coordinator::offsets_partition(std::string group) {
    MR_CO_TRY_VOID(co_await shard(group));
    co_return partition_of_group(group, static_cast<std::int32_t>(shards().size()));
}

GroupShard* Coordinator::shard_of_partition(std::int32_t index) const {
    const std::shared_lock lock(mutex_);
    const auto at = static_cast<std::size_t>(index);
    return index >= 0 && at < shards_.size() ? shards_[at].get() : nullptr;
}

Task<Result<GroupShard*>> Coordinator::shard(std::string group) {
    std::vector<GroupShard*> all = shards();
    if (all.empty()) {
        MR_CO_TRY_VOID(co_await runtime::call_on(catalog_.loop(), [this] { return ensure(); }));
        all = shards();
    }
    const auto index = partition_of_group(group, static_cast<std::int32_t>(all.size()));
    co_return all[static_cast<std::size_t>(index)];
}

Task<Result<void>> Coordinator::open() {
    const auto topic = catalog_.find(kOffsetsTopic);
    if (!topic) co_return Result<void>();
    co_return co_await load(topic);
}

Task<Result<void>> Coordinator::ensure() {
    while (opening_) co_await opened_.wait();
    if (!shards().empty()) co_return Result<void>();
    opening_ = true;
    Result<void> outcome;
    auto topic = catalog_.find(kOffsetsTopic);
    if (!topic) {
        auto made = co_await catalog_.create(kOffsetsTopic, partitions_,
                                             {{"cleanup.policy", "compact"},
                                              {"segment.bytes", std::to_string(segment_bytes_)},
                                              {"max.message.bytes", "67108864"}});
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

Task<Result<void>> Coordinator::load(std::shared_ptr<const Topic> topic) {
    std::vector<std::unique_ptr<GroupShard>> shards;
    for (const auto& partition : topic->partitions) {
        runtime::Loop& home = partition->loop();
        shards.push_back(
            std::make_unique<GroupShard>(partition, home, clock_, catalog_, limits_, topics_));
        GroupShard& shard = *shards.back();
        MR_CO_TRY_VOID(co_await runtime::call_on(home, [&shard] { return shard.load(); }));
    }
    // A crash may have come between the end of a topic and that of its offsets: a new topic of that
    // name must not begin with them.
    const auto exists = [this](const std::string& name) { return catalog_.find(name) != nullptr; };
    for (const auto& shard : shards) {
        co_await runtime::call_on(shard->loop(), [&] { shard->forget_topics_but(exists); });
    }
    const std::unique_lock lock(mutex_);
    shards_ = std::move(shards);
    co_return Result<void>();
}

Task<void> Coordinator::stop() {
    for (GroupShard* shard : shards()) {
        co_await runtime::call_on(shard->loop(), [shard] { return shard->stop(); });
    }
}

Task<void> Coordinator::forget_topic(std::string topic) {
    for (GroupShard* shard : shards()) {
        co_await runtime::call_on(shard->loop(), [shard, &topic] { shard->forget_topic(topic); });
    }
}

}  // namespace millrace::broker
