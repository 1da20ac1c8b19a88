// StandardOutput: where data goes, with every failed write noticed.
//
// A reader that goes away (`| head -1`) is no failure: write() tells kClosed, and the command ends
// quietly. Not thread-safe.
#pragma once

#include <string_view>

#include "base/error.h"

namespace millrace::cli {

class StandardOutput {
public:
    enum class State : bool { kOpen, kClosed };

    // From then on a write to a pipe that nobody reads fails, instead of ending the process.
    StandardOutput();

    // All of it, through to the reader. An error of any other kind than a closed pipe is kIo.
    base::Result<State> write(std::string_view bytes);
    static bool is_terminal();
};

}  // namespace millrace::cli
