// Functions of ours that DuckDB's own SQL can say.
#include "columnar/functions_internal.h"

namespace millrace::columnar {

std::string_view macro_script() {
    return R"sql(
CREATE MACRO mr_raise(name) AS error(chr(1) || name || chr(1));
CREATE MACRO mr_raise_index(name, i, n) AS error(chr(1) || name || chr(2) || 'indexValue' || chr(3)
    || CAST(i AS VARCHAR) || chr(2) || 'arraySize' || chr(3) || CAST(n AS VARCHAR) || chr(1));
)sql";
}

}  // namespace millrace::columnar
