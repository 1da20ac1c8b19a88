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

Result<std::unique_ptr<MicroBatchSource>> make_file_source(const plan::ScanNode& scan,
                                                           columnar::Engine& engine,
                                                           runtime::Disk& disk,
                                                           std::string directory,
                                                           std::string time_zone);

}  // namespace millrace::streaming
