#include "cli/interrupt.h"

#include "runtime/loop.h"
#include "runtime/signals.h"

namespace millrace::cli {

namespace {

runtime::Task<void> wait_for_signal(std::atomic<bool>& happened) {
    co_await runtime::wait_for_stop_signal();
    happened = true;
}

// In short steps, so that a signal ends the pause soon.
runtime::Task<void> pause_until(const std::atomic<bool>& happened, std::int64_t wait_ns) {
    constexpr std::int64_t kStepNs = 50'000'000;
    runtime::Loop& loop = *runtime::Loop::current();
    const std::int64_t end_ns = loop.now_ns() + wait_ns;
    while (!happened && loop.now_ns() < end_ns) {
        co_await loop.sleep(runtime::Duration(std::min(kStepNs, end_ns - loop.now_ns())));
    }
}

}  // namespace

Interrupt::Interrupt() : loops_(runtime::make_system_loops(1)) {
    runtime::spawn(loops_->first(), wait_for_signal(happened_));
}

Interrupt::~Interrupt() {
    loops_->stop();
}

bool Interrupt::pause(std::int64_t wait_ns) {
    if (wait_ns > 0) {
        runtime::run_blocking(loops_->first(), pause_until(happened_, wait_ns));
    }
    return !happened_;
}

}  // namespace millrace::cli
