#include "api/local_rows.h"

#include "columnar/batch.h"

namespace millrace::api {

using base::Code;
using base::fail;
using base::Result;
using columnar::BatchBuilder;
using plan::DataType;
using plan::TypeKind;

namespace {

// False when the value is not of the type.
bool append(const Value& value, const DataType& type, BatchBuilder::Column& column);

bool append_integer(const Value& value, TypeKind kind, BatchBuilder::Column& column) {
    const auto* number = value.get<std::int64_t>();
    if (number == nullptr) return false;
    const int bits = kind == TypeKind::kByte      ? 8
                     : kind == TypeKind::kShort   ? 16
                     : kind == TypeKind::kInteger ? 32
                                                  : 64;
    if (bits < 64 && (*number >= (1LL << (bits - 1)) || *number < -(1LL << (bits - 1))))
        return false;
    column.append_int(*number);
    return true;
}

bool append_double(const Value& value, BatchBuilder::Column& column) {
    if (const auto* number = value.get<double>()) {
        column.append_double(*number);
    } else if (const auto* whole = value.get<std::int64_t>()) {
        column.append_double(static_cast<double>(*whole));
    } else {
        return false;
    }
    return true;
}

bool append_nested(const Value& value, const DataType& type, BatchBuilder::Column& column) {
    if (type.is(TypeKind::kStruct)) {
        const auto* structure = value.get<Struct>();
        if (structure == nullptr || structure->fields.size() != type.fields().size()) return false;
        column.append_nested();
        for (std::size_t i = 0; i < structure->fields.size(); ++i) {
            const Value& field = structure->fields[i].second;
            if (!append(field, type.fields()[i].type, column.child(i))) return false;
        }
        return true;
    }
    if (type.is(TypeKind::kArray)) {
        const auto* array = value.get<Array>();
        if (array == nullptr) return false;
        column.append_nested(array->size());
        for (const Value& element : *array) {
            if (!append(element, type.element(), column.child(0))) return false;
        }
        return true;
    }
    const auto* map = value.get<Map>();
    if (map == nullptr) return false;
    column.append_nested(map->size());
    for (const auto& [key, item] : *map) {
        if (!append(key, type.key(), column.child(0))) return false;
        if (!append(item, type.value(), column.child(1))) return false;
    }
    return true;
}

bool append(const Value& value, const DataType& type, BatchBuilder::Column& column) {
    if (value.is_null()) {
        column.append_null();
        return true;
    }
    switch (type.kind()) {
        case TypeKind::kBoolean: {
            const auto* flag = value.get<bool>();
            if (flag == nullptr) return false;
            column.append_bool(*flag);
            return true;
        }
        case TypeKind::kByte:
        case TypeKind::kShort:
        case TypeKind::kInteger:
        case TypeKind::kLong: return append_integer(value, type.kind(), column);
        case TypeKind::kFloat:
        case TypeKind::kDouble: return append_double(value, column);
        case TypeKind::kString:
        case TypeKind::kChar:
        case TypeKind::kVarchar: {
            const auto* text = value.get<std::string>();
            if (text == nullptr) return false;
            column.append_text(*text);
            return true;
        }
        case TypeKind::kBinary: {
            const auto* binary = value.get<Binary>();
            if (binary == nullptr) return false;
            column.append_text(binary->bytes);
            return true;
        }
        case TypeKind::kDate: {
            const auto* date = value.get<Date>();
            if (date == nullptr) return false;
            column.append_int(date->days);
            return true;
        }
        case TypeKind::kTimestamp:
        case TypeKind::kTimestampNtz: {
            const auto* time = value.get<Timestamp>();
            if (time == nullptr) return false;
            column.append_int(time->microseconds);
            return true;
        }
        case TypeKind::kArray:
        case TypeKind::kMap:
        case TypeKind::kStruct: return append_nested(value, type, column);
        default: return false;
    }
}

}  // namespace

Result<std::string> rows_to_ipc(const std::vector<std::vector<Value>>& rows,
                                const DataType& schema) {
    const std::vector<plan::Field>& fields = schema.fields();
    BatchBuilder builder(fields);
    for (std::size_t row = 0; row < rows.size(); ++row) {
        if (rows[row].size() != fields.size()) {
            return fail(Code::kInvalidArgument,
                        "row {} has {} values, but the schema has {} columns", row,
                        rows[row].size(), fields.size());
        }
        for (std::size_t i = 0; i < fields.size(); ++i) {
            if (!append(rows[row][i], fields[i].type, builder.column(i))) {
                return fail(Code::kInvalidArgument, "row {}, column '{}': {} is no {}", row,
                            fields[i].name, rows[row][i].to_string(),
                            fields[i].type.simple_string());
            }
        }
    }
    MR_TRY(const columnar::Batch batch, builder.finish());
    return columnar::to_ipc(batch, {});
}

}  // namespace millrace::api
