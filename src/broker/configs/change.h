// change_configs: one resource of AlterConfigs or IncrementalAlterConfigs, checked, made durable
// and put in force.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "broker/configs/alter.h"
#include "runtime/task.h"

namespace millrace::broker {

struct Services;

struct ConfigsToChange {
    std::int8_t type = 0;  // A ConfigType, as it came.
    std::string name;
    std::vector<ConfigChange> changes;
    bool replace = false;  // What is not named is reset.
    bool validate_only = false;
};

// kNone when it is done.
runtime::Task<ConfigRefusal> change_configs(const Services& services, ConfigsToChange wanted);

}  // namespace millrace::broker
