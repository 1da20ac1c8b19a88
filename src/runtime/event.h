// OneShot and Condition: what a coroutine waits for.
//
// OneShot<T> carries one value from any thread or loop to one waiting coroutine. Copies are handles
// of the same event, so that the setter may outlive the waiter and the other way round.
// Condition wakes every coroutine of one loop that waits on it; it belongs to that loop.
// Neither ever resumes a coroutine from within set() or notify_all(): it is posted to its loop.
#pragma once

#include <atomic>
#include <chrono>
#include <coroutine>
#include <memory>
#include <optional>
#include <utility>

#include "base/check.h"
#include "runtime/timer.h"

namespace millrace::runtime {

class Loop;
using Duration = std::chrono::nanoseconds;

namespace detail {

// The part of OneShot that does not depend on its type. Whoever sets it first wins.
class OneShotCore : public std::enable_shared_from_this<OneShotCore> {
public:
    // True for the first caller only, who then stores the value and calls publish().
    bool claim() { return !claimed_.exchange(true, std::memory_order_acq_rel); }
    void publish();
    bool is_set() const { return phase_.load(std::memory_order_acquire) == Phase::kSet; }
    // False when the value is there already, so that the coroutine goes on without a pause.
    bool begin_wait(std::coroutine_handle<> waiter, std::optional<Duration> timeout);
    // The waiting frame goes away (or goes on): forget its handle.
    void end_wait();

private:
    enum class Phase : unsigned char { kEmpty, kWaiting, kSet };
    void resume_waiter();

    std::atomic<bool> claimed_ = false;
    std::atomic<Phase> phase_ = Phase::kEmpty;
    Loop* loop_ = nullptr;  // The waiter's; written before kWaiting is published.
    std::coroutine_handle<> waiter_;
    Timer timer_;
};

template <class T>
struct OneShotState : OneShotCore {
    std::optional<T> value;
};

template <class T>
class OneShotBase {
public:
    bool is_set() const { return state_->is_set(); }

protected:
    template <bool kTimed>
    class [[nodiscard]] Waiter {
    public:
        Waiter(std::shared_ptr<OneShotState<T>> state, std::optional<Duration> timeout)
            : state_(std::move(state)), timeout_(timeout) {}
        Waiter(const Waiter&) = delete;
        Waiter& operator=(const Waiter&) = delete;
        ~Waiter() { state_->end_wait(); }

        bool await_ready() const { return state_->is_set(); }
        bool await_suspend(std::coroutine_handle<> waiter) {
            return state_->begin_wait(waiter, timeout_);
        }
        auto await_resume() {
            if constexpr (kTimed) {
                return state_->is_set() ? std::move(state_->value) : std::optional<T>();
            } else {
                MR_CHECK(state_->value.has_value());
                return std::move(*state_->value);
            }
        }

    private:
        std::shared_ptr<OneShotState<T>> state_;
        std::optional<Duration> timeout_;
    };

    bool set_value(T value) const {
        if (!state_->claim()) return false;
        state_->value.emplace(std::move(value));
        state_->publish();
        return true;
    }
    Waiter<false> wait_value() const { return {state_, std::nullopt}; }
    Waiter<true> wait_value_for(Duration timeout) const { return {state_, timeout}; }

private:
    std::shared_ptr<OneShotState<T>> state_ = std::make_shared<OneShotState<T>>();
};

}  // namespace detail

template <class T = void>
class OneShot : public detail::OneShotBase<T> {
public:
    // From any thread or loop. False when it was set before: the first value stays.
    bool set(T value) const { return this->set_value(std::move(value)); }
    // co_await event.wait(): the value. One waiter, once, on a loop.
    auto wait() const { return this->wait_value(); }
    auto operator co_await() const { return wait(); }
    // The value, or nullopt once `timeout` has passed.
    auto wait_for(Duration timeout) const { return this->wait_value_for(timeout); }
};

template <>
class OneShot<void> : public detail::OneShotBase<bool> {
public:
    bool set() const { return set_value(true); }
    // co_await gives true (nullopt from wait_for when the time has passed).
    auto wait() const { return wait_value(); }
    auto operator co_await() const { return wait(); }
    auto wait_for(Duration timeout) const { return wait_value_for(timeout); }
};

class Condition {
public:
    Condition() = default;
    Condition(const Condition&) = delete;
    Condition& operator=(const Condition&) = delete;
    // Whoever still waits is forgotten and will not be resumed: stop them first.
    ~Condition();

    class [[nodiscard]] Waiter {
    public:
        Waiter(Condition& condition, std::optional<Duration> timeout)
            : condition_(&condition), timeout_(timeout) {}
        Waiter(const Waiter&) = delete;
        Waiter& operator=(const Waiter&) = delete;
        ~Waiter();

        bool await_ready() const { return timeout_ && *timeout_ <= Duration::zero(); }
        void await_suspend(std::coroutine_handle<> handle);
        // True when notified, false when the time had passed.
        bool await_resume() const { return notified_; }

    private:
        friend class Condition;
        void unlink();

        Condition* condition_;
        std::optional<Duration> timeout_;
        Loop* loop_ = nullptr;
        std::coroutine_handle<> handle_;
        Waiter* previous_ = nullptr;
        Waiter* next_ = nullptr;
        bool linked_ = false;
        bool notified_ = false;
        Timer timer_;
    };

    // Conditions have no memory: a notify_all() before the wait is not seen. Test, then wait,
    // without a co_await between.
    Waiter wait() { return {*this, std::nullopt}; }
    Waiter wait_for(Duration timeout) { return {*this, timeout}; }
    void notify_all();
    bool has_waiters() const { return first_ != nullptr; }

private:
    Waiter* first_ = nullptr;  // In order of arrival.
    Waiter* last_ = nullptr;
};

}  // namespace millrace::runtime
