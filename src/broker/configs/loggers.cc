#include "broker/configs/loggers.h"

#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"

namespace millrace::broker {
namespace {

using base::LogLevel;
using kafka::ErrorCode;

// Kafka's names; ours are fewer.
constexpr std::pair<std::string_view, LogLevel> kLevels[] = {
    {"TRACE", LogLevel::kDebug},  {"DEBUG", LogLevel::kDebug}, {"INFO", LogLevel::kInfo},
    {"WARN", LogLevel::kWarning}, {"ERROR", LogLevel::kError}, {"FATAL", LogLevel::kOff}};

std::optional<LogLevel> level_of(std::string_view name) {
    for (const auto& [known, level] : kLevels) {
        if (known == name) return level;
    }
    return std::nullopt;
}

}  // namespace

std::string root_log_level() {
    if (base::log_enabled(LogLevel::kDebug)) return "DEBUG";
    if (base::log_enabled(LogLevel::kInfo)) return "INFO";
    if (base::log_enabled(LogLevel::kWarning)) return "WARN";
    return base::log_enabled(LogLevel::kError) ? "ERROR" : "FATAL";
}

ConfigRefusal alter_loggers(const std::vector<ConfigChange>& changes, bool validate_only) {
    std::optional<LogLevel> wanted;
    for (const ConfigChange& change : changes) {
        switch (ConfigOp{change.op}) {
            case ConfigOp::kSet: {
                if (change.name != kRootLogger) {
                    return {ErrorCode::kInvalidConfig,
                            fmt::format("Logger {} does not exist!", change.name)};
                }
                wanted = level_of(*change.value);
                if (!wanted) {
                    return {ErrorCode::kInvalidConfig,
                            fmt::format("Cannot set the log level of {} to {} as it is not a "
                                        "supported log level. Valid log levels are DEBUG, ERROR, "
                                        "FATAL, INFO, TRACE, WARN",
                                        change.name, *change.value)};
                }
                break;
            }
            case ConfigOp::kDelete:
                if (change.name != kRootLogger) {
                    return {ErrorCode::kInvalidConfig,
                            fmt::format("Logger {} does not exist!", change.name)};
                }
                return {ErrorCode::kInvalidRequest,
                        "Removing the log level of the root logger is not allowed"};
            case ConfigOp::kAppend:
                return {ErrorCode::kInvalidRequest,
                        "APPEND operation is not allowed for the BROKER_LOGGER resource"};
            case ConfigOp::kSubtract:
                return {ErrorCode::kInvalidRequest,
                        "SUBTRACT operation is not allowed for the BROKER_LOGGER resource"};
            default:
                return {ErrorCode::kInvalidRequest,
                        fmt::format("Unknown operation type {} is not allowed for the "
                                    "BROKER_LOGGER resource",
                                    change.op)};
        }
    }
    if (wanted && !validate_only) base::set_log_level(*wanted);
    return {};
}

}  // namespace millrace::broker
