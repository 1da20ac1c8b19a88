// Result types that a signature cannot say, by row id; and how a call is shown.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sql/function_table.h"
#include "sql/typed.h"

namespace millrace::sql {

// Nothing when the arguments do not fit. `args` is empty when only types are known.
std::optional<DataType> rule_type(std::string_view id, std::span<const DataType> types,
                                  const std::vector<bool>& nullable,
                                  std::span<const TypedExprPtr> args, bool ansi);

// A call as the column's automatic name shows it.
std::string shown_text(const std::string& written, const FunctionRow& row,
                       const std::vector<std::string>& args, bool distinct);
std::string literal_shown(const plan::Literal& literal);

}  // namespace millrace::sql
