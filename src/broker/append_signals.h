// AppendSignals: tells watchers of a topic that records became readable, whichever partition they
// are in, and whether or not the topic existed when the watch began.
//
// Thread-safe. Callbacks run on the loop that appended and hold up that topic's other loops: they
// must be short, and must not end a watch.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace millrace::broker {

class AppendSignal {
public:
    // Costs one atomic read where nobody watches.
    void notify() {
        if (watchers_.load(std::memory_order_acquire) > 0) call_all();
    }
    std::uint64_t add(std::function<void()> callback);
    // Waits for a callback that is running.
    void remove(std::uint64_t id);

private:
    void call_all();

    std::atomic<int> watchers_ = 0;
    std::mutex mutex_;
    std::uint64_t next_id_ = 1;
    std::map<std::uint64_t, std::function<void()>> callbacks_;
};

class AppendSignals {
public:
    // The same signal for the same name, for as long as anybody holds it.
    std::shared_ptr<AppendSignal> of_topic(const std::string& topic);

private:
    std::mutex mutex_;
    std::map<std::string, std::weak_ptr<AppendSignal>> signals_;
};

}  // namespace millrace::broker
