#include "broker/share/share_partitions.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "broker/partition.h"
#include "broker/share/share_read.h"
#include "broker/to_kafka.h"
#include "runtime/clock.h"
#include "runtime/loop.h"
#include "storage/log.h"

namespace millrace::broker {
namespace {

using base::Code;
using base::fail;
using base::Result;
using runtime::Task;

// How often one fetch reads on where all it saw was markers, or records of others.
constexpr int kMostReads = 16;

ShareLimits limits_of(const config::GroupOptions& options) {
    return {.lock_duration_ms = options.share_record_lock_duration_ms,
            .delivery_count_limit = options.share_delivery_count_limit,
            .max_record_locks = options.share_partition_max_record_locks,
            .renew = options.share_renew_acknowledge_enable};
}

storage::Isolation isolation_of(const config::GroupOptions& options) {
    return options.share_isolation_level == "read_committed" ? storage::Isolation::kReadCommitted
                                                             : storage::Isolation::kReadUncommitted;
}

}  // namespace

struct SharePartitions::Entry {
    Entry(ShareKey name, std::shared_ptr<Partition> log, const ShareLimits& limits)
        : key(std::move(name)), partition(std::move(log)), state(limits) {}
    const ShareKey key;
    const std::shared_ptr<Partition> partition;
    SharePartition state;
    std::int32_t state_epoch = 0;
    bool loading = true;
    runtime::Condition loaded;
    std::optional<base::Error> failed;  // Loading.
    bool gone = false;                  // No longer in entries_.
    bool retired = false;               // To be dropped when idle.
    std::vector<runtime::OneShot<void>> waiters;
    runtime::Timer timer;
    std::optional<std::int64_t> timer_ms;
};

SharePartitions::SharePartitions(runtime::Loop& loop, runtime::Clock& clock,
                                 SharePersister& persister)
    : loop_(loop), clock_(clock), persister_(persister) {}

SharePartitions::~SharePartitions() = default;

std::int64_t SharePartitions::now_ms() const {
    return loop_.now_ns() / 1'000'000;
}

Task<void> SharePartitions::stop() {
    for (const auto& [key, entry] : entries_) drop(*entry);
    entries_.clear();
    co_await gate_.close();
    co_await runtime::yield();  // What on_timer() has posted comes before this.
}

// ---- loading ----

Result<std::int64_t> SharePartitions::first_offset(Partition& partition,
                                                   const config::GroupOptions& options) const {
    storage::Log* log = partition.log();
    if (!log) return fail(Code::kNotFound, "the partition is closed");
    const storage::Log::Offsets offsets = log->offsets();
    MR_TRY(const auto reset, config::parse_auto_offset_reset(options.share_auto_offset_reset));
    switch (reset.kind) {
        case config::AutoOffsetReset::Kind::kEarliest: return offsets.log_start.value;
        case config::AutoOffsetReset::Kind::kLatest: return offsets.high_watermark.value;
        case config::AutoOffsetReset::Kind::kByDuration: break;
    }
    const model::Timestamp since{clock_.wall_ms() - reset.duration_ms};
    MR_TRY(const auto match, log->offset_at(since));
    return match ? match->offset.value : offsets.high_watermark.value;
}

Task<Result<void>> SharePartitions::load(std::shared_ptr<Entry> entry,
                                         const config::GroupOptions& options) {
    MR_CO_TRY(ShareState state, co_await persister_.read(entry->key));
    entry->state_epoch = state.state_epoch;
    if (state.start_offset == ShareState::kNotBegun) {
        MR_CO_TRY(state.start_offset, first_offset(*entry->partition, options));
        // Kept at once, so that after a restart nothing that came meanwhile is passed over.
        ShareWrite begin{.id = 0, .start_offset = state.start_offset};
        MR_CO_TRY_VOID(co_await persister_.write(entry->key, entry->state_epoch, std::move(begin)));
    }
    entry->state.begin(state.start_offset, state.batches);
    co_return Result<void>();
}

Task<SharePartitions::Found> SharePartitions::ready(ShareKey key,
                                                    std::shared_ptr<Partition> partition,
                                                    const config::GroupOptions& options) {
    const auto known = entries_.find(key);
    if (known != entries_.end()) {
        const std::shared_ptr<Entry> entry = known->second;
        while (entry->loading) co_await entry->loaded.wait();
        if (entry->failed) co_return fail(*entry->failed);
        if (entry->gone) co_return fail(Code::kUnavailable, "the share partition is gone");
        entry->retired = false;
        co_return entry;
    }
    const auto entry = std::make_shared<Entry>(key, std::move(partition), limits_of(options));
    entries_.emplace(key, entry);
    const Result<void> outcome = co_await load(entry, options);
    entry->loading = false;
    if (!outcome) {
        entry->failed = outcome.error();
        if (!entry->gone) entries_.erase(key);
        entry->gone = true;
    }
    entry->loaded.notify_all();
    if (!outcome) co_return fail(outcome.error());
    if (entry->gone) co_return fail(Code::kUnavailable, "the share partition is gone");
    co_return entry;
}

Task<void> SharePartitions::load_ahead(ShareKey key, std::shared_ptr<Partition> partition,
                                       config::GroupOptions options) {
    const auto pass = gate_.enter();
    // Whoever fetches from it is told what is wrong.
    if (pass) (void)co_await ready(std::move(key), std::move(partition), options);
}

// ---- time and waiters ----

void SharePartitions::watch(Entry& entry, const runtime::OneShot<void>& waiter) {
    std::erase_if(entry.waiters, [](const auto& one) { return one.is_set(); });
    entry.waiters.push_back(waiter);
    entry.partition->wake(waiter);
}

void SharePartitions::wake(Entry& entry) {
    for (auto& waiter : std::exchange(entry.waiters, {})) waiter.set();
}

void SharePartitions::drop(Entry& entry) {
    entry.gone = true;
    entry.timer.cancel();
    entry.timer_ms.reset();
    wake(entry);
}

void SharePartitions::settle(const std::shared_ptr<Entry>& entry) {
    if (entry->gone) return;
    if (entry->retired && entry->state.idle()) {
        drop(*entry);
        entries_.erase(entry->key);
        return;
    }
    const auto next_ms = entry->state.next_deadline_ms();
    if (!next_ms) {
        entry->timer.cancel();
        entry->timer_ms.reset();
        return;
    }
    if (entry->timer_ms && *entry->timer_ms <= *next_ms) return;
    entry->timer_ms = next_ms;
    const std::int64_t delay_ms = std::max<std::int64_t>(*next_ms - now_ms(), 0) + 1;
    entry->timer = loop_.call_after(std::chrono::milliseconds(delay_ms),
                                    [this, key = entry->key] { on_timer(key); });
}

void SharePartitions::on_timer(const ShareKey& key) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;
    const std::shared_ptr<Entry> entry = found->second;
    entry->timer_ms.reset();
    if (auto expired = entry->state.tick(now_ms())) {
        runtime::spawn(loop_, write_expired(entry, std::move(*expired)));
        wake(*entry);
    }
    // Not from within the timer's own call.
    loop_.post([this, entry] {
        if (!gate_.closed()) settle(entry);
    });
}

