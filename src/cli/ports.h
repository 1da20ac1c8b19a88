// Which ports a command may take.
#pragma once

#include <cstdint>
#include <string>

namespace millrace::cli {

// Whether nobody listens on that port at this moment. Call it from a thread that is no loop.
bool is_port_free(const std::string& host, std::int32_t port);

}  // namespace millrace::cli
