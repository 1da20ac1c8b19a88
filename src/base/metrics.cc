#include "base/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/check.h"

namespace millrace::base {

// Values below 16 have a bucket each; from there every power of two is cut into 16.
std::size_t Histogram::bucket_of(std::uint64_t value) {
    if (value < 16) return value;
    const auto exponent = static_cast<std::size_t>(std::bit_width(value)) - 5;
    return 16 * exponent + static_cast<std::size_t>(value >> exponent);
}

std::uint64_t Histogram::upper_bound(std::size_t bucket) {
    if (bucket < 16) return bucket;
    const std::size_t exponent = bucket / 16 - 1;
    const std::uint64_t lower = static_cast<std::uint64_t>(16 + bucket % 16) << exponent;
    return lower + (1ULL << exponent) - 1;
}

void Histogram::record(std::int64_t value) {
    value = std::max<std::int64_t>(value, 0);
    const auto relaxed = std::memory_order_relaxed;
    buckets_[bucket_of(static_cast<std::uint64_t>(value))].fetch_add(1, relaxed);
    count_.fetch_add(1, relaxed);
    sum_.fetch_add(value, relaxed);
    std::int64_t largest = max_.load(relaxed);
    while (value > largest && !max_.compare_exchange_weak(largest, value, relaxed)) {
    }
}

std::int64_t Histogram::quantile(double share) const {
    std::uint64_t total = 0;
    for (const auto& bucket : buckets_) total += bucket.load(std::memory_order_relaxed);
    if (total == 0) return 0;
    const auto wanted = static_cast<std::uint64_t>(
        std::max(1.0, std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(total))));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
        seen += buckets_[i].load(std::memory_order_relaxed);
        if (seen >= wanted) return std::min(static_cast<std::int64_t>(upper_bound(i)), max());
    }
    return max();
}

std::uint64_t Histogram::count_up_to(std::int64_t limit) const {
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
        if (upper_bound(i) > static_cast<std::uint64_t>(std::max<std::int64_t>(limit, 0))) break;
        seen += buckets_[i].load(std::memory_order_relaxed);
    }
    return seen;
}

namespace {

enum Kind { kCounter, kGauge, kHistogram };

std::string escaped(std::string_view text, bool quotes) {
    std::string result;
    for (const char byte : text) {
        if (byte == '\\') {
            result += "\\\\";
        } else if (byte == '\n') {
            result += "\\n";
        } else if (byte == '"' && quotes) {
            result += "\\\"";
        } else {
            result += byte;
        }
    }
    return result;
}

// {a="1",le="0.5"}, or nothing without labels.
std::string in_braces(const Labels& labels, std::string_view limit = {}) {
    std::string text;
    for (const auto& [name, value] : labels) {
        text += fmt::format("{}{}=\"{}\"", text.empty() ? "" : ",", name, escaped(value, true));
    }
    if (!limit.empty()) text += fmt::format("{}le=\"{}\"", text.empty() ? "" : ",", limit);
    return text.empty() ? text : "{" + text + "}";
}

// The buckets that are shown: 4^k - 1, from about 1 us to about 70 s; from 64 bytes to 4 GiB.
struct Shown {
    int first_power = 0;
    int last_power = 0;
    double scale = 1;
};
Shown shown_buckets(Unit unit) {
    if (unit == Unit::kNanoseconds) return {.first_power = 10, .last_power = 36, .scale = 1e-9};
    if (unit == Unit::kBytes) return {.first_power = 6, .last_power = 32};
    return {.first_power = 0, .last_power = 24};
}

void append_histogram(std::string& text, std::string_view name, const Labels& labels,
                      const Histogram& histogram, Unit unit) {
    const Shown shown = shown_buckets(unit);
    for (int power = shown.first_power; power <= shown.last_power; power += 2) {
        const std::int64_t limit = (std::int64_t{1} << power) - 1;
        text += fmt::format(
            "{}_bucket{} {}\n", name,
            in_braces(labels, fmt::format("{}", static_cast<double>(limit) * shown.scale)),
            histogram.count_up_to(limit));
    }
    text += fmt::format("{}_bucket{} {}\n", name, in_braces(labels, "+Inf"), histogram.count());
    text += fmt::format("{}_sum{} {}\n", name, in_braces(labels),
                        static_cast<double>(histogram.sum()) * shown.scale);
    text += fmt::format("{}_count{} {}\n", name, in_braces(labels), histogram.count());
}

}  // namespace

