// Spark's rules for types: common types, implicit and explicit casts, decimal precision.
//
// Pure functions of types; `ansi` is the session's spark.sql.ansi.enabled. Thread-safe.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "plan/type.h"

namespace millrace::sql {

using plan::DataType;

// The narrowest type that holds both without turning anything into text.
std::optional<DataType> tightest_common_type(const DataType& left, const DataType& right,
                                             bool ansi);
// The common type of branches, set operations and lists: also decimals and texts.
std::optional<DataType> wider_type(const DataType& left, const DataType& right, bool ansi);
std::optional<DataType> wider_type(std::span<const DataType> types, bool ansi);
// What both sides of a comparison are cast to.
std::optional<DataType> comparison_type(const DataType& left, const DataType& right, bool ansi);

// May CAST(from AS to) be written?
bool can_cast(const DataType& from, const DataType& to, bool ansi);
// May the cast give null where its input is not null?
bool cast_may_be_null(const DataType& from, const DataType& to, bool ansi);
// May a value be passed where `to` is expected, without CAST?
bool can_pass(const DataType& from, const DataType& to, bool ansi);

bool is_orderable(const DataType& type);
bool is_interval(const DataType& type);
bool is_temporal(const DataType& type);  // date, timestamp, timestamp_ntz

// The decimal that holds every value of an integral type; the 38-digit default for others.
DataType decimal_for(const DataType& type);
// Precision and scale brought to at most 38, giving up scale down to 6 digits first.
DataType bounded_decimal(int precision, int scale);
// Without giving up scale: sums and averages.
DataType capped_decimal(int precision, int scale);
DataType decimal_result(char operation, const DataType& left, const DataType& right);

// The type with every part nullable, as fields of complex types become under casts.
DataType with_nullable_parts(const DataType& type);

}  // namespace millrace::sql
