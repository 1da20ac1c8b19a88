// Terminal: what a person sees on standard error and output while a command runs.
//
// Notices and progress go to standard error, data to standard output. Live lines and colours appear
// only on a terminal, and neither under CI or NO_COLOR. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/option.h"

namespace millrace::cli {

class Terminal {
public:
    // CI, NO_COLOR and COLUMNS of the environment count.
    explicit Terminal(const config::Settings& environment);

    bool is_live() const { return live_; }
    std::size_t columns() const { return columns_; }
    // `text` in bold, or as it is.
    std::string bold(std::string_view text) const;
    std::string dim(std::string_view text) const;

    // Replace the lines that the last call wrote; on no terminal, write nothing.
    void redraw(std::string_view lines);
    // Leave what redraw() wrote and go on below it.
    void keep();
    // Take away what redraw() wrote.
    void erase();

private:
    bool live_;
    bool colours_;
    std::size_t columns_;
    std::size_t drawn_lines_ = 0;
};

// "[#######-------]  52 %  1,234,567 records  98,000/s  left 0:07" in at most `columns`. `done`
// below 0: without an end.
std::string progress_line(double done, std::uint64_t records, std::int64_t elapsed_ns,
                          std::size_t columns);
// 1234567 -> "1,234,567"
std::string with_commas(std::uint64_t number);

}  // namespace millrace::cli