struct MetricsRegistry::Family {
    std::string help;
    int kind = kCounter;
    Unit unit = Unit::kCount;
    // One of the three is used, as `kind` says. Nodes of a map stay where they are.
    std::map<Labels, Counter> counters;
    std::map<Labels, Gauge> gauges;
    std::map<Labels, Histogram> histograms;
};

MetricsRegistry::MetricsRegistry() = default;
MetricsRegistry::~MetricsRegistry() = default;

MetricsRegistry::Family& MetricsRegistry::family(std::string_view name, std::string_view help,
                                                 int kind) {
    auto at = families_.find(name);
    if (at == families_.end()) {
        auto made = std::make_unique<Family>();
        made->help = help;
        made->kind = kind;
        at = families_.emplace(std::string(name), std::move(made)).first;
    }
    MR_CHECK(at->second->kind == kind);
    return *at->second;
}

Counter& MetricsRegistry::counter(std::string_view name, std::string_view help, Labels labels) {
    const std::lock_guard lock(mutex_);
    return family(name, help, kCounter).counters[std::move(labels)];
}
Gauge& MetricsRegistry::gauge(std::string_view name, std::string_view help, Labels labels) {
    const std::lock_guard lock(mutex_);
    return family(name, help, kGauge).gauges[std::move(labels)];
}
Histogram& MetricsRegistry::histogram(std::string_view name, std::string_view help, Unit unit,
                                      Labels labels) {
    const std::lock_guard lock(mutex_);
    Family& found = family(name, help, kHistogram);
    if (found.histograms.empty()) found.unit = unit;
    MR_CHECK(found.unit == unit);
    return found.histograms[std::move(labels)];
}

void MetricsRegistry::remove(std::string_view label, std::string_view value) {
    const std::lock_guard lock(mutex_);
    const auto carries = [&](const auto& entry) {
        return std::ranges::any_of(entry.first, [&](const auto& pair) {
            return pair.first == label && pair.second == value;
        });
    };
    for (auto& [name, found] : families_) {
        std::erase_if(found->counters, carries);
        std::erase_if(found->gauges, carries);
        std::erase_if(found->histograms, carries);
    }
}

std::vector<MetricsRegistry::Sample> MetricsRegistry::samples() const {
    const std::lock_guard lock(mutex_);
    std::vector<Sample> samples;
    for (const auto& [name, found] : families_) {
        for (const auto& [labels, metric] : found->counters) {
            samples.push_back({name, labels, static_cast<double>(metric.value())});
        }
        for (const auto& [labels, metric] : found->gauges) {
            samples.push_back({name, labels, static_cast<double>(metric.value())});
        }
        for (const auto& [labels, metric] : found->histograms) {
            samples.push_back({.name = name,
                               .labels = labels,
                               .value = static_cast<double>(metric.sum()),
                               .count = metric.count(),
                               .p50 = metric.quantile(0.5),
                               .p99 = metric.quantile(0.99),
                               .max = metric.max()});
        }
    }
    return samples;
}

std::string MetricsRegistry::to_prometheus() const {
    constexpr std::string_view kKindNames[] = {"counter", "gauge", "histogram"};
    const std::lock_guard lock(mutex_);
    std::string text;
    for (const auto& [name, found] : families_) {
        if (found->counters.empty() && found->gauges.empty() && found->histograms.empty()) continue;
        text += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, escaped(found->help, false), name,
                            kKindNames[found->kind]);
        for (const auto& [labels, metric] : found->counters) {
            text += fmt::format("{}{} {}\n", name, in_braces(labels), metric.value());
        }
        for (const auto& [labels, metric] : found->gauges) {
            text += fmt::format("{}{} {}\n", name, in_braces(labels), metric.value());
        }
        for (const auto& [labels, metric] : found->histograms) {
            append_histogram(text, name, labels, metric, found->unit);
        }
    }
    return text;
}

}  // namespace millrace::base
