#include "base/error.h"

#include <cerrno>
#include <system_error>

namespace millrace::base {

std::string_view code_name(Code code) {
    switch (code) {
        case Code::kInvalidArgument: return "invalid argument";
        case Code::kNotFound: return "not found";
        case Code::kAlreadyExists: return "already exists";
        case Code::kOutOfRange: return "out of range";
        case Code::kCorrupt: return "corrupt";
        case Code::kTooLarge: return "too large";
        case Code::kUnsupported: return "unsupported";
        case Code::kIo: return "input/output error";
        case Code::kNoSpace: return "no space";
        case Code::kOffline: return "offline";
        case Code::kUnavailable: return "unavailable";
        case Code::kTimeout: return "timeout";
        case Code::kCancelled: return "cancelled";
        case Code::kPermissionDenied: return "permission denied";
        case Code::kResourceExhausted: return "resource exhausted";
        case Code::kConflict: return "conflict";
        case Code::kFenced: return "fenced";
        case Code::kOutOfOrder: return "out of order";
        case Code::kAnalysis: return "analysis error";
        case Code::kParse: return "parse error";
        case Code::kArithmetic: return "arithmetic error";
        case Code::kRuntime: return "runtime error";
        case Code::kInternal: return "internal error";
    }
    return "unknown error";
}

Error Error::with(std::string_view context) const {
    Error result = *this;
    result.message_ = fmt::format("{}: {}", context, message_);
    return result;
}

std::string Error::to_string() const {
    return fmt::format("{}: {}", code_name(code_), message_);
}

Error system_error(int error_number, std::string_view what) {
    Code code = Code::kIo;
    if (error_number == ENOSPC || error_number == EDQUOT) code = Code::kNoSpace;
    if (error_number == ENOENT) code = Code::kNotFound;
    if (error_number == EEXIST) code = Code::kAlreadyExists;
    if (error_number == EACCES || error_number == EPERM) code = Code::kPermissionDenied;
    if (error_number == EADDRINUSE) code = Code::kConflict;
    return {code, fmt::format("{}: {}", what, std::generic_category().message(error_number))};
}

}  // namespace millrace::base
