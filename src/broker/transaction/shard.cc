#include "broker/transaction/shard.h"

#include <algorithm>
#include <chrono>

#include "base/log.h"
#include "broker/catalog/catalog.h"
#include "broker/partition.h"
#include "broker/to_kafka.h"
#include "broker/transaction/markers.h"
#include "broker/transaction/transaction_log.h"
#include "runtime/clock.h"
#include "runtime/loop.h"

namespace millrace::broker {
namespace {

using base::Result;
using runtime::Task;

// Old ids are looked for so often; deadlines of transactions are met as they come.
constexpr std::int64_t kExpiryCheckMs = 600'000;
constexpr std::int64_t kAbortRetryMs = 100;
constexpr std::chrono::milliseconds kMarkerRetry{200};

}  // namespace

TransactionShard::TransactionShard(std::shared_ptr<Partition> partition, runtime::Loop& loop,
                                   const Environment& environment)
    : loop_(loop),
      environment_(environment),
      log_(partition, environment.clock),
      partition_(std::move(partition)) {}

TransactionShard::~TransactionShard() = default;

Transaction* TransactionShard::find(const std::string& id) {
    const auto found = transactions_.find(id);
    return found == transactions_.end() ? nullptr : found->second.get();
}

// ---- the log ----

Task<Result<void>> TransactionShard::load() {
    const auto apply = [this](base::ByteView key, std::optional<base::ByteView> value) {
        const auto id = decode_transaction_key(key);
        if (!id) return;
        auto data = value ? decode_transaction_value(*value) : std::nullopt;
        if (data) {
            transactions_[*id] = std::make_unique<Transaction>(std::move(*data));
        } else {
            transactions_.erase(*id);
        }
    };
    MR_CO_TRY_VOID(co_await log_.load(apply));
    if (const storage::Log* log = partition_->log()) coordinator_epoch_ = log->leader_epoch().value;
    co_return Result<void>();
}

std::vector<KeyedRecord> TransactionShard::state() const {
    std::vector<KeyedRecord> state;
    for (const auto& [id, transaction] : transactions_) {
        // What has never been durable is not there yet.
        if (transaction->data().producer_epoch < 0) continue;
        state.push_back({transaction_key(id), transaction_value(transaction->data())});
    }
    return state;
}

Task<void> TransactionShard::maybe_rewrite() {
    const auto pass = gate_.enter();
    // A pending state would be overtaken by the one before it.
    const bool quiet =
        std::ranges::none_of(transactions_, [](const auto& one) { return one.second->pending(); });
    if (!pass || !quiet || !log_.wants_rewrite()) co_return;
    const Result<void> rewritten = co_await log_.rewrite(state());
    if (!rewritten) base::log_error("__transaction_state: {}", rewritten.error().message());
}

void TransactionShard::start() {
    for (const auto& [id, transaction] : transactions_) {
        if (transaction->ending()) runtime::spawn(loop_, complete(id));
    }
    runtime::spawn(loop_, keep_time());
}

Task<void> TransactionShard::stop() {
    stopping_ = true;
    changed_.notify_all();
    time_wanted_.notify_all();
    co_await gate_.close();
}

// ---- requests ----

Task<Result<std::int64_t>> TransactionShard::take_producer_id() {
    Catalog& catalog = environment_.catalog;
    co_return co_await runtime::call_on(catalog.loop(),
                                        [&catalog] { return catalog.take_producer_ids(1); });
}

Task<TransactionShard::Answer> TransactionShard::ask(std::string id, Question question) {
    const auto pass = gate_.enter();
    if (!pass) co_return Answer{ErrorCode::kNotCoordinator, {}};
    std::int64_t fresh_id = -1;
    while (true) {
        Transaction* transaction = find(id);
        if (!transaction) co_return Answer{ErrorCode::kInvalidProducerIdMapping, {}};
        TransactionDecision decision = question(*transaction, fresh_id);
        if (decision.what == TransactionDecision::Do::kAnswer) {
            co_return Answer{decision.error, decision.producer};
        }
        if (decision.what == TransactionDecision::Do::kWrite) {
            co_return co_await carry_out(std::move(id), std::move(decision));
        }
        const auto taken = co_await take_producer_id();
        if (!taken) co_return Answer{to_coordinator_error(base::fail(taken.error())), {}};
        fresh_id = *taken;
    }
}

Task<TransactionShard::Answer> TransactionShard::carry_out(std::string id,
                                                           TransactionDecision decision) {
    std::vector<KeyedRecord> records;
    records.push_back({transaction_key(id), transaction_value(decision.write)});
    const Result<model::Offset> appended = log_.append(records);
    Result<void> durable;
    if (appended) {
        durable = co_await log_.wait_durable(*appended);
    } else {
        durable = base::fail(appended.error());
    }
    // It is still there: nobody takes away what waits.
    Transaction& transaction = *find(id);
    if (!durable) {
        transaction.write_failed();
        if (transaction.data().producer_epoch < 0) transactions_.erase(id);
        co_return Answer{to_coordinator_error(durable), {}};
    }
    transaction.written();
    changed_.notify_all();
    if (transaction.ending()) runtime::spawn(loop_, complete(id));
    const auto deadline = transaction.deadline_ms();
    if (deadline && *deadline < planned_ms_) time_wanted_.notify_all();
    if (log_.wants_rewrite()) runtime::spawn(loop_, maybe_rewrite());
    co_return Answer{decision.error, decision.producer};
}

Task<TransactionShard::Answer> TransactionShard::init(std::string id, Transaction::Init request) {
    if (request.timeout_ms <= 0 || request.timeout_ms > environment_.limits.max_timeout_ms) {
        co_return Answer{ErrorCode::kInvalidTransactionTimeout, {}};
    }
    if (!find(id)) {
        const auto taken = co_await take_producer_id();
        if (!taken) co_return Answer{to_coordinator_error(base::fail(taken.error())), {}};
        auto& made = transactions_[id];
        if (!made) {
            made = std::make_unique<Transaction>(
                TransactionData{.producer_id = *taken,
                                .timeout_ms = request.timeout_ms,
                                .partitions = {},
                                .update_ms = environment_.clock.wall_ms()});
        }
    }
    co_return co_await ask(
        std::move(id), [this, request](Transaction& transaction, std::int64_t fresh_id) mutable {
            request.fresh_id = fresh_id;
            return transaction.init(request, environment_.clock.wall_ms());
        });
}

Task<TransactionShard::Answer> TransactionShard::add(std::string id, Transaction::Add request) {
    co_return co_await ask(std::move(id), [this, request = std::move(request)](
                                              Transaction& transaction, std::int64_t) {
        return transaction.add(request, environment_.clock.wall_ms());
    });
}

Task<void> TransactionShard::wait_until_idle(std::string id, std::int64_t limit_ms) {
    const auto pass = gate_.enter();
    const std::int64_t give_up_ns = loop_.now_ns() + limit_ms * 1'000'000;
    while (pass && !stopping_) {
        const Transaction* transaction = find(id);
        const std::int64_t left_ns = give_up_ns - loop_.now_ns();
        if (!transaction || !transaction->busy() || left_ns <= 0) co_return;
        co_await changed_.wait_for(std::chrono::nanoseconds(left_ns));
    }
}

Task<TransactionShard::Answer> TransactionShard::end(std::string id, Transaction::End request) {
    co_return co_await ask(
        std::move(id), [this, request](Transaction& transaction, std::int64_t fresh_id) mutable {
            request.fresh_id = fresh_id;
            return transaction.end(request, environment_.clock.wall_ms());
        });
}

ErrorCode TransactionShard::verify(const std::string& id, model::Producer producer,
                                   const TransactionPartition& partition) const {
    const TransactionData* known = describe(id);
    if (!known) return ErrorCode::kInvalidProducerIdMapping;
    return transactions_.at(id)->verify(producer, partition);
}

const TransactionData* TransactionShard::describe(const std::string& id) const {
    const auto found = transactions_.find(id);
    // An id whose first record is not durable yet does not exist for anybody.
    if (found == transactions_.end() || found->second->data().producer_epoch < 0) return nullptr;
    return &found->second->data();
}

std::vector<std::pair<std::string, TransactionData>> TransactionShard::list() const {
    std::vector<std::pair<std::string, TransactionData>> all;
    for (const auto& [id, transaction] : transactions_) {
        if (describe(id)) all.emplace_back(id, transaction->data());
    }
    return all;
}

// ---- markers ----

Task<void> TransactionShard::write_missing_markers(std::string id) {
    const TransactionData data = find(id)->data();
    const std::vector<TransactionPartition> partitions(data.partitions.begin(),
                                                       data.partitions.end());
    const Marker marker{{data.producer_id, data.producer_epoch},
                        {data.state == TransactionState::kPrepareCommit, coordinator_epoch_}};
    const auto outcomes =
        co_await write_markers(environment_.catalog, environment_.groups, marker, partitions);
    for (std::size_t i = 0; i < partitions.size(); ++i) {
        const auto& [topic, index] = partitions[i];
        switch (outcomes[i]) {
            case ErrorCode::kNone: break;
            case ErrorCode::kUnknownTopicOrPartition: break;  // Deleted meanwhile.
            case ErrorCode::kInvalidProducerEpoch:
            case ErrorCode::kTransactionCoordinatorFenced:
                base::log_warning("transaction {}: {}-{} has seen a newer epoch than {}", id, topic,
                                  index, data.producer_epoch);
                break;
            default: continue;  // Not now: it is tried again.
        }
        find(id)->marked(partitions[i]);
    }
}

Task<void> TransactionShard::complete(std::string id) {
    const auto pass = gate_.enter();
    if (!pass) co_return;
    while (true) {
        co_await write_missing_markers(id);
        if (find(id)->data().partitions.empty()) break;
        if (stopping_) co_return;
        co_await time_wanted_.wait_for(kMarkerRetry);
        if (stopping_) co_return;
    }
    const TransactionData& data = find(id)->complete(environment_.clock.wall_ms());
    std::vector<KeyedRecord> records;
    records.push_back({transaction_key(id), transaction_value(data)});
    // At worst a restart writes the markers once more.
    const auto appended = log_.append(records);
    if (!appended) base::log_error("__transaction_state: {}", appended.error().message());
    changed_.notify_all();
}

// ---- time ----

Task<void> TransactionShard::abort_for_time(std::string id) {
    const std::int64_t now_ms = environment_.clock.wall_ms();
    const Answer answer = co_await ask(id, [now_ms](Transaction& transaction, std::int64_t) {
        return transaction.abort_for_time(now_ms);
    });
    if (answer.error == ErrorCode::kNone) {
        base::log_info("transaction {} is aborted: it ran out of time", id);
    }
}

std::int64_t TransactionShard::handle_due() {
    const std::int64_t now_ms = environment_.clock.wall_ms();
    std::int64_t next_ms = now_ms + kExpiryCheckMs;
    std::vector<KeyedRecord> forgotten;
    for (auto at = transactions_.begin(); at != transactions_.end();) {
        const Transaction& transaction = *at->second;
        const auto deadline = transaction.deadline_ms();
        if (deadline && *deadline <= now_ms) runtime::spawn(loop_, abort_for_time(at->first));
        // One that could not be aborted now is looked at again.
        if (deadline) next_ms = std::min(next_ms, std::max(*deadline, now_ms + kAbortRetryMs));
        // An id that is being made has an answer under way that will look for it.
        if (transaction.data().producer_epoch >= 0 &&
            transaction.expired(now_ms, environment_.limits.id_expiration_ms)) {
            forgotten.push_back({transaction_key(at->first), std::nullopt});
            at = transactions_.erase(at);
        } else {
            ++at;
        }
    }
    if (!forgotten.empty()) {
        // At worst a restart finds them again, and forgets them then.
        const auto appended = log_.append(forgotten);
        if (!appended) base::log_error("__transaction_state: {}", appended.error().message());
    }
    planned_ms_ = next_ms;
    return next_ms - now_ms;
}

Task<void> TransactionShard::keep_time() {
    const auto pass = gate_.enter();
    while (!stopping_) {
        const std::int64_t wait_ms = handle_due();
        co_await time_wanted_.wait_for(std::chrono::milliseconds(wait_ms));
    }
}

}  // namespace millrace::broker
