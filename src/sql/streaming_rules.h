// Which analyzed plans may run as a stream, in which output mode: Spark's checker, in its words.
//
// Pure functions; thread-safe.
#pragma once

#include <string_view>

#include "base/error.h"
#include "plan/logical.h"

namespace millrace::sql {

// `output_mode` is "append", "update" or "complete", in any case; empty means append.
// A plan without a streaming source, an operation that streams do not have, or a mode that does not
// go with the plan is refused as Spark refuses it.
base::Result<void> check_streaming(const plan::LogicalNode& plan, std::string_view output_mode);

// A plan that is to run once may hold no streaming source.
base::Result<void> check_batch(const plan::LogicalNode& plan);

}  // namespace millrace::sql
