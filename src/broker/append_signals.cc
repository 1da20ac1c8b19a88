#include "broker/append_signals.h"

#include <utility>

namespace millrace::broker {

std::uint64_t AppendSignal::add(std::function<void()> callback) {
    const std::lock_guard lock(mutex_);
    watchers_.fetch_add(1, std::memory_order_release);
    callbacks_.emplace(next_id_, std::move(callback));
    return next_id_++;
}

void AppendSignal::remove(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    if (callbacks_.erase(id) > 0) watchers_.fetch_sub(1, std::memory_order_release);
}

void AppendSignal::call_all() {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, callback] : callbacks_) callback();
}

std::shared_ptr<AppendSignal> AppendSignals::of_topic(const std::string& topic) {
    const std::lock_guard lock(mutex_);
    std::weak_ptr<AppendSignal>& known = signals_[topic];
    std::shared_ptr<AppendSignal> signal = known.lock();
    if (!signal) {
        signal = std::make_shared<AppendSignal>();
        known = signal;
        std::erase_if(signals_, [](const auto& one) { return one.second.expired(); });
    }
    return signal;
}

}  // namespace millrace::broker
