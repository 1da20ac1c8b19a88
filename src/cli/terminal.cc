#include "cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace millrace::cli {

Terminal::Terminal(const config::Settings& environment) {
    const auto is_set = [&](std::string_view name) {
        const auto found = environment.find(name);
        return found != environment.end() && !found->second.empty();
    };
    live_ = isatty(STDERR_FILENO) == 1 && !is_set("CI");
    colours_ = live_ && !is_set("NO_COLOR");
    winsize size{};
    columns_ = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string Terminal::bold(std::string_view text) const {
    return colours_ ? fmt::format("\x1b[1m{}\x1b[0m", text) : std::string(text);
}
std::string Terminal::dim(std::string_view text) const {
    return colours_ ? fmt::format("\x1b[2m{}\x1b[0m", text) : std::string(text);
}

void Terminal::redraw(std::string_view lines) {
    if (!live_) return;
    std::string frame;
    // Up to the first line of the last frame, and clear from there.
    if (drawn_lines_ > 0) frame = fmt::format("\x1b[{}A", drawn_lines_);
    frame += "\r\x1b[J";
    frame += lines;
    if (!lines.ends_with('\n')) frame += '\n';
    drawn_lines_ = static_cast<std::size_t>(std::ranges::count(frame, '\n'));
    fmt::print(stderr, "{}", frame);
    std::fflush(stderr);
}

void Terminal::erase() {
    if (drawn_lines_ == 0) return;
    fmt::print(stderr, "\x1b[{}A\r\x1b[J", drawn_lines_);
    std::fflush(stderr);
    drawn_lines_ = 0;
}

void Terminal::keep() {
    drawn_lines_ = 0;
}

std::string with_commas(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
        digits.insert(static_cast<std::size_t>(at), 1, ',');
    }
    return digits;
}

std::string progress_line(double done, std::uint64_t records, std::int64_t elapsed_ns,
                          std::size_t columns) {
    const double seconds = std::max(static_cast<double>(elapsed_ns) / 1e9, 1e-9);
    std::string line = fmt::format(
        "{} records  {}/s", with_commas(records),
        with_commas(static_cast<std::uint64_t>(static_cast<double>(records) / seconds)));
    if (done < 0) return line;
    const double share = std::clamp(done, 0.0, 1.0);
    if (share > 0 && share < 1) {
        const auto left = static_cast<std::uint64_t>(seconds / share * (1 - share) + 0.5);
        line += fmt::format("  left {}:{:02}", left / 60, left % 60);
    }
    line = fmt::format("{:3.0f} %  {}", share * 100, line);
    constexpr std::size_t kSmallestBar = 12;
    if (columns < line.size() + kSmallestBar) return line;
    const std::size_t width = std::min<std::size_t>(columns - line.size() - 4, 40);
    const auto filled = static_cast<std::size_t>(share * static_cast<double>(width));
    return fmt::format("[{}{}] {}", std::string(filled, '#'), std::string(width - filled, '-'),
                       line);
}

}  // namespace millrace::cli
