// Reading and writing files of the formats that Spark knows; see engine.h for the public calls.
#pragma once

#include "columnar/engine.h"

namespace millrace::columnar {

// The rows of a scan of files: columns as the scan puts out, whatever the files hold.
base::Result<Batches> read_files(const plan::ScanNode& scan, const std::string& time_zone);

}  // namespace millrace::columnar
