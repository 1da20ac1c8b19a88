#include "sql/number_format.h"

#include <gtest/gtest.h>

namespace millrace::sql {
namespace {

std::string read(const char* format, const char* text) {
    return NumberFormat(format).read(text).value_or("none");
}
std::string write(const char* format, const char* number) {
    return NumberFormat(format).write(number);
}
std::string error(const char* format) {
    const auto found = NumberFormat(format).error();
    return !found                  ? "none"
           : found->second.empty() ? found->first
                                   : found->first + " " + found->second;
}

TEST(NumberFormat, reads_what_matches) {
    EXPECT_EQ(read("999", "454"), "454");
    EXPECT_EQ(read("999", "45"), "45");
    EXPECT_EQ(read("000", "45"), "none");
    EXPECT_EQ(read("999", "4545"), "none");
    EXPECT_EQ(read("000.00", "454.00"), "454.00");
    EXPECT_EQ(read("000.00", "454"), "454");
    EXPECT_EQ(read("99,999", "12,454"), "12454");
    EXPECT_EQ(read("99,999", "454"), "454");
    EXPECT_EQ(read("99,999", "1,2,454"), "none");
    EXPECT_EQ(read("$99.99", "$78.12"), "78.12");
    EXPECT_EQ(read("$99.99", "78.12"), "none");
    EXPECT_EQ(read("99,999.9S", "12,454.8-"), "-12454.8");
    EXPECT_EQ(read("MI99", "-12"), "-12");
    EXPECT_EQ(read("99PR", "<12>"), "-12");
    EXPECT_EQ(read("99PR", "<12"), "none");
    EXPECT_EQ(read(".9", ".5"), "0.5");
    EXPECT_EQ(read("9", ""), "none");
    EXPECT_EQ(NumberFormat("99,999.90").precision(), 7);
    EXPECT_EQ(NumberFormat("99,999.90").scale(), 2);
}

TEST(NumberFormat, writes_with_padding_and_signs) {
    EXPECT_EQ(write("999", "454"), "454");
    EXPECT_EQ(write("99999", "454"), "  454");
    EXPECT_EQ(write("00999", "454"), "00454");
    EXPECT_EQ(write("999", "12345"), "###");
    EXPECT_EQ(write("000D00", "454.00"), "454.00");
    EXPECT_EQ(write("99G999D9S", "-12454.8"), "12,454.8-");
    EXPECT_EQ(write("$99.99", "78.12"), "$78.12");
    EXPECT_EQ(write("9.9", "0.5"), "0.5");
    EXPECT_EQ(write("S999", "-1"), "  -1");
    EXPECT_EQ(write("9PR", "-5"), "<5>");
    EXPECT_EQ(write("9PR", "5"), "5  ");
    EXPECT_EQ(write("9MI", "5"), "5 ");
}

TEST(NumberFormat, refuses_what_is_no_format) {
    EXPECT_EQ(error("99,999.99MI"), "none");
    EXPECT_EQ(error(""), "EMPTY");
    EXPECT_EQ(error("$"), "WRONG_NUM_DIGIT");
    EXPECT_EQ(error("99$"), "CUR_MUST_BEFORE_DIGIT");
    EXPECT_EQ(error(",99"), "CONT_THOUSANDS_SEPS");
    EXPECT_EQ(error("9,,9"), "CONT_THOUSANDS_SEPS");
    EXPECT_EQ(error("9.9,9"), "THOUSANDS_SEPS_MUST_BEFORE_DEC");
    EXPECT_EQ(error("9.9.9"), "WRONG_NUM_TOKEN . or D");
    EXPECT_EQ(error("9x"), "UNEXPECTED_TOKEN character 'x''");
}

}  // namespace
}  // namespace millrace::sql
