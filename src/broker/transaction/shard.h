// TransactionShard: the transactional ids of one partition of __transaction_state.
//
// Runs the state machines (transaction.h): gives them the time, makes durable what they want to be
// so, and then answers; writes the markers of what has been decided, again and again until they are
// there, also after a restart; aborts what runs out of time and forgets what nobody uses.
// Thread rule: belongs to the loop of its partition.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "broker/keyed_log.h"
#include "broker/transaction/transaction.h"
#include "runtime/event.h"
#include "runtime/gate.h"
#include "runtime/task.h"

namespace millrace::runtime {
class Clock;
class Loop;
}  // namespace millrace::runtime

namespace millrace::broker {

class Catalog;
class Coordinator;
class Partition;

struct TransactionLimits {
    std::int64_t max_timeout_ms = 900'000;
    std::int64_t id_expiration_ms = std::int64_t{7} * 24 * 3600 * 1000;
};

class TransactionShard {
public:
    struct Environment {
        Catalog& catalog;
        Coordinator& groups;
        runtime::Clock& clock;
        const TransactionLimits& limits;
    };
    TransactionShard(std::shared_ptr<Partition> partition, runtime::Loop& loop,
                     const Environment& environment);
    ~TransactionShard();

    runtime::Loop& loop() const { return loop_; }
    runtime::Task<base::Result<void>> load();
    // Goes on with what was decided before, and watches the time. Once, after load().
    void start();
    // Nothing begins any more; what is under way ends.
    runtime::Task<void> stop();

    struct Answer {
        ErrorCode error = ErrorCode::kNone;
        model::Producer producer;
    };
    runtime::Task<Answer> init(std::string id, Transaction::Init request);
    runtime::Task<Answer> add(std::string id, Transaction::Add request);
    runtime::Task<Answer> end(std::string id, Transaction::End request);
    // Ends when nothing is under way for the id that makes others wait (CONCURRENT_TRANSACTIONS),
    // or the time has passed.
    runtime::Task<void> wait_until_idle(std::string id, std::int64_t limit_ms);
    ErrorCode verify(const std::string& id, model::Producer producer,
                     const TransactionPartition& partition) const;

    // Null when there is no such id.
    const TransactionData* describe(const std::string& id) const;
    std::vector<std::pair<std::string, TransactionData>> list() const;

private:
    // A request as a question to the state machine; the number is a fresh producer id, or -1.
    using Question = std::function<TransactionDecision(Transaction&, std::int64_t)>;

    Transaction* find(const std::string& id);
    runtime::Task<Answer> ask(std::string id, Question question);
    runtime::Task<Answer> carry_out(std::string id, TransactionDecision decision);
    runtime::Task<base::Result<std::int64_t>> take_producer_id();
    // Writes markers until the transaction is complete, or the shard stops.
    runtime::Task<void> complete(std::string id);
    runtime::Task<void> write_missing_markers(std::string id);
    runtime::Task<void> keep_time();
    runtime::Task<void> abort_for_time(std::string id);
    // What is due now; the time until the next is.
    std::int64_t handle_due();
    runtime::Task<void> maybe_rewrite();
    std::vector<KeyedRecord> state() const;

    runtime::Loop& loop_;
    const Environment environment_;
    KeyedLog log_;
    std::int32_t coordinator_epoch_ = 0;
    const std::shared_ptr<Partition> partition_;
    std::map<std::string, std::unique_ptr<Transaction>> transactions_;
    runtime::Condition changed_;      // A transaction goes on, or the shard stops.
    runtime::Condition time_wanted_;  // A deadline came that is before the planned one.
    std::int64_t planned_ms_ = 0;
    bool stopping_ = false;
    runtime::Gate gate_;
};

}  // namespace millrace::broker
