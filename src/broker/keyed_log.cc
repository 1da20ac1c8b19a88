#include "broker/keyed_log.h"

#include <utility>

#include "broker/partition.h"
#include "model/batch.h"
#include "model/batch_builder.h"
#include "model/end_marker.h"
#include "model/records.h"
#include "runtime/clock.h"
#include "runtime/loop.h"
#include "storage/checked_batch.h"
#include "storage/log.h"

namespace millrace::broker {
namespace {

using base::Code;
using base::fail;
using base::Result;
using runtime::Task;

constexpr std::size_t kReadBytes = 1 << 20;
constexpr std::size_t kRewriteBatchBytes = 512 << 10;

std::unexpected<base::Error> closed() {
    return fail(Code::kUnavailable, "the internal topic is closed");
}

}  // namespace

storage::Log* KeyedLog::log() const {
    return partition_->log();
}

Task<Result<void>> KeyedLog::load(Apply apply, Transactional transactional) {
    base::Bytes scratch;
    model::Offset at;
    // A crash may have left records behind that were written but not synced. The log has kept them,
    // so they count; they are seen once the sync that opening it asked for has ended.
    if (!partition_->log()) co_return closed();
    MR_CO_TRY_VOID(co_await wait_durable(partition_->log()->offsets().log_end));
    while (true) {
        storage::Log* log = partition_->log();
        if (!log) co_return closed();
        const storage::Log::Offsets offsets = log->offsets();
        if (at < offsets.log_start) at = offsets.log_start;
        if (at >= offsets.high_watermark) co_return Result<void>();
        MR_CO_TRY(const storage::Slice slice,
                  log->read(at, kReadBytes, storage::Isolation::kReadUncommitted));
        MR_CO_TRY(const base::Bytes bytes, slice.load());
        if (bytes.empty()) co_return Result<void>();  // What came last was compacted away.
        const model::Offset before = at;
        for (base::ByteView rest = bytes; !rest.empty();) {
            const auto batch = model::RecordBatch::parse(rest);
            if (!batch && batch.error().code() == Code::kOutOfRange) break;  // Cut off at the end.
            if (!batch) co_return fail(batch.error());
            rest.remove_prefix(batch->size_bytes());
            const model::Offset from = at;
            at = batch->next_offset();
            load_position_ = at;
            const std::int64_t producer_id = batch->producer().id;
            if (batch->control()) {
                const auto marker = model::parse_end_marker(*batch);
                if (marker && transactional.end) transactional.end(producer_id, marker->commit);
                continue;
            }
            MR_CO_TRY(const base::ByteView payload, model::unpack(*batch, scratch));
            model::RecordIterator records(*batch, payload);
            model::RecordView record;
            while (true) {
                MR_CO_TRY(const bool more, records.next(record));
                if (!more) break;
                if (record.offset < from || !record.key) continue;
                if (!batch->transactional()) {
                    apply(*record.key, record.value);
                } else if (transactional.record) {
                    transactional.record(producer_id, *record.key, record.value);
                }
            }
        }
        if (at == before) {
            co_return fail(Code::kCorrupt, "{}: no batch at offset {}", log->name(), at);
        }
        co_await runtime::yield();
    }
}

Result<model::Offset> KeyedLog::append(const std::vector<KeyedRecord>& records) {
    return append(records, {}, 0);
}

Result<model::Offset> KeyedLog::append(const std::vector<KeyedRecord>& records,
                                       model::Producer producer, std::uint64_t verification) {
    storage::Log* log = partition_->log();
    if (!log) return closed();
    const model::Timestamp now{clock_.wall_ms()};
    model::BatchBuilder builder({.producer = producer, .transactional = producer.id >= 0});
    for (const KeyedRecord& record : records) {
        builder.add(now, base::ByteView(record.key),
                    record.value ? std::optional<base::ByteView>(*record.value) : std::nullopt);
    }
    base::Bytes bytes = builder.build();
    base::Bytes scratch;
    MR_TRY(const auto checked, storage::CheckedBatch::check(bytes, storage::Origin::kCoordinator,
                                                            log->config(), now, scratch));
    MR_TRY(const auto appended, log->append(checked, {.verification = verification}));
    return appended.next_offset;
}

Task<Result<void>> KeyedLog::wait_durable(model::Offset next) {
    storage::Log* log = partition_->log();
    if (!log) co_return closed();
    co_return co_await log->wait_durable(next);
}

bool KeyedLog::wants_rewrite() const {
    storage::Log* log = partition_->log();
    return log && !rewriting_ && log->size_bytes() > rewrite_bytes_ + 4 * state_bytes_;
}

Task<Result<void>> KeyedLog::rewrite(std::vector<KeyedRecord> state) {
    storage::Log* log = partition_->log();
    if (!log) co_return closed();
    rewriting_ = true;
    const model::Offset start = log->offsets().log_end;
    model::Offset end = start;
    std::uint64_t written = 0;
    // Nothing may come between these appends: a newer record of a key must lie behind its state.
    std::vector<KeyedRecord> batch;
    std::size_t batch_bytes = 0;
    Result<void> outcome;
    const auto flush = [&] {
        if (batch.empty() || !outcome) return;
        const Result<model::Offset> appended = append(batch);
        if (appended) {
            end = *appended;
        } else {
            outcome = fail(appended.error());
        }
        batch.clear();
        written += std::exchange(batch_bytes, 0);
    };
    for (KeyedRecord& record : state) {
        batch_bytes += record.key.size() + (record.value ? record.value->size() : 0) + 16;
        batch.push_back(std::move(record));
        if (batch_bytes >= kRewriteBatchBytes) flush();
    }
    flush();
    if (outcome) outcome = co_await wait_durable(end);
    if (outcome && partition_->log()) {
        const auto dropped = co_await partition_->log()->delete_records(start);
        if (!dropped) outcome = fail(dropped.error());
    }
    state_bytes_ = written;
    rewriting_ = false;
    co_return outcome;
}

}  // namespace millrace::broker
