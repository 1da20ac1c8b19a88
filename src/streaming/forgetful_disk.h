// ForgetfulDisk: takes every write and keeps nothing: where a query without a checkpoint location
// has its checkpoint. Such a query never restarts, so that each byte and sync would be for nobody.
// Thread-safe.
#pragma once

#include <memory>

#include "runtime/disk.h"

namespace millrace::streaming {

std::unique_ptr<runtime::Disk> make_forgetful_disk();

}  // namespace millrace::streaming
