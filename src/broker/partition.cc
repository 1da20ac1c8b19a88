#include "broker/partition.h"

#include <algorithm>
#include <utility>

#include "broker/append_signals.h"
#include "runtime/loop.h"

namespace millrace::broker {

Partition::Partition(std::int32_t index, runtime::Loop& loop, std::unique_ptr<storage::Log> log,
                     std::shared_ptr<AppendSignal> signal)
    : index_(index), loop_(loop), log_(std::move(log)), signal_(std::move(signal)) {}

Partition::~Partition() = default;

void Partition::start() {
    listener_ = log_->listen([this] { wake_all(); });
}

void Partition::wake(runtime::OneShot<void> waiter) {
    if (waiters_.size() >= sweep_at_) {
        // Fetches that ended by time have set their waiters themselves.
        std::erase_if(waiters_, [](const auto& one) { return one.is_set(); });
        sweep_at_ = std::max<std::size_t>(16, 2 * waiters_.size());
    }
    waiters_.push_back(std::move(waiter));
}

void Partition::wake_all() {
    for (auto& waiter : std::exchange(waiters_, {})) waiter.set();
    signal_->notify();
}

runtime::Task<base::Result<void>> Partition::close() {
    if (std::exchange(closed_, true)) co_return base::Result<void>();
    listener_.reset();
    wake_all();
    co_return co_await log_->close();
}

}  // namespace millrace::broker
