// SharePartitions: the share partitions whose logs belong to one loop, as far as anybody reads
// them.
//
// Runs the state machines (share_partition.h): reads what they hand out from the log, has their
// changes made durable, and wakes fetches that wait. A share partition is loaded by its first fetch
// and dropped with the last session of its group.
// Thread rule: belongs to its loop.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "broker/share/persister.h"
#include "broker/share/share_partition.h"
#include "broker/share/share_state.h"
#include "config/group_options.h"
#include "runtime/event.h"
#include "runtime/gate.h"
#include "runtime/task.h"
#include "runtime/timer.h"

namespace millrace::runtime {
class Clock;
class Loop;
}  // namespace millrace::runtime

namespace millrace::broker {

class Partition;

// What is still to be filled; shared by all partitions of one request.
struct ShareBudget {
    std::int64_t bytes_left = 0;
    std::int64_t records_left = 0;
    bool found = false;  // Something was acquired.
};

struct ShareFetchTerms {
    std::string member;
    std::int32_t batch_size = 0;
    bool record_limit = false;
    // Set when there may be more, if nothing was found.
    std::optional<runtime::OneShot<void>> waiter{};
};

struct ShareFetched {
    ErrorCode error = ErrorCode::kNone;
    std::string message;
    base::Bytes records;  // Whole batches; only what is in `acquired` is the member's.
    std::vector<AcquiredBatch> acquired;
};

struct ShareOutcome {
    ErrorCode error = ErrorCode::kNone;
    std::string message;
};

class SharePartitions {
public:
    SharePartitions(runtime::Loop& loop, runtime::Clock& clock, SharePersister& persister);
    ~SharePartitions();

    runtime::Loop& loop() const { return loop_; }
    runtime::Task<void> stop();

    // Acquires records for a member within the budget. With records found already, it does not wait
    // for a state that has still to be loaded: it finds nothing, and loads it meanwhile.
    runtime::Task<ShareFetched> fetch(ShareKey key, std::shared_ptr<Partition> partition,
                                      const config::GroupOptions& options,
                                      const ShareFetchTerms& terms, ShareBudget& budget);
    // How many bytes a fetch would find, up to `most`; nothing is acquired. The waiter is set when
    // there may be more.
    runtime::Task<std::int64_t> readable_bytes(ShareKey key, std::shared_ptr<Partition> partition,
                                               const config::GroupOptions& options,
                                               std::int64_t most, runtime::OneShot<void> waiter);
    // Ends when what was acknowledged is durable.
    runtime::Task<ShareOutcome> acknowledge(ShareKey key, const config::GroupOptions& options,
                                            std::string member,
                                            std::vector<AcknowledgeBatch> batches);
    // Gives back everything that the member holds.
    runtime::Task<void> release(ShareKey key, std::string member);
    // Drops what `gone` says: its state was deleted or set anew.
    void forget(const std::function<bool(const ShareKey& key)>& gone);
    // Nobody reads for this group any more: its share partitions are dropped once all is given
    // back.
    void retire(const std::string& group);

private:
    struct Entry;
    using Found = base::Result<std::shared_ptr<Entry>>;

    std::int64_t now_ms() const;
    // The entry, loaded.
    runtime::Task<Found> ready(ShareKey key, std::shared_ptr<Partition> partition,
                               const config::GroupOptions& options);
    runtime::Task<base::Result<void>> load(std::shared_ptr<Entry> entry,
                                           const config::GroupOptions& options);
    runtime::Task<void> load_ahead(ShareKey key, std::shared_ptr<Partition> partition,
                                   config::GroupOptions options);
    base::Result<std::int64_t> first_offset(Partition& partition,
                                            const config::GroupOptions& options) const;
    ErrorCode acquire(Entry& entry, const config::GroupOptions& options,
                      const ShareFetchTerms& terms, ShareBudget& budget, ShareFetched& fetched);
    runtime::Task<ShareOutcome> persist(std::shared_ptr<Entry> entry, ShareWrite write);
    runtime::Task<void> write_expired(std::shared_ptr<Entry> entry, ShareWrite write);
    void watch(Entry& entry, const runtime::OneShot<void>& waiter);
    void wake(Entry& entry);
    // Sets the timer to the next lock that runs out.
    void settle(const std::shared_ptr<Entry>& entry);
    void on_timer(const ShareKey& key);
    void drop(Entry& entry);

    runtime::Loop& loop_;
    runtime::Clock& clock_;
    SharePersister& persister_;
    std::map<ShareKey, std::shared_ptr<Entry>> entries_;
    runtime::Gate gate_;
};

}  // namespace millrace::broker
