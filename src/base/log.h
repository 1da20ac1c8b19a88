// Log lines for whoever runs the server: on standard error, with time and level. Thread-safe.
//
// Say what happened, to what, and what to do about it. Never log in a loop over input: one line for
// each bad record of a client is a way to fill a disk.
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace millrace::base {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError, kOff };

// Lines below it are dropped; kInfo unless set.
void set_log_level(LogLevel level);
// "debug", "info", "warning" ("warn"), "error" or "off"; kInvalidArgument lists them.
Result<LogLevel> parse_log_level(std::string_view name);
bool log_enabled(LogLevel level);
void log_line(LogLevel level, std::string_view line);

template <class... Args>
void log_at(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
    if (log_enabled(level)) log_line(level, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
    log_at(LogLevel::kDebug, format, std::forward<Args>(args)...);
}
template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
    log_at(LogLevel::kInfo, format, std::forward<Args>(args)...);
}
template <class... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
    log_at(LogLevel::kWarning, format, std::forward<Args>(args)...);
}
template <class... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
    log_at(LogLevel::kError, format, std::forward<Args>(args)...);
}

// LogLimit lets one line through per interval, for what input or a peer may cause again and again:
//     static LogLimit limit(10'000);
//     if (const auto held_back = limit.take()) {
//         log_warning("bad batch from {} ({} more not shown)", peer, *held_back);
//     }
class LogLimit {
public:
    explicit LogLimit(std::int64_t interval_ms) : interval_ms_(interval_ms) {}
    // When a line may be written now: how many were held back since the last one.
    std::optional<std::uint64_t> take();

private:
    std::int64_t interval_ms_;
    std::atomic<std::int64_t> next_ms_ = 0;
    std::atomic<std::uint64_t> held_back_ = 0;
};

}  // namespace millrace::base
