// Errors of running queries: how a condition travels through DuckDB, and what comes out.
//
// A function of ours that meets a bad value reports condition_text(...): the condition's name and
// its parameters between marks that no message contains. The edge finds it in DuckDB's words, puts
// Spark's message together and makes a base::Error of it. DuckDB's own errors are translated where
// Spark has a name for them (overflow, casts); all others keep DuckDB's words.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace millrace::columnar {

// "\x01CAST_INVALID_INPUT\x02expression\x03'abc'\x02…\x01"
std::string condition_text(std::string_view name,
                           const std::vector<std::pair<std::string_view, std::string>>& parameters);

// What DuckDB said, as this project's error.
base::Error duck_error(const char* message);

}  // namespace millrace::columnar
