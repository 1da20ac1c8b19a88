// Turns: lets things that were begun in an order go on in that order, past something that may hold
// one of them up.
//
// Produce requests of one connection overlap, but their batches reach the logs in the order of the
// requests; the first batch of a transaction has to ask its coordinator first.
// Thread rule: belongs to one loop.
#pragma once

#include <cstdint>
#include <set>

#include "runtime/event.h"
#include "runtime/task.h"

namespace millrace::broker {

class Turns {
public:
    std::uint64_t take() { return next_++; }
    // Ends when all turns before this one are over.
    runtime::Task<void> wait(std::uint64_t turn) {
        while (current_ != turn) co_await changed_.wait();
    }
    // May be said more than once, and of a turn that has not come yet.
    void over(std::uint64_t turn) {
        if (turn < current_) return;
        over_.insert(turn);
        while (!over_.empty() && *over_.begin() == current_) {
            over_.erase(over_.begin());
            ++current_;
        }
        changed_.notify_all();
    }

private:
    std::uint64_t next_ = 0;
    std::uint64_t current_ = 0;
    std::set<std::uint64_t> over_;
    runtime::Condition changed_;
};

}  // namespace millrace::broker
