// The file source: files that appear in a folder, each read once.
//
// Files are taken in the order of their modification time (latestFirst: the reverse), at most
// maxFilesPerTrigger a batch. What each batch took stands in sources/<i>/N, so that a batch that
// runs again reads the same files. Offset: {"logOffset":N}.
#pragma once

#include <memory>
#include <string>

#include "streaming/sources.h"

namespace millrace::columnar {
class Engine;
}
namespace millrace::runtime {
class Disk;
}

namespace millrace::streaming {

bool is_file_format(const std::string& format);  // parquet, json, csv, text, orc

// Reads the files of `disk`; which were seen is kept on `checkpoint_disk`, which forgets when the
// query has no checkpoint.
Result<std::unique_ptr<MicroBatchSource>> make_file_source(
    const plan::ScanNode& scan, columnar::Engine& engine, runtime::Disk& disk,
    runtime::Disk& checkpoint_disk, std::string directory, std::string time_zone);

}  // namespace millrace::streaming
