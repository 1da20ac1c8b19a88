// Where `produce` reads from: standard input, or a file.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "cli/records/record_reader.h"

namespace millrace::runtime {
class Disk;
}

namespace millrace::cli {

class Interrupt;

// Ends where standard input ends, and at an interrupt.
ByteSource standard_input(const Interrupt& interrupt);

struct FileInput {
    ByteSource source;
    std::uint64_t size_bytes = 0;
};
base::Result<FileInput> file_input(runtime::Disk& disk, const std::string& path);

}  // namespace millrace::cli
