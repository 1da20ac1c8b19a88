// Rows of constants as an Arrow IPC stream: what create_dataframe() sends.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "millrace/value.h"
#include "plan/type.h"

namespace millrace::api {

// Every row must have one value for each field of `schema` (a struct), of its type or null;
// kInvalidArgument names the row and column otherwise.
base::Result<std::string> rows_to_ipc(const std::vector<std::vector<Value>>& rows,
                                      const plan::DataType& schema);

}  // namespace millrace::api
