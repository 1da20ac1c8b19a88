#include "cli/demo/screen.h"

#include <gtest/gtest.h>

namespace millrace::cli {
namespace {

DemoFrame frame() {
    return {.ranking = {{"/index.html", 1000, 123456}, {"/news/index.html", 500, 1000}},
            .produced = 5000,
            .done = 0.5,
            .records_in = 4990,
            .rows_out = 12,
            .malformed = 7,
            .p50_ms = 2.34,
            .p99_ms = 9.87,
            .elapsed_ns = 2'000'000'000};
}

TEST(DemoScreen, shows_the_ranking_and_the_numbers) {
    EXPECT_EQ(render_screen(frame(), 80),
              "  #  PAGE                                     HITS          BYTES\n"
              "  1  /index.html                             1,000        123,456  ############\n"
              "  2  /news/index.html                          500          1,000  ######\n"
              "\n"
              "[##################------------------]  50 %  5,000 records  2,500/s  left 0:02\n"
              "in 4,990 records, lag 10; out 12 windows; latency p50 2.3 ms, p99 9.9 ms\n");
}

TEST(DemoScreen, cuts_long_names_and_fits_narrow_terminals) {
    DemoFrame one = frame();
    one.ranking = {{std::string(100, 'x'), 1, 1}};
    EXPECT_NE(render_screen(one, 40).find("xxxxxxxxxx.. "), std::string::npos);
    one.ranking = {{"/caf\xc3\xa9/" + std::string(100, 'x'), 1, 1}};
    EXPECT_NE(render_screen(one, 40).find("/caf\xc3\xa9/xxx.."), std::string::npos);
}

TEST(DemoScreen, shows_something_before_the_first_record) {
    EXPECT_NE(render_screen({}, 80).find("0 records"), std::string::npos);
    EXPECT_EQ(render_line({}),
              "   0.0 s  in 0 records, lag 0, out 0 windows, p50 0.0 ms, p99 0.0 ms\n");
}

TEST(DemoScreen, shows_at_most_fifteen_pages) {
    DemoFrame many;
    for (int i = 0; i < 20; ++i) many.ranking.push_back({"/p" + std::to_string(i), 20 - i, 0});
    const std::string screen = render_screen(many, 80);
    EXPECT_NE(screen.find("/p14 "), std::string::npos);
    EXPECT_EQ(screen.find("/p15 "), std::string::npos);
}

TEST(DemoScreen, sums_up) {
    EXPECT_EQ(
        render_summary(frame()),
        "4,990 records in (2,495/s), 7 of them malformed, 12 rows of closed windows out, 10 left "
        "behind, in 2.0 s;\n"
        "from append to visible: p50 2.3 ms, p99 9.9 ms\n");
}

}  // namespace
}  // namespace millrace::cli
