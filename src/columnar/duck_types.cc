#include <vector>

#include "columnar/duck_internal.h"

namespace millrace::columnar {

using plan::DataType;
using plan::TypeKind;

std::string duck_type_name(const DataType& type) {
    switch (type.kind()) {
        case TypeKind::kBoolean: return "BOOLEAN";
        case TypeKind::kByte: return "TINYINT";
        case TypeKind::kShort: return "SMALLINT";
        case TypeKind::kNull:
        case TypeKind::kInteger: return "INTEGER";
        case TypeKind::kLong: return "BIGINT";
        case TypeKind::kFloat: return "FLOAT";
        case TypeKind::kDouble: return "DOUBLE";
        case TypeKind::kDecimal:
            return fmt::format("DECIMAL({},{})", type.precision(), type.scale());
        case TypeKind::kString:
        case TypeKind::kChar:
        case TypeKind::kVarchar: return "VARCHAR";
        case TypeKind::kBinary: return "BLOB";
        case TypeKind::kDate: return "DATE";
        case TypeKind::kTimestamp: return "TIMESTAMPTZ";
        case TypeKind::kTimestampNtz: return "TIMESTAMP";
        case TypeKind::kTime: return "TIME";
        case TypeKind::kCalendarInterval:
        case TypeKind::kYearMonthInterval:
        case TypeKind::kDayTimeInterval: return "INTERVAL";
        case TypeKind::kArray: return duck_type_name(type.element()) + "[]";
        case TypeKind::kMap:
            return fmt::format("MAP({}, {})", duck_type_name(type.key()),
                               duck_type_name(type.value()));
        case TypeKind::kStruct: {
            // DuckDB has no struct without fields: such a one gets a field that nobody reads.
            if (type.fields().empty()) return "STRUCT(f0 BOOLEAN)";
            std::string name = "STRUCT(";
            for (std::size_t i = 0; i < type.fields().size(); ++i) {
                name += fmt::format("{}f{} {}", i == 0 ? "" : ", ", i,
                                    duck_type_name(type.fields()[i].type));
            }
            return name + ")";
        }
        case TypeKind::kVariant: return "STRUCT(f0 BLOB, f1 BLOB)";
    }
    return "INTEGER";
}

namespace {

duckdb_type duck_id(TypeKind kind) {
    switch (kind) {
        case TypeKind::kBoolean: return DUCKDB_TYPE_BOOLEAN;
        case TypeKind::kByte: return DUCKDB_TYPE_TINYINT;
        case TypeKind::kShort: return DUCKDB_TYPE_SMALLINT;
        case TypeKind::kLong: return DUCKDB_TYPE_BIGINT;
        case TypeKind::kFloat: return DUCKDB_TYPE_FLOAT;
        case TypeKind::kDouble: return DUCKDB_TYPE_DOUBLE;
        case TypeKind::kString:
        case TypeKind::kChar:
        case TypeKind::kVarchar: return DUCKDB_TYPE_VARCHAR;
        case TypeKind::kBinary: return DUCKDB_TYPE_BLOB;
        case TypeKind::kDate: return DUCKDB_TYPE_DATE;
        case TypeKind::kTimestamp: return DUCKDB_TYPE_TIMESTAMP_TZ;
        case TypeKind::kTimestampNtz: return DUCKDB_TYPE_TIMESTAMP;
        case TypeKind::kTime: return DUCKDB_TYPE_TIME;
        case TypeKind::kCalendarInterval:
        case TypeKind::kYearMonthInterval:
        case TypeKind::kDayTimeInterval: return DUCKDB_TYPE_INTERVAL;
        default: return DUCKDB_TYPE_INTEGER;
    }
}

DuckType duck_struct(const std::vector<DataType>& types) {
    std::vector<DuckType> owners;
    std::vector<duckdb_logical_type> members;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < types.size(); ++i) {
        owners.push_back(duck_type(types[i]));
        members.push_back(owners.back().get());
        names.push_back(fmt::format("f{}", i));
    }
    std::vector<const char*> raw_names;
    for (const std::string& name : names) raw_names.push_back(name.c_str());
    return DuckType(duckdb_create_struct_type(members.data(), raw_names.data(), members.size()));
}

}  // namespace

DuckType duck_type(const DataType& type) {
    switch (type.kind()) {
        case TypeKind::kDecimal:
            return DuckType(duckdb_create_decimal_type(static_cast<std::uint8_t>(type.precision()),
                                                       static_cast<std::uint8_t>(type.scale())));
        case TypeKind::kArray: {
            const DuckType element = duck_type(type.element());
            return DuckType(duckdb_create_list_type(element.get()));
        }
        case TypeKind::kMap: {
            const DuckType key = duck_type(type.key());
            const DuckType value = duck_type(type.value());
            return DuckType(duckdb_create_map_type(key.get(), value.get()));
        }
        case TypeKind::kStruct: {
            std::vector<DataType> types;
            for (const plan::Field& field : type.fields()) types.push_back(field.type);
            if (types.empty()) types.push_back(DataType::boolean());
            return duck_struct(types);
        }
        case TypeKind::kVariant: return duck_struct({DataType::binary(), DataType::binary()});
        default: return DuckType(duckdb_create_logical_type(duck_id(type.kind())));
    }
}

std::string quoted(std::string_view text) {
    std::string result = "'";
    for (const char c : text) {
        if (c == '\'') {
            result += "''";
        } else if (c == '\0') {
            result += "' || chr(0) || '";
        } else {
            result.push_back(c);
        }
    }
    result.push_back('\'');
    if (text.find('\0') != std::string_view::npos) result = "(" + result + ")";
    return result;
}

}  // namespace millrace::columnar
