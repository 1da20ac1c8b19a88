#include "broker/transaction/coordinator.h"

#include <memory>
#include <utility>

#include "broker/catalog/catalog.h"
#include "broker/partition.h"
#include "broker/to_kafka.h"
#include "runtime/loop.h"

namespace millrace::broker {

using runtime::Task;

TransactionCoordinator::TransactionCoordinator(Catalog& catalog, Coordinator& groups,
                                               runtime::Clock& clock,
                                               const TransactionLimits& limits,
                                               std::int32_t partitions)
    : limits_(limits),
      shards_(
          catalog,
          {.name = kStateTopic,
           .partitions = partitions,
           .configs = {{"cleanup.policy", "compact"},
                       {"compression.type", "uncompressed"},
                       {"segment.bytes", "16777216"},
                       {"max.message.bytes", "67108864"}}},
          [this, &catalog, &groups, &clock](std::shared_ptr<Partition> partition) {
              runtime::Loop& home = partition->loop();
              return std::make_unique<TransactionShard>(
                  std::move(partition), home,
                  TransactionShard::Environment{catalog, groups, clock, limits_});
          },
          [](TransactionShard& shard) { shard.start(); }) {}

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
