#include "storage/producer_state.h"

#include <algorithm>
#include <limits>

namespace millrace::storage {
namespace {

using base::Code;
using base::fail;
using base::Result;

std::int32_t sequence_after(std::int32_t sequence) {
    return sequence == std::numeric_limits<std::int32_t>::max() ? 0 : sequence + 1;
}

constexpr std::size_t kEntryHeadBytes = 8 + 2 + 1 + 8;
constexpr std::size_t kBatchBytes = 4 + 4 + 8 + 8 + 8;

}  // namespace

Result<std::optional<ProducerState::Batch>> ProducerState::check(
    const model::RecordBatch& batch) const {
    const model::Producer producer = batch.producer();
    if (producer.id < 0) return std::nullopt;
    const auto found = producers_.find(producer.id);
    // Nothing is known of the producer (any more): whatever it begins with is accepted.
    if (found == producers_.end()) return std::nullopt;
    const Entry& entry = found->second;
    if (producer.epoch < entry.epoch) {
        return fail(Code::kFenced, "producer {} has epoch {}, a newer one has {}", producer.id,
                    producer.epoch, entry.epoch);
    }
    if (batch.control()) return std::nullopt;
    const std::int32_t first = batch.base_sequence();
    if (producer.epoch > entry.epoch) {
        if (first == 0) return std::nullopt;
        return fail(Code::kOutOfOrder, "producer {} begins epoch {} with sequence {} instead of 0",
                    producer.id, producer.epoch, first);
    }
    const std::int32_t last = batch.last_sequence();
    const auto begin = entry.batches.begin();
    const auto end = begin + entry.count;
    const auto retry = std::find_if(begin, end, [&](const Batch& known) {
        return known.first_sequence == first && known.last_sequence == last;
    });
    if (retry != end) return *retry;
    if (entry.count == 0 || first == sequence_after(entry.batches[entry.count - 1].last_sequence)) {
        return std::nullopt;
    }
    return fail(Code::kOutOfOrder, "producer {} sends sequence {} after {}", producer.id, first,
                entry.batches[entry.count - 1].last_sequence);
}

void ProducerState::note(const model::RecordBatch& batch, model::Offset base_offset,
                         model::Timestamp timestamp, std::int64_t now_ms) {
    const model::Producer producer = batch.producer();
    if (producer.id < 0) return;
    Entry& entry = producers_[producer.id];
    if (producer.epoch != entry.epoch) {
        entry.epoch = producer.epoch;
        entry.count = 0;
    }
    entry.last_seen_ms = now_ms;
    // A transaction's marker has no sequence, but its epoch fences.
    if (batch.control() || batch.base_sequence() < 0) return;
    if (entry.count == kBatchesKept) {
        std::shift_left(entry.batches.begin(), entry.batches.end(), 1);
        --entry.count;
    }
    entry.batches[entry.count++] = {batch.base_sequence(), batch.last_sequence(), base_offset,
                                    base_offset + batch.last_offset_delta(), timestamp};
}

void ProducerState::expire(std::int64_t now_ms, std::int64_t idle_ms) {
    std::erase_if(producers_, [&](const auto& producer) {
        return now_ms - producer.second.last_seen_ms >= idle_ms;
    });
}

void ProducerState::encode(base::Bytes& into) const {
    base::append_big_endian(into, static_cast<std::uint32_t>(producers_.size()));
    for (const auto& [id, entry] : producers_) {
        base::append_big_endian(into, id);
        base::append_big_endian(into, entry.epoch);
        base::append_big_endian(into, entry.count);
        base::append_big_endian(into, entry.last_seen_ms);
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
        at += kEntryHeadBytes;
        if (entry.count > kBatchesKept) {
            return fail(Code::kCorrupt, "producer {} has {} batches", id, entry.count);
        }
        if (static_cast<std::size_t>(end - at) < entry.count * kBatchBytes) return cut_off();
        for (std::size_t kept = 0; kept < entry.count; ++kept, at += kBatchBytes) {
            entry.batches[kept] = {base::load_big_endian<std::int32_t>(at),
                                   base::load_big_endian<std::int32_t>(at + 4),
                                   {base::load_big_endian<std::int64_t>(at + 8)},
                                   {base::load_big_endian<std::int64_t>(at + 16)},
                                   {base::load_big_endian<std::int64_t>(at + 24)}};
        }
        state.producers_.emplace(id, entry);
    }
    if (at != end) return fail(Code::kCorrupt, "producer state is followed by other bytes");
    return state;
}

}  // namespace millrace::storage
