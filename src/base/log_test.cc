#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::base {
namespace {

class LogTest : public testing::Test {
protected:
    ~LogTest() override { set_log_level(LogLevel::kInfo); }
};

TEST_F(LogTest, writes_lines_of_its_level_and_above_to_standard_error) {
    testing::internal::CaptureStderr();
    set_log_level(LogLevel::kWarning);
    log_info("not this {}", 1);
    log_warning("but {} of {}", 1, 2);
    log_error("and {{}} as it is");
    const std::string written = testing::internal::GetCapturedStderr();
    EXPECT_THAT(written, testing::Not(testing::HasSubstr("not this")));
    EXPECT_THAT(written, testing::HasSubstr("but 1 of 2\n"));
    EXPECT_THAT(written, testing::HasSubstr("and {} as it is\n"));
}

TEST_F(LogTest, formats_only_what_is_written) {
    set_log_level(LogLevel::kOff);
    EXPECT_FALSE(log_enabled(LogLevel::kError));
    set_log_level(LogLevel::kDebug);
    EXPECT_TRUE(log_enabled(LogLevel::kDebug));
}

TEST_F(LogTest, knows_the_levels_by_name) {
    EXPECT_EQ(parse_log_level("debug").value(), LogLevel::kDebug);
    EXPECT_EQ(parse_log_level("warn").value(), LogLevel::kWarning);
    EXPECT_EQ(parse_log_level("off").value(), LogLevel::kOff);
    EXPECT_EQ(parse_log_level("INFO").error().message(),
              "'INFO' is no log level: use debug, info, warning, error or off");
}

TEST(LogLimit, lets_one_line_through_and_counts_the_others) {
    LogLimit always(0);
    EXPECT_EQ(always.take(), 0u);
    EXPECT_EQ(always.take(), 0u);
    LogLimit seldom(1'000'000'000);
    EXPECT_EQ(seldom.take(), 0u);
    EXPECT_EQ(seldom.take(), std::nullopt);
    EXPECT_EQ(seldom.take(), std::nullopt);
}

}  // namespace
}  // namespace millrace::base
