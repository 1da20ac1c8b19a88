// Limits of the operating system that a server wants out of its way.
#pragma once

#include <cstdint>

namespace millrace::runtime {

// Let this process hold as many open files as its hard limit allows; shells usually start programs
// with far fewer. Returns what is allowed now.
std::uint64_t raise_open_files_limit();

}  // namespace millrace::runtime
