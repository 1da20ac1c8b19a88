// Progress: what one trigger of a query did, and its JSON as Spark's StreamingQueryProgress.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "streaming/stateful_operator.h"

namespace millrace::streaming {

// Event times of a batch, in ms.
struct EventTimeStats {
    std::int64_t count = 0;
    std::int64_t min_ms = 0;
    std::int64_t max_ms = 0;
    double sum_ms = 0;
    void note(std::int64_t ms);
    // `others` times at once.
    void add(const EventTimeStats& others);
};

struct SourceProgress {
    std::string description;
    std::optional<std::string> start_offset;
    std::optional<std::string> end_offset;
    std::optional<std::string> latest_offset;
    std::int64_t rows = 0;
    plan::Options metrics;
    std::int64_t malformed_records = 0;  // Shown among the metrics, when there are any.
};

struct Progress {
    std::int64_t timestamp_ms = 0;  // Start of the trigger.
    std::int64_t batch_id = 0;
    bool has_new_data = false;
    std::map<std::string, std::int64_t> duration_ms;
    std::int64_t trigger_us = 0;
    std::optional<std::int64_t> watermark_ms;  // The one used in this trigger, when there is one.
    EventTimeStats event_time;
    std::vector<std::pair<std::string, OperatorMetrics>> operators;
    std::vector<SourceProgress> sources;
    std::string sink;
    std::int64_t output_rows = -1;
    std::int64_t oldest_append_ms = 0;  // 0: unknown.

    std::int64_t input_rows() const;
    std::int64_t malformed_records() const;
};

struct QueryIds {
    std::string id;
    std::string run_id;
    std::string name;
};

// `previous_ms`: when the trigger before began; negative for the first.
std::string progress_json(const Progress& progress, const QueryIds& ids, std::int64_t previous_ms);
// "2016-12-05T20:54:20.827Z"
std::string iso_time(std::int64_t ms);

}  // namespace millrace::streaming
