// Metrics: counters, gauges and histograms, read by the console and by Prometheus.
//
// Ask the registry once, keep the reference, and count: an increment is one relaxed atomic
// addition. Names are Prometheus's (millrace_log_bytes_written_total, units in the name). Labels
// are few and of few values: a topic, an API; never a client's text, a key or an offset. Thread
// rule: everything here may be used from any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace::base {

class Counter {
public:
    void add(std::uint64_t amount = 1) { value_.fetch_add(amount, std::memory_order_relaxed); }
    std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_ = 0;
};

class Gauge {
public:
    void set(std::int64_t value) { value_.store(value, std::memory_order_relaxed); }
    void add(std::int64_t amount) { value_.fetch_add(amount, std::memory_order_relaxed); }
    std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::int64_t> value_ = 0;
};

// Counts of non-negative values (nanoseconds, bytes, rows) in buckets of at most 1/16 relative
// width, from which quantiles are read.
class Histogram {
public:
    void record(std::int64_t value);
    std::uint64_t count() const { return count_.load(std::memory_order_relaxed); }
    std::int64_t sum() const { return sum_.load(std::memory_order_relaxed); }
    std::int64_t max() const { return max_.load(std::memory_order_relaxed); }
    // The value below or at which that share (0..1) of the records lies, at most 1/16 too high and
    // never above max(); 0 without records.
    std::int64_t quantile(double share) const;
    // Records at or below `limit`: exact where limit is 2^k - 1.
    std::uint64_t count_up_to(std::int64_t limit) const;

private:
    static constexpr std::size_t kBuckets = 16 * 61;
    static std::size_t bucket_of(std::uint64_t value);
    static std::uint64_t upper_bound(std::size_t bucket);

    std::array<std::atomic<std::uint64_t>, kBuckets> buckets_{};
    std::atomic<std::uint64_t> count_ = 0;
    std::atomic<std::int64_t> sum_ = 0;
    std::atomic<std::int64_t> max_ = 0;
};

using Labels = std::vector<std::pair<std::string, std::string>>;

// What a histogram holds; the exposition is in Prometheus's base units (seconds, bytes).
enum class Unit : std::uint8_t { kNanoseconds, kBytes, kCount };

class MetricsRegistry {
public:
    MetricsRegistry();
    ~MetricsRegistry();
    MetricsRegistry(const MetricsRegistry&) = delete;
    MetricsRegistry& operator=(const MetricsRegistry&) = delete;

    // The metric of that name and labels, made at the first call; it lives until it is removed. The
    // help and the kind of a name are those of its first call.
    Counter& counter(std::string_view name, std::string_view help, Labels labels = {});
    Gauge& gauge(std::string_view name, std::string_view help, Labels labels = {});
    Histogram& histogram(std::string_view name, std::string_view help, Unit unit,
                         Labels labels = {});

    // Forget all metrics that carry this label: their topic or query is gone, and so must be
    // whoever held a reference.
    void remove(std::string_view label, std::string_view value);

    // One metric at this moment. Histograms fill the fields after `value`, in their own unit.
    struct Sample {
        std::string name;
        Labels labels;
        double value = 0;
        std::uint64_t count = 0;
        std::int64_t p50 = 0;
        std::int64_t p99 = 0;
        std::int64_t max = 0;
    };
    std::vector<Sample> samples() const;
    // Prometheus's text format, version 0.0.4.
    std::string to_prometheus() const;

private:
    struct Family;
    Family& family(std::string_view name, std::string_view help, int kind);

    mutable std::mutex mutex_;
    std::map<std::string, std::unique_ptr<Family>, std::less<>> families_;  // Guarded by mutex_.
};

}  // namespace millrace::base
