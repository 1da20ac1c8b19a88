#include "runtime/timer.h"

#include "runtime/loop.h"

namespace millrace::runtime {

void Timer::cancel() {
    if (Loop* const loop = std::exchange(loop_, nullptr)) {
        // The work is destroyed outside of the map, because it may own timers itself.
        const auto node = loop->timers_.extract({deadline_ns_, id_});
    }
}

}  // namespace millrace::runtime
