// Task<T>: a lazy coroutine. It starts when it is awaited, and is awaited once.
//
//     Task<Result<Offset>> append(Log& log, Batch batch) { ... co_return offset; }
//     const auto offset = co_await append(log, std::move(batch));
//
// Rules: parameters are values or references to things that outlive the task; a lambda coroutine
// carries no captures. No exception leaves a task: it would end the process. A task goes on
// wherever what it awaits resumes it, and everything in this room resumes on the loop that waited.
// Destroying a Task that never ran is fine; a running one is destroyed only with its loop.
#pragma once

#include <coroutine>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "runtime/event.h"

namespace millrace::runtime {

class Loop;
template <class T>
class Task;

namespace detail {

[[noreturn]] void exception_escaped();

struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> finished) noexcept {
        return finished.promise().continuation;
    }
    void await_resume() const noexcept {}
};

struct PromiseBase {
    std::suspend_always initial_suspend() const noexcept { return {}; }
    FinalAwaiter final_suspend() const noexcept { return {}; }
    void unhandled_exception() const noexcept { exception_escaped(); }

    std::coroutine_handle<> continuation = std::noop_coroutine();
};

template <class T>
struct Promise : PromiseBase {
    Task<T> get_return_object();
    template <class Value>
    void return_value(Value&& from) {
        value.emplace(std::forward<Value>(from));
    }
    T take() { return std::move(*value); }

    std::optional<T> value;
};

template <>
struct Promise<void> : PromiseBase {
    Task<void> get_return_object();
    void return_void() const noexcept {}
    void take() const noexcept {}
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] Task {
public:
    using promise_type = detail::Promise<T>;
    using Handle = std::coroutine_handle<promise_type>;
    using Value = T;

    explicit Task(Handle handle) : handle_(handle) {}
    Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Task& operator=(Task&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Task() {
        if (handle_) handle_.destroy();
    }

    auto operator co_await() && {
        struct Awaiter {
            Handle handle;
            bool await_ready() const noexcept { return false; }
            std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) noexcept {
                handle.promise().continuation = waiting;
                return handle;
            }
            T await_resume() { return handle.promise().take(); }
        };
        MR_CHECK(handle_ && !handle_.done());
        return Awaiter{handle_};
    }

private:
    Handle handle_;
};

template <class T>
Task<T> detail::Promise<T>::get_return_object() {
    return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}
inline Task<void> detail::Promise<void>::get_return_object() {
    return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

// Start `task` on `loop`, from any thread, and let the loop own it: it begins from the loop's
// queue, never within this call, and is destroyed with the loop if it has not ended by then.
void spawn(Loop& loop, Task<void> task);

namespace detail {

template <class T>
Task<void> run_into(Task<T> task, std::optional<T>* slot, std::size_t* left, OneShot<void> done) {
    slot->emplace(co_await std::move(task));
    if (--*left == 0) done.set();
}
Loop& current_loop();

}  // namespace detail

// Run all tasks on the current loop, interleaved; their values in the order of the tasks.
template <class T>
Task<std::vector<T>> when_all(std::vector<Task<T>> tasks) {
    std::vector<std::optional<T>> slots(tasks.size());
    std::size_t left = tasks.size();
    OneShot<void> done;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        spawn(detail::current_loop(),
              detail::run_into(std::move(tasks[i]), &slots[i], &left, done));
    }
    if (left > 0) co_await done.wait();
    std::vector<T> values;
    values.reserve(slots.size());
    for (auto& slot : slots) values.push_back(std::move(*slot));
    co_return values;
}

}  // namespace millrace::runtime
