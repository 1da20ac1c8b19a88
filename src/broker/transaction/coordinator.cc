#include "broker/transaction/coordinator.h"

#include <mutex>
#include <utility>

#include "broker/catalog/catalog.h"
#include "broker/catalog/topic.h"
#include "broker/group/offsets_log.h"
#include "broker/partition.h"
#include "broker/to_kafka.h"
#include "runtime/loop.h"

namespace millrace::broker {

using base::Result;
using runtime::Task;

std::vector<TransactionShard*> TransactionCoordinator::shards() const {
    const std::shared_lock lock(mutex_);
    std::vector<TransactionShard*> all;
    for (const auto& shard : shards_) all.push_back(shard.get());
    return all;
}

Task<Result<TransactionShard*>> TransactionCoordinator::shard(std::string transactional_id) {
    if (TransactionShard* shard = existing_shard(transactional_id)) co_return shard;
    MR_CO_TRY_VOID(co_await runtime::call_on(catalog_.loop(), [this] { return ensure(); }));
    co_return existing_shard(transactional_id);
}

TransactionShard* TransactionCoordinator::existing_shard(
    const std::string& transactional_id) const {
    const std::shared_lock lock(mutex_);
    if (shards_.empty()) return nullptr;
    const auto index =
        partition_of_group(transactional_id, static_cast<std::int32_t>(shards_.size()));
    return shards_[static_cast<std::size_t>(index)].get();
}

Task<Result<void>> TransactionCoordinator::open() {
    const auto topic = catalog_.find(kStateTopic);
    if (!topic) co_return Result<void>();
    co_return co_await load(topic);
}

Task<Result<void>> TransactionCoordinator::ensure() {
    while (opening_) co_await opened_.wait();
    if (!shards().empty()) co_return Result<void>();
    opening_ = true;
    Result<void> outcome;
    auto topic = catalog_.find(kStateTopic);
    if (!topic) {
        auto made = co_await catalog_.create(kStateTopic, partitions_,
                                             {{"cleanup.policy", "compact"},
                                              {"compression.type", "uncompressed"},
                                              {"segment.bytes", "16777216"},
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

Task<Result<void>> TransactionCoordinator::load(std::shared_ptr<const Topic> topic) {
    std::vector<std::unique_ptr<TransactionShard>> shards;
    for (const auto& partition : topic->partitions) {
        runtime::Loop& home = partition->loop();
        shards.push_back(std::make_unique<TransactionShard>(
            partition, home, TransactionShard::Environment{catalog_, groups_, clock_, limits_}));
        TransactionShard& shard = *shards.back();
        MR_CO_TRY_VOID(co_await runtime::call_on(home, [&shard] { return shard.load(); }));
    }
    for (const auto& shard : shards) {
        co_await runtime::call_on(shard->loop(), [&shard] { shard->start(); });
    }
    const std::unique_lock lock(mutex_);
    shards_ = std::move(shards);
    co_return Result<void>();
}

Task<void> TransactionCoordinator::stop() {
    for (TransactionShard* shard : shards()) {
        co_await runtime::call_on(shard->loop(), [shard] { return shard->stop(); });
    }
}

Task<void> TransactionCoordinator::wait_until_idle(std::string transactional_id,
                                                   std::int64_t limit_ms) {
    TransactionShard* home = existing_shard(transactional_id);
    if (!home) co_return;
    co_await runtime::call_on(home->loop(),
                              [&] { return home->wait_until_idle(transactional_id, limit_ms); });
}

Task<std::vector<ErrorCode>> TransactionCoordinator::verify(Membership asked) {
    std::vector<ErrorCode> outcomes(asked.partitions.size());
    const auto found = co_await shard(asked.transactional_id);
    if (!found) {
        outcomes.assign(outcomes.size(), to_coordinator_error(base::fail(found.error())));
        co_return outcomes;
    }
    TransactionShard& home = **found;
    if (asked.add) {
        Transaction::Add add{asked.producer,
                             {asked.partitions.begin(), asked.partitions.end()},
                             /*second_protocol=*/true};
        const auto answer = co_await runtime::call_on(
            home.loop(), [&] { return home.add(asked.transactional_id, std::move(add)); });
        outcomes.assign(outcomes.size(), answer.error);
        co_return outcomes;
    }
    co_await runtime::call_on(home.loop(), [&] {
        for (std::size_t i = 0; i < outcomes.size(); ++i) {
            outcomes[i] = home.verify(asked.transactional_id, asked.producer, asked.partitions[i]);
        }
    });
    co_return outcomes;
}

}  // namespace millrace::broker
