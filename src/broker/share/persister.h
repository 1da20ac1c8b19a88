// SharePersister: keeps where share groups stand in their partitions, in __share_group_state, which
// it makes when it is first needed.
//
// Thread rule: open() and stop() on the catalog's loop, everything else on any loop. Changes of one
// key that are asked for on one loop are made in that order.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "broker/sharded_topic.h"
#include "broker/share/share_state.h"
#include "runtime/task.h"

namespace millrace::broker {

class Catalog;

class SharePersister {
public:
    static constexpr const char* kStateTopic = "__share_group_state";

    SharePersister(Catalog& catalog, runtime::Clock& clock, std::int32_t partitions);

    // Loads what was kept, if there ever was anything.
    runtime::Task<base::Result<void>> open() { return shards_.open(); }
    runtime::Task<void> stop() { return shards_.stop(); }

    // As the calls of ShareStateShard.
    runtime::Task<base::Result<ShareState>> read(ShareKey key);
    runtime::Task<base::Result<void>> write(ShareKey key, std::int32_t state_epoch,
                                            ShareWrite change);
    runtime::Task<base::Result<void>> initialize(ShareKey key, std::int64_t start_offset);
    runtime::Task<base::Result<void>> remove(ShareKey key);

private:
    runtime::Task<base::Result<ShareStateShard*>> shard(const ShareKey& key);

    ShardedTopic<ShareStateShard> shards_;
};

}  // namespace millrace::broker
