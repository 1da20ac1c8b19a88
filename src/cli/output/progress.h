// Progress: how far a long operation is, on standard error of a terminal.
//
// The first line appears after a second, so that short operations show none. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>

#include "cli/terminal.h"

namespace millrace::runtime {
class Clock;
}

namespace millrace::cli {

class Progress {
public:
    Progress(Terminal& terminal, const runtime::Clock& clock, bool wanted);
    ~Progress();  // Takes the line away.
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    // `done` of the whole, from 0 to 1, or below 0 when there is no known end. Cheap to call often.
    void update(double done, std::uint64_t records);
    std::int64_t elapsed_ns() const;
    // Take the line away, so that something else can be printed.
    void clear();

private:
    Terminal& terminal_;
    const runtime::Clock& clock_;
    const bool wanted_;
    const std::int64_t started_ns_;
    std::int64_t next_ns_;
    bool shown_ = false;
};

}  // namespace millrace::cli
