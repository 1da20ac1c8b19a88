// Which analyzed plans may run as streams, and in which output mode: Spark's rules and words.
//
// Spark checks these when a query starts, not when it is built. Pure functions; thread-safe.
// Source of the rules: Spark's UnsupportedOperationChecker.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "plan/logical.h"

namespace millrace::sql {

enum class StreamOutput : std::uint8_t { kAppend, kUpdate, kComplete };

// Errors are kAnalysis with Spark's condition and text.
base::Result<void> check_streaming(const plan::LogicalPtr& plan, StreamOutput output);
// An action on a plan that reads a stream.
base::Result<void> check_batch(const plan::LogicalPtr& plan);

}  // namespace millrace::sql
