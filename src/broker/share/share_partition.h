// SharePartition: which records of one partition are with whom in one share group, as a state
// machine (KIP-932).
//
// Every offset from the share-partition start offset (SPSO) to its end (SPEO) is available,
// acquired by a member until its lock runs out, acknowledged, or archived. Before the SPSO all is
// done with, behind the SPEO nothing has been looked at.
//
//   available -> acquired: acquire()
//   acquired  -> acknowledged, archived, available: acknowledge(), release(), tick()
//
// A transition that a client asked for is told to it only after it is durable: acknowledge() and
// release() give a ShareWrite, and the records stay acquired until persisted() says how it went.
// Events come in with the time, in milliseconds of a clock that never goes back: no log, no clock,
// no thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "broker/share/offset_runs.h"
#include "kafka/errors.h"

namespace millrace::broker {

using kafka::ErrorCode;

// Kafka's numbers, as they stand in records of __share_group_state.
enum class DeliveryState : std::int8_t {
    kAvailable = 0,
    kAcquired = 1,
    kAcknowledged = 2,
    kArchived = 4,
};

enum class AcknowledgeType : std::int8_t {
    kGap = 0,
    kAccept = 1,
    kRelease = 2,
    kReject = 3,
    kRenew = 4,
};

struct StateBatch {
    std::int64_t first = 0;
    std::int64_t last = 0;  // Inclusive.
    DeliveryState state = DeliveryState::kAvailable;
    std::int16_t delivery_count = 0;
    bool operator==(const StateBatch&) const = default;
};

// What is to be made durable.
struct ShareWrite {
    std::uint64_t id = 0;             // 0: nobody waits for persisted().
    std::int64_t start_offset = 0;    // Where the start will be once this is durable.
    std::vector<StateBatch> batches;  // What changed from there on.
};

struct ShareLimits {
    std::int64_t lock_duration_ms = 30'000;
    std::int32_t delivery_count_limit = 5;
    std::int32_t max_record_locks = 2000;
    bool renew = true;
};

// A batch of the log, of which a reader may see the offsets [first, last].
struct LogBatch {
    std::int64_t first = 0;
    std::int64_t last = 0;
    // False for markers of transactions, and for what an aborted one wrote.
    bool deliver = true;
};

struct AcquireRequest {
    std::string member;
    std::int64_t fetch_offset = 0;  // What next_fetch_offset() said.
    std::vector<LogBatch> batches;  // What the log has from there on, in order.
    std::int32_t max_records = 0;
    std::int32_t batch_size = 0;  // How many records an acquired batch should have.
    bool record_limit = false;    // Never beyond max_records, even within a batch.
};

struct AcquiredBatch {
    std::int64_t first = 0;
    std::int64_t last = 0;
    std::int16_t delivery_count = 0;
    bool operator==(const AcquiredBatch&) const = default;
};

struct AcknowledgeBatch {
    std::int64_t first = 0;
    std::int64_t last = 0;
    std::vector<std::int8_t> types;  // One for all, or one each.
};

struct AcknowledgeOutcome {
    ErrorCode error = ErrorCode::kNone;
    std::string message;
    std::optional<ShareWrite> write;  // Await it before answering.
};

class SharePartition {
public:
    explicit SharePartition(const ShareLimits& limits) : limits_(limits) {}

    void set_limits(const ShareLimits& limits) { limits_ = limits; }
    const ShareLimits& limits() const { return limits_; }

    // Begins at `start` with the state that was kept. What lies between its batches was with
    // members when the state was written, and is available again.
    void begin(std::int64_t start, const std::vector<StateBatch>& batches);

    std::int64_t start_offset() const { return start_; }
    // Behind the last offset that was looked at (SPEO + 1).
    std::int64_t end_offset() const { return end_; }
    // Where to read on: the first available record, or behind all that are known.
    std::int64_t next_fetch_offset() const;
    // False when as many records are in flight as may be.
    bool can_acquire() const;

    // Gives available records to a member, in the order of the log.
    std::vector<AcquiredBatch> acquire(const AcquireRequest& request, std::int64_t now_ms);

    // All batches or none: an error changes nothing.
    AcknowledgeOutcome acknowledge(const std::string& member,
                                   const std::vector<AcknowledgeBatch>& batches,
                                   std::int64_t now_ms);
    // Everything that the member holds becomes available; nullopt when it holds nothing.
    std::optional<ShareWrite> release(const std::string& member);
    // The write is durable, or could not be made so: then the records stay acquired. True when
    // records became available or room was made for more.
    bool persisted(std::uint64_t write_id, bool durable);

    // Locks that have run out. The records are available at once: nobody waits for the write.
    std::optional<ShareWrite> tick(std::int64_t now_ms);
    std::optional<std::int64_t> next_deadline_ms() const;

    // The log begins at `log_start` now: what lies before is done with.
    void move_start(std::int64_t log_start);

    // No record is acquired, and no write is under way.
    bool idle() const;
    // For tests and logs: "0-4 available 1, 5-9 acquired 2 by m".
    std::string to_string() const;

private:
    struct Record {
        DeliveryState state = DeliveryState::kAvailable;
        std::int16_t delivery_count = 0;
        std::string member;                              // Of acquired records.
        std::int64_t deadline_ms = 0;                    // The same.
        std::uint64_t write_id = 0;                      // Not 0: on its way to...
        DeliveryState next = DeliveryState::kAvailable;  // ... this state.
        bool operator==(const Record&) const = default;
        bool terminal() const {
            return state == DeliveryState::kAcknowledged || state == DeliveryState::kArchived;
        }
        bool available() const { return state == DeliveryState::kAvailable && write_id == 0; }
    };
    using Runs = OffsetRuns<Record>;
    struct Change {
        std::int64_t first = 0;
        std::int64_t last = 0;
        AcknowledgeType type = AcknowledgeType::kGap;
    };
    class Acquisition;

    AcknowledgeOutcome check(const std::string& member, const AcknowledgeBatch& batch,
                             std::vector<Change>& changes) const;
    AcknowledgeOutcome check_range(const std::string& member, std::int64_t first, std::int64_t last,
                                   AcknowledgeType type, std::vector<Change>& changes) const;
    // Where a record goes that a member gives back.
    DeliveryState after_release(const Record& record) const;
    void begin_transition(std::int64_t first, std::int64_t last, DeliveryState next,
                          ShareWrite& write);
    // Offsets that hold no record to deliver.
    void skip(std::int64_t first, std::int64_t last);
    void advance_start();
    // Says what the write makes of the start, and leaves out what lies before it.
    void finish(ShareWrite& write) const;

    ShareLimits limits_;
    std::int64_t start_ = 0;
    std::int64_t end_ = 0;
    Runs records_;  // Of all offsets in [start_, end_).
    std::uint64_t next_write_id_ = 1;
};

}  // namespace millrace::broker
