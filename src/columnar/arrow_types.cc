// Spark's types and Arrow's, as Spark Connect maps them (Spark's ArrowUtils).
#include <arrow/status.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

#include "columnar/batch_internal.h"

namespace millrace::columnar {

using plan::DataType;
using plan::TypeKind;

base::Error arrow_error(const arrow::Status& status) {
    Code code = Code::kRuntime;
    switch (status.code()) {
        case arrow::StatusCode::OutOfMemory:
        case arrow::StatusCode::CapacityError: code = Code::kResourceExhausted; break;
        case arrow::StatusCode::Invalid:
        case arrow::StatusCode::SerializationError: code = Code::kCorrupt; break;
        case arrow::StatusCode::IOError: code = Code::kIo; break;
        case arrow::StatusCode::NotImplemented: code = Code::kUnsupported; break;
        default: break;
    }
    return {code, status.message()};
}

std::shared_ptr<arrow::DataType> arrow_type(const DataType& type, const std::string& time_zone,
                                            bool large) {
    switch (type.kind()) {
        case TypeKind::kNull: return arrow::null();
        case TypeKind::kBoolean: return arrow::boolean();
        case TypeKind::kByte: return arrow::int8();
        case TypeKind::kShort: return arrow::int16();
        case TypeKind::kInteger: return arrow::int32();
        case TypeKind::kLong: return arrow::int64();
        case TypeKind::kFloat: return arrow::float32();
        case TypeKind::kDouble: return arrow::float64();
        case TypeKind::kDecimal: return arrow::decimal128(type.precision(), type.scale());
        case TypeKind::kString:
        case TypeKind::kChar:
        case TypeKind::kVarchar: return large ? arrow::large_utf8() : arrow::utf8();
        case TypeKind::kBinary: return large ? arrow::large_binary() : arrow::binary();
        case TypeKind::kDate: return arrow::date32();
        case TypeKind::kTimestamp: return arrow::timestamp(arrow::TimeUnit::MICRO, time_zone);
        case TypeKind::kTimestampNtz: return arrow::timestamp(arrow::TimeUnit::MICRO);
        case TypeKind::kTime: return arrow::time64(arrow::TimeUnit::NANO);
        case TypeKind::kCalendarInterval: return arrow::month_day_nano_interval();
        case TypeKind::kYearMonthInterval: return arrow::month_interval();
        case TypeKind::kDayTimeInterval: return arrow::duration(arrow::TimeUnit::MICRO);
        case TypeKind::kArray:
            return arrow::list(arrow::field("element", arrow_type(type.element(), time_zone, large),
                                            type.contains_null()));
        case TypeKind::kMap:
            return std::make_shared<arrow::MapType>(
                arrow::field("key", arrow_type(type.key(), time_zone, large), false),
                arrow::field("value", arrow_type(type.value(), time_zone, large),
                             type.contains_null()));
        case TypeKind::kStruct: {
            arrow::FieldVector fields;
            for (const plan::Field& field : type.fields()) {
                fields.push_back(arrow::field(field.name, arrow_type(field.type, time_zone, large),
                                              field.nullable));
            }
            return arrow::struct_(std::move(fields));
        }
        case TypeKind::kVariant:
            return arrow::struct_({arrow::field("value", arrow::binary(), false),
                                   arrow::field("metadata", arrow::binary(), false,
                                                arrow::key_value_metadata({"variant"}, {"true"}))});
    }
    return arrow::null();
}

Result<DataType> spark_type(const arrow::DataType& type) {
    switch (type.id()) {
        case arrow::Type::NA: return DataType::null();
        case arrow::Type::BOOL: return DataType::boolean();
        case arrow::Type::INT8: return DataType::byte_();
        case arrow::Type::UINT8:
        case arrow::Type::INT16: return DataType::short_();
        case arrow::Type::UINT16:
        case arrow::Type::INT32: return DataType::integer();
        case arrow::Type::UINT32:
        case arrow::Type::INT64: return DataType::long_();
        case arrow::Type::UINT64: return DataType::decimal(20, 0);
        case arrow::Type::FLOAT: return DataType::float_();
        case arrow::Type::DOUBLE: return DataType::double_();
        case arrow::Type::STRING:
        case arrow::Type::LARGE_STRING: return DataType::string();
        case arrow::Type::BINARY:
        case arrow::Type::FIXED_SIZE_BINARY:
        case arrow::Type::LARGE_BINARY: return DataType::binary();
        case arrow::Type::DATE32:
        case arrow::Type::DATE64: return DataType::date();
        case arrow::Type::DECIMAL128: {
            const auto& decimal = static_cast<const arrow::Decimal128Type&>(type);
            if (decimal.scale() < 0 || decimal.scale() > decimal.precision()) break;
            return DataType::decimal(decimal.precision(), decimal.scale());
        }
        case arrow::Type::TIMESTAMP:
            return static_cast<const arrow::TimestampType&>(type).timezone().empty()
                       ? DataType::timestamp_ntz()
                       : DataType::timestamp();
        case arrow::Type::TIME32:
        case arrow::Type::TIME64: return DataType::time(6);
        case arrow::Type::DURATION: return DataType::day_time_interval();
        case arrow::Type::INTERVAL_MONTHS: return DataType::year_month_interval();
        case arrow::Type::INTERVAL_MONTH_DAY_NANO: return DataType::calendar_interval();
        case arrow::Type::LIST:
        case arrow::Type::LARGE_LIST: {
            MR_TRY(DataType element, spark_type(*type.field(0)->type()));
            return DataType::array(std::move(element), type.field(0)->nullable());
        }
        case arrow::Type::MAP: {
            const auto& map = static_cast<const arrow::MapType&>(type);
            MR_TRY(DataType key, spark_type(*map.key_type()));
            MR_TRY(DataType value, spark_type(*map.item_type()));
            return DataType::map(std::move(key), std::move(value), map.item_field()->nullable());
        }
        case arrow::Type::STRUCT: {
            std::vector<plan::Field> fields;
            for (const auto& field : type.fields()) {
                MR_TRY(DataType child, spark_type(*field->type()));
                fields.push_back({.name = field->name(),
                                  .type = std::move(child),
                                  .nullable = field->nullable()});
            }
            return DataType::structure(std::move(fields));
        }
        default: break;
    }
    return fail(Code::kUnsupported, "columns of the Arrow type {} are not supported",
                type.ToString());
}

}  // namespace millrace::columnar
