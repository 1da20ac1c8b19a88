#include "api/convert.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace millrace::api {

using plan::DataType;
using plan::Literal;
using plan::TypeKind;

namespace {

template <class... Ts>
struct Overloaded : Ts... {
    using Ts::operator()...;
};

// "-12.50" as an unscaled 128-bit number and its scale; anything else becomes a string literal,
// which the analyzer then refuses where a number is wanted.
Literal decimal_literal(const std::string& text) {
    __int128 unscaled = 0;
    int digits = 0;
    int scale = 0;
    bool point = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (i == 0 && (c == '-' || c == '+')) continue;
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9' || digits == 38) return Literal::string(text);
        unscaled = unscaled * 10 + (c - '0');
        ++digits;
        if (point) ++scale;
    }
    if (digits == 0) return Literal::string(text);
    if (text[0] == '-') unscaled = -unscaled;
    const int precision = std::max(digits, 1);
    return {DataType::decimal(precision, scale),
            plan::DecimalValue{static_cast<std::int64_t>(unscaled >> 64),
                               static_cast<std::uint64_t>(unscaled)}};
}

std::string decimal_text(__int128 unscaled, int scale) {
    const bool negative = unscaled < 0;
    auto rest = static_cast<unsigned __int128>(negative ? -unscaled : unscaled);
    std::string digits;
    do {
        digits += static_cast<char>('0' + static_cast<int>(rest % 10));
        rest /= 10;
    } while (rest != 0);
    while (static_cast<int>(digits.size()) <= scale) digits += '0';
    std::ranges::reverse(digits);
    if (scale > 0) digits.insert(digits.size() - static_cast<std::size_t>(scale), ".");
    return negative ? "-" + digits : digits;
}

Value nested_value(const columnar::ColumnView& column, std::int64_t row) {
    if (column.type.is(TypeKind::kStruct)) {
        Struct result;
        const auto& fields = column.type.fields();
        for (std::size_t i = 0; i < fields.size(); ++i) {
            result.fields.emplace_back(fields[i].name, to_value(column.children[i], row));
        }
        return result;
    }
    const std::int64_t from = column.offsets32[row];
    const std::int64_t to = column.offsets32[row + 1];
    const columnar::ColumnView& child = column.children[0];
    if (column.type.is(TypeKind::kArray)) {
        Array result;
        for (std::int64_t i = from; i < to; ++i) result.push_back(to_value(child, i));
        return result;
    }
    Map result;
    for (std::int64_t i = from; i < to; ++i) {
        result.emplace_back(to_value(child.children[0], i), to_value(child.children[1], i));
    }
    return result;
}

}  // namespace

Error to_public(const base::Error& error) {
    Error result;
    result.message = error.message();
    if (const base::Condition* condition = error.condition()) {
        result.condition = condition->name;
        result.sql_state = condition->sql_state;
        result.parameters = condition->parameters;
    }
    return result;
}

Literal to_literal(const Value& value) {
    return std::visit(
        Overloaded{
            [](std::monostate) { return Literal::null(); },
            [](bool flag) { return Literal::boolean(flag); },
            [](std::int64_t number) {
                const bool fits = number >= std::numeric_limits<std::int32_t>::min() &&
                                  number <= std::numeric_limits<std::int32_t>::max();
                return fits ? Literal::integer(static_cast<std::int32_t>(number))
                            : Literal::long_(number);
            },
            [](double number) { return Literal::double_(number); },
            [](const std::string& text) { return Literal::string(text); },
            [](const Timestamp& time) { return Literal{DataType::timestamp(), time.microseconds}; },
            [](const Date& date) { return Literal{DataType::date(), std::int64_t{date.days}}; },
            [](const Decimal& decimal) { return decimal_literal(decimal.text); },
            [](const Binary& binary) { return Literal{DataType::binary(), binary.bytes}; },
            [](const Array& array) {
                std::vector<Literal> elements;
                for (const Value& element : array) elements.push_back(to_literal(element));
                DataType type = elements.empty() ? DataType::null() : elements.front().type;
                return Literal{DataType::array(std::move(type)), std::move(elements)};
            },
            [](const Map& map) {
                std::vector<Literal> entries;
                for (const auto& [key, item] : map) {
                    entries.push_back(to_literal(key));
                    entries.push_back(to_literal(item));
                }
                DataType key = entries.empty() ? DataType::null() : entries[0].type;
                DataType item = entries.empty() ? DataType::null() : entries[1].type;
                return Literal{DataType::map(std::move(key), std::move(item)), std::move(entries)};
            },
            [](const Struct& structure) {
                std::vector<plan::Field> fields;
                std::vector<Literal> values;
                for (const auto& [name, field] : structure.fields) {
                    values.push_back(to_literal(field));
                    fields.push_back({name, values.back().type, true, {}});
                }
                return Literal{DataType::structure(std::move(fields)), std::move(values)};
            },
        },
        value.variant());
}

Value to_value(const columnar::ColumnView& column, std::int64_t row) {
    if (column.is_null(row)) return {};
    switch (column.type.kind()) {
        case TypeKind::kNull: return {};
        case TypeKind::kBoolean: return column.boolean(row);
        case TypeKind::kByte: return std::int64_t{column.value<std::int8_t>(row)};
        case TypeKind::kShort: return std::int64_t{column.value<std::int16_t>(row)};
        case TypeKind::kInteger:
        case TypeKind::kYearMonthInterval: return std::int64_t{column.value<std::int32_t>(row)};
        case TypeKind::kLong:
        case TypeKind::kTime:
        case TypeKind::kDayTimeInterval: return column.value<std::int64_t>(row);
        case TypeKind::kFloat: return static_cast<double>(column.value<float>(row));
        case TypeKind::kDouble: return column.value<double>(row);
        case TypeKind::kString:
        case TypeKind::kChar:
        case TypeKind::kVarchar: return std::string(column.text(row));
        case TypeKind::kBinary:
        case TypeKind::kVariant: return Binary{std::string(column.text(row))};
        case TypeKind::kDate: return Date{column.value<std::int32_t>(row)};
        case TypeKind::kTimestamp:
        case TypeKind::kTimestampNtz: return Timestamp{column.value<std::int64_t>(row)};
        case TypeKind::kDecimal:
            return Decimal{decimal_text(column.value<__int128>(row), column.type.scale())};
        case TypeKind::kCalendarInterval: return columnar::to_display(column, row, "UTC");
        case TypeKind::kArray:
        case TypeKind::kMap:
        case TypeKind::kStruct: return nested_value(column, row);
    }
    return {};
}

std::vector<Row> to_rows(const DataType& schema, const columnar::Batches& batches) {
    const auto names = std::make_shared<std::vector<std::string>>();
    for (const plan::Field& field : schema.fields()) names->push_back(field.name);
    std::vector<Row> rows;
    rows.reserve(static_cast<std::size_t>(columnar::total_rows(batches)));
    for (const columnar::Batch& batch : batches) {
        if (batch.rows() == 0) continue;
        std::vector<columnar::ColumnView> columns;
        for (std::size_t i = 0; i < names->size(); ++i) columns.push_back(batch.column(i));
        for (std::int64_t row = 0; row < batch.rows(); ++row) {
            std::vector<Value> values;
            values.reserve(columns.size());
            for (const columnar::ColumnView& column : columns)
                values.push_back(to_value(column, row));
            rows.emplace_back(names, std::move(values));
        }
    }
    return rows;
}

}  // namespace millrace::api
