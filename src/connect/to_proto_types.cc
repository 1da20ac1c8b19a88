#include <algorithm>

#include "connect/to_proto_internal.h"
#include "spark/connect/expressions.pb.h"
#include "spark/connect/types.pb.h"

namespace millrace::connect {

using plan::TypeKind;

namespace {

std::string decimal_text(const plan::DecimalValue& value, int scale) {
    auto unscaled =
        (static_cast<unsigned __int128>(static_cast<std::uint64_t>(value.high)) << 64) | value.low;
    const bool negative = value.high < 0;
    if (negative) unscaled = -unscaled;
    std::string digits;
    do {
        digits += static_cast<char>('0' + static_cast<int>(unscaled % 10));
        unscaled /= 10;
        if (scale > 0 && static_cast<int>(digits.size()) == scale) digits += '.';
    } while (unscaled != 0 || (scale > 0 && static_cast<int>(digits.size()) < scale + 2));
    if (negative) digits += '-';
    std::ranges::reverse(digits);
    return digits;
}

void struct_to_proto(const plan::DataType& type, ::spark::connect::DataType_Struct& message) {
    for (const auto& field : type.fields()) {
        auto* to = message.add_fields();
        to->set_name(field.name);
        to->set_nullable(field.nullable);
        to_proto(field.type, *to->mutable_data_type());
        if (!field.metadata_json.empty()) to->set_metadata(field.metadata_json);
    }
}

}  // namespace

void to_proto(const plan::DataType& type, ::spark::connect::DataType& message) {
    switch (type.kind()) {
        case TypeKind::kNull: message.mutable_null(); break;
        case TypeKind::kBoolean: message.mutable_boolean(); break;
        case TypeKind::kByte: message.mutable_byte(); break;
        case TypeKind::kShort: message.mutable_short_(); break;
        case TypeKind::kInteger: message.mutable_integer(); break;
        case TypeKind::kLong: message.mutable_long_(); break;
        case TypeKind::kFloat: message.mutable_float_(); break;
        case TypeKind::kDouble: message.mutable_double_(); break;
        case TypeKind::kDecimal:
            message.mutable_decimal()->set_precision(type.precision());
            message.mutable_decimal()->set_scale(type.scale());
            break;
        case TypeKind::kString: message.mutable_string()->set_collation("UTF8_BINARY"); break;
        case TypeKind::kChar: message.mutable_char_()->set_length(type.length()); break;
        case TypeKind::kVarchar: message.mutable_var_char()->set_length(type.length()); break;
        case TypeKind::kBinary: message.mutable_binary(); break;
        case TypeKind::kDate: message.mutable_date(); break;
        case TypeKind::kTimestamp: message.mutable_timestamp(); break;
        case TypeKind::kTimestampNtz: message.mutable_timestamp_ntz(); break;
        case TypeKind::kTime: message.mutable_time()->set_precision(type.precision()); break;
        case TypeKind::kCalendarInterval: message.mutable_calendar_interval(); break;
        case TypeKind::kYearMonthInterval:
            message.mutable_year_month_interval()->set_start_field(type.from_unit());
            message.mutable_year_month_interval()->set_end_field(type.to_unit());
            break;
        case TypeKind::kDayTimeInterval:
            message.mutable_day_time_interval()->set_start_field(type.from_unit());
            message.mutable_day_time_interval()->set_end_field(type.to_unit());
            break;
        case TypeKind::kArray:
            to_proto(type.element(), *message.mutable_array()->mutable_element_type());
            message.mutable_array()->set_contains_null(type.contains_null());
            break;
        case TypeKind::kMap:
            to_proto(type.key(), *message.mutable_map()->mutable_key_type());
            to_proto(type.value(), *message.mutable_map()->mutable_value_type());
            message.mutable_map()->set_value_contains_null(type.contains_null());
            break;
        case TypeKind::kStruct: struct_to_proto(type, *message.mutable_struct_()); break;
        case TypeKind::kVariant: message.mutable_variant(); break;
    }
}

void to_proto(const plan::Literal& literal, ::spark::connect::Expression_Literal& message) {
    if (literal.is_null()) return to_proto(literal.type, *message.mutable_null());
    const auto* number = std::get_if<std::int64_t>(&literal.value);
    const auto* text = std::get_if<std::string>(&literal.value);
    const auto* children = std::get_if<std::vector<plan::Literal>>(&literal.value);
    const auto small = [&] { return number == nullptr ? 0 : static_cast<std::int32_t>(*number); };
    const auto big = [&] { return number == nullptr ? 0 : *number; };
    const auto real = [&] {
        const auto* value = std::get_if<double>(&literal.value);
        return value == nullptr ? 0.0 : *value;
    };
    switch (literal.type.kind()) {
        case TypeKind::kNull: message.mutable_null()->mutable_null(); break;
        case TypeKind::kBoolean: {
            const auto* flag = std::get_if<bool>(&literal.value);
            message.set_boolean(flag != nullptr && *flag);
            break;
        }
        case TypeKind::kByte: message.set_byte(small()); break;
        case TypeKind::kShort: message.set_short_(small()); break;
        case TypeKind::kInteger: message.set_integer(small()); break;
        case TypeKind::kLong: message.set_long_(big()); break;
        case TypeKind::kFloat: message.set_float_(static_cast<float>(real())); break;
        case TypeKind::kDouble: message.set_double_(real()); break;
        case TypeKind::kDecimal: {
            const auto* value = std::get_if<plan::DecimalValue>(&literal.value);
            auto* decimal = message.mutable_decimal();
            decimal->set_value(decimal_text(value == nullptr ? plan::DecimalValue{} : *value,
                                            literal.type.scale()));
            decimal->set_precision(literal.type.precision());
            decimal->set_scale(literal.type.scale());
            break;
        }
        case TypeKind::kString:
        case TypeKind::kChar:
        case TypeKind::kVarchar: message.set_string(text == nullptr ? "" : *text); break;
        case TypeKind::kBinary:
        case TypeKind::kVariant: message.set_binary(text == nullptr ? "" : *text); break;
        case TypeKind::kDate: message.set_date(small()); break;
        case TypeKind::kTimestamp: message.set_timestamp(big()); break;
        case TypeKind::kTimestampNtz: message.set_timestamp_ntz(big()); break;
        case TypeKind::kTime:
            message.mutable_time()->set_nano(big() * 1000);
            message.mutable_time()->set_precision(literal.type.precision());
            break;
        case TypeKind::kCalendarInterval: {
            const auto* value = std::get_if<plan::IntervalValue>(&literal.value);
            const plan::IntervalValue interval = value == nullptr ? plan::IntervalValue{} : *value;
            message.mutable_calendar_interval()->set_months(interval.months);
            message.mutable_calendar_interval()->set_days(interval.days);
            message.mutable_calendar_interval()->set_microseconds(interval.microseconds);
            break;
        }
        case TypeKind::kYearMonthInterval: message.set_year_month_interval(small()); break;
        case TypeKind::kDayTimeInterval: message.set_day_time_interval(big()); break;
        case TypeKind::kArray:
            to_proto(literal.type, *message.mutable_data_type());
            message.mutable_array();
            if (children == nullptr) break;
            for (const auto& child : *children)
                to_proto(child, *message.mutable_array()->add_elements());
            break;
        case TypeKind::kMap:
            to_proto(literal.type, *message.mutable_data_type());
            message.mutable_map();
            if (children == nullptr) break;
            for (std::size_t i = 0; i + 1 < children->size(); i += 2) {
                to_proto((*children)[i], *message.mutable_map()->add_keys());
                to_proto((*children)[i + 1], *message.mutable_map()->add_values());
            }
            break;
        case TypeKind::kStruct:
            to_proto(literal.type, *message.mutable_data_type());
            message.mutable_struct_();
            if (children == nullptr) break;
            for (const auto& child : *children) {
                to_proto(child, *message.mutable_struct_()->add_elements());
            }
            break;
    }
}

}  // namespace millrace::connect
