// Checks of a streaming query before it starts: output modes, triggers, sinks.
#pragma once

#include "streaming/query.h"

namespace millrace::streaming {

// Spark's errors for a plan that cannot run in its output mode or on a stream at all.
Result<void> check_legality(const QuerySpec& spec);
// The interval of a processing-time trigger; 0 for the others.
Result<std::int64_t> trigger_interval_ms(const plan::Trigger& trigger);

}  // namespace millrace::streaming
