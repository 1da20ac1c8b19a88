// Transaction: what the coordinator knows of one transactional id, as a state machine.
//
// Requests come in with the time, decisions go out: no socket, no log, no clock, no thread. A
// decision to write carries the state that must be durable in __transaction_state before anybody is
// told; the caller then says written() or write_failed(), and until then every other request is
// told CONCURRENT_TRANSACTIONS.
//
//   Empty, CompleteCommit, CompleteAbort -> Ongoing: a partition was added
//   Ongoing -> PrepareCommit, PrepareAbort: the producer ended it, a newer producer took over, or
//     time ran out; from here on it is decided, and markers are written to all its partitions
//   Prepare… -> Complete…: all markers are there
//
// A producer of the second protocol (KIP-890) goes on in a new epoch after each of its
// transactions, so that a request of an earlier one, however late, does not concern a later one.
// The markers have that new epoch already. Times are wall clock milliseconds, as they are in the
// log.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "kafka/errors.h"
#include "model/types.h"

namespace millrace::broker {

using kafka::ErrorCode;

// Their numbers are those of the log.
enum class TransactionState : std::int8_t {
    kEmpty = 0,
    kOngoing = 1,
    kPrepareCommit = 2,
    kPrepareAbort = 3,
    kCompleteCommit = 4,
    kCompleteAbort = 5,
};
// "Empty", "Ongoing" ... as Kafka's tools print them.
std::string_view state_name(TransactionState state);
// nullopt for a name that no state has. Dead and PrepareEpochFence are names that Kafka knows too;
// no transaction is ever seen in them.
bool is_state_name(std::string_view name);

struct TransactionPartition {
    std::string topic;
    std::int32_t partition = 0;
    auto operator<=>(const TransactionPartition&) const = default;
};

// What the log keeps, but for the last epoch: a restart forgets that one, as Kafka does.
struct TransactionData {
    std::int64_t producer_id = -1;
    std::int64_t previous_producer_id = -1;
    std::int64_t next_producer_id = -1;  // While the last epoch of producer_id is being ended.
    std::int16_t producer_epoch = -1;
    std::int16_t last_producer_epoch = -1;
    std::int32_t timeout_ms = 0;
    TransactionState state = TransactionState::kEmpty;
    std::set<TransactionPartition> partitions;
    std::int64_t update_ms = -1;
    std::int64_t start_ms = -1;
    std::int16_t client_version = 0;  // 2: the producer speaks the second protocol.
    bool operator==(const TransactionData&) const = default;
};

// What is to be done about a request.
struct TransactionDecision {
    enum class Do : std::uint8_t {
        kAnswer,          // Tell `error` and `producer`, now.
        kWrite,           // Make `write` durable, then tell; after written() or write_failed().
        kTakeProducerId,  // Ask again with a producer id that nobody had before.
    };
    Do what = Do::kAnswer;
    ErrorCode error = ErrorCode::kNone;  // What to tell, in the end.
    model::Producer producer;
    TransactionData write{};

    static TransactionDecision answer(ErrorCode error, model::Producer producer = {}) {
        return {.error = error, .producer = producer};
    }
};

class Transaction {
public:
    // Nobody is given an epoch above this one, so that whoever has it can be fenced.
    static constexpr std::int16_t kLastEpoch = INT16_MAX - 1;

    explicit Transaction(TransactionData data) : data_(std::move(data)) {}

    const TransactionData& data() const { return data_; }
    bool pending() const { return pending_.has_value(); }
    // Whoever wants to begin something is told CONCURRENT_TRANSACTIONS.
    bool busy() const { return pending_ || preparing(); }

    // A producer begins, or goes on after an error as `expected` (KIP-360). `fresh_id`: a producer
    // id that nobody had before, or -1. Where a transaction is open it is aborted first, and the
    // producer is told to come again.
    struct Init {
        std::int32_t timeout_ms = 0;
        std::optional<model::Producer> expected;
        std::int64_t fresh_id = -1;
    };
    TransactionDecision init(const Init& request, std::int64_t now_ms);

    struct Add {
        model::Producer producer;
        std::set<TransactionPartition> partitions;
        bool second_protocol = false;
    };
    TransactionDecision add(const Add& request, std::int64_t now_ms);
    // Does the producer's transaction hold the partition? TRANSACTION_ABORTABLE when it does not.
    ErrorCode verify(model::Producer producer, const TransactionPartition& partition) const;

    struct End {
        model::Producer producer;
        bool commit = false;
        bool second_protocol = false;
        std::int64_t fresh_id = -1;
    };
    TransactionDecision end(const End& request, std::int64_t now_ms);

    // When an open transaction has run out of time; nullopt when there is none.
    std::optional<std::int64_t> deadline_ms() const;
    // Aborts the transaction in a newer epoch, so that its producer cannot go on.
    TransactionDecision abort_for_time(std::int64_t now_ms);
    // Whether nothing was heard of it for so long that it may be forgotten.
    bool expired(std::int64_t now_ms, std::int64_t expiration_ms) const;

    // The state that was to be written is durable, or could not be made so.
    void written();
    void write_failed() { pending_.reset(); }

    // In PrepareCommit and PrepareAbort, with nothing pending: are there markers to be written?
    bool ending() const;
    // The marker is durable there, or the partition is no more.
    void marked(const TransactionPartition& partition) { data_.partitions.erase(partition); }
    // All markers are there: the state that follows, which need not be durable before anything
    // else, since the log keeps its order. Sets it.
    const TransactionData& complete(std::int64_t now_ms);

private:
    TransactionDecision write(TransactionData next, model::Producer producer,
                              ErrorCode then = ErrorCode::kNone);
    // `may_be_new`: an abort of a transaction that holds nothing, which begins and ends here.
    TransactionDecision prepare(const End& request, std::int64_t now_ms, bool begins);
    TransactionDecision fence(ErrorCode then, std::int64_t now_ms);
    TransactionDecision end_first_protocol(const End& request, std::int64_t now_ms);
    TransactionDecision end_second_protocol(const End& request, std::int64_t now_ms);
    TransactionDecision end_closed(const End& request, bool is_retry, std::int64_t now_ms);
    TransactionDecision next_epoch(const Init& request, std::int64_t now_ms);
    bool preparing() const;
    bool exhausted() const { return data_.producer_epoch >= kLastEpoch; }

    TransactionData data_;
    std::optional<TransactionData> pending_;
};

}  // namespace millrace::broker
