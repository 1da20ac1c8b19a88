#include "broker/handlers/record_errors.h"

#include <fmt/format.h>

#include <cstddef>
#include <limits>
#include <optional>

#include "base/bytes.h"
#include "model/batch.h"
#include "model/records.h"

namespace millrace::broker {
namespace {

// A batch unpacks to far more than was sent: so many of its records are named at most.
constexpr std::size_t kNamed = 10'000;
constexpr std::size_t kQuoted = 3;

using Answer = kafka::ProduceResponse::TopicProduceResponse::PartitionProduceResponse;

std::int64_t sum_within(std::int64_t a, std::int64_t b) {
    std::int64_t sum = 0;
    if (!__builtin_add_overflow(a, b, &sum)) return sum;
    return b > 0 ? std::numeric_limits<std::int64_t>::max()
                 : std::numeric_limits<std::int64_t>::min();
}

// What is wrong with one record, in Kafka's words.
std::optional<std::string> fault(const RefusedBatch& refused, const model::RecordView& record,
                                 bool check_time) {
    if (refused.config.cleanup_compact && !record.key) {
        return fmt::format(
            "Compacted topic cannot accept message without key in topic partition {}-{}",
            refused.topic, refused.partition);
    }
    if (!check_time || record.timestamp.ms == model::kNoTimestamp.ms) return {};
    const std::int64_t earliest =
        sum_within(refused.now.ms, -refused.config.timestamp_before_max_ms);
    const std::int64_t latest = sum_within(refused.now.ms, refused.config.timestamp_after_max_ms);
    if (record.timestamp.ms >= earliest && record.timestamp.ms <= latest) return {};
    return fmt::format(
        "Timestamp {} of message with offset {} is out of range. The timestamp should be within "
        "[{}, {}]",
        record.timestamp.ms, record.offset.value, earliest, latest);
}

std::string quote(const Answer& answer, std::size_t found) {
    std::string words = fmt::format(
        "One or more records have been rejected due to {} record errors in total, and only "
        "showing the first three errors at most: [",
        found);
    for (std::size_t i = 0; i < answer.record_errors.size() && i < kQuoted; ++i) {
        const auto& error = answer.record_errors[i];
        words += fmt::format("{}RecordError(batchIndex={}, message='{}')", i == 0 ? "" : ", ",
                             error.batch_index, error.batch_index_error_message.value_or(""));
    }
    return words + "]";
}

}  // namespace

void tell_record_errors(const RefusedBatch& refused, Answer& answer) {
    const auto batch = model::RecordBatch::parse(refused.records.view());
    if (!batch) return;
    base::Bytes scratch;
    const auto payload = model::unpack(*batch, scratch);
    if (!payload) return;
    const bool check_time = refused.config.timestamp_type == model::TimestampType::kCreateTime;
    model::RecordIterator iterator(*batch, *payload);
    model::RecordView record;
    std::size_t found = 0;
    bool untimely = false;
    for (std::int32_t index = 0;; ++index) {
        const auto more = iterator.next(record);
        if (!more || !*more) break;
        auto words = fault(refused, record, check_time);
        if (!words) continue;
        untimely = untimely || !(refused.config.cleanup_compact && !record.key);
        if (++found > kNamed) continue;
        auto& error = answer.record_errors.emplace_back();
        error.batch_index = index;
        error.batch_index_error_message = std::move(*words);
    }
    if (found == 0) return;
    answer.error_message = untimely
                               ? "One or more records have been rejected due to invalid timestamp"
                               : quote(answer, found);
}

}  // namespace millrace::broker
