// LogStartFile: where a log starts, when that is not where its first segment does.
//
// File "log-start-offset" in the log's folder: the offset in decimal and a line feed, replaced
// durably. It only rises, in whatever order the jobs of a pool ask for it. Thread-safe.
#pragma once

#include <mutex>
#include <string>

#include "base/error.h"
#include "model/types.h"

namespace millrace::runtime {
class Disk;
}

namespace millrace::storage {

class LogStartFile {
public:
    LogStartFile(runtime::Disk& disk, const std::string& folder);

    // Offset 0 when there is no file; kCorrupt when it does not hold an offset.
    base::Result<model::Offset> load();
    // Durable when it returns. Nothing to do when the log starts there, or later, already.
    base::Result<void> raise_to(model::Offset start);

private:
    runtime::Disk& disk_;
    const std::string path_;
    std::mutex mutex_;
    model::Offset written_;
};

}  // namespace millrace::storage
