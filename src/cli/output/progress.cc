#include "cli/output/progress.h"

#include "runtime/clock.h"

namespace millrace::cli {
namespace {

constexpr std::int64_t kFirstNs = 1'000'000'000;
constexpr std::int64_t kFrameNs = 100'000'000;

}  // namespace

Progress::Progress(Terminal& terminal, const runtime::Clock& clock, bool wanted)
    : terminal_(terminal),
      clock_(clock),
      wanted_(wanted),
      started_ns_(clock.monotonic_ns()),
      next_ns_(started_ns_ + kFirstNs) {}

Progress::~Progress() {
    clear();
}

std::int64_t Progress::elapsed_ns() const {
    return clock_.monotonic_ns() - started_ns_;
}

void Progress::update(double done, std::uint64_t records) {
    if (!wanted_ || !terminal_.is_live()) return;
    const std::int64_t now_ns = clock_.monotonic_ns();
    if (now_ns < next_ns_) return;
    next_ns_ = now_ns + kFrameNs;
    shown_ = true;
    terminal_.redraw(progress_line(done, records, now_ns - started_ns_, terminal_.columns()));
}

void Progress::clear() {
    if (shown_) terminal_.erase();
    shown_ = false;
}

}  // namespace millrace::cli
