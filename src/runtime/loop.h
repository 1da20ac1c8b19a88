// Loop: one thread that runs everything that belongs to it, one piece after another.
//
// What a loop owns needs no lock: whoever wants something of it posts there and gets the answer
// back as a message. LoopGroup is one loop per core. In a simulation all loops share one thread and
// virtual time (sim/), and Loop::current() says whose turn it is.
// Thread rule: post() and spawn() from anywhere; timers, sleep and co_await on the loop alone.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "runtime/task.h"
#include "runtime/timer.h"

namespace millrace::runtime {

// A piece of work that runs once; it may own move-only things. It must not throw.
using Work = std::move_only_function<void()>;

namespace detail {
struct DetachedPromise;
}

class Loop {
public:
    virtual ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    // Run `work` on this loop, after what was posted before from the same thread. Never inline.
    // Dropped, that is destroyed without being run, once the loop has stopped.
    virtual void post(Work work) = 0;
    // Nanoseconds of this loop's own time, which never goes back.
    virtual std::int64_t now_ns() const = 0;

    // Call `work` on this loop once `delay` has passed, unless the Timer is cancelled or dies.
    Timer call_after(Duration delay, Work work);
    // co_await loop.sleep(...): on this loop only. A service that must stop while it sleeps waits
    // for a Condition with a timeout instead.
    auto sleep(Duration delay) { return SleepAwaiter{*this, delay, {}}; }

    // The loop whose turn it is on this thread, or null.
    static Loop* current() { return current_; }
    bool in_loop() const { return current_ == this; }

protected:
    Loop() = default;

    // Earliest deadline, or nullopt when no timer waits.
    std::optional<std::int64_t> next_deadline_ns() const;
    // Take and run the earliest timer when it is due by `now_ns`; false when none is.
    bool run_one_timer(std::int64_t now_ns);
    // Called when the earliest deadline changes to an earlier one.
    virtual void arm(std::int64_t deadline_ns) = 0;
    // Destroy every unfinished spawned task and timer. Nothing of this loop runs any more.
    void destroy_tasks();

    // Makes a loop current for the length of a scope.
    class Turn {
    public:
        explicit Turn(Loop& loop) : previous_(std::exchange(current_, &loop)) {}
        ~Turn() { current_ = previous_; }
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;

    private:
        Loop* previous_;
    };

private:
    friend class Timer;
    friend struct detail::DetachedPromise;
    using TimerKey = std::pair<std::int64_t, std::uint64_t>;  // Deadline, then order of making.

    struct SleepAwaiter {
        Loop& loop;
        Duration delay;
        Timer timer;
        bool await_ready() const { return false; }
        void await_suspend(std::coroutine_handle<> waiting) {
            timer = loop.call_after(delay, [waiting] { waiting.resume(); });
        }
        void await_resume() const {}
    };

    static thread_local Loop* current_;
    std::map<TimerKey, Work> timers_;
    std::uint64_t next_timer_id_ = 1;
    detail::DetachedPromise* tasks_ = nullptr;  // Intrusive list of the spawned tasks.
};

// co_await switch_to(loop): go on there. The queue of `loop` decides when.
inline auto switch_to(Loop& loop) {
    struct Awaiter {
        Loop& loop;
        bool await_ready() const { return loop.in_loop(); }
        void await_suspend(std::coroutine_handle<> waiting) {
            loop.post([waiting] { waiting.resume(); });
        }
        void await_resume() const {}
    };
    return Awaiter{loop};
}

// co_await yield(): let the rest of this loop's queue have its turn.
inline auto yield() {
    struct Awaiter {
        bool await_ready() const { return false; }
        void await_suspend(std::coroutine_handle<> waiting) {
            Loop::current()->post([waiting] { waiting.resume(); });
        }
        void await_resume() const {}
    };
    return Awaiter{};
}

namespace detail {
template <class T>
struct TaskValue {
    using Type = T;
    static constexpr bool kIsTask = false;
};
template <class T>
struct TaskValue<Task<T>> {
    using Type = T;
    static constexpr bool kIsTask = true;
};
}  // namespace detail

// Call `fn` on `loop` and come back to the calling loop with its result. `fn` may be a function or
// give a Task; it is kept alive until it has ended, so that here a lambda may carry captures.
template <class Fn, class Returned = std::invoke_result_t<Fn&>,
          class Value = typename detail::TaskValue<Returned>::Type>
Task<Value> call_on(Loop& loop, Fn fn) {
    Loop* home = Loop::current();
    MR_CHECK(home != nullptr);
    co_await switch_to(loop);
    if constexpr (std::is_void_v<Value>) {
        if constexpr (detail::TaskValue<Returned>::kIsTask) {
            co_await fn();
        } else {
            fn();
        }
        co_await switch_to(*home);
    } else {
        std::optional<Value> value;
        if constexpr (detail::TaskValue<Returned>::kIsTask) {
            value.emplace(co_await fn());
        } else {
            value.emplace(fn());
        }
        co_await switch_to(*home);
        co_return std::move(*value);
    }
}

class LoopGroup {
public:
    virtual ~LoopGroup() = default;
    virtual std::size_t size() const = 0;
    virtual Loop& at(std::size_t index) = 0;
    Loop& first() { return at(0); }
    // Stop and join the threads, then destroy what is left in the loops. Services that must end
    // their work have been stopped before. Harmless when repeated; the destructor does it too.
    virtual void stop() = 0;
};

// `count` loops (at least one), each on a thread of its own, running when this returns.
std::unique_ptr<LoopGroup> make_system_loops(std::size_t count);

// Run `task` on `loop` and wait for its value: for threads that are not loops (main, tests).
template <class T>
T run_blocking(Loop& loop, Task<T> task) {
    MR_CHECK(Loop::current() == nullptr);
    struct Waiting {
        std::mutex mutex;
        std::condition_variable changed;
        bool done = false;
        std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> value;
    };
    const auto waiting = std::make_shared<Waiting>();
    constexpr auto kRun = [](Task<T> inner, std::shared_ptr<Waiting> into) -> Task<void> {
        if constexpr (std::is_void_v<T>) {
            co_await std::move(inner);
            into->value = true;
        } else {
            into->value.emplace(co_await std::move(inner));
        }
        const std::lock_guard lock(into->mutex);
        into->done = true;
        into->changed.notify_all();
    };
    spawn(loop, kRun(std::move(task), waiting));
    std::unique_lock lock(waiting->mutex);
    waiting->changed.wait(lock, [&] { return waiting->done; });
    if constexpr (!std::is_void_v<T>) return std::move(*waiting->value);
}

}  // namespace millrace::runtime
