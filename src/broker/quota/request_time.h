// How long requests keep their loops busy, and the pause that `request_percentage` asks for it.
//
// As in Kafka, a request's time runs from its first step to its answer, or to where it waits for
// the first time: for the disk, another partition's loop, records that are to come. A loop that is
// busy for one client all the time is used at 100 %.
#pragma once

#include <coroutine>
#include <cstdint>
#include <utility>

#include "runtime/loop.h"
#include "runtime/task.h"

namespace millrace::broker {

struct Call;

struct RequestTime {
    std::int64_t began_ns = 0;
    std::int64_t waited_at_ns = 0;  // 0: not yet.

    // Of one second of one loop.
    double percent(std::int64_t now_ns) const {
        const std::int64_t end_ns = waited_at_ns != 0 ? waited_at_ns : now_ns;
        return static_cast<double>(end_ns - began_ns) / 10'000'000;
    }
};

// For how long the client must pause for what it has used with this request; 0: it need not.
std::int64_t request_pause_ms(const Call& call);

// co_await NotingFirstWait(task, loop, time): awaits the task, which runs at once up to its first
// wait; the moment is noted in `time`, which must outlive the turn of the loop in which the task
// ends.
class NotingFirstWait {
public:
    NotingFirstWait(runtime::Task<void> task, runtime::Loop& loop, RequestTime& time)
        : task_(std::move(task)),
          inner_(std::move(task_).operator co_await()),
          loop_(loop),
          time_(time) {}

    bool await_ready() const { return inner_.await_ready(); }
    void await_suspend(std::coroutine_handle<> waiting) {
        // When the task ends without a wait, the waiting coroutine goes on in here, and this object
        // may be gone when that returns.
        runtime::Loop& loop = loop_;
        RequestTime& time = time_;
        inner_.await_suspend(waiting).resume();
        time.waited_at_ns = loop.now_ns();
    }
    void await_resume() { inner_.await_resume(); }

private:
    runtime::Task<void> task_;
    decltype(std::declval<runtime::Task<void>>().operator co_await()) inner_;
    runtime::Loop& loop_;
    RequestTime& time_;
};

}  // namespace millrace::broker
