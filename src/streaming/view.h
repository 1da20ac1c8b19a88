// What console and metrics show of streaming queries: plain values, made on demand.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace millrace::streaming {

// Counts of values by powers of two: bucket i holds values in [2^(i-1), 2^i) microseconds.
struct LatencyHistogram {
    static constexpr std::size_t kBuckets = 40;
    std::array<std::uint64_t, kBuckets> counts{};
    std::uint64_t count = 0;
    std::uint64_t sum_us = 0;

    void note(std::uint64_t us, std::uint64_t times = 1);
    // The upper end of the bucket in which the quantile (0..1) lies, interpolated; 0 when empty.
    std::uint64_t quantile_us(double quantile) const;
};

struct QueryView {
    std::string id;
    std::string run_id;
    std::string name;
    std::string status;
    std::string error;
    bool active = false;
    std::int64_t started_ms = 0;
    std::int64_t batches = 0;
    std::int64_t last_batch_id = -1;
    std::int64_t input_rows = 0;
    std::int64_t output_rows = 0;
    std::int64_t state_rows = 0;
    std::int64_t state_bytes = 0;
    std::int64_t dropped_late_groups = 0;
    std::int64_t malformed_records = 0;
    std::int64_t watermark_ms = 0;
    LatencyHistogram trigger;            // The time of each trigger that had data.
    LatencyHistogram append_to_visible;  // From a record's timestamp to its result in the sink.
};

}  // namespace millrace::streaming
