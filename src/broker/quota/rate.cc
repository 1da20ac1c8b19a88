#include "broker/quota/rate.h"

#include <algorithm>
#include <cmath>

namespace millrace::broker {

void SampledRate::record(double amount, std::int64_t now_ms) {
    last_used_ms_ = now_ms;
    if (samples_.empty()) samples_.push_back({now_ms, 0});
    if (now_ms - samples_[current_].start_ms >= windows_.size_ms) {
        // One more than are counted, as the oldest is only partly within the time.
        current_ = (current_ + 1) % static_cast<std::size_t>(windows_.count + 1);
        if (current_ >= samples_.size()) samples_.emplace_back();
        samples_[current_] = {now_ms, 0};
    }
    samples_[current_].amount += amount;
}

void SampledRate::forget_old(std::int64_t now_ms) {
    const std::int64_t age_ms = windows_.size_ms * windows_.count;
    for (Sample& sample : samples_) {
        if (now_ms - sample.start_ms >= age_ms) sample = {now_ms, 0};
    }
}

std::int64_t SampledRate::span_ms(std::int64_t now_ms) {
    forget_old(now_ms);
    std::int64_t oldest_ms = now_ms;
    for (const Sample& sample : samples_) oldest_ms = std::min(oldest_ms, sample.start_ms);
    std::int64_t elapsed_ms = now_ms - oldest_ms;
    const std::int64_t full = elapsed_ms / windows_.size_ms;
    const std::int64_t least = windows_.count - 1;
    if (full < least) elapsed_ms += (least - full) * windows_.size_ms;
    return std::max(elapsed_ms, windows_.size_ms);
}

double SampledRate::per_second(std::int64_t now_ms) {
    const double seconds = static_cast<double>(span_ms(now_ms)) / 1000;
    double total = 0;
    for (const Sample& sample : samples_) total += sample.amount;
    return total / seconds;
}

std::int64_t SampledRate::wait_ms(double limit, std::int64_t now_ms) {
    const double rate = per_second(now_ms);
    if (rate <= limit) return 0;
    const double span = static_cast<double>(span_ms(now_ms));
    // A limit of nothing is waited for as long as the rate is looked at.
    if (limit <= 0) return static_cast<std::int64_t>(span);
    return std::max<std::int64_t>(std::llround((rate - limit) / limit * span), 1);
}

void TokenBucket::refill(double per_second, std::int64_t now_ms) {
    const double burst = per_second * static_cast<double>(windows_.size_ms) / 1000 *
                         static_cast<double>(windows_.count);
    const double elapsed_ms = static_cast<double>(now_ms - filled_at_ms_.value_or(now_ms));
    tokens_ = filled_at_ms_ ? std::min(burst, tokens_ + per_second * elapsed_ms / 1000) : burst;
    filled_at_ms_ = now_ms;
}

std::int64_t TokenBucket::wait_ms(double per_second, std::int64_t now_ms) {
    refill(per_second, now_ms);
    if (tokens_ >= 0) return 0;
    return std::max<std::int64_t>(std::llround(-tokens_ / per_second * 1000), 1);
}

void TokenBucket::take(double amount, double per_second, std::int64_t now_ms) {
    refill(per_second, now_ms);
    tokens_ -= amount;
}

}  // namespace millrace::broker
