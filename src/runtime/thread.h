// Thread: a named thread that is asked to stop and joined when it dies.
//
// For the few things that own a thread of their own (a streaming query, a test's client). Work that
// ends by itself belongs on a Pool, and what waits for sockets or timers on a Loop.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

namespace millrace::runtime {

class Thread {
public:
    Thread();  // No thread.
    // `body` must not throw. `name` is what tools show, up to 15 characters.
    Thread(std::string name, std::move_only_function<void(std::stop_token)> body);
    Thread(Thread&&) noexcept;
    Thread& operator=(Thread&&) noexcept;
    ~Thread();  // request_stop() and join().

    bool joinable() const;
    void request_stop();
    void join();

private:
    struct Running;
    std::unique_ptr<Running> running_;
};

void name_this_thread(const std::string& name);
// Processors that this process may use; at least 1.
std::size_t core_count();

}  // namespace millrace::runtime
