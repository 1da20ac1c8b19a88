#include "broker/transaction/transaction.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"

namespace millrace::broker {
namespace {

constexpr std::array<std::string_view, 6> kNames = {
    "Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit", "CompleteAbort"};

}  // namespace

std::string_view state_name(TransactionState state) {
    return kNames.at(static_cast<std::size_t>(state));
}

bool is_state_name(std::string_view name) {
    return std::ranges::find(kNames, name) != kNames.end() || name == "Dead" ||
           name == "PrepareEpochFence";
}

bool Transaction::preparing() const {
    return data_.state == TransactionState::kPrepareCommit ||
           data_.state == TransactionState::kPrepareAbort;
}

TransactionDecision Transaction::write(TransactionData next, model::Producer producer,
                                       ErrorCode then) {
    MR_CHECK(!pending_);
    pending_ = next;
    return {.what = TransactionDecision::Do::kWrite,
            .error = then,
            .producer = producer,
            .write = std::move(next)};
}

void Transaction::written() {
    MR_CHECK(pending_.has_value());
    data_ = std::move(*pending_);
    pending_.reset();
}

// ---- a producer begins ----

TransactionDecision Transaction::init(const Init& request, std::int64_t now_ms) {
    if (pending_) return TransactionDecision::answer(ErrorCode::kConcurrentTransactions);
    if (request.expected && data_.producer_epoch != -1) {
        const bool current = request.expected->id == data_.producer_id;
        // It may not have heard that the epochs of its former id were used up.
        const bool previous = request.expected->id == data_.previous_producer_id &&
                              request.expected->epoch >= kLastEpoch;
        if (!current && !previous) return TransactionDecision::answer(ErrorCode::kProducerFenced);
    }
    if (preparing()) return TransactionDecision::answer(ErrorCode::kConcurrentTransactions);
    if (data_.state == TransactionState::kOngoing) {
        // The epoch that fences is told to nobody: the producer comes again, and gets the next.
        return fence(ErrorCode::kConcurrentTransactions, now_ms);
    }
    return next_epoch(request, now_ms);
}

TransactionDecision Transaction::next_epoch(const Init& request, std::int64_t now_ms) {
    TransactionData next = data_;
    next.state = TransactionState::kEmpty;
    next.partitions.clear();
    next.timeout_ms = request.timeout_ms;
    next.start_ms = -1;
    next.update_ms = now_ms;
    next.next_producer_id = -1;
    const std::int16_t current = data_.producer_epoch;
    const bool knows_current =
        !request.expected || current == -1 || request.expected->epoch == current;
    if (knows_current && exhausted()) {
        if (request.fresh_id < 0) return {.what = TransactionDecision::Do::kTakeProducerId};
        next.previous_producer_id = data_.producer_id;
        next.producer_id = request.fresh_id;
        next.producer_epoch = 0;
        next.last_producer_epoch = request.expected ? current : std::int16_t{-1};
    } else if (knows_current) {
        next.previous_producer_id = data_.producer_id;
        next.producer_epoch = static_cast<std::int16_t>(current + 1);
        next.last_producer_epoch = request.expected ? current : std::int16_t{-1};
    } else if (request.expected->epoch == data_.last_producer_epoch) {
        // The same again, since the answer was lost. A newer producer would have fenced it.
        next.previous_producer_id = data_.producer_id;
    } else {
        return TransactionDecision::answer(ErrorCode::kProducerFenced);
    }
    const model::Producer producer{next.producer_id, next.producer_epoch};
    return write(std::move(next), producer);
}

// ---- partitions ----

TransactionDecision Transaction::add(const Add& request, std::int64_t now_ms) {
    // First of all: what is under way may change both id and epoch, and its producer was told the
    // new ones already.
    if (busy()) return TransactionDecision::answer(ErrorCode::kConcurrentTransactions);
    if (request.producer.id != data_.producer_id) {
        return TransactionDecision::answer(ErrorCode::kInvalidProducerIdMapping);
    }
    if (request.producer.epoch != data_.producer_epoch) {
        return TransactionDecision::answer(ErrorCode::kProducerFenced);
    }
    const bool ongoing = data_.state == TransactionState::kOngoing;
    if (ongoing && std::ranges::includes(data_.partitions, request.partitions)) {
        return TransactionDecision::answer(ErrorCode::kNone);
    }
    TransactionData next = data_;
    next.state = TransactionState::kOngoing;
    if (!ongoing) next.start_ms = now_ms;
    next.update_ms = now_ms;
    next.partitions.insert(request.partitions.begin(), request.partitions.end());
    next.client_version = request.second_protocol ? 2 : 0;
    return write(std::move(next), request.producer);
}

ErrorCode Transaction::verify(model::Producer producer,
                              const TransactionPartition& partition) const {
    if (producer.id != data_.producer_id) return ErrorCode::kInvalidProducerIdMapping;
    if (producer.epoch != data_.producer_epoch) return ErrorCode::kProducerFenced;
    if (preparing()) return ErrorCode::kConcurrentTransactions;
    return data_.partitions.contains(partition) ? ErrorCode::kNone
                                                : ErrorCode::kTransactionAbortable;
}

// ---- the end ----

TransactionDecision Transaction::end(const End& request, std::int64_t now_ms) {
    return request.second_protocol ? end_second_protocol(request, now_ms)
                                   : end_first_protocol(request, now_ms);
}

TransactionDecision Transaction::end_first_protocol(const End& request, std::int64_t now_ms) {
    if (request.producer.id != data_.producer_id) {
        return TransactionDecision::answer(ErrorCode::kInvalidProducerIdMapping);
    }
    if (request.producer.epoch != data_.producer_epoch) {
        return TransactionDecision::answer(ErrorCode::kProducerFenced);
    }
    if (pending_) return TransactionDecision::answer(ErrorCode::kConcurrentTransactions);
    if (data_.state == TransactionState::kOngoing) return prepare(request, now_ms, false);
    const bool committed = data_.state == TransactionState::kCompleteCommit ||
                           data_.state == TransactionState::kPrepareCommit;
    if (data_.state == TransactionState::kEmpty || committed != request.commit) {
        return TransactionDecision::answer(ErrorCode::kInvalidTxnState);
    }
    if (preparing()) return TransactionDecision::answer(ErrorCode::kConcurrentTransactions);
    return TransactionDecision::answer(ErrorCode::kNone, request.producer);
}

TransactionDecision Transaction::end_second_protocol(const End& request, std::int64_t now_ms) {
    // Before id and epoch count: a producer that was told of one end goes on with the new ones, and
    // may want to abort its next transaction while markers of the one before are still written.
    if (busy()) return TransactionDecision::answer(ErrorCode::kConcurrentTransactions);
    const model::Producer asked = request.producer;
    const bool second = data_.client_version >= 2;
    const bool is_current = asked.epoch == data_.producer_epoch;
    // The transaction that is meant has ended already, and the answer was lost.
    const bool retry = second && data_.producer_epoch == asked.epoch + 1;
    const bool retry_on_overflow = second && data_.previous_producer_id == asked.id &&
                                   asked.epoch == kLastEpoch && data_.producer_epoch == 0;
    if (asked.id != data_.producer_id && !retry_on_overflow) {
        return TransactionDecision::answer(ErrorCode::kInvalidProducerIdMapping);
    }
    const bool closed = data_.state == TransactionState::kCompleteCommit ||
                        data_.state == TransactionState::kCompleteAbort;
    const bool valid = is_current || (closed && (retry || retry_on_overflow));
    if (!valid) return TransactionDecision::answer(ErrorCode::kProducerFenced);
    if (data_.state == TransactionState::kOngoing) return prepare(request, now_ms, false);
    return end_closed(request, retry || retry_on_overflow, now_ms);
}

// No transaction is open. An abort may still have to be taken for one that holds nothing: a
// producer that met an error cannot know whether its partition was ever added.
TransactionDecision Transaction::end_closed(const End& request, bool is_retry,
                                            std::int64_t now_ms) {
    const bool committed = data_.state == TransactionState::kCompleteCommit;
    const bool aborted = data_.state == TransactionState::kCompleteAbort;
    if (is_retry && (request.commit ? committed : aborted)) {
        return TransactionDecision::answer(ErrorCode::kNone,
                                           {data_.producer_id, data_.producer_epoch});
    }
    if (is_retry || request.commit) {
        return TransactionDecision::answer(ErrorCode::kInvalidTxnState);
    }
    return prepare(request, now_ms, true);
}

TransactionDecision Transaction::prepare(const End& request, std::int64_t now_ms, bool begins) {
    TransactionData next = data_;
    next.state =
        request.commit ? TransactionState::kPrepareCommit : TransactionState::kPrepareAbort;
    next.update_ms = now_ms;
    if (begins) {
        next.start_ms = now_ms;
        next.partitions.clear();
    }
    next.client_version = request.second_protocol ? 2 : 0;
    model::Producer then = request.producer;
    if (request.second_protocol) {
        if (exhausted() && request.fresh_id < 0) {
            return {.what = TransactionDecision::Do::kTakeProducerId};
        }
        next.last_producer_epoch = data_.producer_epoch;
        next.producer_epoch = static_cast<std::int16_t>(data_.producer_epoch + 1);
        next.next_producer_id = exhausted() ? request.fresh_id : -1;
        then = exhausted() ? model::Producer{request.fresh_id, 0}
                           : model::Producer{data_.producer_id, next.producer_epoch};
    }
    return write(std::move(next), then);
}

TransactionDecision Transaction::fence(ErrorCode then, std::int64_t now_ms) {
    TransactionData next = data_;
    next.state = TransactionState::kPrepareAbort;
    next.update_ms = now_ms;
    next.client_version = 2;  // The markers have the newer epoch, as those of that protocol.
    next.last_producer_epoch = data_.producer_epoch;
    next.producer_epoch = static_cast<std::int16_t>(data_.producer_epoch + 1);
    return write(std::move(next), {}, then);
}

std::optional<std::int64_t> Transaction::deadline_ms() const {
    if (data_.state != TransactionState::kOngoing || pending_) return std::nullopt;
    return data_.start_ms + data_.timeout_ms + 1;
}

TransactionDecision Transaction::abort_for_time(std::int64_t now_ms) {
    const auto deadline = deadline_ms();
    if (!deadline || *deadline > now_ms) return TransactionDecision::answer(ErrorCode::kNone);
    return fence(ErrorCode::kNone, now_ms);
}

bool Transaction::expired(std::int64_t now_ms, std::int64_t expiration_ms) const {
    return !pending_ && !preparing() && data_.state != TransactionState::kOngoing &&
           now_ms - data_.update_ms >= expiration_ms;
}

bool Transaction::ending() const {
    return preparing() && !pending_;
}

const TransactionData& Transaction::complete(std::int64_t now_ms) {
    MR_CHECK(ending() && data_.partitions.empty());
    data_.state = data_.state == TransactionState::kPrepareCommit
                      ? TransactionState::kCompleteCommit
                      : TransactionState::kCompleteAbort;
    data_.update_ms = now_ms;
    if (data_.next_producer_id >= 0) {
        data_.previous_producer_id = data_.producer_id;
        data_.last_producer_epoch = data_.producer_epoch;
        data_.producer_id = data_.next_producer_id;
        data_.producer_epoch = 0;
        data_.next_producer_id = -1;
    }
    return data_;
}

}  // namespace millrace::broker
