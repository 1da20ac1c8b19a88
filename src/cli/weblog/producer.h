// WebLogProducer: appends a web log to a topic, at full speed, at a rate, or in event time.
//
// Appends are acknowledged when durable, batch by batch; records of one host stay in one partition
// and in order. run() blocks its thread; the rest is for that thread alone.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cli/weblog/event.h"

namespace millrace::runtime {
class Clock;
}
namespace millrace::topic {
class Topics;
struct NewRecord;
}  // namespace millrace::topic

namespace millrace::cli {

struct WebLogPace {
    double records_per_second = 0;  // 0: as fast as the server takes them.
    // Above 0: by the records' own times, so many times as fast as they passed.
    double event_time_speed = 0;
};

struct WebLogProgress {
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;
    std::int64_t elapsed_ns = 0;
    std::optional<double> done;  // 0 to 1, where the source has an end.
};

class WebLogProducer {
public:
    struct Hooks {
        // Wait for so long; false when the producing shall end now.
        std::function<bool(std::int64_t wait_ns)> wait;
        // After each batch.
        std::function<void(const WebLogProgress&)> report;
    };

    // The topic is made with `partitions` when it does not exist.
    WebLogProducer(topic::Topics& topics, std::string topic, std::int32_t partitions,
                   const runtime::Clock& clock, Hooks hooks);
    ~WebLogProducer();

    // Produce all of the source; returns what was done, also when the hooks ended it.
    base::Result<WebLogProgress> run(WebLogSource& source, const WebLogPace& pace);

private:
    base::Result<void> prepare_topic();
    base::Result<void> flush();
    // When, after the start, the record is due.
    std::int64_t due_ns(const WebLogRecord& record, const WebLogPace& pace);

    topic::Topics& topics_;
    const std::string topic_;
    std::int32_t partitions_;
    const runtime::Clock& clock_;
    Hooks hooks_;
    WebLogProgress progress_;
    std::vector<std::vector<topic::NewRecord>> batches_;  // One for each partition.
    std::uint64_t batched_records_ = 0;
    std::uint64_t batched_bytes_ = 0;
    std::optional<std::int64_t> first_event_ms_;
    std::int64_t last_due_ns_ = 0;
};

}  // namespace millrace::cli
