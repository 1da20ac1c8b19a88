// Functions over columns, named as in pyspark.sql.functions.
//
// What is not listed here is reached through call("name", {…}) or expr("SQL text").
#pragma once

#include <string_view>
#include <vector>

#include "millrace/column.h"

namespace millrace::functions {

// A column by name ("a", "a.b", "`a.b`"), "*" for all.
Column col(std::string_view name);
Column lit(const Value& value);
// SQL text: expr("hits * 2 AS double_hits").
Column expr(std::string_view text);
// Any built-in function by its SQL name.
Column call(std::string_view name, const std::vector<Column>& arguments);

// Conditions.
Column when(const Column& condition, const Column& value);
Column coalesce(const std::vector<Column>& columns);
Column isnull(const Column& column);
Column greatest(const std::vector<Column>& columns);
Column least(const std::vector<Column>& columns);

// Sort orders by name.
Column asc(std::string_view name);
Column desc(std::string_view name);

// Numbers.
Column abs(const Column& column);
Column ceil(const Column& column);
Column floor(const Column& column);
Column round(const Column& column, int scale = 0);
Column sqrt(const Column& column);
Column pow(const Column& base, const Column& exponent);
Column exp(const Column& column);
Column ln(const Column& column);

// Strings.
Column upper(const Column& column);
Column lower(const Column& column);
Column trim(const Column& column);
Column length(const Column& column);
Column concat(const std::vector<Column>& columns);
Column concat_ws(std::string_view separator, const std::vector<Column>& columns);
Column substring(const Column& column, int start, int length);
Column split(const Column& column, std::string_view pattern, int limit = -1);
Column regexp_extract(const Column& column, std::string_view pattern, int group);
Column regexp_replace(const Column& column, std::string_view pattern, std::string_view replacement);
Column rlike(const Column& column, std::string_view pattern);

// Time.
Column current_timestamp();
Column current_date();
Column to_timestamp(const Column& column);
Column to_timestamp(const Column& column, std::string_view format);
Column to_date(const Column& column);
Column date_format(const Column& column, std::string_view format);
Column unix_millis(const Column& column);
Column timestamp_seconds(const Column& column);
Column timestamp_millis(const Column& column);
Column date_trunc(std::string_view unit, const Column& column);
// The windows of `duration` ("1 hour") that a row's time falls into, one every `slide` (empty: one
// after the other), as struct<start, end>.
Column window(const Column& time, std::string_view duration, std::string_view slide = {},
              std::string_view start = {});

// Nested values.
Column array(const std::vector<Column>& columns);
Column struct_(const std::vector<Column>& columns);
Column size(const Column& column);
Column explode(const Column& column);
Column element_at(const Column& column, const Column& key);
Column map_keys(const Column& column);

// JSON. `schema` is DDL; options as Spark's JSON source has them.
Column from_json(const Column& column, std::string_view schema);
Column to_json(const Column& column);
Column get_json_object(const Column& column, std::string_view path);

// Aggregates. count(col("*")) counts rows.
Column count(const Column& column);
Column count_distinct(const std::vector<Column>& columns);
Column approx_count_distinct(const Column& column);
Column sum(const Column& column);
Column avg(const Column& column);
Column min(const Column& column);
Column max(const Column& column);
Column first(const Column& column, bool ignore_nulls = false);
Column last(const Column& column, bool ignore_nulls = false);
Column collect_list(const Column& column);
Column collect_set(const Column& column);
Column stddev(const Column& column);
Column max_by(const Column& value, const Column& order);
Column min_by(const Column& value, const Column& order);

// Window functions, to be used with Column::over.
Column row_number();
Column rank();
Column dense_rank();
Column lag(const Column& column, int offset = 1);
Column lead(const Column& column, int offset = 1);

}  // namespace millrace::functions
