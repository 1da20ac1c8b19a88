// Workers: threads that run operations, started as they are needed and kept for the next ones.
//
// An operation may compute for long or only wait (awaitTermination), so a fixed pool would either
// be too large or be blocked by waiters. At most `max_threads` run at once; later work waits its
// turn. Thread-safe. stop() runs what was submitted and joins.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace millrace::connect {

class Workers {
public:
    explicit Workers(std::size_t max_threads);
    ~Workers();
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    void submit(std::move_only_function<void()> work);
    void stop();

private:
    struct Shared;
    std::shared_ptr<Shared> shared_;
};

}  // namespace millrace::connect