Task<void> SharePartitions::write_expired(std::shared_ptr<Entry> entry, ShareWrite write) {
    const auto pass = gate_.enter();
    if (!pass) co_return;
    const Result<void> written =
        co_await persister_.write(entry->key, entry->state_epoch, std::move(write));
    // Without the record, these are with their member again after a restart, which is the same.
    if (!written)
        base::log_warning("share group {}: {}", entry->key.group, written.error().message());
}

// ---- fetching ----

ErrorCode SharePartitions::acquire(Entry& entry, const config::GroupOptions& options,
                                   const ShareFetchTerms& terms, ShareBudget& budget,
                                   ShareFetched& fetched) {
    storage::Log* log = entry.partition->log();
    if (!log) return ErrorCode::kUnknownTopicOrPartition;
    entry.state.set_limits(limits_of(options));
    entry.state.move_start(log->offsets().log_start.value);
    for (int reads = 0; reads < kMostReads && entry.state.can_acquire(); ++reads) {
        const std::int64_t from = entry.state.next_fetch_offset();
        auto read = read_for_share(*log, from, budget.records_left, budget.bytes_left,
                                   isolation_of(options));
        if (!read) return to_kafka(read.error());
        if (read->batches.empty()) break;
        const auto size = static_cast<std::int64_t>(read->bytes.size());
        if (budget.found && size > budget.bytes_left) break;
        AcquireRequest request{
            .member = terms.member,
            .fetch_offset = from,
            .batches = read->batches,
            .max_records =
                static_cast<std::int32_t>(std::min<std::int64_t>(budget.records_left, INT32_MAX)),
            .batch_size = terms.batch_size,
            .record_limit = terms.record_limit,
        };
        fetched.acquired = entry.state.acquire(request, now_ms());
        if (fetched.acquired.empty()) {
            if (entry.state.next_fetch_offset() == from) break;
            continue;
        }
        read->trim(fetched.acquired);
        for (const AcquiredBatch& batch : fetched.acquired) {
            budget.records_left -= batch.last - batch.first + 1;
        }
        budget.bytes_left -= static_cast<std::int64_t>(read->bytes.size());
        budget.found = true;
        fetched.records = std::move(read->bytes);
        break;
    }
    return ErrorCode::kNone;
}

