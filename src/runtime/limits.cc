#include "runtime/limits.h"

#include <sys/resource.h>

namespace millrace::runtime {

std::uint64_t raise_open_files_limit() {
    struct rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    const rlim_t soft = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    // A kernel that refuses leaves the limit as it was.
    return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : soft;
}

}  // namespace millrace::runtime
