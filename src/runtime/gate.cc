#include "runtime/gate.h"

#include "base/check.h"

namespace millrace::runtime {

base::Result<Gate::Holder> Gate::enter() {
    if (closed_) return base::fail(base::Code::kCancelled, "this service is stopping");
    return Holder(*this);
}

Task<void> Gate::close() {
    closed_ = true;
    return wait_until_empty();
}

Task<void> Gate::wait_until_empty() {
    while (inside_ > 0) co_await left_.wait();
}

void Gate::leave() {
    MR_CHECK(inside_ > 0);
    if (--inside_ == 0 && left_.has_waiters()) left_.notify_all();
}

}  // namespace millrace::runtime
