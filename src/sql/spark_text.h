// Expressions as Spark names them in columns and quotes them in errors.
#pragma once

#include <string>

#include "plan/logical.h"

namespace millrace::sql {

// A constant as in a column's automatic name: text bare, "NULL", "DATE '2020-01-01'", "1.5" …
std::string literal_text(const plan::Literal& literal, const std::string& time_zone);
// "a ASC NULLS FIRST"
std::string order_text(const plan::TypedOrder& order);
// "(PARTITION BY a ORDER BY b ASC NULLS FIRST ROWS BETWEEN … AND …)"
std::string window_text(const plan::WindowNode::Function& window);
// A double as Java prints it: 1.0, 1.0E10, NaN.
std::string double_text(double value, bool single = false);
// "INTERVAL '1 02:03:04' DAY TO SECOND"
std::string interval_text(const plan::Literal& literal);
std::string date_text(std::int64_t days);
std::string timestamp_text(std::int64_t microseconds);

}  // namespace millrace::sql
