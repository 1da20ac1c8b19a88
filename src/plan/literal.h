// Literal: one constant with its Spark type.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "plan/type.h"

namespace millrace::plan {

// Unscaled value in 128 bits: unscaled = (high << 64) | low, two's complement.
struct DecimalValue {
    std::int64_t high = 0;
    std::uint64_t low = 0;
    bool operator==(const DecimalValue&) const = default;
};

struct IntervalValue {
    std::int32_t months = 0;
    std::int32_t days = 0;
    std::int64_t microseconds = 0;
    bool operator==(const IntervalValue&) const = default;
};

struct Literal {
    // Null; boolean; byte, short, integer, long, date (days), timestamps, time, intervals (months
    // or microseconds) as int64; float, double as double; decimal; string and binary as text;
    // calendar interval; array elements, struct fields, or map keys and values alternating as
    // children.
    using Value = std::variant<std::monostate, bool, std::int64_t, double, DecimalValue,
                               std::string, IntervalValue, std::vector<Literal>>;
    DataType type;
    Value value;

    bool is_null() const { return std::holds_alternative<std::monostate>(value); }
    bool operator==(const Literal&) const = default;

    static Literal null(DataType type = {}) { return {std::move(type), std::monostate{}}; }
    static Literal boolean(bool value) { return {DataType::boolean(), value}; }
    static Literal integer(std::int32_t value) {
        return {DataType::integer(), std::int64_t{value}};
    }
    static Literal long_(std::int64_t value) { return {DataType::long_(), value}; }
    static Literal double_(double value) { return {DataType::double_(), value}; }
    static Literal string(std::string value) { return {DataType::string(), std::move(value)}; }
};

}  // namespace millrace::plan
