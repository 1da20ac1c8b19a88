#include "base/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace millrace::base {
namespace {

TEST(Histogram, reads_quantiles_within_a_sixteenth) {
    Histogram histogram;
    EXPECT_EQ(histogram.quantile(0.5), 0);
    for (std::int64_t value = 1; value <= 100'000; ++value) histogram.record(value);
    for (const double share : {0.01, 0.5, 0.9, 0.99, 0.999}) {
        const double exact = share * 100'000;
        const auto read = static_cast<double>(histogram.quantile(share));
        EXPECT_GE(read, exact) << share;
        EXPECT_LE(read, exact * (1 + 1.0 / 16)) << share;
    }
    EXPECT_EQ(histogram.quantile(1), 100'000);
    EXPECT_EQ(histogram.count(), 100'000u);
    EXPECT_EQ(histogram.sum(), 5'000'050'000);
}

TEST(Histogram, takes_every_value) {
    Histogram histogram;
    histogram.record(-5);
    histogram.record(0);
    EXPECT_EQ(histogram.quantile(1), 0);
    histogram.record(std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(histogram.quantile(1), std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(histogram.quantile(0.1), 0);
    EXPECT_EQ(histogram.count_up_to(0), 2u);
    EXPECT_EQ(histogram.count_up_to(std::numeric_limits<std::int64_t>::max()), 3u);
}

TEST(Histogram, counts_exactly_below_powers_of_two) {
    Histogram histogram;
    for (std::int64_t value = 0; value < 5000; ++value) histogram.record(value);
    for (int power = 0; power < 13; ++power) {
        EXPECT_EQ(histogram.count_up_to((1 << power) - 1), 1u << power);
    }
}

TEST(Metrics, gives_the_same_metric_for_the_same_name_and_labels) {
    MetricsRegistry metrics;
    Counter& counter = metrics.counter("a_total", "A.", {{"topic", "t"}});
    counter.add(2);
    EXPECT_EQ(&metrics.counter("a_total", "A.", {{"topic", "t"}}), &counter);
    EXPECT_NE(&metrics.counter("a_total", "A.", {{"topic", "u"}}), &counter);
    EXPECT_DEATH(metrics.gauge("a_total", "A."), "broken invariant");
}

TEST(Metrics, writes_prometheus_text) {
    MetricsRegistry metrics;
    metrics.counter("b_total", "Counts\nb.", {{"topic", "a\"b\\c\n"}, {"x", "1"}}).add(3);
    metrics.gauge("a", "The a.").set(-2);
    EXPECT_EQ(metrics.to_prometheus(),
              "# HELP a The a.\n"
              "# TYPE a gauge\n"
              "a -2\n"
              "# HELP b_total Counts\\nb.\n"
              "# TYPE b_total counter\n"
              "b_total{topic=\"a\\\"b\\\\c\\n\",x=\"1\"} 3\n");
}

TEST(Metrics, writes_histograms_in_base_units) {
    MetricsRegistry metrics;
    Histogram& latency =
        metrics.histogram("wait_seconds", "Waiting.", Unit::kNanoseconds, {{"api", "fetch"}});
    latency.record(500);
    latency.record(2'000'000);
    const std::string text = metrics.to_prometheus();
    EXPECT_THAT(text, testing::HasSubstr("# TYPE wait_seconds histogram\n"));
    EXPECT_THAT(text,
                testing::HasSubstr("wait_seconds_bucket{api=\"fetch\",le=\"1.023e-06\"} 1\n"));
    EXPECT_THAT(text, testing::HasSubstr("wait_seconds_bucket{api=\"fetch\",le=\"+Inf\"} 2\n"));
    EXPECT_THAT(text, testing::HasSubstr("wait_seconds_sum{api=\"fetch\"} 0.0020005\n"));
    EXPECT_THAT(text, testing::HasSubstr("wait_seconds_count{api=\"fetch\"} 2\n"));
    EXPECT_EQ(metrics.samples().at(0).max, 2'000'000);
    EXPECT_EQ(metrics.samples().at(0).count, 2u);
}

TEST(Metrics, forgets_what_carries_a_label) {
    MetricsRegistry metrics;
    metrics.counter("a_total", "A.", {{"topic", "t"}}).add();
    metrics.counter("a_total", "A.", {{"topic", "u"}}).add();
    metrics.gauge("g", "G.", {{"topic", "t"}}).set(1);
    metrics.remove("topic", "t");
    EXPECT_EQ(metrics.to_prometheus(),
              "# HELP a_total A.\n# TYPE a_total counter\na_total{topic=\"u\"} 1\n");
}

}  // namespace
}  // namespace millrace::base
