// Functions over arrays of floats, whose types DuckDB wants as nested types.
#pragma once

#include "columnar/functions_internal.h"

namespace millrace::columnar {

Result<void> register_vector_functions(duckdb_connection connection);

}  // namespace millrace::columnar
