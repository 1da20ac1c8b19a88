// Gate: counts what is running inside a service, so that stop() can await it.
//
//     auto pass = gate_.enter();  if (!pass) co_return ...;   // kCancelled once closed
//     Task<void> stop() { return gate_.close(); }
//
// Thread rule: belongs to one loop; enter, leave and close there.
#pragma once

#include <cstddef>
#include <utility>

#include "base/error.h"
#include "runtime/task.h"

namespace millrace::runtime {

class Gate {
public:
    // Inside as long as it lives.
    class [[nodiscard]] Holder {
    public:
        Holder(Holder&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
        Holder& operator=(Holder&& other) noexcept {
            std::swap(gate_, other.gate_);
            return *this;
        }
        ~Holder() {
            if (gate_ != nullptr) gate_->leave();
        }

    private:
        friend class Gate;
        explicit Holder(Gate& gate) : gate_(&gate) { ++gate.inside_; }
        Gate* gate_;
    };

    Gate() = default;
    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;

    // kCancelled once the gate is closed.
    base::Result<Holder> enter();
    bool closed() const { return closed_; }
    std::size_t inside() const { return inside_; }
    // From this call on nobody enters; the task ends when all have left. May be called again.
    // Closed at once, not when the task is awaited.
    Task<void> close();

private:
    void leave();
    Task<void> wait_until_empty();

    std::size_t inside_ = 0;
    bool closed_ = false;
    Condition left_;
};

}  // namespace millrace::runtime
