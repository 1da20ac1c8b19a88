#include "cli/output/exit_code.h"

namespace millrace::cli {

ExitCode exit_code_of(const base::Error& error) {
    switch (error.code()) {
        case base::Code::kNotFound: return ExitCode::kNotFound;
        case base::Code::kPermissionDenied: return ExitCode::kDenied;
        case base::Code::kTimeout:
        case base::Code::kUnavailable: return ExitCode::kUnreachable;
        default: return ExitCode::kFailed;
    }
}

void Tally::add(ExitCode outcome) {
    if (outcome == ExitCode::kDone) {
        ++done_;
        return;
    }
    common_ = failed_ == 0 || common_ == outcome ? outcome : ExitCode::kFailed;
    ++failed_;
}

ExitCode Tally::code() const {
    if (failed_ == 0) return ExitCode::kDone;
    return done_ > 0 ? ExitCode::kPartial : common_;
}

}  // namespace millrace::cli
