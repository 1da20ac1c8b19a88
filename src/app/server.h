// start_server: the whole server in this process, every part wired to those it needs.
//
// Starts in order of need and stops in the reverse; the destructor of what it returns stops it
// cleanly: clients are hung up on, queries end their batch, logs are closed. Call it from a thread
// that is no loop.
#pragma once

#include <memory>

#include "base/error.h"
#include "cli/program.h"
#include "config/server_options.h"

namespace millrace::app {

// kConflict when a port or the data folder is in use.
base::Result<std::unique_ptr<cli::RunningServer>> start_server(const config::ServerOptions& options,
                                                               const std::string& version);

}  // namespace millrace::app
