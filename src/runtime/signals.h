// wait_for_stop_signal: SIGTERM or SIGINT as an event on a loop.
#pragma once

#include "runtime/task.h"

namespace millrace::runtime {

// The number of the first SIGTERM or SIGINT that arrives while this waits; on a system loop.
// Outside of such a wait the signals keep their usual effect.
Task<int> wait_for_stop_signal();

}  // namespace millrace::runtime
