// Errors of the C++ API are values: every action gives a Result, transformations never fail.
#pragma once

#include <expected>
#include <map>
#include <string>

namespace millrace {

// What went wrong. `condition` and `sql_state` are Spark's names, e.g.
// "UNRESOLVED_COLUMN.WITH_SUGGESTION" and "42703"; empty where Spark has none. `message` is for
// people.
struct Error {
    std::string message;
    std::string condition;
    std::string sql_state;
    std::map<std::string, std::string> parameters;
};

template <class T>
using Result = std::expected<T, Error>;

}  // namespace millrace
