// The rate and rate-micro-batch sources: rows (timestamp, value) that count up, for tests and
// demos.
#pragma once

#include <memory>

#include "streaming/sources.h"

namespace millrace::runtime {
class Clock;
class Disk;
}  // namespace millrace::runtime

namespace millrace::streaming {

Result<std::unique_ptr<MicroBatchSource>> make_rate_source(const plan::ScanNode& scan,
                                                           runtime::Clock& clock,
                                                           runtime::Disk& disk,
                                                           std::string directory);
Result<std::unique_ptr<MicroBatchSource>> make_rate_micro_batch_source(const plan::ScanNode& scan);

}  // namespace millrace::streaming
