#include "connect/workers.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <vector>

#include "runtime/thread.h"

namespace millrace::connect {

struct Workers::Shared {
    const std::size_t max_threads;
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::move_only_function<void()>> queue;
    std::vector<runtime::Thread> threads;
    std::size_t idle = 0;
    bool stopping = false;

    explicit Shared(std::size_t max) : max_threads(max) {}

    void work_off() {
        std::unique_lock lock(mutex);
        while (true) {
            idle++;
            changed.wait(lock, [this] { return !queue.empty() || stopping; });
            idle--;
            if (queue.empty()) return;
            auto work = std::move(queue.front());
            queue.pop_front();
            lock.unlock();
            work();
            work = nullptr;  // What it holds dies outside the lock.
            lock.lock();
        }
    }
};

Workers::Workers(std::size_t max_threads) : shared_(std::make_shared<Shared>(max_threads)) {}

Workers::~Workers() {
    stop();
}

void Workers::submit(std::move_only_function<void()> work) {
    const std::scoped_lock lock(shared_->mutex);
    if (shared_->stopping) return;
    shared_->queue.push_back(std::move(work));
    if (shared_->idle < shared_->queue.size() && shared_->threads.size() < shared_->max_threads) {
        shared_->threads.emplace_back(
            "connect-work", [shared = shared_.get()](std::stop_token) { shared->work_off(); });
    }
    shared_->changed.notify_one();
}

void Workers::stop() {
    std::vector<runtime::Thread> threads;
    {
        const std::scoped_lock lock(shared_->mutex);
        shared_->stopping = true;
        threads = std::move(shared_->threads);
        shared_->threads.clear();
    }
    shared_->changed.notify_all();
    for (auto& thread : threads) thread.join();
}

}  // namespace millrace::connect
