#include "base/check.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

namespace millrace::base {

void check_failed(std::string_view condition, const char* file, int line) {
    fmt::print(stderr, "millrace: broken invariant at {}:{}: {}\n", file, line, condition);
    std::abort();
}

}  // namespace millrace::base
