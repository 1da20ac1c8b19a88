// UnsyncedDisk: another disk whose syncs do nothing, for checkpoints that nobody will start from:
// the temporary ones, which are removed when their query ends. Thread-safe as the disk behind it.
#pragma once

#include <memory>

#include "runtime/disk.h"

namespace millrace::streaming {

// `disk` outlives what is returned.
std::unique_ptr<runtime::Disk> make_unsynced_disk(runtime::Disk& disk);

}  // namespace millrace::streaming
