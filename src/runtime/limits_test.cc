#include "runtime/limits.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace millrace::runtime {
namespace {

TEST(Limits, open_files_reach_the_hard_limit) {
    struct rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 256;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_EQ(raise_open_files_limit(), limit.rlim_max);
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_EQ(limit.rlim_cur, limit.rlim_max);
}

}  // namespace
}  // namespace millrace::runtime
