#include "storage/log_start_file.h"

#include <fmt/format.h>

#include <charconv>

#include "runtime/disk.h"

namespace millrace::storage {

using base::Code;
using base::fail;
using base::Result;
using model::Offset;

LogStartFile::LogStartFile(runtime::Disk& disk, const std::string& folder)
    : disk_(disk), path_(folder + "/log-start-offset") {}

Result<Offset> LogStartFile::load() {
    const std::lock_guard lock(mutex_);
    if (!disk_.exists(path_)) return written_;
    MR_TRY(const auto text, runtime::read_file(disk_, path_));
    Offset start;
    const char* const end = text.data() + text.size();
    const auto [rest, code] = std::from_chars(text.data(), end, start.value);
    if (code != std::errc() || rest + 1 != end || *rest != '\n' || start < Offset{0}) {
        return fail(Code::kCorrupt, "{} does not hold an offset", path_);
    }
    written_ = start;
    return start;
}

Result<void> LogStartFile::raise_to(Offset start) {
    const std::lock_guard lock(mutex_);
    if (start <= written_) return {};
    MR_TRY_VOID(runtime::write_file_durably(disk_, path_, fmt::format("{}\n", start)));
    written_ = start;
    return {};
}

}  // namespace millrace::storage
