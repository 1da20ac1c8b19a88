// The parser of Spark SQL text: statements, expressions, types, intervals.
//
// Errors are Spark's (PARSE_SYNTAX_ERROR … with position and caret in the message). Depth and
// length are bounded, so that hostile text cannot exhaust the stack. Pure functions; thread-safe.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "plan/command.h"

namespace millrace::sql {

base::Result<plan::Statement> parse_statement(std::string_view text);
base::Result<plan::ExprPtr> parse_expression(std::string_view text);
// "a INT, b STRING NOT NULL", "struct<…>", or a bare type such as "array<int>": always a type; a
// column list gives a struct.
base::Result<plan::DataType> parse_type(std::string_view text);
// JSON form or DDL, whichever it is: what Connect clients send as a schema.
base::Result<plan::DataType> parse_schema(std::string_view text);
// "10 minutes", "interval 1 hour 30 minutes": months must be absent where microseconds are asked.
base::Result<std::int64_t> parse_interval_us(std::string_view text);

}  // namespace millrace::sql
