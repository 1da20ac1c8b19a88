// SharePersister: keeps where share groups stand in their partitions, in __share_group_state, which
// it makes when it is first needed.
//
// Thread rule: open() and stop() on the catalog's loop, everything else on any loop. Changes of one
// key that are asked for on one loop are made in that order.
#pragma once

#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <vector>

#include "base/error.h"
#include "broker/share/share_state.h"
#include "runtime/event.h"
#include "runtime/task.h"

namespace millrace::broker {

class Catalog;
struct Topic;

class SharePersister {
public:
    static constexpr const char* kStateTopic = "__share_group_state";

    SharePersister(Catalog& catalog, runtime::Clock& clock, std::int32_t partitions)
        : catalog_(catalog), clock_(clock), partitions_(partitions) {}

    // Loads what was kept, if there ever was anything.
    runtime::Task<base::Result<void>> open();
    runtime::Task<void> stop();

    // As the calls of ShareStateShard.
    runtime::Task<base::Result<ShareState>> read(ShareKey key);
    runtime::Task<base::Result<void>> write(ShareKey key, std::int32_t state_epoch,
                                            ShareWrite change);
    runtime::Task<base::Result<void>> initialize(ShareKey key, std::int64_t start_offset);
    runtime::Task<base::Result<void>> remove(ShareKey key);

private:
    std::vector<ShareStateShard*> shards() const;
    runtime::Task<base::Result<ShareStateShard*>> shard(const ShareKey& key);
    runtime::Task<base::Result<void>> ensure();
    runtime::Task<base::Result<void>> load(std::shared_ptr<const Topic> topic);

    Catalog& catalog_;
    runtime::Clock& clock_;
    const std::int32_t partitions_;
    bool opening_ = false;             // On the catalog's loop.
    runtime::Condition opened_;        // The same.
    mutable std::shared_mutex mutex_;  // Of what follows.
    std::vector<std::unique_ptr<ShareStateShard>> shards_;
};

}  // namespace millrace::broker
