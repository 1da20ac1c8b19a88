#include "cli/demo/screen.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/terminal.h"

namespace millrace::cli {
namespace {

constexpr std::size_t kShownPages = 15;

std::string count(std::int64_t number) {
    return with_commas(static_cast<std::uint64_t>(std::max<std::int64_t>(number, 0)));
}

double seconds(const DemoFrame& frame) {
    return static_cast<double>(frame.elapsed_ns) / 1e9;
}

// At most `columns` bytes, cut with two dots; page names are ASCII but for odd requests.
std::string cut(std::string text, std::size_t columns) {
    if (text.size() <= columns) return text;
    text.resize(columns > 2 ? columns - 2 : 0);
    // Not within a character.
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0) == 0x80) {
        text.pop_back();
    }
    return text + "..";
}

}  // namespace

std::string render_screen(const DemoFrame& frame, std::size_t columns) {
    constexpr std::size_t kFixed = 34;  // Rank, hits, bytes and the spaces between.
    const std::size_t name_columns =
        columns > kFixed + 20 ? std::min<std::size_t>(columns - kFixed - 12, 48) : 12;
    const std::size_t bar_columns = columns > kFixed + name_columns
                                        ? std::min<std::size_t>(columns - kFixed - name_columns, 30)
                                        : 0;
    std::string text =
        fmt::format("{:>3}  {:<{}} {:>10} {:>14}\n", "#", "PAGE", name_columns, "HITS", "BYTES");
    const std::int64_t most =
        frame.ranking.empty() ? 1 : std::max<std::int64_t>(frame.ranking.front().hits, 1);
    for (std::size_t i = 0; i < std::min(frame.ranking.size(), kShownPages); ++i) {
        const RankedPage& page = frame.ranking[i];
        const auto bar =
            static_cast<std::size_t>(static_cast<double>(bar_columns) *
                                     static_cast<double>(page.hits) / static_cast<double>(most));
        text += fmt::format("{:>3}  {:<{}} {:>10} {:>14}  {}\n", i + 1,
                            cut(page.page, name_columns), name_columns, count(page.hits),
                            count(page.bytes), std::string(std::min(bar, bar_columns), '#'));
    }
    text += '\n';
    text += progress_line(frame.done, frame.produced, frame.elapsed_ns, columns) + '\n';
    text +=
        fmt::format("in {} records, lag {}; out {} windows; latency p50 {:.1f} ms, p99 {:.1f} ms\n",
                    with_commas(frame.records_in), with_commas(frame.lag()),
                    with_commas(frame.rows_out), frame.p50_ms, frame.p99_ms);
    return text;
}

std::string render_line(const DemoFrame& frame) {
    std::string line = fmt::format(
        "{:6.1f} s  in {} records, lag {}, out {} windows, p50 {:.1f} ms, p99 {:.1f} ms",
        seconds(frame), with_commas(frame.records_in), with_commas(frame.lag()),
        with_commas(frame.rows_out), frame.p50_ms, frame.p99_ms);
    if (!frame.ranking.empty()) {
        line += fmt::format("; first {} with {} hits", frame.ranking.front().page,
                            count(frame.ranking.front().hits));
    }
    return line + '\n';
}

std::string render_summary(const DemoFrame& frame) {
    const double rate = static_cast<double>(frame.records_in) / std::max(seconds(frame), 1e-9);
    return fmt::format(
        "{} records in ({}/s), {} of them malformed, {} rows of closed windows out, {} left "
        "behind, in {:.1f} s;\n"
        "from append to visible: p50 {:.1f} ms, p99 {:.1f} ms\n",
        with_commas(frame.records_in), with_commas(static_cast<std::uint64_t>(rate)),
        with_commas(frame.malformed), with_commas(frame.rows_out), with_commas(frame.lag()),
        seconds(frame), frame.p50_ms, frame.p99_ms);
}

}  // namespace millrace::cli
