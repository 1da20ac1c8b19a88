// What does counting cost on the path of every request? Expected: a few nanoseconds a count, and
// under 20 for a histogram, without a lock.
#include <benchmark/benchmark.h>

#include "base/metrics.h"

namespace millrace::base {
namespace {

void count(benchmark::State& state) {
    MetricsRegistry metrics;
    Counter& counter = metrics.counter("bench_total", "Counts.");
    for (auto _ : state) counter.add();
}
BENCHMARK(count);

void record(benchmark::State& state) {
    MetricsRegistry metrics;
    Histogram& histogram = metrics.histogram("bench_seconds", "Times.", Unit::kNanoseconds);
    std::int64_t value = 1;
    for (auto _ : state) {
        histogram.record(value);
        value = (value * 17) & 0xFFFFFFF;
    }
}
BENCHMARK(record);

}  // namespace
}  // namespace millrace::base
