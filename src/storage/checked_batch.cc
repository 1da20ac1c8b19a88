#include "storage/checked_batch.h"

#include "base/check.h"

namespace millrace::storage {
namespace {

using base::Code;
using base::fail;
using base::Result;

std::unexpected<base::Error> bad_time(std::string message) {
    return fail(base::Error(Code::kInvalidArgument, std::move(message),
                            base::Condition{.name = "INVALID_TIMESTAMP"}));
}

Result<void> check_time(model::Timestamp largest, const LogConfig& config, model::Timestamp now) {
    // Unsigned distances: a producer's timestamp may be anything.
    const auto distance = [](std::int64_t from, std::int64_t to) {
        return static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
    };
    const bool late =
        largest > now &&
        distance(now.ms, largest.ms) > static_cast<std::uint64_t>(config.timestamp_after_max_ms);
    const bool early =
        largest < now &&
        distance(largest.ms, now.ms) > static_cast<std::uint64_t>(config.timestamp_before_max_ms);
    if (largest.ms < 0 || !(late || early)) return {};
    return bad_time(
        fmt::format("timestamp {} is too far from the broker's time {}: the topic "
                    "allows {} ms before and {} ms after",
                    largest, now, config.timestamp_before_max_ms, config.timestamp_after_max_ms));
}

}  // namespace

Result<CheckedBatch> CheckedBatch::check(std::span<char> bytes, Origin origin,
                                         const LogConfig& config, model::Timestamp now,
                                         base::Bytes& scratch) {
    const auto batch = model::RecordBatch::parse({bytes.data(), bytes.size()});
    if (!batch) {
        // Bytes that end too soon are the sender's damage, not a matter of range.
        if (batch.error().code() == Code::kOutOfRange) {
            return fail(Code::kCorrupt, "{}", batch.error().message());
        }
        return fail(batch.error());
    }
    if (batch->size_bytes() != bytes.size()) {
        return fail(
            Code::kInvalidArgument,
            "a produce request must hold exactly one batch for a partition: {} bytes follow "
            "the first",
            bytes.size() - batch->size_bytes());
    }
    if (static_cast<std::int64_t>(bytes.size()) > config.max_message_bytes) {
        return fail(Code::kTooLarge, "batch of {} bytes is over the topic's limit of {}",
                    bytes.size(), config.max_message_bytes);
    }
    MR_TRY_VOID(batch->check_crc());
    if (batch->record_count() < 1) {
        return fail(Code::kInvalidArgument, "batch declares {} records", batch->record_count());
    }
    if (origin == Origin::kClient) {
        if (batch->control()) {
            return fail(Code::kInvalidArgument, "clients may not write control records");
        }
        if (batch->timestamp_type() != model::TimestampType::kCreateTime) {
            return bad_time("producers may not set the timestamp type to LogAppendTime");
        }
        if (batch->producer().id >= 0 && batch->base_sequence() < 0) {
            return fail(Code::kInvalidArgument, "producer {} gives sequence {}",
                        batch->producer().id, batch->base_sequence());
        }
        if (batch->producer().id < 0 && batch->transactional()) {
            return fail(Code::kInvalidArgument, "a transactional batch without a producer id");
        }
    }
    const model::RecordRules rules{.require_keys = config.cleanup_compact && !batch->control()};
    MR_TRY(const auto summary, model::check_records(*batch, rules, scratch));
    if (config.timestamp_type == model::TimestampType::kCreateTime && origin == Origin::kClient) {
        MR_TRY_VOID(check_time(summary.max_timestamp, config, now));
    }
    return CheckedBatch(bytes, origin, summary.max_timestamp);
}

model::RecordBatch CheckedBatch::view() const {
    const auto batch = model::RecordBatch::parse({bytes_.data(), bytes_.size()});
    MR_CHECK(batch.has_value());
    return *batch;
}

}  // namespace millrace::storage
