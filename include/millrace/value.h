// Values and rows: what collect() gives and create_dataframe() takes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace millrace {

struct Timestamp {  // Microseconds since 1970-01-01 00:00 UTC.
    std::int64_t microseconds = 0;
    auto operator<=>(const Timestamp&) const = default;
};
struct Date {  // Days since 1970-01-01.
    std::int32_t days = 0;
    auto operator<=>(const Date&) const = default;
};
struct Decimal {  // As text: "12.50".
    std::string text;
    bool operator==(const Decimal&) const = default;
};
struct Binary {
    std::string bytes;
    bool operator==(const Binary&) const = default;
};

class Value;
using Array = std::vector<Value>;
using Map = std::vector<std::pair<Value, Value>>;
struct Struct {  // Named fields, in order.
    std::vector<std::pair<std::string, Value>> fields;
    bool operator==(const Struct&) const;
};

// One value of any type; null when it holds std::monostate. Integers of every width are int64,
// float is double.
class Value {
public:
    using Variant = std::variant<std::monostate, bool, std::int64_t, double, std::string, Timestamp,
                                 Date, Decimal, Binary, Array, Map, Struct>;
    Value() = default;
    Value(std::nullptr_t) {}
    Value(bool value) : value_(value) {}
    Value(int value) : value_(std::int64_t{value}) {}
    Value(std::int64_t value) : value_(value) {}
    Value(long long value) : value_(static_cast<std::int64_t>(value)) {}
    Value(double value) : value_(value) {}
    Value(const char* value) : value_(std::string(value)) {}
    Value(std::string value) : value_(std::move(value)) {}
    Value(Timestamp value) : value_(value) {}
    Value(Date value) : value_(value) {}
    Value(Decimal value) : value_(std::move(value)) {}
    Value(Binary value) : value_(std::move(value)) {}
    Value(Array value) : value_(std::move(value)) {}
    Value(Map value) : value_(std::move(value)) {}
    Value(Struct value) : value_(std::move(value)) {}

    bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
    // The value as T, or null when it is null or of another type.
    template <class T>
    const T* get() const {
        return std::get_if<T>(&value_);
    }
    const Variant& variant() const { return value_; }
    // As Spark shows it: "NULL", "3", "1.0", "[1, 2]", "{a, 1}".
    std::string to_string() const;
    bool operator==(const Value& other) const = default;

private:
    Variant value_;
};

// One row: values with the names of their columns. Cheap to copy the names, not the values.
class Row {
public:
    Row(std::shared_ptr<const std::vector<std::string>> names, std::vector<Value> values)
        : names_(std::move(names)), values_(std::move(values)) {}

    std::size_t size() const { return values_.size(); }
    // A null Value when there is no such column.
    const Value& operator[](std::size_t index) const;
    const Value& operator[](std::string_view name) const;
    // The column as T; nullopt when it is null, absent or of another type.
    template <class T>
    std::optional<T> get(std::string_view name) const {
        const T* value = (*this)[name].template get<T>();
        return value == nullptr ? std::nullopt : std::optional<T>(*value);
    }
    const std::vector<std::string>& names() const { return *names_; }
    const std::vector<Value>& values() const { return values_; }

private:
    std::shared_ptr<const std::vector<std::string>> names_;
    std::vector<Value> values_;
};

}  // namespace millrace
