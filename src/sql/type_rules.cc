#include "sql/type_rules.h"

#include <algorithm>
#include <functional>

namespace millrace::sql {

using plan::Field;
using plan::TypeKind;

namespace {

int numeric_rank(const DataType& type) {
    switch (type.kind()) {
        case TypeKind::kByte: return 1;
        case TypeKind::kShort: return 2;
        case TypeKind::kInteger: return 3;
        case TypeKind::kLong: return 4;
        case TypeKind::kFloat: return 5;
        case TypeKind::kDouble: return 6;
        default: return 0;
    }
}

bool is_float(const DataType& type) {
    return type.is(TypeKind::kFloat) || type.is(TypeKind::kDouble);
}

bool is_atomic(const DataType& type) {
    return !type.is_nested() && !type.is(TypeKind::kNull) && !type.is(TypeKind::kVariant) &&
           !type.is(TypeKind::kCalendarInterval);
}

DataType wider_decimal(const DataType& left, const DataType& right) {
    const int scale = std::max(left.scale(), right.scale());
    const int whole = std::max(left.precision() - left.scale(), right.precision() - right.scale());
    return bounded_decimal(whole + scale, scale);
}

using Pairing = std::function<std::optional<DataType>(const DataType&, const DataType&)>;

// Arrays, maps and structs of the same shape, part by part.
std::optional<DataType> common_nested(const DataType& left, const DataType& right,
                                      const Pairing& common) {
    if (left.kind() != right.kind()) return std::nullopt;
    if (left.is(TypeKind::kArray)) {
        auto element = common(left.element(), right.element());
        if (!element) return std::nullopt;
        return DataType::array(*element, left.contains_null() || right.contains_null());
    }
    if (left.is(TypeKind::kMap)) {
        auto key = common(left.key(), right.key());
        auto value = common(left.value(), right.value());
        if (!key || !value) return std::nullopt;
        return DataType::map(*key, *value, left.contains_null() || right.contains_null());
    }
    if (left.is(TypeKind::kStruct) && left.fields().size() == right.fields().size()) {
        std::vector<Field> fields;
        for (std::size_t i = 0; i < left.fields().size(); ++i) {
            const Field& a = left.fields()[i];
            const Field& b = right.fields()[i];
            if (!std::ranges::equal(a.name, b.name, [](unsigned char x, unsigned char y) {
                    return std::tolower(x) == std::tolower(y);
                })) {
                return std::nullopt;
            }
            auto type = common(a.type, b.type);
            if (!type) return std::nullopt;
            fields.push_back({a.name, *type, a.nullable || b.nullable, a.metadata_json});
        }
        return DataType::structure(std::move(fields));
    }
    return std::nullopt;
}

// What text becomes when it meets another type (ANSI).
std::optional<DataType> text_meets(const DataType& other) {
    if (other.is_integral()) return DataType::long_();
    if (other.is_numeric()) return DataType::double_();
    if (other.is_string() || other.is(TypeKind::kNull)) return DataType::string();
    if (is_atomic(other) && !other.is(TypeKind::kBinary)) return other;
    if (other.is(TypeKind::kBinary)) return other;
    return std::nullopt;
}

}  // namespace

bool is_interval(const DataType& type) {
    return type.is(TypeKind::kCalendarInterval) || type.is(TypeKind::kYearMonthInterval) ||
           type.is(TypeKind::kDayTimeInterval);
}

bool is_temporal(const DataType& type) {
    return type.is(TypeKind::kDate) || type.is(TypeKind::kTimestamp) ||
           type.is(TypeKind::kTimestampNtz);
}

bool is_orderable(const DataType& type) {
    switch (type.kind()) {
        case TypeKind::kMap:
        case TypeKind::kVariant:
        case TypeKind::kCalendarInterval: return false;
        case TypeKind::kArray: return is_orderable(type.element());
        case TypeKind::kStruct:
            return std::ranges::all_of(type.fields(),
                                       [](const Field& f) { return is_orderable(f.type); });
        default: return true;
    }
}

DataType decimal_for(const DataType& type) {
    switch (type.kind()) {
        case TypeKind::kDecimal: return type;
        case TypeKind::kByte: return DataType::decimal(3, 0);
        case TypeKind::kShort: return DataType::decimal(5, 0);
        case TypeKind::kInteger: return DataType::decimal(10, 0);
        case TypeKind::kLong: return DataType::decimal(20, 0);
        case TypeKind::kFloat: return DataType::decimal(14, 7);
        case TypeKind::kDouble: return DataType::decimal(30, 15);
        default: return DataType::decimal(38, 18);
    }
}

DataType bounded_decimal(int precision, int scale) {
    constexpr int kMax = 38;
    constexpr int kMinScale = 6;
    if (precision <= kMax)
        return DataType::decimal(std::max(precision, 1), std::min(scale, precision));
    const int digits = precision - scale;
    const int kept = std::max(kMax - digits, std::min(scale, kMinScale));
    return DataType::decimal(kMax, kept);
}

DataType capped_decimal(int precision, int scale) {
    return DataType::decimal(std::min(precision, 38), std::min(scale, 38));
}

DataType decimal_result(char operation, const DataType& left, const DataType& right) {
    const int p1 = left.precision();
    const int s1 = left.scale();
    const int p2 = right.precision();
    const int s2 = right.scale();
    switch (operation) {
        case '*': return bounded_decimal(p1 + p2 + 1, s1 + s2);
        case '/': {
            const int whole = p1 - s1 + s2;
            const int scale = std::max(6, s1 + p2 + 1);
            return bounded_decimal(whole + scale, scale);
        }
        case '%': {
            const int scale = std::max(s1, s2);
            return bounded_decimal(std::min(p1 - s1, p2 - s2) + scale, scale);
        }
        default: {
            const int scale = std::max(s1, s2);
            return bounded_decimal(std::max(p1 - s1, p2 - s2) + scale + 1, scale);
        }
    }
}

std::optional<DataType> tightest_common_type(const DataType& left, const DataType& right,
                                             bool ansi) {
    if (left == right) return left;
    if (left.is(TypeKind::kNull)) return right;
    if (right.is(TypeKind::kNull)) return left;
    if (left.is_string() && right.is_string()) return DataType::string();
    const int a = numeric_rank(left);
    const int b = numeric_rank(right);
    if (a > 0 && b > 0) {
        const DataType& wider = a >= b ? left : right;
        if (ansi && a != b && wider.is(TypeKind::kFloat)) return DataType::double_();
        return wider;
    }
    if (left.is_integral() && right.is(TypeKind::kDecimal)) {
        const DataType needed = decimal_for(left);
        if (right.precision() - right.scale() >= needed.precision()) return right;
        return std::nullopt;
    }
    if (right.is_integral() && left.is(TypeKind::kDecimal)) {
        return tightest_common_type(right, left, ansi);
    }
    if (is_temporal(left) && is_temporal(right)) {
        if (left.is(TypeKind::kTimestamp) || right.is(TypeKind::kTimestamp)) {
            return DataType::timestamp();
        }
        return DataType::timestamp_ntz();
    }
    if (left.is(TypeKind::kDayTimeInterval) && right.is(TypeKind::kDayTimeInterval)) {
        return DataType::day_time_interval(std::min(left.from_unit(), right.from_unit()),
                                           std::max(left.to_unit(), right.to_unit()));
    }
    if (left.is(TypeKind::kYearMonthInterval) && right.is(TypeKind::kYearMonthInterval)) {
        return DataType::year_month_interval(std::min(left.from_unit(), right.from_unit()),
                                             std::max(left.to_unit(), right.to_unit()));
    }
    return common_nested(left, right, [&](const DataType& x, const DataType& y) {
        return tightest_common_type(x, y, ansi);
    });
}

std::optional<DataType> wider_type(const DataType& left, const DataType& right, bool ansi) {
    if (auto tight = tightest_common_type(left, right, ansi)) return tight;
    const bool decimal_left = left.is(TypeKind::kDecimal);
    const bool decimal_right = right.is(TypeKind::kDecimal);
    if ((decimal_left && is_float(right)) || (decimal_right && is_float(left))) {
        return DataType::double_();
    }
    if ((decimal_left || decimal_right) && left.is_numeric() && right.is_numeric()) {
        return wider_decimal(decimal_for(left), decimal_for(right));
    }
    if (left.is_string() || right.is_string()) {
        const DataType& other = left.is_string() ? right : left;
        if (ansi) return text_meets(other);
        if (is_atomic(other) && !other.is(TypeKind::kBinary) && !other.is(TypeKind::kBoolean)) {
            return DataType::string();
        }
        return std::nullopt;
    }
    return common_nested(
        left, right, [&](const DataType& x, const DataType& y) { return wider_type(x, y, ansi); });
}

std::optional<DataType> wider_type(std::span<const DataType> types, bool ansi) {
    if (types.empty()) return DataType::null();
    // Texts first: pairs of other types with text would otherwise depend on their order.
    std::optional<DataType> result = DataType::null();
    for (const bool text : {true, false}) {
        for (const DataType& type : types) {
            if (type.is_string() != text) continue;
            result = wider_type(*result, type, ansi);
            if (!result) return std::nullopt;
        }
    }
    return result;
}

std::optional<DataType> comparison_type(const DataType& left, const DataType& right, bool ansi) {
    if (left == right) return left;
    if (left.is_string() != right.is_string()) {
        const DataType& other = left.is_string() ? right : left;
        if (ansi) return text_meets(other);
        if (other.is(TypeKind::kNull)) return DataType::string();
        if (is_atomic(other)) return other;
        return std::nullopt;
    }
    return wider_type(left, right, ansi);
}

bool can_cast(const DataType& from, const DataType& to, bool ansi) {
    if (from == to || from.is(TypeKind::kNull)) return true;
    if (from.is(TypeKind::kVariant)) return true;
    if (to.is(TypeKind::kVariant)) return !is_interval(from);
    if (to.is_string()) return true;
    if (from.is_nested() || to.is_nested()) {
        if (from.kind() != to.kind()) return false;
        if (from.is(TypeKind::kArray)) return can_cast(from.element(), to.element(), ansi);
        if (from.is(TypeKind::kMap)) {
            return can_cast(from.key(), to.key(), ansi) && can_cast(from.value(), to.value(), ansi);
        }
        if (from.fields().size() != to.fields().size()) return false;
        for (std::size_t i = 0; i < from.fields().size(); ++i) {
            if (!can_cast(from.fields()[i].type, to.fields()[i].type, ansi)) return false;
        }
        return true;
    }
    if (from.is_string()) {
        return is_atomic(to) || to.is(TypeKind::kCalendarInterval);
    }
    if (to.is(TypeKind::kNull)) return false;
    if (to.is(TypeKind::kBinary))
        return from.is(TypeKind::kBinary) || (!ansi && from.is_integral());
    if (from.is(TypeKind::kBinary)) return false;
    if (to.is(TypeKind::kBoolean)) {
        return from.is_numeric() || from.is(TypeKind::kBoolean) ||
               (!ansi && (from.is(TypeKind::kTimestamp) || from.is(TypeKind::kDate)));
    }
    if (to.is_numeric()) {
        if (from.is_numeric() || from.is(TypeKind::kBoolean)) return true;
        if (from.is(TypeKind::kTimestamp)) return true;
        if (from.is(TypeKind::kDate)) return !ansi;
        if (from.is(TypeKind::kTime)) return true;
        if (from.is(TypeKind::kDayTimeInterval) || from.is(TypeKind::kYearMonthInterval)) {
            return (to.is_integral() || to.is(TypeKind::kDecimal)) &&
                   from.from_unit() == from.to_unit();
        }
        return false;
    }
    if (to.is(TypeKind::kTimestamp)) {
        if (is_temporal(from)) return true;
        return from.is_numeric() || (!ansi && from.is(TypeKind::kBoolean));
    }
    if (to.is(TypeKind::kDate) || to.is(TypeKind::kTimestampNtz)) return is_temporal(from);
    if (to.is(TypeKind::kTime)) return from.is(TypeKind::kTime) || from.is(TypeKind::kTimestampNtz);
    if (to.is(TypeKind::kDayTimeInterval) || to.is(TypeKind::kYearMonthInterval)) {
        if (from.kind() == to.kind()) return true;
        return (from.is_integral() || from.is(TypeKind::kDecimal)) &&
               to.from_unit() == to.to_unit();
    }
    return false;
}

bool cast_may_be_null(const DataType& from, const DataType& to, bool ansi) {
    if (from == to) return false;
    if (from.is(TypeKind::kNull) || from.is(TypeKind::kVariant)) return true;
    if (to.is_string()) return false;
    if (ansi) {
        // Under ANSI what does not fit is an error, not a null; only text to the complex kinds and
        // what Spark lists as null-giving remain.
        return false;
    }
    if (from.is_string()) return !to.is(TypeKind::kBinary);
    if (is_float(from) && to.is(TypeKind::kTimestamp)) return true;
    if (to.is(TypeKind::kDecimal)) {
        const DataType source = decimal_for(from);
        if (!from.is_integral() && !from.is(TypeKind::kDecimal) && !from.is(TypeKind::kBoolean)) {
            return true;
        }
        if (from.is(TypeKind::kBoolean)) return to.precision() - to.scale() < 1;
        return to.scale() < source.scale() ||
               to.precision() - to.scale() < source.precision() - source.scale();
    }
    if (from.is(TypeKind::kTimestamp) && to.is_integral() && !to.is(TypeKind::kLong)) return true;
    if (from.is(TypeKind::kDate) && !is_temporal(to)) return true;
    if (to.is(TypeKind::kCalendarInterval)) return true;
    if (from.is(TypeKind::kTimestamp) && to.is(TypeKind::kBoolean)) return false;
    return false;
}

bool can_pass(const DataType& from, const DataType& to, bool ansi) {
    if (from == to || from.same_ignoring_nullability(to) || from.is(TypeKind::kNull)) return true;
    if (from.is_nested() || to.is_nested()) {
        if (from.kind() != to.kind()) return false;
        if (from.is(TypeKind::kArray)) return can_pass(from.element(), to.element(), ansi);
        if (from.is(TypeKind::kMap)) {
            return can_pass(from.key(), to.key(), ansi) && can_pass(from.value(), to.value(), ansi);
        }
        if (from.fields().size() != to.fields().size()) return false;
        for (std::size_t i = 0; i < from.fields().size(); ++i) {
            if (!can_pass(from.fields()[i].type, to.fields()[i].type, ansi)) return false;
        }
        return true;
    }
    if (from.is(TypeKind::kVariant) || to.is(TypeKind::kVariant)) return false;
    if (from.is_string()) {
        return to.is_string() || is_atomic(to) || to.is(TypeKind::kCalendarInterval);
    }
    if (to.is_string()) return is_atomic(from) && !(ansi && from.is(TypeKind::kBinary));
    if (from.is_numeric() && to.is_numeric()) {
        if (ansi && !from.is_integral() && to.is_integral()) return false;
        return true;
    }
    if (is_temporal(from) && is_temporal(to)) return true;
    if (is_interval(from) && from.kind() == to.kind()) return true;
    return false;
}

DataType with_nullable_parts(const DataType& type) {
    if (type.is(TypeKind::kArray))
        return DataType::array(with_nullable_parts(type.element()), true);
    if (type.is(TypeKind::kMap)) {
        return DataType::map(with_nullable_parts(type.key()), with_nullable_parts(type.value()),
                             true);
    }
    if (type.is(TypeKind::kStruct)) {
        std::vector<Field> fields;
        for (const Field& field : type.fields()) {
            fields.push_back(
                {field.name, with_nullable_parts(field.type), true, field.metadata_json});
        }
        return DataType::structure(std::move(fields));
    }
    return type;
}

}  // namespace millrace::sql