Task<ShareFetched> SharePartitions::fetch(ShareKey key, std::shared_ptr<Partition> partition,
                                          const config::GroupOptions& options,
                                          const ShareFetchTerms& terms, ShareBudget& budget) {
    ShareFetched fetched;
    const auto pass = gate_.enter();
    if (!pass) {
        fetched.error = ErrorCode::kNotLeaderOrFollower;
        co_return fetched;
    }
    const auto known = entries_.find(key);
    if (budget.found && (known == entries_.end() || known->second->loading)) {
        // The next fetch has it; until then others have what was found. It begins now all the same.
        if (known == entries_.end()) {
            runtime::spawn(loop_, load_ahead(std::move(key), std::move(partition), options));
        }
        co_return fetched;
    }
    const Found entry = co_await ready(std::move(key), std::move(partition), options);
    if (!entry) {
        fetched.error = to_kafka(entry.error());
        fetched.message = entry.error().message();
        co_return fetched;
    }
    if (budget.records_left > 0 && budget.bytes_left > 0) {
        fetched.error = acquire(**entry, options, terms, budget, fetched);
    }
    if (fetched.error == ErrorCode::kNone && !budget.found && terms.waiter) {
        watch(**entry, *terms.waiter);
    }
    settle(*entry);
    co_return fetched;
}

Task<std::int64_t> SharePartitions::readable_bytes(ShareKey key,
                                                   std::shared_ptr<Partition> partition,
                                                   const config::GroupOptions& options,
                                                   std::int64_t most,
                                                   runtime::OneShot<void> waiter) {
    const auto pass = gate_.enter();
    if (!pass) co_return most;
    const Found entry = co_await ready(std::move(key), partition, options);
    storage::Log* log = partition->log();
    // An error is told at once.
    if (!entry || !log) co_return most;
    watch(**entry, waiter);
    if (!(*entry)->state.can_acquire()) co_return 0;
    const auto slice =
        log->read(model::Offset{std::max((*entry)->state.next_fetch_offset(),
                                         log->offsets().log_start.value)},
                  static_cast<std::size_t>(std::max<std::int64_t>(most, 1)), isolation_of(options));
    co_return slice ? static_cast<std::int64_t>(slice->size_bytes) : most;
}

// ---- giving back ----

Task<ShareOutcome> SharePartitions::persist(std::shared_ptr<Entry> entry, ShareWrite write) {
    const std::uint64_t id = write.id;
    const Result<void> written =
        co_await persister_.write(entry->key, entry->state_epoch, std::move(write));
    if (entry->state.persisted(id, written.has_value())) wake(*entry);
    settle(entry);
    if (written) co_return ShareOutcome{};
    if (written.error().code() == Code::kFenced) {
        co_return ShareOutcome{ErrorCode::kNotLeaderOrFollower, written.error().message()};
    }
    base::log_error("share group {}: {}", entry->key.group, written.error().message());
    co_return ShareOutcome{ErrorCode::kUnknownServerError,
                           "Unable to complete operation due to server error."};
}

Task<ShareOutcome> SharePartitions::acknowledge(ShareKey key, const config::GroupOptions& options,
                                                std::string member,
                                                std::vector<AcknowledgeBatch> batches) {
    const auto pass = gate_.enter();
    if (!pass) co_return ShareOutcome{ErrorCode::kNotLeaderOrFollower, ""};
    const auto found = entries_.find(key);
    // Nothing was handed out of it.
    if (found == entries_.end()) {
        co_return ShareOutcome{ErrorCode::kUnknownTopicOrPartition,
                               "This server does not host this topic-partition."};
    }
    const std::shared_ptr<Entry> entry = found->second;
    while (entry->loading) co_await entry->loaded.wait();
    if (entry->gone) {
        co_return ShareOutcome{ErrorCode::kUnknownTopicOrPartition,
                               "This server does not host this topic-partition."};
    }
    entry->state.set_limits(limits_of(options));
    AcknowledgeOutcome outcome = entry->state.acknowledge(member, batches, now_ms());
    settle(entry);
    if (!outcome.write) co_return ShareOutcome{outcome.error, std::move(outcome.message)};
    co_return co_await persist(entry, std::move(*outcome.write));
}

Task<void> SharePartitions::release(ShareKey key, std::string member) {
    const auto pass = gate_.enter();
    const auto found = entries_.find(key);
    if (!pass || found == entries_.end()) co_return;
    const std::shared_ptr<Entry> entry = found->second;
    while (entry->loading) co_await entry->loaded.wait();
    if (entry->gone) co_return;
    if (auto write = entry->state.release(member)) {
        co_await persist(entry, std::move(*write));
    }
}

void SharePartitions::forget(const std::function<bool(const ShareKey& key)>& gone) {
    for (auto at = entries_.begin(); at != entries_.end();) {
        if (!gone(at->first)) {
            ++at;
            continue;
        }
        drop(*at->second);
        at = entries_.erase(at);
    }
}

void SharePartitions::retire(const std::string& group) {
    std::vector<std::shared_ptr<Entry>> idle;
    for (auto at = entries_.lower_bound(ShareKey{group, {}, INT32_MIN});
         at != entries_.end() && at->first.group == group; ++at) {
        at->second->retired = true;
        if (!at->second->loading) idle.push_back(at->second);
    }
    for (const auto& entry : idle) settle(entry);
}

}  // namespace millrace::broker
