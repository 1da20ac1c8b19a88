// The errors of operators whose operands do not fit.
#pragma once

#include <string>
#include <string_view>

#include "sql/errors.h"
#include "sql/typed.h"

namespace millrace::sql {

// Operands of different types, or of one type that the operator does not take (`expected`).
base::Error wrong_operands(bool different, const std::string& text, std::string_view expected,
                           const TypedExprPtr& left, const TypedExprPtr& right, const Site& site);

}  // namespace millrace::sql
