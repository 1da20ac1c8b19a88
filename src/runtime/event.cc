#include "runtime/event.h"

#include "runtime/loop.h"

namespace millrace::runtime {

namespace detail {

void OneShotCore::publish() {
    if (phase_.exchange(Phase::kSet, std::memory_order_acq_rel) != Phase::kWaiting) return;
    loop_->post([self = shared_from_this()] { self->resume_waiter(); });
}

bool OneShotCore::begin_wait(std::coroutine_handle<> waiter, std::optional<Duration> timeout) {
    loop_ = Loop::current();
    MR_CHECK(loop_ != nullptr && !waiter_);
    waiter_ = waiter;
    Phase expected = Phase::kEmpty;
    if (!phase_.compare_exchange_strong(expected, Phase::kWaiting, std::memory_order_acq_rel)) {
        MR_CHECK(expected == Phase::kSet);
        waiter_ = nullptr;
        return false;
    }
    // A set() may be posted already, but it cannot run before this coroutine has gone to sleep.
    if (timeout) timer_ = loop_->call_after(*timeout, [this] { resume_waiter(); });
    return true;
}

void OneShotCore::end_wait() {
    waiter_ = nullptr;
    timer_.cancel();
}

void OneShotCore::resume_waiter() {
    // The waiter may own the last handle of this event.
    const auto self = shared_from_this();
    if (const auto waiter = std::exchange(waiter_, nullptr)) waiter.resume();
}

}  // namespace detail

Condition::~Condition() {
    while (first_ != nullptr) first_->unlink();
}

void Condition::notify_all() {
    while (first_ != nullptr) {
        Waiter& waiter = *first_;
        waiter.unlink();
        waiter.notified_ = true;
        waiter.timer_.cancel();
        waiter.loop_->post([handle = waiter.handle_] { handle.resume(); });
    }
}

Condition::Waiter::~Waiter() {
    if (linked_) unlink();
}

void Condition::Waiter::await_suspend(std::coroutine_handle<> handle) {
    loop_ = Loop::current();
    MR_CHECK(loop_ != nullptr);
    handle_ = handle;
    linked_ = true;
    previous_ = condition_->last_;
    (previous_ != nullptr ? previous_->next_ : condition_->first_) = this;
    condition_->last_ = this;
    if (timeout_) {
        timer_ = loop_->call_after(*timeout_, [this] {
            if (linked_) unlink();
            handle_.resume();
        });
    }
}

void Condition::Waiter::unlink() {
    (previous_ != nullptr ? previous_->next_ : condition_->first_) = next_;
    (next_ != nullptr ? next_->previous_ : condition_->last_) = previous_;
    previous_ = next_ = nullptr;
    linked_ = false;
}

}  // namespace millrace::runtime
