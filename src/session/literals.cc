#include "session/literals.h"

#include <cstring>

namespace millrace::session {

namespace {

using plan::TypeKind;

plan::DecimalValue decimal_at(const columnar::ColumnView& column, std::int64_t row) {
    plan::DecimalValue value;
    const char* bytes = static_cast<const char*>(column.values) + row * 16;
    std::memcpy(&value.low, bytes, sizeof(value.low));
    std::memcpy(&value.high, bytes + 8, sizeof(value.high));
    return value;
}

}  // namespace

plan::Literal literal_of(const columnar::ColumnView& column, std::int64_t row) {
    const plan::DataType& type = column.type;
    const auto number = [&](std::int64_t value) { return plan::Literal{type, value}; };
    if (column.is_null(row)) return plan::Literal::null(type);
    switch (type.kind()) {
        case TypeKind::kNull: return plan::Literal::null(type);
        case TypeKind::kBoolean: return {type, column.boolean(row)};
        case TypeKind::kByte: return number(column.value<std::int8_t>(row));
        case TypeKind::kShort: return number(column.value<std::int16_t>(row));
        case TypeKind::kInteger:
        case TypeKind::kDate:
        case TypeKind::kYearMonthInterval: return number(column.value<std::int32_t>(row));
        case TypeKind::kLong:
        case TypeKind::kTimestamp:
        case TypeKind::kTimestampNtz:
        case TypeKind::kTime:
        case TypeKind::kDayTimeInterval: return number(column.value<std::int64_t>(row));
        case TypeKind::kFloat: return {type, double{column.value<float>(row)}};
        case TypeKind::kDouble: return {type, column.value<double>(row)};
        case TypeKind::kDecimal: return {type, decimal_at(column, row)};
        case TypeKind::kString:
        case TypeKind::kChar:
        case TypeKind::kVarchar:
        case TypeKind::kBinary: return {type, std::string(column.text(row))};
        case TypeKind::kStruct: {
            std::vector<plan::Literal> fields;
            for (const auto& child : column.children) fields.push_back(literal_of(child, row));
            return {type, std::move(fields)};
        }
        default: break;
    }
    // Nested lists come with their offsets; other kinds are not held in batches.
    if (column.offsets32 == nullptr || column.children.empty()) return plan::Literal::null(type);
    std::vector<plan::Literal> elements;
    for (auto i = column.offsets32[row]; i < column.offsets32[row + 1]; i++) {
        if (type.is(TypeKind::kMap)) {
            const auto& entry = column.children.front();
            elements.push_back(literal_of(entry.children.at(0), i));
            elements.push_back(literal_of(entry.children.at(1), i));
        } else {
            elements.push_back(literal_of(column.children.front(), i));
        }
    }
    return {type, std::move(elements)};
}

}  // namespace millrace::session
