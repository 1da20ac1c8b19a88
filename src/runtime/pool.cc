#include "runtime/pool.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <vector>

#include "base/check.h"
#include "runtime/thread.h"

namespace millrace::runtime {
namespace {

class SystemPool final : public Pool {
public:
    SystemPool(const std::string& name, std::size_t threads) {
        for (std::size_t i = 0; i < threads; ++i) {
            threads_.emplace_back(name + "-" + std::to_string(i),
                                  [this](const std::stop_token&) { work_through(); });
        }
    }
    ~SystemPool() override {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        changed_.notify_all();
        threads_.clear();
    }

    std::size_t size() const override { return threads_.size(); }
    void submit(Work work) override {
        {
            const std::lock_guard lock(mutex_);
            queue_.push_back(std::move(work));
        }
        changed_.notify_one();
    }

private:
    void work_through() {
        std::unique_lock lock(mutex_);
        while (true) {
            changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
            if (queue_.empty()) return;
            {
                Work work = std::move(queue_.front());
                queue_.pop_front();
                lock.unlock();
                work();
            }
            lock.lock();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Work> queue_;  // Guarded by mutex_.
    bool stopping_ = false;   // Guarded by mutex_.
    std::vector<Thread> threads_;
};

}  // namespace

std::unique_ptr<Pool> make_system_pool(std::string name, std::size_t threads) {
    MR_CHECK(threads > 0);
    return std::make_unique<SystemPool>(name, threads);
}

}  // namespace millrace::runtime
