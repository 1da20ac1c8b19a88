#include "columnar/files_internal.h"

namespace millrace::columnar {

using base::Code;
using base::fail;
using base::Result;

Result<Batches> read_files(const plan::ScanNode& scan, const std::string&) {
    return fail(Code::kUnsupported, "reading {} is not supported", scan.source.format);
}

}  // namespace millrace::columnar
