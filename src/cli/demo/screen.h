// What `millrace demo` shows: the ranking and the numbers of one moment, as text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace millrace::cli {

struct RankedPage {
    std::string page;
    std::int64_t hits = 0;
    std::int64_t bytes = 0;
};

struct DemoFrame {
    std::vector<RankedPage> ranking;  // Most hits first.
    std::uint64_t produced = 0;
    double done = -1;  // Of the source, 0 to 1; below 0 when it has no end.
    std::uint64_t records_in = 0;
    std::uint64_t rows_out = 0;
    std::uint64_t malformed = 0;  // Of the records in: did not parse.
    double p50_ms = 0;
    double p99_ms = 0;
    std::int64_t elapsed_ns = 0;

    // Records produced that the ranking has not counted yet.
    std::uint64_t lag() const { return produced > records_in ? produced - records_in : 0; }
};

// The whole screen, for a terminal of this many columns.
std::string render_screen(const DemoFrame& frame, std::size_t columns);
// One line, for output that is no terminal.
std::string render_line(const DemoFrame& frame);
// What is left on the screen at the end.
std::string render_summary(const DemoFrame& frame);

}  // namespace millrace::cli
