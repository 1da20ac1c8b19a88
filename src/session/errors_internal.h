// Spark's named errors as this room raises them: "[NAME] text. SQLSTATE: 42P01".
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/error.h"

namespace millrace::session {

std::unexpected<base::Error> spark_error(base::Code code, std::string name, std::string sql_state,
                                         std::map<std::string, std::string> parameters,
                                         std::string_view text, std::string java_class = {});

std::unexpected<base::Error> table_not_found(const std::vector<std::string>& name);
std::unexpected<base::Error> schema_not_found(const std::string& name);
// What Millrace has not: Spark's error class for unsupported features, naming it.
std::unexpected<base::Error> unsupported(std::string_view what);

}  // namespace millrace::session
