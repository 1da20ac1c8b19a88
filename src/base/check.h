// MR_CHECK: an invariant of this program. Always on; a broken one ends the process with the place
// and the words. Never put a condition here that input, a file or a peer can make false.
#pragma once

#include <string_view>

namespace millrace::base {
[[noreturn]] void check_failed(std::string_view condition, const char* file, int line);
}

#define MR_CHECK(condition)                                                 \
    do {                                                                    \
        if (!(condition)) [[unlikely]] {                                    \
            ::millrace::base::check_failed(#condition, __FILE__, __LINE__); \
        }                                                                   \
    } while (false)
