// SampledRate: how much per second went by lately, measured as Kafka measures it, so that the same
// quota gives the same throttling.
//
// Time is cut into windows; the rate is what the last `windows` of them hold, divided by the time
// since the oldest of them began, but by no less than all but one of them: a short burst is not a
// high rate. Pure; the time comes with each call and does not go back.
#pragma once

#include <cstddef>
#include <cstdint>
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

}  // namespace millrace::broker
