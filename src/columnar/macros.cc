// Functions of ours that DuckDB's own SQL can say.
#include "columnar/functions_internal.h"

namespace millrace::columnar {

std::string_view macro_script() {
    return R"sql(
CREATE MACRO mr_raise(name) AS error(chr(1) || name || chr(1));
CREATE MACRO mr_raise_index(name, i, n) AS error(chr(1) || name || chr(2) || 'indexValue' || chr(3)
    || CAST(i AS VARCHAR) || chr(2) || 'arraySize' || chr(3) || CAST(n AS VARCHAR) || chr(1));
CREATE MACRO mr_raise_error(message) AS error(chr(1) || 'USER_RAISED_EXCEPTION' || chr(2)
    || 'errorMessage' || chr(3) || coalesce(message, 'null') || chr(1));
CREATE MACRO mr_left(s, n) AS mr_substring(s, 1, greatest(n, 0));
CREATE MACRO mr_right(s, n) AS CASE WHEN n <= 0 THEN '' ELSE right(s, n) END;
CREATE MACRO mr_levenshtein(a, b) AS CAST(levenshtein(a, b) AS INTEGER),
    (a, b, most) AS CASE WHEN levenshtein(a, b) <= most THEN CAST(levenshtein(a, b) AS INTEGER)
    WHEN a IS NOT NULL AND b IS NOT NULL THEN -1 END;
CREATE MACRO mr_trim(s, chars) AS trim(s, chars);
CREATE MACRO mr_ltrim(s, chars) AS ltrim(s, chars);
CREATE MACRO mr_rtrim(s, chars) AS rtrim(s, chars);
CREATE MACRO mr_btrim(s) AS trim(s, ' '), (s, chars) AS trim(s, chars);
CREATE MACRO mr_replace(s, a, b) AS CASE WHEN a = '' THEN s ELSE replace(s, a, b) END;
CREATE MACRO mr_is_valid_utf8(s) AS s IS NOT NULL;
CREATE MACRO mr_make_valid_utf8(s) AS s;
CREATE MACRO mr_months(i) AS CAST(datepart('year', i) * 12 + datepart('month', i) AS BIGINT);
)sql";
}

}  // namespace millrace::columnar
