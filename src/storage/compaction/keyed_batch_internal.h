// Batches with keys, and batches in words: what the tests of compaction share.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "model/batch.h"
#include "model/batch_builder.h"
#include "model/records.h"
#include "model/types.h"

namespace millrace::storage {

struct BatchKind {
    model::Codec codec = model::Codec::kNone;
    model::TimestampType type = model::TimestampType::kCreateTime;
    model::Producer producer;
    std::int32_t base_sequence = -1;
    bool transactional = false;
    std::int64_t first_timestamp_ms = 1000;  // One more for each record.
};

using Pairs = std::vector<std::pair<std::optional<std::string>, std::optional<std::string>>>;

inline base::Bytes keyed_batch(std::int64_t base_offset, const Pairs& records,
                               const BatchKind& kind = {}) {
    model::BatchBuilder builder({.codec = kind.codec,
                                 .timestamp_type = kind.type,
                                 .producer = kind.producer,
                                 .base_sequence = kind.base_sequence,
                                 .transactional = kind.transactional});
    std::int64_t timestamp_ms = kind.first_timestamp_ms;
    const auto view = [](const std::optional<std::string>& text) {
        return text ? std::optional<base::ByteView>(*text) : std::nullopt;
    };
    for (const auto& [key, value] : records) {
        builder.add({timestamp_ms++}, view(key), view(value));
    }
    base::Bytes batch = builder.build();
    model::stamp_position({batch.data(), batch.size()}, {base_offset}, {9});
    return batch;
}

// The end of a transaction: type 0 aborts, 1 commits.
inline base::Bytes marker(std::int64_t offset, std::int64_t producer, std::int16_t type,
                          std::int16_t epoch = 0, std::int64_t timestamp_ms = 1000) {
    base::Bytes key;
    base::append_big_endian(key, std::int16_t{0});
    base::append_big_endian(key, type);
    base::Bytes value;
    base::append_big_endian(value, std::int16_t{0});
    base::append_big_endian(value, std::int32_t{0});
    model::BatchBuilder builder(
        {.producer = {producer, epoch}, .transactional = true, .control = true});
    builder.add({timestamp_ms}, base::ByteView(key), base::ByteView(value));
    base::Bytes batch = builder.build();
    model::stamp_position({batch.data(), batch.size()}, {offset}, {9});
    return batch;
}

// "[10-12 p7/3 s40 t h5000: 10 a=1, 12 b]": offsets, producer, sequence, transactional and control,
// delete horizon, and the records; one without '=' has no value.
inline std::string describe(base::ByteView bytes) {
    std::string text;
    while (!bytes.empty()) {
        const auto batch = model::RecordBatch::parse(bytes);
        if (!batch) return text + "! " + batch.error().message();
        bytes.remove_prefix(batch->size_bytes());
        text += fmt::format("[{}-{}", batch->base_offset(), batch->last_offset());
        if (batch->producer().id >= 0) {
            text += fmt::format(" p{}/{}", batch->producer().id, batch->producer().epoch);
        }
        if (batch->base_sequence() >= 0) text += fmt::format(" s{}", batch->base_sequence());
        if (batch->transactional()) text += batch->control() ? " tc" : " t";
        if (batch->has_delete_horizon()) text += fmt::format(" h{}", batch->base_timestamp().ms);
        text += ": ";
        base::Bytes scratch;
        const auto payload = model::unpack(*batch, scratch);
        if (!payload) return text + "! " + payload.error().message();
        model::RecordIterator records(*batch, *payload);
        model::RecordView record;
        for (bool first = true;; first = false) {
            const auto found = records.next(record);
            if (!found) return text + "! " + found.error().message();
            if (!*found) break;
            if (!first) text += ", ";
            if (batch->control()) {
                text += record.key->at(3) == 0 ? "abort" : "commit";
                continue;
            }
            text += fmt::format("{} {}", record.offset, record.key.value_or("(none)"));
            if (record.value) text += fmt::format("={}", *record.value);
        }
        text += "]";
    }
    return text;
}

inline model::RecordView first_record(const model::RecordBatch& batch) {
    static thread_local base::Bytes scratch;
    const auto payload = model::unpack(batch, scratch);
    model::RecordIterator records(batch, *payload);
    model::RecordView record;
    (void)*records.next(record);
    return record;
}

}  // namespace millrace::storage
