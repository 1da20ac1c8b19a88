#include "runtime/thread.h"

#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <thread>
#include <utility>

namespace millrace::runtime {
namespace {

// A peer that has hung up is told of by EPIPE. For sendfile there is no flag that says so, and the
// signal would end the process.
void block_broken_pipe_signal() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

}  // namespace

struct Thread::Running {
    std::jthread thread;
};

Thread::Thread() = default;
Thread::Thread(std::string name, std::move_only_function<void(std::stop_token)> body)
    : running_(std::make_unique<Running>()) {
    running_->thread = std::jthread(
        [name = std::move(name), body = std::move(body)](std::stop_token stop) mutable {
            name_this_thread(name);
            block_broken_pipe_signal();
            body(std::move(stop));
        });
}
Thread::Thread(Thread&&) noexcept = default;
Thread& Thread::operator=(Thread&&) noexcept = default;
Thread::~Thread() = default;

bool Thread::joinable() const {
    return running_ && running_->thread.joinable();
}
void Thread::request_stop() {
    if (running_) running_->thread.request_stop();
}
void Thread::join() {
    if (joinable()) running_->thread.join();
}

void name_this_thread(const std::string& name) {
    pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

std::size_t core_count() {
    return std::max<std::size_t>(std::thread::hardware_concurrency(), 1);
}

}  // namespace millrace::runtime
