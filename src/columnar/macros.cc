// Functions of ours that DuckDB's own SQL can say.
#include "columnar/functions_internal.h"

namespace millrace::columnar {

std::string_view macro_script() {
    return R"sql(
CREATE MACRO mr_raise(name) AS error(chr(1) || name || chr(1));
CREATE MACRO mr_raise_index(name, i, n) AS error(chr(1) || name || chr(2) || 'indexValue' || chr(3)
    || CAST(i AS VARCHAR) || chr(2) || 'arraySize' || chr(3) || CAST(n AS VARCHAR) || chr(1));
CREATE MACRO mr_raise_malformed(record) AS error(chr(1)
    || 'MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION' || chr(2) || 'badRecord' || chr(3) || record
    || chr(2) || 'failFastMode' || chr(3) || 'FAILFAST' || chr(1));
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
CREATE MACRO mr_btrim(s) AS trim(mr_binary_to_string(s), ' '),
    (s, chars) AS trim(mr_binary_to_string(s), mr_binary_to_string(chars));
CREATE MACRO mr_replace(s, a, b) AS CASE WHEN a = '' THEN s ELSE replace(s, a, b) END;
CREATE MACRO mr_make_valid_utf8(s) AS mr_binary_to_string(s);
CREATE MACRO mr_months(i) AS CAST(datepart('year', i) * 12 + datepart('month', i) AS BIGINT);
CREATE MACRO mr_md5(b) AS md5(b);
CREATE MACRO mr_sha1(b) AS sha1(b);
CREATE MACRO mr_bitmap_count(b) AS CAST(bit_count(CAST(b AS BIT)) AS BIGINT);
CREATE MACRO mr_uuid() AS CAST(uuid() AS VARCHAR);
CREATE MACRO mr_row_id() AS row_number() OVER () - 1;
CREATE MACRO mr_find_of(l, x) AS list_position(l, x);
CREATE MACRO mr_array_contains(l, x) AS CASE WHEN l IS NULL OR x IS NULL THEN NULL
    WHEN list_contains(l, x) THEN true WHEN len(l) > list_count(l) THEN NULL ELSE false END;
CREATE MACRO mr_array_distinct(l) AS list_filter(l, lambda mr_e, mr_i:
    (mr_e IS NOT NULL AND list_position(l, mr_e) = mr_i)
    OR (mr_e IS NULL AND len(list_filter(l[1:mr_i - 1], lambda mr_f: mr_f IS NULL)) = 0));
CREATE MACRO mr_holds(l, x) AS CASE WHEN x IS NULL THEN len(l) > list_count(l)
    ELSE list_contains(l, x) END;
CREATE MACRO mr_array_intersect(a, b) AS CASE WHEN b IS NOT NULL THEN
    list_filter(mr_array_distinct(a), lambda mr_g: mr_holds(b, mr_g)) END;
CREATE MACRO mr_array_except(a, b) AS CASE WHEN b IS NOT NULL THEN
    list_filter(mr_array_distinct(a), lambda mr_g: NOT mr_holds(b, mr_g)) END;
CREATE MACRO mr_arrays_overlap(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL
    WHEN list_has_any(a, b) THEN true
    WHEN len(a) > 0 AND len(b) > 0 AND (len(a) > list_count(a) OR len(b) > list_count(b)) THEN NULL
    ELSE false END;
CREATE MACRO mr_array_insert(l, p, x) AS CASE WHEN l IS NULL OR p IS NULL THEN NULL
    WHEN p = 0 THEN mr_raise('INVALID_INDEX_OF_ZERO')
    WHEN p > len(l) THEN list_concat(list_concat(l,
        list_transform(range(p - len(l) - 1), lambda mr_i: NULL)), [x])
    WHEN p > 0 THEN list_concat(list_concat(l[1:p - 1], [x]), l[p:])
    WHEN -p > len(l) THEN list_concat(list_concat([x],
        list_transform(range(-p - len(l) - 1), lambda mr_i: NULL)), l)
    ELSE list_concat(list_concat(l[1:len(l) + p + 1], [x]), l[len(l) + p + 2:]) END;
CREATE MACRO mr_array_repeat(x, n) AS CASE WHEN n IS NOT NULL THEN
    list_transform(range(greatest(n, 0)), lambda mr_i: x) END;
CREATE MACRO mr_array_join(l, d) AS CASE WHEN d IS NOT NULL THEN coalesce(array_to_string(l, d),
    CASE WHEN l IS NOT NULL THEN '' END) END,
    (l, d, n) AS array_to_string(list_transform(l, lambda mr_x: coalesce(mr_x, n)), d);
CREATE MACRO mr_flatten(l) AS
    CASE WHEN len(list_filter(l, lambda mr_x: mr_x IS NULL)) = 0 THEN flatten(l) END;
CREATE MACRO mr_slice(l, p, n) AS CASE WHEN l IS NULL OR p IS NULL OR n IS NULL THEN NULL
    WHEN p = 0 THEN mr_raise('INVALID_INDEX_OF_ZERO')
    WHEN p < 0 AND -p > len(l) THEN []
    WHEN p < 0 THEN l[len(l) + p + 1:len(l) + p + n] ELSE l[p:p + n - 1] END;
CREATE MACRO mr_any(l) AS CASE WHEN list_contains(l, true) THEN true
    WHEN len(l) > list_count(l) THEN NULL ELSE false END;
CREATE MACRO mr_all(l) AS CASE WHEN list_contains(l, false) THEN false
    WHEN len(l) > list_count(l) THEN NULL ELSE true END;
CREATE MACRO mr_sequence(a, b) AS
    CASE WHEN a <= b THEN generate_series(a, b) ELSE generate_series(a, b, -1) END,
    (a, b, s) AS generate_series(a, b, s);
CREATE MACRO mr_shuffle(l) AS list_transform(
    list_sort(list_transform(l, lambda mr_x: struct_pack(r := random(), x := mr_x))),
    lambda mr_y: mr_y.x), (l, seed) AS list_transform(
    list_sort(list_transform(l, lambda mr_x: struct_pack(r := random(), x := mr_x))),
    lambda mr_y: mr_y.x);
CREATE MACRO mr_str_to_map(s, p, k) AS map_from_entries(list_transform(mr_split(s, p, -1),
    lambda mr_x: struct_pack(k := mr_split(mr_x, k, 2)[1], v := mr_split(mr_x, k, 2)[2])));
CREATE MACRO mr_from_utc_timestamp(t, z) AS t + (timezone(z, t) - timezone('UTC', t));
CREATE MACRO mr_to_utc_timestamp(t, z) AS t - (timezone(z, t) - timezone('UTC', t));
CREATE MACRO mr_convert_timezone(f, t, ts) AS timezone(t, timezone(f, ts));
CREATE MACRO mr_make_interval(y, mo, w, d, h, mi, s) AS to_months(12 * y + mo) + to_days(7 * w + d)
    + to_microseconds(CAST(h AS BIGINT) * 3600000000 + CAST(mi AS BIGINT) * 60000000
    + CAST(s * 1000000 AS BIGINT));
CREATE MACRO mr_make_dt_interval(d, h, mi, s) AS to_microseconds(CAST(d AS BIGINT) * 86400000000
    + CAST(h AS BIGINT) * 3600000000 + CAST(mi AS BIGINT) * 60000000 + CAST(s * 1000000 AS BIGINT));
CREATE MACRO mr_make_timestamp(mode, tz, y, mo, d, h, mi, s) AS
    mr_timestamp_of(mode, tz, y, mo, d, h, mi, CAST(s AS DOUBLE), ''),
    (mode, tz, y, mo, d, h, mi, s, z) AS
        mr_timestamp_of(mode, tz, y, mo, d, h, mi, CAST(s AS DOUBLE), z);
CREATE MACRO mr_make_timestamp_ntz(mode, y, mo, d, h, mi, s) AS
    mr_timestamp_ntz_of(mode, '', y, mo, d, h, mi, CAST(s AS DOUBLE));
CREATE MACRO mr_skewness(x) AS CASE WHEN count(x) > 0 THEN
    ((sum(x * x * x) / count(x) - 3 * avg(x) * sum(x * x) / count(x) + 2 * pow(avg(x), 3))
    / pow(var_pop(x), 1.5)) END;
CREATE MACRO mr_top_k(m, nulls, k) AS list_transform(list_sort(list_concat(
    list_transform(map_entries(m), lambda mr_x: struct_pack(c := -CAST(mr_x.value AS BIGINT),
        x := mr_x.key)),
    CASE WHEN nulls > 0 THEN [struct_pack(c := -nulls, x := NULL)] ELSE [] END))[1:k],
    lambda mr_y: struct_pack(f0 := mr_y.x, f1 := -mr_y.c));
CREATE MACRO mr_try_sum(x) AS sum(x);
)sql";
}

}  // namespace millrace::columnar
