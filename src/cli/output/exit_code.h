// What the program ends with, so that scripts can branch on it.
#pragma once

#include <cstdint>

#include "base/error.h"

namespace millrace::cli {

enum class ExitCode : std::uint8_t {
    kDone = 0,
    kFailed = 1,
    kUsage = 2,
    kPartial = 3,  // Some of several items failed; the output says which.
    kNotFound = 4,
    kDenied = 5,
    kUnreachable = 6,  // Nobody answers, or not in time.
};

constexpr int to_int(ExitCode code) {
    return static_cast<int>(code);
}
ExitCode exit_code_of(const base::Error& error);

// Tally: the exit code of a command over many items.
//
// All done: kDone. Some done: kPartial. None done: what they have in common, or kFailed.
class Tally {
public:
    template <class T>
    void add(const base::Result<T>& outcome) {
        add(outcome ? ExitCode::kDone : exit_code_of(outcome.error()));
    }
    void add(ExitCode outcome);
    ExitCode code() const;

private:
    std::uint64_t done_ = 0;
    std::uint64_t failed_ = 0;
    ExitCode common_ = ExitCode::kDone;  // Of those that failed.
};

}  // namespace millrace::cli
