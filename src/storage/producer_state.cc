#include "storage/producer_state.h"

#include <algorithm>
#include <limits>

#include "model/end_marker.h"

namespace millrace::storage {
namespace {

using base::Code;
using base::fail;
using base::Result;
using model::Offset;

std::int32_t sequence_after(std::int32_t sequence) {
    return sequence == std::numeric_limits<std::int32_t>::max() ? 0 : sequence + 1;
}

std::unexpected<base::Error> named(Code code, std::string_view name, std::string message) {
    return fail(base::Error(code, std::move(message), base::Condition{.name = std::string(name)}));
}

// Far longer than a coordinator takes to answer.
constexpr std::int64_t kVerificationMs = 60'000;

constexpr std::size_t kEntryHeadBytes = 8 + 2 + 1 + 8 + 4 + 8 + 8;
constexpr std::size_t kBatchBytes = 4 + 4 + 8 + 8 + 8;

}  // namespace

// --- What may be appended -----------------------------------------------------------------------

Result<std::optional<ProducerState::Batch>> ProducerState::check(const model::RecordBatch& batch,
                                                                 const Terms& terms) const {
    const model::Producer producer = batch.producer();
    if (producer.id < 0) return std::nullopt;
    const auto found = producers_.find(producer.id);
    const Entry* const entry = found == producers_.end() ? nullptr : &found->second;
    if (entry && producer.epoch < entry->epoch) {
        return fail(Code::kFenced,
                    "epoch of producer {} is {}, which is smaller than the last seen epoch {}",
                    producer.id, producer.epoch, entry->epoch);
    }
    if (batch.control()) {
        if (entry) MR_TRY_VOID(check_marker(batch, *entry, terms));
        return std::nullopt;
    }
    if (terms.origin == Origin::kClient && entry && producer.epoch == entry->epoch) {
        const auto begin = entry->batches.begin();
        const auto end = begin + entry->count;
        const auto retry = std::find_if(begin, end, [&](const Batch& known) {
            return known.first_sequence == batch.base_sequence() &&
                   known.last_sequence == batch.last_sequence();
        });
        if (retry != end) return *retry;
    }
    MR_TRY_VOID(check_transaction(batch, entry, terms));
    // A coordinator's own batches have no sequence.
    if (terms.origin == Origin::kClient) MR_TRY_VOID(check_sequence(batch, entry));
    return std::nullopt;
}

Result<void> ProducerState::check_marker(const model::RecordBatch& batch, const Entry& entry,
                                         const Terms& terms) const {
    const model::Producer producer = batch.producer();
    if (terms.marker_must_be_newer && producer.epoch == entry.epoch) {
        return fail(Code::kFenced,
                    "a marker of producer {} has epoch {}, which is not newer than the last seen "
                    "epoch",
                    producer.id, producer.epoch);
    }
    const auto marker = model::parse_end_marker(batch);
    if (!marker) return fail(Code::kInvalidArgument, "a control batch that is no marker");
    if (marker->coordinator_epoch < entry.coordinator_epoch) {
        return named(Code::kFenced, "TRANSACTION_COORDINATOR_FENCED",
                     fmt::format("a marker of producer {} has coordinator epoch {}, {} was seen",
                                 producer.id, marker->coordinator_epoch, entry.coordinator_epoch));
    }
    return {};
}

Result<void> ProducerState::check_transaction(const model::RecordBatch& batch, const Entry* entry,
                                              const Terms& terms) const {
    const model::Producer producer = batch.producer();
    const bool open = entry && entry->transaction_start != model::kNoOffset;
    if (!batch.transactional()) {
        if (!open) return {};
        return named(Code::kConflict, "INVALID_TXN_STATE",
                     fmt::format("expected a transactional write of producer {}", producer.id));
    }
    if (open && entry->epoch == producer.epoch) return {};
    const auto verified = verifications_.find(producer.id);
    if (verified != verifications_.end() && terms.verification != 0 &&
        verified->second.token == terms.verification) {
        return {};
    }
    return named(Code::kConflict, "INVALID_TXN_STATE",
                 "Record was not part of an ongoing transaction");
}

Result<void> ProducerState::check_sequence(const model::RecordBatch& batch,
                                           const Entry* entry) const {
    const model::Producer producer = batch.producer();
    const std::int32_t first = batch.base_sequence();
    const auto verified = verifications_.find(producer.id);
    if (verified != verifications_.end() && first > verified->second.lowest_sequence) {
        return fail(Code::kOutOfOrder, "producer {} sends sequence {} before {}", producer.id,
                    first, verified->second.lowest_sequence);
    }
    // Nothing is known of the producer (any more): whatever it begins with is accepted.
    if (!entry) return {};
    if (producer.epoch > entry->epoch) {
        if (first == 0) return {};
        return fail(Code::kOutOfOrder, "producer {} begins epoch {} with sequence {} instead of 0",
                    producer.id, producer.epoch, first);
    }
    const std::int32_t last =
        entry->count == 0 ? -1 : entry->batches[entry->count - 1].last_sequence;
    if (first == sequence_after(last)) return {};
    return fail(Code::kOutOfOrder, "producer {} sends sequence {} after {}", producer.id, first,
                last);
}

// --- What was appended --------------------------------------------------------------------------

std::optional<ProducerState::Completed> ProducerState::note(const model::RecordBatch& batch,
                                                            Offset base_offset,
                                                            model::Timestamp timestamp,
                                                            std::int64_t now_ms) {
    const model::Producer producer = batch.producer();
    if (producer.id < 0) return std::nullopt;
    Entry& entry = producers_[producer.id];
    if (producer.epoch != entry.epoch) {
        entry.epoch = producer.epoch;
        entry.count = 0;
    }
    entry.last_seen_ms = now_ms;
    entry.last_timestamp = timestamp;
    verifications_.erase(producer.id);
    if (batch.control()) return end_transaction(batch, entry, base_offset);
    if (batch.transactional() && entry.transaction_start == model::kNoOffset) {
        entry.transaction_start = base_offset;
        transactions_[base_offset] = {producer.id};
    }
    if (batch.base_sequence() < 0) return std::nullopt;
    if (entry.count == kBatchesKept) {
        std::shift_left(entry.batches.begin(), entry.batches.end(), 1);
        --entry.count;
    }
    entry.batches[entry.count++] = {batch.base_sequence(), batch.last_sequence(), base_offset,
                                    base_offset + batch.last_offset_delta(), timestamp};
    return std::nullopt;
}

std::optional<ProducerState::Completed> ProducerState::end_transaction(
    const model::RecordBatch& batch, Entry& entry, Offset base_offset) {
    // Compaction may leave a control batch without its record: the whole transaction is gone.
    const auto marker = model::parse_end_marker(batch);
    if (!marker) return std::nullopt;
    entry.coordinator_epoch = marker->coordinator_epoch;
    const Offset first = std::exchange(entry.transaction_start, model::kNoOffset);
    if (first == model::kNoOffset) return std::nullopt;
    const std::int64_t id = batch.producer().id;
    const auto transaction = transactions_.find(first);
    if (transaction != transactions_.end() && transaction->second.producer_id == id) {
        transaction->second.last_offset = base_offset;
    }
    return Completed{id, first, base_offset, !marker->commit};
}

// --- Transactions -------------------------------------------------------------------------------

std::optional<Offset> ProducerState::first_unstable_offset() const {
    if (transactions_.empty()) return std::nullopt;
    return transactions_.begin()->first;
}

Offset ProducerState::stable_offset_after(const Completed& completed) const {
    for (const auto& [first, transaction] : transactions_) {
        if (transaction.last_offset == model::kNoOffset) return first;
    }
    return completed.last_offset + 1;
}

void ProducerState::advance_high_watermark(Offset high_watermark) {
    std::erase_if(transactions_, [&](const auto& transaction) {
        return transaction.second.last_offset != model::kNoOffset &&
               transaction.second.last_offset < high_watermark;
    });
}

bool ProducerState::in_transaction(model::Producer producer) const {
    const auto found = producers_.find(producer.id);
    return found != producers_.end() && found->second.epoch == producer.epoch &&
           found->second.transaction_start != model::kNoOffset;
}

std::uint64_t ProducerState::start_verification(model::Producer producer,
                                                std::int32_t first_sequence, std::int64_t now_ms) {
    if (producer.id < 0 || in_transaction(producer)) return 0;
    if (verifications_.size() >= sweep_verifications_at_) {
        // Most of those that were never used are of producers that were refused.
        std::erase_if(verifications_, [&](const auto& one) {
            return now_ms - one.second.since_ms >= kVerificationMs;
        });
        sweep_verifications_at_ = std::max<std::size_t>(1024, 2 * verifications_.size());
    }
    Verification& verification = verifications_[producer.id];
    if (verification.token == 0 || verification.epoch < producer.epoch) {
        verification = {next_token_++, producer.epoch, first_sequence, now_ms};
    } else if (verification.epoch == producer.epoch) {
        verification.lowest_sequence = std::min(verification.lowest_sequence, first_sequence);
    }
    return verification.token;
}

std::vector<ProducerState::Description> ProducerState::describe() const {
    std::vector<Description> all;
    for (const auto& [id, entry] : producers_) {
        all.push_back(
            {.id = id,
             .epoch = entry.epoch,
             .last_sequence = entry.count == 0 ? -1 : entry.batches[entry.count - 1].last_sequence,
             .last_timestamp = entry.last_timestamp,
             .coordinator_epoch = entry.coordinator_epoch,
             .transaction_start = entry.transaction_start});
    }
    std::ranges::sort(all, {}, &Description::id);
    return all;
}

void ProducerState::expire(std::int64_t now_ms, std::int64_t idle_ms) {
    std::erase_if(producers_, [&](const auto& producer) {
        return now_ms - producer.second.last_seen_ms >= idle_ms &&
               producer.second.transaction_start == model::kNoOffset;
    });
    std::erase_if(verifications_, [&](const auto& verification) {
        return now_ms - verification.second.since_ms >= idle_ms;
    });
}

LiveProducers ProducerState::live() const {
    LiveProducers live;
    live.reserve(producers_.size());
    for (const auto& [id, entry] : producers_) {
        LastOfProducer& last = live[id];
        last.epoch = entry.epoch;
        if (entry.count > 0) last.last_data_offset = entry.batches[entry.count - 1].last_offset;
    }
    return live;
}

// --- On disk ------------------------------------------------------------------------------------

void ProducerState::encode(base::Bytes& into) const {
    base::append_big_endian(into, static_cast<std::uint32_t>(producers_.size()));
    for (const auto& [id, entry] : producers_) {
        base::append_big_endian(into, id);
        base::append_big_endian(into, entry.epoch);
        base::append_big_endian(into, entry.count);
        base::append_big_endian(into, entry.last_seen_ms);
        base::append_big_endian(into, entry.coordinator_epoch);
        base::append_big_endian(into, entry.last_timestamp.ms);
        base::append_big_endian(into, entry.transaction_start.value);
        for (std::size_t i = 0; i < entry.count; ++i) {
            const Batch& batch = entry.batches[i];
            base::append_big_endian(into, batch.first_sequence);
            base::append_big_endian(into, batch.last_sequence);
            base::append_big_endian(into, batch.base_offset.value);
            base::append_big_endian(into, batch.last_offset.value);
            base::append_big_endian(into, batch.timestamp.ms);
        }
    }
}

Result<ProducerState> ProducerState::decode(base::ByteView bytes) {
    const auto cut_off = [] { return fail(Code::kCorrupt, "producer state is cut off"); };
    if (bytes.size() < 4) return cut_off();
    const auto count = base::load_big_endian<std::uint32_t>(bytes.data());
    const char* at = bytes.data() + 4;
    const char* const end = bytes.data() + bytes.size();
    ProducerState state;
    for (std::uint32_t i = 0; i < count; ++i) {
        if (static_cast<std::size_t>(end - at) < kEntryHeadBytes) return cut_off();
        const auto id = base::load_big_endian<std::int64_t>(at);
        Entry entry;
        entry.epoch = base::load_big_endian<std::int16_t>(at + 8);
        entry.count = static_cast<std::uint8_t>(at[10]);
        entry.last_seen_ms = base::load_big_endian<std::int64_t>(at + 11);
        entry.coordinator_epoch = base::load_big_endian<std::int32_t>(at + 19);
        entry.last_timestamp = {base::load_big_endian<std::int64_t>(at + 23)};
        entry.transaction_start = {base::load_big_endian<std::int64_t>(at + 31)};
        at += kEntryHeadBytes;
        if (entry.count > kBatchesKept) {
            return fail(Code::kCorrupt, "producer {} has {} batches", id, entry.count);
        }
        if (entry.transaction_start < model::kNoOffset) {
            return fail(Code::kCorrupt, "producer {} has a transaction from offset {}", id,
                        entry.transaction_start);
        }
        if (static_cast<std::size_t>(end - at) < entry.count * kBatchBytes) return cut_off();
        for (std::size_t kept = 0; kept < entry.count; ++kept, at += kBatchBytes) {
            entry.batches[kept] = {base::load_big_endian<std::int32_t>(at),
                                   base::load_big_endian<std::int32_t>(at + 4),
                                   {base::load_big_endian<std::int64_t>(at + 8)},
                                   {base::load_big_endian<std::int64_t>(at + 16)},
                                   {base::load_big_endian<std::int64_t>(at + 24)}};
        }
        if (entry.transaction_start != model::kNoOffset) {
            state.transactions_[entry.transaction_start] = {id};
        }
        state.producers_.emplace(id, entry);
    }
    if (at != end) return fail(Code::kCorrupt, "producer state is followed by other bytes");
    return state;
}

}  // namespace millrace::storage
