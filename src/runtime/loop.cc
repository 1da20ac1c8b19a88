#include "runtime/loop.h"

#include <fmt/format.h>

#include <cstdlib>
#include <exception>

namespace millrace::runtime {

thread_local Loop* Loop::current_ = nullptr;

namespace detail {

[[noreturn]] void exception_escaped() {
    std::string words = "an unknown exception";
    try {
        throw;
    } catch (const std::exception& exception) {
        words = exception.what();
    } catch (...) {
    }
    fmt::print(stderr, "millrace: an exception escaped from a task: {}\n", words);
    std::abort();
}

Loop& current_loop() {
    MR_CHECK(Loop::current() != nullptr);
    return *Loop::current();
}

// The frame of a spawned task: it hangs in its loop's list from its first step to its end.
struct Detached {
    using promise_type = DetachedPromise;
    std::coroutine_handle<DetachedPromise> handle;
};

struct DetachedPromise {
    ~DetachedPromise() {
        if (loop == nullptr) return;
        (previous != nullptr ? previous->next : loop->tasks_) = next;
        if (next != nullptr) next->previous = previous;
    }

    Detached get_return_object() {
        return {std::coroutine_handle<DetachedPromise>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    // Nobody waits for a spawned task: its frame goes as it ends.
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { exception_escaped(); }

    void enlist(Loop& owner) {
        loop = &owner;
        next = owner.tasks_;
        if (next != nullptr) next->previous = this;
        owner.tasks_ = this;
    }

    Loop* loop = nullptr;
    DetachedPromise* previous = nullptr;
    DetachedPromise* next = nullptr;
};

namespace {

Detached run_detached(Loop& loop, Task<void> task) {
    co_await std::move(task);
    // It leaves the list of its own loop there, even where the task ended on another.
    co_await switch_to(loop);
}

struct Destroy {
    void operator()(void* frame) const {
        std::coroutine_handle<DetachedPromise>::from_address(frame).destroy();
    }
};

}  // namespace
}  // namespace detail

void spawn(Loop& loop, Task<void> task) {
    // Owned by the message until the loop takes it, so that a dropped message destroys it.
    std::unique_ptr<void, detail::Destroy> frame(
        detail::run_detached(loop, std::move(task)).handle.address());
    loop.post([&loop, frame = std::move(frame)]() mutable {
        const auto handle =
            std::coroutine_handle<detail::DetachedPromise>::from_address(frame.release());
        handle.promise().enlist(loop);
        handle.resume();
    });
}

Loop::~Loop() {
    MR_CHECK(tasks_ == nullptr && timers_.empty());
}

Timer Loop::call_after(Duration delay, Work work) {
    MR_CHECK(in_loop());
    const std::int64_t deadline_ns = now_ns() + std::max<std::int64_t>(delay.count(), 0);
    const TimerKey key{deadline_ns, next_timer_id_++};
    const auto at = timers_.emplace(key, std::move(work)).first;
    if (at == timers_.begin()) arm(deadline_ns);
    return {*this, key.first, key.second};
}

std::optional<std::int64_t> Loop::next_deadline_ns() const {
    if (timers_.empty()) return std::nullopt;
    return timers_.begin()->first.first;
}

bool Loop::run_one_timer(std::int64_t now_ns) {
    if (timers_.empty() || timers_.begin()->first.first > now_ns) return false;
    auto due = timers_.extract(timers_.begin());
    due.mapped()();
    return true;
}

void Loop::destroy_tasks() {
    const Turn turn(*this);
    // Frames may own timers, and the work of a timer may own anything: repeat until both are gone.
    while (tasks_ != nullptr || !timers_.empty()) {
        if (tasks_ != nullptr) {
            std::coroutine_handle<detail::DetachedPromise>::from_promise(*tasks_).destroy();
        } else {
            const auto node = timers_.extract(timers_.begin());
        }
    }
}

}  // namespace millrace::runtime
