#include "base/error.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace millrace::base {
namespace {

Result<int> half(int number) {
    if (number % 2 != 0) return fail(Code::kInvalidArgument, "{} is odd", number);
    return number / 2;
}

Result<int> quarter(int number) {
    MR_TRY(const int once, half(number));
    return half(once);
}

TEST(Error, passes_up_through_try) {
    EXPECT_EQ(quarter(8).value(), 2);
    EXPECT_EQ(quarter(6).error().message(), "3 is odd");
    EXPECT_EQ(quarter(6).error().code(), Code::kInvalidArgument);
}

TEST(Error, gains_context_on_the_way_up_and_keeps_its_condition) {
    const Error plain(Code::kAnalysis, "no column x", {.name = "UNRESOLVED_COLUMN"});
    const Error outer = plain.with("plan query q");
    EXPECT_EQ(outer.to_string(), "analysis error: plan query q: no column x");
    ASSERT_NE(outer.condition(), nullptr);
    EXPECT_EQ(outer.condition()->name, "UNRESOLVED_COLUMN");
}

TEST(Error, tells_a_full_disk_from_other_failures) {
    EXPECT_EQ(system_error(ENOSPC, "write a.log").code(), Code::kNoSpace);
    EXPECT_EQ(system_error(EIO, "write a.log").message(), "write a.log: Input/output error");
}

}  // namespace
}  // namespace millrace::base
