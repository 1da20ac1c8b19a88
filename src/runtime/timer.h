// Timer: a pending call on a loop, cancelled when its handle dies.
//
// Thread rule: made, moved, cancelled and destroyed on its loop, and before that loop dies.
#pragma once

#include <cstdint>
#include <utility>

namespace millrace::runtime {

class Loop;

class [[nodiscard]] Timer {
public:
    Timer() = default;
    Timer(Loop& loop, std::int64_t deadline_ns, std::uint64_t id)
        : loop_(&loop), deadline_ns_(deadline_ns), id_(id) {}
    Timer(Timer&& other) noexcept
        : loop_(std::exchange(other.loop_, nullptr)),
          deadline_ns_(other.deadline_ns_),
          id_(other.id_) {}
    Timer& operator=(Timer&& other) noexcept {
        if (this != &other) {
            cancel();
            loop_ = std::exchange(other.loop_, nullptr);
            deadline_ns_ = other.deadline_ns_;
            id_ = other.id_;
        }
        return *this;
    }
    ~Timer() { cancel(); }

    // The call will not happen, unless it has begun already. Harmless when repeated.
    void cancel();

private:
    Loop* loop_ = nullptr;
    std::int64_t deadline_ns_ = 0;
    std::uint64_t id_ = 0;
};

}  // namespace millrace::runtime
