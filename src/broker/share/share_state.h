// ShareStateShard: where share groups stand in their partitions, as one partition of
// __share_group_state keeps it.
//
// Records have Kafka's own layout: a ShareUpdate for each change, a ShareSnapshot now and then, so
// that the log can be cut off before it (src/kafka/schema/share_state_log.kmsg). A state epoch
// fences writes of before the last initialize().
// Thread rule: belongs to the loop of its partition.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "broker/keyed_log.h"
#include "broker/share/offset_runs.h"
#include "broker/share/share_partition.h"
#include "kafka/types.h"
#include "runtime/gate.h"
#include "runtime/task.h"

namespace millrace::runtime {
class Clock;
class Loop;
}  // namespace millrace::runtime

namespace millrace::broker {

class Partition;

// One partition as one group sees it.
struct ShareKey {
    std::string group;
    kafka::Uuid topic;
    std::int32_t partition = 0;
    auto operator<=>(const ShareKey&) const = default;
};

struct ShareState {
    static constexpr std::int64_t kNotBegun = -1;
    std::int32_t state_epoch = 0;
    std::int64_t start_offset = kNotBegun;
    // Of the offsets from there on, how many are done with; -1: not begun.
    std::int32_t delivery_complete_count = -1;
    std::vector<StateBatch> batches;
};

class ShareStateShard {
public:
    ShareStateShard(std::shared_ptr<Partition> partition, runtime::Loop& loop,
                    runtime::Clock& clock);
    ~ShareStateShard();

    runtime::Loop& loop() const { return loop_; }
    runtime::Task<base::Result<void>> load();
    runtime::Task<void> stop();

    // As if nothing was ever written when there is none.
    ShareState read(const ShareKey& key) const;
    // Ends once the change is durable; kFenced when the state was initialized since.
    runtime::Task<base::Result<void>> write(ShareKey key, std::int32_t state_epoch,
                                            ShareWrite change);
    // Forgets what was, and begins at `start_offset` (kNotBegun: wherever the group's settings
    // say). Ends once that is durable.
    runtime::Task<base::Result<void>> initialize(ShareKey key, std::int64_t start_offset);
    runtime::Task<base::Result<void>> remove(ShareKey key);

private:
    struct Cell {
        DeliveryState state = DeliveryState::kAvailable;
        std::int16_t delivery_count = 0;
        bool operator==(const Cell&) const = default;
        bool terminal() const {
            return state == DeliveryState::kAcknowledged || state == DeliveryState::kArchived;
        }
    };
    struct Entry {
        std::int32_t snapshot_epoch = 0;
        std::int32_t state_epoch = 0;
        std::int64_t start_offset = ShareState::kNotBegun;
        std::int64_t created_ms = 0;
        OffsetRuns<Cell> cells;    // From the start offset on.
        std::int32_t updates = 0;  // Since the snapshot.
        void merge(std::int64_t start, const std::vector<StateBatch>& batches);
        std::vector<StateBatch> batches() const;
        std::int32_t delivery_complete_count() const;
    };

    void apply_record(base::ByteView key, std::optional<base::ByteView> value);
    KeyedRecord snapshot(const ShareKey& key, Entry& entry) const;
    runtime::Task<base::Result<void>> append(std::vector<KeyedRecord> records);
    runtime::Task<void> maybe_rewrite();

    runtime::Loop& loop_;
    runtime::Clock& clock_;
    KeyedLog log_;
    std::map<ShareKey, Entry> entries_;
    runtime::Gate gate_;
};

}  // namespace millrace::broker
