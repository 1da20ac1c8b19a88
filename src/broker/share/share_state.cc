#include "broker/share/share_state.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "broker/partition.h"
#include "broker/versioned_record.h"
#include "kafka/messages/share_state_log.h"
#include "kafka/reader.h"
#include "runtime/clock.h"
#include "runtime/loop.h"

namespace millrace::broker {
namespace {

using base::Code;
using base::fail;
using base::Result;
using runtime::Task;

constexpr std::int16_t kSnapshotKind = 0;
constexpr std::int16_t kUpdateKind = 1;
// As Kafka's share.coordinator.snapshot.update.records.per.snapshot.
constexpr std::int32_t kUpdatesPerSnapshot = 500;

template <class Key>
base::Bytes encode_key(std::int16_t kind, const ShareKey& from) {
    Key key;
    key.group_id = from.group;
    key.topic_id = from.topic;
    key.partition = from.partition;
    return encode_versioned(kind, key);
}

template <class Key>
ShareKey to_key(const Key& key) {
    return {key.group_id, key.topic_id, key.partition};
}

template <class Wire>
void put_batches(const std::vector<StateBatch>& batches, Wire& wire) {
    for (const StateBatch& batch : batches) {
        auto& one = wire.emplace_back();
        one.first_offset = batch.first;
        one.last_offset = batch.last;
        one.delivery_state = static_cast<std::int8_t>(batch.state);
        one.delivery_count = batch.delivery_count;
    }
}

template <class Wire>
std::vector<StateBatch> take_batches(const Wire& wire) {
    std::vector<StateBatch> batches;
    for (const auto& one : wire) {
        if (one.first_offset < 0 || one.last_offset < one.first_offset) continue;
        batches.push_back({one.first_offset, one.last_offset, DeliveryState{one.delivery_state},
                           one.delivery_count});
    }
    return batches;
}

}  // namespace

ShareStateShard::ShareStateShard(std::shared_ptr<Partition> partition, runtime::Loop& loop,
                                 runtime::Clock& clock)
    : loop_(loop), clock_(clock), log_(std::move(partition), clock) {}

ShareStateShard::~ShareStateShard() = default;

// ---- one state ----

// Changes that are under way at the same time do not know of each other, so that the start of a
// later one may lie before that of an earlier one; it never goes back.
void ShareStateShard::Entry::merge(std::int64_t start, const std::vector<StateBatch>& batches) {
    start_offset = std::max(start_offset, start);
    for (const StateBatch& batch : batches) {
        cells.assign(batch.first, batch.last, {batch.state, batch.delivery_count});
    }
    if (start_offset > 0) cells.erase(0, start_offset - 1);
    while (!cells.empty()) {
        const auto& [first, run] = *cells.runs().begin();
        if (first != start_offset || !run.value.terminal()) break;
        start_offset = run.last + 1;
        cells.erase(first, run.last);
    }
}

std::int32_t ShareStateShard::Entry::delivery_complete_count() const {
    if (start_offset == ShareState::kNotBegun) return -1;
    std::int64_t count = 0;
    for (const auto& [first, run] : cells.runs()) {
        if (run.value.terminal()) count += run.last - first + 1;
    }
    return static_cast<std::int32_t>(std::min<std::int64_t>(count, INT32_MAX));
}

std::vector<StateBatch> ShareStateShard::Entry::batches() const {
    std::vector<StateBatch> all;
    for (const auto& [first, run] : cells.runs()) {
        all.push_back({first, run.last, run.value.state, run.value.delivery_count});
    }
    return all;
}

// ---- the log ----

Task<Result<void>> ShareStateShard::load() {
    co_return co_await log_.load([this](base::ByteView key, std::optional<base::ByteView> value) {
        apply_record(key, value);
    });
}

void ShareStateShard::apply_record(base::ByteView key, std::optional<base::ByteView> value) {
    kafka::Reader reader(key);
    const std::int16_t kind = reader.i16();
    if (kind == kSnapshotKind) {
        const auto read = decode_key_of_kind<kafka::ShareSnapshotKey>(reader);
        if (!read) return;
        if (!value) {
            entries_.erase(to_key(*read));
            return;
        }
        const auto snapshot = decode_versioned<kafka::ShareSnapshotValue>(*value);
        if (!snapshot) return;
        Entry entry{.snapshot_epoch = snapshot->snapshot_epoch,
                    .state_epoch = snapshot->state_epoch,
                    .created_ms = snapshot->create_timestamp};
        entry.merge(snapshot->start_offset, take_batches(snapshot->state_batches));
        entries_[to_key(*read)] = std::move(entry);
        return;
    }
    if (kind != kUpdateKind || !value) return;
    const auto read = decode_key_of_kind<kafka::ShareUpdateKey>(reader);
    if (!read) return;
    const auto update = decode_versioned<kafka::ShareUpdateValue>(*value);
    const auto entry = entries_.find(to_key(*read));
    // An update belongs to the snapshot before it.
    if (!update || entry == entries_.end()) return;
    if (entry->second.snapshot_epoch != update->snapshot_epoch) return;
    entry->second.merge(update->start_offset, take_batches(update->state_batches));
    ++entry->second.updates;
}

KeyedRecord ShareStateShard::snapshot(const ShareKey& key, Entry& entry) const {
    const std::int64_t now_ms = clock_.wall_ms();
    if (entry.created_ms == 0) entry.created_ms = now_ms;
    entry.updates = 0;
    kafka::ShareSnapshotValue value;
    value.snapshot_epoch = ++entry.snapshot_epoch;
    value.state_epoch = entry.state_epoch;
    value.start_offset = entry.start_offset;
    value.delivery_complete_count = entry.delivery_complete_count();
    value.create_timestamp = entry.created_ms;
    value.write_timestamp = now_ms;
    put_batches(entry.batches(), value.state_batches);
    return {encode_key<kafka::ShareSnapshotKey>(kSnapshotKind, key), encode_versioned(0, value)};
}

Task<Result<void>> ShareStateShard::append(std::vector<KeyedRecord> records) {
    MR_CO_TRY(const model::Offset next, log_.append(records));
    const Result<void> durable = co_await log_.wait_durable(next);
    if (durable && log_.wants_rewrite()) runtime::spawn(loop_, maybe_rewrite());
    co_return durable;
}

Task<void> ShareStateShard::maybe_rewrite() {
    const auto pass = gate_.enter();
    if (!pass || !log_.wants_rewrite()) co_return;
    std::vector<KeyedRecord> state;
    for (auto& [key, entry] : entries_) state.push_back(snapshot(key, entry));
    const Result<void> rewritten = co_await log_.rewrite(std::move(state));
    if (!rewritten) base::log_error("__share_group_state: {}", rewritten.error().message());
}

Task<void> ShareStateShard::stop() {
    return gate_.close();
}

// ---- requests ----

ShareState ShareStateShard::read(const ShareKey& key) const {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return {};
    const Entry& entry = found->second;
    return {entry.state_epoch, entry.start_offset, entry.delivery_complete_count(),
            entry.batches()};
}

Task<Result<void>> ShareStateShard::write(ShareKey key, std::int32_t state_epoch,
                                          ShareWrite change) {
    const auto pass = gate_.enter();
    if (!pass) co_return fail(pass.error());
    const auto known = entries_.find(key);
    const bool is_new = known == entries_.end();
    if ((is_new ? 0 : known->second.state_epoch) != state_epoch) {
        co_return fail(Code::kFenced, "the state of share partition {}-{} was set anew", key.group,
                       key.partition);
    }
    Entry& entry = is_new ? entries_[key] : known->second;
    entry.merge(change.start_offset, change.batches);
    std::vector<KeyedRecord> records;
    if (is_new || entry.updates >= kUpdatesPerSnapshot) {
        records.push_back(snapshot(key, entry));
    } else {
        ++entry.updates;
        kafka::ShareUpdateValue value;
        value.snapshot_epoch = entry.snapshot_epoch;
        value.start_offset = entry.start_offset;
        value.delivery_complete_count = entry.delivery_complete_count();
        put_batches(change.batches, value.state_batches);
        records.push_back(
            {encode_key<kafka::ShareUpdateKey>(kUpdateKind, key), encode_versioned(0, value)});
    }
    const Result<void> written = co_await append(std::move(records));
    if (!written) {
        // The log may lack what is known here: the next write tells it all.
        const auto behind = entries_.find(key);
        if (behind != entries_.end()) behind->second.updates = kUpdatesPerSnapshot;
    }
    co_return written;
}

Task<Result<void>> ShareStateShard::initialize(ShareKey key, std::int64_t start_offset) {
    const auto pass = gate_.enter();
    if (!pass) co_return fail(pass.error());
    Entry& entry = entries_[key];
    ++entry.state_epoch;
    entry.start_offset = start_offset;
    entry.cells.clear();
    std::vector<KeyedRecord> records;
    records.push_back(snapshot(key, entry));
    co_return co_await append(std::move(records));
}

Task<Result<void>> ShareStateShard::remove(ShareKey key) {
    const auto pass = gate_.enter();
    if (!pass) co_return fail(pass.error());
    if (entries_.erase(key) == 0) co_return Result<void>();
    std::vector<KeyedRecord> records;
    records.push_back({encode_key<kafka::ShareSnapshotKey>(kSnapshotKind, key), std::nullopt});
    records.push_back({encode_key<kafka::ShareUpdateKey>(kUpdateKind, key), std::nullopt});
    co_return co_await append(std::move(records));
}

}  // namespace millrace::broker
