#include "cli/terminal.h"

#include <gtest/gtest.h>

namespace millrace::cli {
namespace {

TEST(Terminal, separates_thousands) {
    EXPECT_EQ(with_commas(0), "0");
    EXPECT_EQ(with_commas(999), "999");
    EXPECT_EQ(with_commas(1000), "1,000");
    EXPECT_EQ(with_commas(1234567), "1,234,567");
}

TEST(Terminal, draws_progress_with_rate_and_time_left) {
    EXPECT_EQ(progress_line(0.25, 1000, 2'000'000'000, 60),
              "[####--------------]  25 %  1,000 records  500/s  left 0:06");
    EXPECT_EQ(progress_line(1.0, 4000, 8'000'000'000, 50),
              "[###################] 100 %  4,000 records  500/s");
}

TEST(Terminal, fits_narrow_windows_and_endless_sources) {
    EXPECT_EQ(progress_line(0.25, 1000, 2'000'000'000, 20),
              " 25 %  1,000 records  500/s  left 0:06");
    EXPECT_EQ(progress_line(-1, 1000, 2'000'000'000, 80), "1,000 records  500/s");
    EXPECT_EQ(progress_line(-1, 0, 0, 80), "0 records  0/s");
}

}  // namespace
}  // namespace millrace::cli
