#include "base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>

namespace millrace::base {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
    switch (level) {
        case LogLevel::kDebug: return spdlog::level::debug;
        case LogLevel::kInfo: return spdlog::level::info;
        case LogLevel::kWarning: return spdlog::level::warn;
        case LogLevel::kError: return spdlog::level::err;
        case LogLevel::kOff: return spdlog::level::off;
    }
    return spdlog::level::info;
}

// Never destroyed: threads may log until the process ends.
spdlog::logger& logger() {
    static spdlog::logger& instance = *[] {
        auto* made =
            new spdlog::logger("millrace", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
        made->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
        return made;
    }();
    return instance;
}

}  // namespace

void set_log_level(LogLevel level) {
    logger().set_level(to_spdlog(level));
}
bool log_enabled(LogLevel level) {
    return logger().should_log(to_spdlog(level));
}
void log_line(LogLevel level, std::string_view line) {
    logger().log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

Result<LogLevel> parse_log_level(std::string_view name) {
    if (name == "debug") return LogLevel::kDebug;
    if (name == "info") return LogLevel::kInfo;
    if (name == "warning" || name == "warn") return LogLevel::kWarning;
    if (name == "error") return LogLevel::kError;
    if (name == "off") return LogLevel::kOff;
    return fail(Code::kInvalidArgument,
                "'{}' is no log level: use debug, info, warning, error or off", name.substr(0, 64));
}

std::optional<std::uint64_t> LogLimit::take() {
    const std::int64_t now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                                    std::chrono::steady_clock::now().time_since_epoch())
                                    .count();
    std::int64_t next_ms = next_ms_.load(std::memory_order_relaxed);
    if (now_ms < next_ms || !next_ms_.compare_exchange_strong(next_ms, now_ms + interval_ms_)) {
        held_back_.fetch_add(1, std::memory_order_relaxed);
        return std::nullopt;
    }
    return held_back_.exchange(0, std::memory_order_relaxed);
}

}  // namespace millrace::base
