// ShardedTopic: an internal topic as a set of shards, one per partition, each of which keeps what
// belongs to it in its partition's log. The topic is made when a key is first looked for.
//
// A Shard has loop(), load() and stop(); each belongs to the loop of its partition.
// Thread rule: open() and stop() on the catalog's loop, everything else on any loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "broker/catalog/catalog.h"
#include "broker/catalog/topic.h"
#include "broker/partition.h"
#include "config/option.h"
#include "runtime/event.h"
#include "runtime/loop.h"
#include "runtime/task.h"

namespace millrace::broker {

// Which partition of an internal topic a key belongs to: as Kafka's tools compute it.
std::int32_t partition_of_key(const std::string& key, std::int32_t partitions);

template <class Shard>
class ShardedTopic {
public:
    // What the topic is made with, if it is not there.
    struct Settings {
        std::string name;
        std::int32_t partitions = 1;
        config::Settings configs;
    };
    using Make = std::function<std::unique_ptr<Shard>(std::shared_ptr<Partition> partition)>;
    // Called for each shard on its loop, once all are loaded and before anybody finds them.
    using Start = std::function<void(Shard& shard)>;

    ShardedTopic(Catalog& catalog, Settings settings, Make make, Start start = {})
        : catalog_(catalog),
          settings_(std::move(settings)),
          make_(std::move(make)),
          start_(std::move(start)) {}

    // Loads the shards, if the topic is there.
    runtime::Task<base::Result<void>> open() {
        const auto topic = catalog_.find(settings_.name);
        if (!topic) co_return base::Result<void>();
        co_return co_await load(topic);
    }
    runtime::Task<void> stop() {
        for (Shard* shard : all()) {
            co_await runtime::call_on(shard->loop(), [shard] { return shard->stop(); });
        }
    }

    // Where the key belongs; call it there: call_on(shard->loop(), ...).
    runtime::Task<base::Result<Shard*>> shard(std::string key) {
        if (Shard* const found = existing(key)) co_return found;
        MR_CO_TRY_VOID(co_await runtime::call_on(catalog_.loop(), [this] { return ensure(); }));
        co_return existing(key);
    }
    // The same, but null where the topic was never needed.
    Shard* existing(const std::string& key) const {
        const std::shared_lock lock(mutex_);
        if (shards_.empty()) return nullptr;
        const auto index = partition_of_key(key, static_cast<std::int32_t>(shards_.size()));
        return shards_[static_cast<std::size_t>(index)].get();
    }
    // The shard of a partition; null when there is none.
    Shard* at(std::int32_t index) const {
        const std::shared_lock lock(mutex_);
        const auto position = static_cast<std::size_t>(index);
        return index >= 0 && position < shards_.size() ? shards_[position].get() : nullptr;
    }
    // In the order of their partitions; empty before the topic was needed.
    std::vector<Shard*> all() const {
        const std::shared_lock lock(mutex_);
        std::vector<Shard*> all;
        for (const auto& shard : shards_) all.push_back(shard.get());
        return all;
    }

private:
    runtime::Task<base::Result<void>> ensure() {
        while (opening_) co_await opened_.wait();
        if (at(0)) co_return base::Result<void>();
        opening_ = true;
        const base::Result<void> outcome = co_await find_or_make();
        opening_ = false;
        opened_.notify_all();
        co_return outcome;
    }
    runtime::Task<base::Result<void>> find_or_make() {
        auto topic = catalog_.find(settings_.name);
        if (!topic) {
            MR_CO_TRY(topic, co_await catalog_.create(settings_.name, settings_.partitions,
                                                      settings_.configs));
        }
        co_return co_await load(std::move(topic));
    }
    runtime::Task<base::Result<void>> load(std::shared_ptr<const Topic> topic) {
        std::vector<std::unique_ptr<Shard>> shards;
        for (const auto& partition : topic->partitions) {
            shards.push_back(make_(partition));
            Shard& shard = *shards.back();
            MR_CO_TRY_VOID(
                co_await runtime::call_on(shard.loop(), [&shard] { return shard.load(); }));
        }
        if (start_) {
            for (const auto& shard : shards) {
                co_await runtime::call_on(shard->loop(), [&] { start_(*shard); });
            }
        }
        const std::unique_lock lock(mutex_);
        shards_ = std::move(shards);
        co_return base::Result<void>();
    }

    Catalog& catalog_;
    const Settings settings_;
    const Make make_;
    const Start start_;
    bool opening_ = false;             // On the catalog's loop.
    runtime::Condition opened_;        // The same.
    mutable std::shared_mutex mutex_;  // Of what follows.
    std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace millrace::broker
