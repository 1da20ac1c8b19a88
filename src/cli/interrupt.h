// Interrupt: pauses of a command that SIGINT and SIGTERM cut short.
//
// From construction on the two signals only set it, so that the command can end in order.
// Thread-safe; not for loops.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace millrace::runtime {
class LoopGroup;
}

namespace millrace::cli {

class Interrupt {
public:
    Interrupt();
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;

    bool happened() const { return happened_.load(); }
    // Wait for so long; false, and at once, when it happened.
    bool pause(std::int64_t wait_ns);

private:
    std::unique_ptr<runtime::LoopGroup> loops_;
    std::atomic<bool> happened_ = false;
};

}  // namespace millrace::cli
