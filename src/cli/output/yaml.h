// JSON values as YAML 1.2 in block style.
#pragma once

#include <string>

#include "base/json.h"

namespace millrace::cli {

// Ends with a line end. Text that another reader could take for a number, a boolean, a date or
// syntax is quoted, as JSON quotes it.
std::string to_yaml(const base::JsonValue& value);

}  // namespace millrace::cli
