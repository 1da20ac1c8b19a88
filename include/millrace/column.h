// Column: an expression over the columns of a DataFrame, named as in Spark.
//
// Building one never fails and computes nothing: names and types are checked when the DataFrame is
// used. Copies share the expression. Thread-safe as any immutable value.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/value.h"

namespace millrace {

namespace plan {
struct Expr;
}
class WindowSpec;

class Column {
public:
    using Expression = std::shared_ptr<const plan::Expr>;

    explicit Column(Expression expression) : expression_(std::move(expression)) {}
    // A literal, so that col("a") + 1 and col("a") == "x" read as they should.
    Column(const Value& value);
    Column(bool value) : Column(Value(value)) {}
    Column(int value) : Column(Value(value)) {}
    Column(std::int64_t value) : Column(Value(value)) {}
    Column(double value) : Column(Value(value)) {}
    Column(const char* value) : Column(Value(value)) {}
    Column(std::string value) : Column(Value(std::move(value))) {}

    Column alias(std::string_view name) const;
    Column as(std::string_view name) const { return alias(name); }
    // To a type by its DDL name: "int", "array<string>", "decimal(10,2)".
    Column cast(std::string_view type) const;
    Column try_cast(std::string_view type) const;

    Column is_null() const;
    Column is_not_null() const;
    Column is_nan() const;
    Column eq_null_safe(const Column& other) const;
    Column between(const Column& lower, const Column& upper) const;
    Column isin(const std::vector<Column>& values) const;
    Column like(std::string_view pattern) const;
    Column ilike(std::string_view pattern) const;
    Column rlike(std::string_view pattern) const;
    Column contains(const Column& part) const;
    Column startswith(const Column& prefix) const;
    Column endswith(const Column& suffix) const;
    // From 1; counts from the end when `start` is negative.
    Column substr(const Column& start, const Column& length) const;
    Column bitwise_and(const Column& other) const;
    Column bitwise_or(const Column& other) const;
    Column bitwise_xor(const Column& other) const;

    // An array's element (from 0), a map's value, a struct's field.
    Column get_item(const Column& key) const;
    Column get_field(std::string_view name) const;
    Column with_field(std::string_view name, const Column& value) const;
    Column drop_field(std::string_view name) const;

    // Sort orders. asc() puts nulls first, desc() last, as Spark does.
    Column asc() const;
    Column asc_nulls_first() const;
    Column asc_nulls_last() const;
    Column desc() const;
    Column desc_nulls_first() const;
    Column desc_nulls_last() const;

    // Only after functions::when(): the next branch, and the last word.
    Column when(const Column& condition, const Column& value) const;
    Column otherwise(const Column& value) const;

    // A window function or an aggregate over a window.
    Column over(const WindowSpec& window) const;

    const Expression& expression() const { return expression_; }

private:
    Expression expression_;
};

Column operator+(const Column& left, const Column& right);
Column operator-(const Column& left, const Column& right);
Column operator*(const Column& left, const Column& right);
Column operator/(const Column& left, const Column& right);
Column operator%(const Column& left, const Column& right);
Column operator-(const Column& operand);
Column operator==(const Column& left, const Column& right);
Column operator!=(const Column& left, const Column& right);
Column operator<(const Column& left, const Column& right);
Column operator<=(const Column& left, const Column& right);
Column operator>(const Column& left, const Column& right);
Column operator>=(const Column& left, const Column& right);
// SQL's AND, OR, NOT. Both sides are always part of the expression: nothing is short-circuited
// here.
Column operator&&(const Column& left, const Column& right);
Column operator||(const Column& left, const Column& right);
Column operator!(const Column& operand);

// What a window function sees: Window::partition_by("a").order_by(col("b").desc()).rows_between(-1,
// 0).
class WindowSpec {
public:
    WindowSpec partition_by(const std::vector<Column>& columns) const;
    WindowSpec order_by(const std::vector<Column>& columns) const;
    // Row counts or, for range_between, distances in the ordering column; negative is before.
    WindowSpec rows_between(std::int64_t start, std::int64_t end) const;
    WindowSpec range_between(std::int64_t start, std::int64_t end) const;

    enum class Frame : std::uint8_t { kDefault, kRows, kRange };
    std::vector<Column> partitions;
    std::vector<Column> orders;
    Frame frame = Frame::kDefault;
    std::int64_t frame_start = 0;
    std::int64_t frame_end = 0;
};

namespace Window {
inline constexpr std::int64_t unbounded_preceding = INT64_MIN;
inline constexpr std::int64_t unbounded_following = INT64_MAX;
inline constexpr std::int64_t current_row = 0;
inline WindowSpec partition_by(const std::vector<Column>& columns) {
    return WindowSpec().partition_by(columns);
}
inline WindowSpec order_by(const std::vector<Column>& columns) {
    return WindowSpec().order_by(columns);
}
}  // namespace Window

}  // namespace millrace
