// TransactionCoordinator: finds the shard that a transactional id belongs to, and makes
// __transaction_state when it is first needed.
//
// Thread rule: shard() and shards() from any loop; open() and stop() on the catalog's loop.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "broker/sharded_topic.h"
#include "broker/transaction/shard.h"
#include "runtime/task.h"

namespace millrace::broker {

class TransactionCoordinator {
public:
    static constexpr const char* kStateTopic = "__transaction_state";

    TransactionCoordinator(Catalog& catalog, Coordinator& groups, runtime::Clock& clock,
                           const TransactionLimits& limits, std::int32_t partitions);

    // Loads the transactions, if there ever were any, and goes on with them. The groups are open.
    runtime::Task<base::Result<void>> open() { return shards_.open(); }
    runtime::Task<void> stop() { return shards_.stop(); }

    // Where the id lives; call it there: call_on(shard->loop(), ...).
    runtime::Task<base::Result<TransactionShard*>> shard(std::string transactional_id) {
        return shards_.shard(std::move(transactional_id));
    }
    // The same, but null where there never was any transaction.
    TransactionShard* existing_shard(const std::string& transactional_id) const {
        return shards_.existing(transactional_id);
    }
    // All of them; empty before there was any transaction.
    std::vector<TransactionShard*> shards() const { return shards_.all(); }

    // Is this partition part of the producer's transaction? With `add` it is made so. Once for
    // each partition, as a produced batch has to be told: TRANSACTION_ABORTABLE where it is not.
    struct Membership {
        std::string transactional_id;
        model::Producer producer;
        std::vector<TransactionPartition> partitions;
        bool add = false;
    };
    runtime::Task<std::vector<ErrorCode>> verify(Membership asked);
    // After CONCURRENT_TRANSACTIONS, for those who would rather wait than send their producer away:
    // ends when the id is idle or the time has passed. What was verified before is to be asked
    // anew.
    runtime::Task<void> wait_until_idle(std::string transactional_id, std::int64_t limit_ms);

private:
    const TransactionLimits limits_;
    ShardedTopic<TransactionShard> shards_;
};

}  // namespace millrace::broker
