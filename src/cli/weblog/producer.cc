#include "cli/weblog/producer.h"

#include <algorithm>

#include "base/hash.h"
#include "runtime/clock.h"
#include "topic/topics.h"

namespace millrace::cli {
namespace {

// A batch is sent when it has either; a paced one also when the next record is not due yet.
constexpr std::uint64_t kBatchRecords = 5000;
constexpr std::uint64_t kBatchBytes = 512 * 1024;
// Paced records that are due within this time go together.
constexpr std::int64_t kTickNs = 5'000'000;

}  // namespace

WebLogProducer::WebLogProducer(topic::Topics& topics, std::string topic, std::int32_t partitions,
                               const runtime::Clock& clock, Hooks hooks)
    : topics_(topics),
      topic_(std::move(topic)),
      partitions_(partitions),
      clock_(clock),
      hooks_(std::move(hooks)) {}

WebLogProducer::~WebLogProducer() = default;

base::Result<void> WebLogProducer::prepare_topic() {
    auto described = topics_.describe(topic_);
    if (!described && described.error().code() == base::Code::kNotFound) {
        const base::Result<void> made =
            topics_.create({.name = topic_, .partitions = partitions_, .configs = {}});
        // Somebody else may have made it in between.
        if (!made && made.error().code() != base::Code::kAlreadyExists) {
            return base::fail(made.error());
        }
        described = topics_.describe(topic_);
    }
    if (!described) return base::fail(described.error());
    partitions_ = std::max(described->partitions, 1);
    batches_.assign(static_cast<std::size_t>(partitions_), {});
    return {};
}

std::int64_t WebLogProducer::due_ns(const WebLogRecord& record, const WebLogPace& pace) {
    if (pace.records_per_second > 0) {
        const auto number = static_cast<double>(progress_.records + batched_records_);
        return static_cast<std::int64_t>(number / pace.records_per_second * 1e9);
    }
    if (pace.event_time_speed > 0 && record.event_ms) {
        if (!first_event_ms_) first_event_ms_ = record.event_ms;
        const auto passed_ms = static_cast<double>(*record.event_ms - *first_event_ms_);
        // A record out of order goes at once: it comes late, as it did in life.
        const auto due = static_cast<std::int64_t>(passed_ms * 1e6 / pace.event_time_speed);
        last_due_ns_ = std::max(last_due_ns_, due);
    }
    return last_due_ns_;
}

base::Result<void> WebLogProducer::flush() {
    for (std::int32_t partition = 0; partition < partitions_; ++partition) {
        auto& batch = batches_[static_cast<std::size_t>(partition)];
        if (batch.empty()) continue;
        const auto appended = topics_.append({topic_, partition}, batch);
        if (!appended) return base::fail(appended.error().with("produce to " + topic_));
        batch.clear();
    }
    progress_.records += batched_records_;
    progress_.bytes += batched_bytes_;
    batched_records_ = 0;
    batched_bytes_ = 0;
    return {};
}

base::Result<WebLogProgress> WebLogProducer::run(WebLogSource& source, const WebLogPace& pace) {
    MR_TRY_VOID(prepare_topic());
    const std::int64_t started_ns = clock_.monotonic_ns();
    const auto flush_and_report = [&]() -> base::Result<void> {
        MR_TRY_VOID(flush());
        progress_.elapsed_ns = clock_.monotonic_ns() - started_ns;
        progress_.done = source.progress();
        hooks_.report(progress_);
        return {};
    };
    for (;;) {
        MR_TRY(std::optional<WebLogRecord> record, source.next());
        if (!record) break;
        const std::int64_t due = due_ns(*record, pace);
        const std::int64_t ahead_ns = due - (clock_.monotonic_ns() - started_ns);
        if (ahead_ns > 0) {
            if (batched_records_ > 0) MR_TRY_VOID(flush_and_report());
            if (!hooks_.wait(std::max(ahead_ns, kTickNs))) return progress_;
        }
        const auto partition = base::hash64(record->key) % static_cast<std::uint64_t>(partitions_);
        ++batched_records_;
        batched_bytes_ += record->key.size() + record->value.size();
        batches_[partition].push_back(
            {.key = std::move(record->key), .value = std::move(record->value), .headers = {}});
        if (batched_records_ >= kBatchRecords || batched_bytes_ >= kBatchBytes) {
            MR_TRY_VOID(flush_and_report());
            if (!hooks_.wait(0)) return progress_;
        }
    }
    MR_TRY_VOID(flush_and_report());
    return progress_;
}

}  // namespace millrace::cli
