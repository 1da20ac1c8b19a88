// SampledRate: how much per second went by lately, measured as Kafka measures it, so that the same
// quota gives the same throttling.
//
// Time is cut into windows; the rate is what the last `windows` of them hold, divided by the time
// since the oldest of them began, but by no less than all but one of them: a short burst is not a
// high rate. Pure; the time comes with each call and does not go back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace millrace::broker {

class SampledRate {
public:
    struct Windows {
        std::int32_t count = 11;
        std::int64_t size_ms = 1000;
    };
    explicit SampledRate(Windows windows) : windows_(windows) {}

    void record(double amount, std::int64_t now_ms);
    // What record() noted is taken back: it did not happen after all.
    void unrecord(double amount, std::int64_t now_ms) { record(-amount, now_ms); }
    double per_second(std::int64_t now_ms);
    // How long nothing may be recorded for the rate to come down to `limit`; 0 when it is there.
    std::int64_t wait_ms(double limit, std::int64_t now_ms);
    std::int64_t last_used_ms() const { return last_used_ms_; }

private:
    struct Sample {
        std::int64_t start_ms = 0;
        double amount = 0;
    };
    void forget_old(std::int64_t now_ms);
    std::int64_t span_ms(std::int64_t now_ms);

    Windows windows_;
    std::vector<Sample> samples_;  // A ring once there are count + 1 of them.
    std::size_t current_ = 0;
    std::int64_t last_used_ms_ = 0;
};

// TokenBucket: how much may be done at once and again, as Kafka limits changes of partitions. It
// refills with time up to its burst; what is admitted while it is not below zero may take more than
// is there, and the next one waits.
class TokenBucket {
public:
    explicit TokenBucket(SampledRate::Windows windows) : windows_(windows) {}

    // How long until something is admitted again; 0: now.
    std::int64_t wait_ms(double per_second, std::int64_t now_ms);
    void take(double amount, double per_second, std::int64_t now_ms);
    std::int64_t last_used_ms() const { return filled_at_ms_.value_or(0); }

private:
    void refill(double per_second, std::int64_t now_ms);

    SampledRate::Windows windows_;
    double tokens_ = 0;
    std::optional<std::int64_t> filled_at_ms_;  // None: it is full.
};

}  // namespace millrace::broker
