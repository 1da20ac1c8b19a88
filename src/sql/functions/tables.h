// The tables that make up the function table, one .cc a group. A new function is a new row in one.
#pragma once

#include <span>
#include <string_view>

#include "sql/function_table.h"

namespace millrace::sql::functions {

struct Group {
    std::string_view name;
    std::span<const FunctionRow> rows;
};

std::span<const FunctionRow> operator_rows();
std::span<const FunctionRow> math_rows();
std::span<const FunctionRow> string_rows();
std::span<const FunctionRow> text_format_rows();
std::span<const FunctionRow> url_rows();
std::span<const FunctionRow> variant_rows();
std::span<const FunctionRow> vector_rows();
std::span<const FunctionRow> xml_rows();
std::span<const FunctionRow> crypto_rows();
std::span<const FunctionRow> datetime_rows();
std::span<const FunctionRow> clock_rows();
std::span<const FunctionRow> aggregate_rows();
std::span<const FunctionRow> ordered_aggregate_rows();
std::span<const FunctionRow> distinct_sketch_rows();
std::span<const FunctionRow> tuple_sketch_rows();
std::span<const FunctionRow> quantile_sketch_rows();
std::span<const FunctionRow> window_rows();
std::span<const FunctionRow> conditional_rows();
std::span<const FunctionRow> collection_rows();
std::span<const FunctionRow> json_rows();
std::span<const FunctionRow> generator_rows();
std::span<const FunctionRow> hash_rows();
std::span<const FunctionRow> misc_rows();

std::span<const Group> groups();
std::span<const MergeRule> merge_rules();

}  // namespace millrace::sql::functions
