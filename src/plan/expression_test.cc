#include "plan/expression.h"

#include <fmt/ranges.h>
#include <gtest/gtest.h>

namespace millrace::plan {
namespace {

std::string split(std::string_view name) {
    const auto parts = split_name(name);
    return parts ? fmt::format("{}", fmt::join(*parts, "|")) : parts.error().condition()->name;
}

TEST(SplitName, splits_at_dots_outside_back_ticks) {
    const std::string bad = "INVALID_ATTRIBUTE_NAME_SYNTAX";
    EXPECT_EQ(split("a"), "a");
    EXPECT_EQ(split("a.b c.d"), "a|b c|d");
    EXPECT_EQ(split("`a.b`.c"), "a.b|c");
    EXPECT_EQ(split("`a``b`"), "a`b");
    EXPECT_EQ(split(""), "");
    EXPECT_EQ(split("a."), bad);
    EXPECT_EQ(split(".a"), bad);
    EXPECT_EQ(split("`a"), bad);
    EXPECT_EQ(split("a`b`"), bad);
    EXPECT_EQ(split("`a`b"), bad);
}

TEST(QuoteName, is_the_reverse_of_split) {
    for (const std::vector<std::string>& parts :
         {std::vector<std::string>{"a", "b_1"}, {"a.b", "c"}, {"x`y"}, {"1st"}, {"with space"}}) {
        EXPECT_EQ(split_name(quote_name(parts)).value(), parts) << quote_name(parts);
    }
    EXPECT_EQ(quote_name({"a", "b c"}), "a.`b c`");
}

}  // namespace
}  // namespace millrace::plan
