// The broker's loggers as Kafka's tools see them: one, named root.
#pragma once

#include <string>

#include "broker/configs/alter.h"

namespace millrace::broker {

inline constexpr const char* kRootLogger = "root";

// "DEBUG", "INFO", "WARN", "ERROR" or "OFF".
std::string root_log_level();
// Makes the changes, or only says whether they can be made.
ConfigRefusal alter_loggers(const std::vector<ConfigChange>& changes, bool validate_only);

}  // namespace millrace::broker
