// A Backend in this process: engine, log and session without a socket.
#pragma once

#include <memory>

#include "api/backend.h"

namespace millrace {
struct LocalOptions;
}

namespace millrace::api {
base::Result<std::shared_ptr<Backend>> make_local_backend(const LocalOptions& options);
}  // namespace millrace::api
