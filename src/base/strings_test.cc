#include "base/strings.h"

#include <gtest/gtest.h>

namespace millrace::base {
namespace {

TEST(Strings, trims_and_splits) {
    EXPECT_EQ(trim(" \t a b\r\n"), "a b");
    EXPECT_EQ(trim(" \n "), "");
    EXPECT_EQ(trim(""), "");
    EXPECT_EQ(split("a,,b", ','), (std::vector<std::string_view>{"a", "", "b"}));
    EXPECT_EQ(split("", ','), std::vector<std::string_view>{""});
    EXPECT_EQ(split(",", ','), (std::vector<std::string_view>{"", ""}));
    EXPECT_EQ(join({"a", "", "b"}, ", "), "a, , b");
    EXPECT_EQ(join({}, ", "), "");
    EXPECT_EQ(join({"", "b"}, ","), ",b");
}

TEST(Strings, knows_ascii_case_only) {
    EXPECT_EQ(to_lower("AbZ-\xC4"), "abz-\xC4");
    EXPECT_EQ(to_upper("abz@"), "ABZ@");
    EXPECT_TRUE(equals_ignore_case("Kafka", "kAFKA"));
    EXPECT_FALSE(equals_ignore_case("kafka", "kafk"));
    EXPECT_FALSE(equals_ignore_case("@", "`"));
}

std::string number(std::string_view text, std::int64_t least = -100, std::int64_t most = 100) {
    const auto value = parse_int64(text, least, most);
    return value ? std::to_string(*value) : value.error().to_string();
}

TEST(Strings, parses_whole_numbers_strictly) {
    EXPECT_EQ(number("0"), "0");
    EXPECT_EQ(number("-7"), "-7");
    EXPECT_EQ(number("0100"), "100");
    for (const auto* const bad : {"", "-", "+1", " 1", "1 ", "1.0", "0x1", "1e2", "--1", "a"}) {
        EXPECT_EQ(number(bad), fmt::format("invalid argument: '{}' is not a whole number", bad));
    }
    EXPECT_EQ(number("101"), "out of range: 101 is not between -100 and 100");
    EXPECT_EQ(number("99999999999999999999"),
              "out of range: 99999999999999999999 is not between -100 and 100");
    EXPECT_EQ(parse_int64("-9223372036854775808").value(), INT64_MIN);
    EXPECT_EQ(parse_int64("9223372036854775808").error().code(), Code::kOutOfRange);
}

TEST(Strings, parses_finite_numbers) {
    EXPECT_EQ(parse_double("1.5e3").value(), 1500);
    EXPECT_EQ(parse_double("-.25").value(), -0.25);
    EXPECT_EQ(parse_double("1e999").error().code(), Code::kOutOfRange);
    for (const auto* const bad : {"", "nan", "inf", "-inf", "0x10", "1.0f", " 1", "1,5"}) {
        EXPECT_FALSE(parse_double(bad)) << bad;
    }
}

TEST(Strings, suggests_what_was_meant) {
    EXPECT_EQ(edit_distance("", "abc"), 3u);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
    EXPECT_EQ(edit_distance("same", "same"), 0u);
    const std::vector<std::string> names = {"window", "when", "wine", "min"};
    EXPECT_EQ(did_you_mean("windw", names), std::vector<std::string>{"window"});
    EXPECT_EQ(did_you_mean("WHEM", names), std::vector<std::string>{"when"});
    EXPECT_EQ(did_you_mean("zzz", names), std::vector<std::string>{});
    EXPECT_EQ(did_you_mean("win", names, 1), std::vector<std::string>{"wine"});
}

TEST(Strings, tells_well_formed_utf8) {
    for (const auto* const good : {"", "plain", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
                                   "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF"}) {
        EXPECT_TRUE(is_valid_utf8(good)) << good;
    }
    for (const auto* const bad :
         {"\x80", "\xC3", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80", "\xE2\x82",
          "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "a\xE2\x28\xA1"}) {
        EXPECT_FALSE(is_valid_utf8(bad));
    }
}

}  // namespace
}  // namespace millrace::base
