// Pool: threads for what computes or blocks; results come back to the calling loop as messages.
//
//     const auto hits = co_await run(pool, [rows = std::move(rows)] { return count(rows); });
//
// Thread rule: submit() and run() from anywhere; the function runs on one of the pool's threads,
// where Loop::current() is null.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "runtime/loop.h"
#include "runtime/task.h"

namespace millrace::runtime {

class Pool {
public:
    // Runs what was submitted before, then ends.
    virtual ~Pool() = default;
    virtual std::size_t size() const = 0;
    // First come, first served. `work` must not throw.
    virtual void submit(Work work) = 0;
};

// `name` is what tools show for its threads, up to 12 characters.
std::unique_ptr<Pool> make_system_pool(std::string name, std::size_t threads);

// Call `fn` on the pool and resume on the calling loop with its result.
template <class Fn, class Value = std::invoke_result_t<Fn&>>
Task<Value> run(Pool& pool, Fn fn) {
    OneShot<Value> done;
    pool.submit([done, fn = std::move(fn)]() mutable {
        if constexpr (std::is_void_v<Value>) {
            fn();
            done.set();
        } else {
            done.set(fn());
        }
    });
    if constexpr (std::is_void_v<Value>) {
        co_await done.wait();
    } else {
        co_return co_await done.wait();
    }
}

}  // namespace millrace::runtime
