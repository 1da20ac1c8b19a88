// The kafka source: topics as a stream. Options as Spark's (facts: subscribe, startingOffsets …).
#pragma once

#include <memory>
#include <string>

#include "streaming/sources.h"

namespace millrace::runtime {
class Disk;
}

namespace millrace::streaming {

// `directory` is the source's folder in the checkpoint: the offsets of the very first batch are
// kept there, so that a restart before the first commit begins where the first start did.
Result<std::unique_ptr<MicroBatchSource>> make_topic_source(const plan::ScanNode& scan,
                                                            const TopicsProvider& topics,
                                                            runtime::Disk& disk,
                                                            std::string directory);

}  // namespace millrace::streaming
