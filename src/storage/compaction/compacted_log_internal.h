// CompactedLog: a log of a compacted topic, for tests.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>

#include "base/check.h"
#include "storage/compaction/key_map.h"
#include "storage/compaction/keyed_batch_internal.h"
#include "storage/log_harness_internal.h"

namespace millrace::storage {

// A log whose topic is compacted, with a segment for every batch unless told otherwise.
class CompactedLog : public LogHarness {
public:
    explicit CompactedLog(std::int64_t segment_bytes = 1) {
        config.cleanup_delete = false;
        config.cleanup_compact = true;
        config.segment_bytes = segment_bytes;
        config.index_interval_bytes = 0;
        config.delete_retention_ms = 10'000;
    }
    std::string put_pairs(const Pairs& records, BatchKind kind = {}) {
        kind.first_timestamp_ms = clock.wall_ms();
        return put(keyed_batch(0, records, kind));
    }
    // "before->after" in segments, or the error's code.
    std::string clean(std::size_t map_bytes = 1 << 20) {
        const auto done = runtime::run_blocking(
            loop(), log().clean({.pool = pool(), .map_bytes = map_bytes, .seed = {3, 4}}));
        if (!done) return std::string(base::code_name(done.error().code()));
        return fmt::format("{}->{}", done->segments_before, done->segments_after);
    }
    bool due() {
        return on_loop([&] { return log().due_for_cleaning().has_value(); });
    }
    // All that a reader sees from `from` on, in words.
    std::string batches(std::int64_t from = 0) {
        const auto bytes = on_loop([&]() -> base::Result<base::Bytes> {
            base::Bytes all;
            for (model::Offset at = std::max(model::Offset{from}, log().offsets().log_start);;) {
                MR_TRY(const Slice slice, log().read(at, 1 << 20, Isolation::kReadUncommitted));
                MR_TRY(const auto piece, slice.load());
                if (piece.empty()) return all;
                for (base::ByteView rest = piece; !rest.empty();) {
                    MR_TRY(const auto batch, model::RecordBatch::parse(rest));
                    rest.remove_prefix(batch.size_bytes());
                    at = batch.next_offset();
                }
                all += piece;
            }
        });
        return bytes ? describe(*bytes) : std::string(base::code_name(bytes.error().code()));
    }
    // A record of producer 7, whose transaction holds this partition.
    void write_in_transaction(const std::string& key, std::int32_t sequence) {
        const std::string outcome = on_loop([&]() -> std::string {
            base::Bytes bytes = keyed_batch(0, {{key, "in transaction"}},
                                            {.producer = {7, 0},
                                             .base_sequence = sequence,
                                             .transactional = true,
                                             .first_timestamp_ms = clock.wall_ms()});
            base::Bytes scratch;
            const auto checked =
                CheckedBatch::check(bytes, Origin::kClient, config, {clock.wall_ms()}, scratch);
            MR_CHECK(checked);
            const auto token = log().start_verification({7, 0}, sequence);
            const auto appended = log().append(*checked, {.verification = token});
            return appended ? "ok" : appended.error().to_string();
        });
        MR_CHECK(outcome == "ok");
        settle();
    }
    void end_transaction(bool commit) {
        MR_CHECK(
            on_loop([&] { return log().append_marker({7, 0}, {commit, 0}, false).has_value(); }));
        settle();
    }
    std::string aborted() {
        std::string text;
        for (const auto& one : on_loop([&] { return log().aborted_transactions({0}, {1000}); })) {
            text += fmt::format("{}:{}-{} ", one.producer_id, one.first_offset, one.last_offset);
        }
        return text;
    }
    std::size_t segments() {
        return on_loop([&] { return log().segment_count(); });
    }
    void forget_snapshots() {
        for (const auto& entry : std::filesystem::directory_iterator(folder())) {
            if (entry.path().extension() == ".snapshot") std::filesystem::remove(entry.path());
        }
    }
};

}  // namespace millrace::storage
