// Kafka's own words for a config value that is not allowed: clients show them to people, and suites
// compare them.
#pragma once

#include <string>
#include <string_view>

#include "config/option.h"

namespace millrace::broker {

// Why `text` is no value of this option; `option` is any view of it.
std::string wrong_value(const config::OptionView& option, std::string_view text);

}  // namespace millrace::broker
