#include "cli/output/standard_output.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

namespace millrace::cli {

StandardOutput::StandardOutput() {
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
}

base::Result<StandardOutput::State> StandardOutput::write(std::string_view bytes) {
    errno = 0;
    const bool written = std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size();
    if (written && std::fflush(stdout) == 0) return State::kOpen;
    if (errno == EPIPE) return State::kClosed;
    return base::fail(base::system_error(errno, "write to standard output"));
}

bool StandardOutput::is_terminal() {
    return isatty(STDOUT_FILENO) == 1;
}

}  // namespace millrace::cli
