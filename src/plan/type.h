// DataType: Spark's types, as every front end, the analyzer and the engine share them.
//
// A value type: cheap to copy (nested types are shared and immutable), compared by structure.
// Thread-safe as any immutable value.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace millrace::plan {

enum class TypeKind : std::uint8_t {
    kNull,
    kBoolean,
    kByte,
    kShort,
    kInteger,
    kLong,
    kFloat,
    kDouble,
    kDecimal,
    kString,
    kChar,
    kVarchar,
    kBinary,
    kDate,
    kTimestamp,          // An instant: microseconds since the epoch, shown in the session's zone.
    kTimestampNtz,       // A wall-clock reading without a zone.
    kTime,               // Time of day.
    kCalendarInterval,   // Months, days and microseconds.
    kYearMonthInterval,  // Months.
    kDayTimeInterval,    // Microseconds.
    kArray,
    kMap,
    kStruct,
    kVariant,
};

struct Field;

class DataType {
public:
    DataType() = default;  // The null type.
    explicit DataType(TypeKind kind) : kind_(kind) {}

    static DataType null() { return DataType(TypeKind::kNull); }
    static DataType boolean() { return DataType(TypeKind::kBoolean); }
    static DataType byte_() { return DataType(TypeKind::kByte); }
    static DataType short_() { return DataType(TypeKind::kShort); }
    static DataType integer() { return DataType(TypeKind::kInteger); }
    static DataType long_() { return DataType(TypeKind::kLong); }
    static DataType float_() { return DataType(TypeKind::kFloat); }
    static DataType double_() { return DataType(TypeKind::kDouble); }
    static DataType string() { return DataType(TypeKind::kString); }
    static DataType binary() { return DataType(TypeKind::kBinary); }
    static DataType date() { return DataType(TypeKind::kDate); }
    static DataType timestamp() { return DataType(TypeKind::kTimestamp); }
    static DataType timestamp_ntz() { return DataType(TypeKind::kTimestampNtz); }
    static DataType calendar_interval() { return DataType(TypeKind::kCalendarInterval); }
    static DataType variant() { return DataType(TypeKind::kVariant); }
    // 1 <= precision <= 38, 0 <= scale <= precision: the caller has checked.
    static DataType decimal(int precision, int scale);
    static DataType char_(int length);
    static DataType varchar(int length);
    static DataType time(int precision);
    // Units run from `from` to `to`: 0 day, 1 hour, 2 minute, 3 second.
    static DataType day_time_interval(int from = 0, int to = 3);
    // Units run from `from` to `to`: 0 year, 1 month.
    static DataType year_month_interval(int from = 0, int to = 1);
    static DataType array(DataType element, bool contains_null = true);
    static DataType map(DataType key, DataType value, bool value_contains_null = true);
    static DataType structure(std::vector<Field> fields);

    TypeKind kind() const { return kind_; }
    bool is(TypeKind kind) const { return kind_ == kind; }
    int precision() const { return first_; }   // decimal, time
    int scale() const { return second_; }      // decimal
    int length() const { return first_; }      // char, varchar
    int from_unit() const { return first_; }   // intervals
    int to_unit() const { return second_; }    // intervals
    const DataType& element() const;           // array
    bool contains_null() const;                // array elements, map values
    const DataType& key() const;               // map
    const DataType& value() const;             // map
    const std::vector<Field>& fields() const;  // struct

    bool is_integral() const;  // byte, short, integer, long
    bool is_numeric() const;   // integral, float, double, decimal
    bool is_string() const;    // string, char, varchar
    bool is_nested() const;    // array, map, struct

    // Equal including field names and nullability.
    bool operator==(const DataType& other) const;
    // Equal but for nullability (Spark's DataType.equalsIgnoreNullability).
    bool same_ignoring_nullability(const DataType& other) const;

    // "struct<a:int,b:array<string>>": Spark's simpleString/catalogString.
    std::string simple_string() const;
    // "STRUCT<a: INT, b: ARRAY<STRING>>": Spark's DataType.sql.
    std::string sql() const;
    // Spark's JSON form, as in StructType.json.
    std::string json() const;
    // Spark's printSchema text of a struct; `level` limits the depth (0: no limit).
    std::string tree_string(int level = 0) const;

private:
    struct Nested;
    TypeKind kind_ = TypeKind::kNull;
    int first_ = 0;
    int second_ = 0;
    std::shared_ptr<const Nested> nested_;
};

struct Field {
    std::string name;
    DataType type;
    bool nullable = true;
    std::string metadata_json;  // Empty for none.
    bool operator==(const Field& other) const = default;
};

// The reverse of json(): the type in Spark's JSON form. (DDL text is parsed by room sql.)
base::Result<DataType> type_from_json(std::string_view json);

}  // namespace millrace::plan
