#include <algorithm>
#include <array>
#include <charconv>

#include "connect/from_proto_internal.h"
#include "spark/connect/expressions.pb.h"
#include "spark/connect/types.pb.h"
#include "sql/parser.h"

namespace millrace::connect {

using plan::DataType;
using plan::Literal;
using plan::TypeKind;

std::unexpected<base::Error> invalid_plan(std::string message) {
    base::Condition condition;
    condition.name = "CONNECT_INVALID_PLAN";
    condition.sql_state = "56K00";
    condition.java_class = "org.apache.spark.sql.connect.common.InvalidPlanInput";
    return fail(base::Error(Code::kInvalidArgument, std::move(message), std::move(condition)));
}

namespace {

Result<DataType> decimal_type(const proto::DataType_Decimal& message) {
    const int precision = message.has_precision() ? message.precision() : 10;
    const int scale = message.has_scale() ? message.scale() : 0;
    if (precision < 1 || precision > 38 || scale < 0 || scale > precision) {
        return invalid_plan(fmt::format("decimal({},{}) is not a type", precision, scale));
    }
    return DataType::decimal(precision, scale);
}

Result<DataType> struct_type(const proto::DataType_Struct& message) {
    std::vector<plan::Field> fields;
    fields.reserve(static_cast<std::size_t>(message.fields_size()));
    for (const auto& field : message.fields()) {
        MR_TRY(auto type, type_from_proto(field.data_type()));
        fields.push_back({field.name(), std::move(type), field.nullable(), field.metadata()});
        if (fields.back().metadata_json == "{}") fields.back().metadata_json.clear();
    }
    return DataType::structure(std::move(fields));
}

// Interval fields: [from, to] within 0..last, or the default when absent.
template <class Message>
Result<std::pair<int, int>> interval_units(const Message& message, int last) {
    const int from = message.has_start_field() ? message.start_field() : 0;
    const int to = message.has_end_field()     ? message.end_field()
                   : message.has_start_field() ? from
                                               : last;
    if (from < 0 || from > to || to > last) {
        return invalid_plan(fmt::format("interval fields {} to {} do not exist", from, to));
    }
    return std::pair(from, to);
}

Result<int> positive_length(int length) {
    if (length < 1) return invalid_plan(fmt::format("a length of {} is not possible", length));
    return length;
}

// "-12.340" as unscaled digits: 128 bits hold the 38 digits that a decimal may have.
struct ParsedDecimal {
    plan::DecimalValue value;
    int precision = 1;
    int scale = 0;
};
Result<ParsedDecimal> parse_decimal(const std::string& text) {
    const auto bad = [&] { return invalid_plan(fmt::format("'{}' is not a decimal", text)); };
    std::string_view rest = text;
    int exponent = 0;
    if (const auto e = rest.find_first_of("eE"); e != std::string_view::npos) {
        std::string_view digits = rest.substr(e + 1);
        if (digits.starts_with('+')) digits.remove_prefix(1);
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
        if (error != std::errc() || end != digits.data() + digits.size()) return bad();
        if (exponent < -100 || exponent > 100) return bad();
        rest = rest.substr(0, e);
    }
    const bool negative = rest.starts_with('-');
    if (negative || rest.starts_with('+')) rest.remove_prefix(1);
    unsigned __int128 unscaled = 0;
    int significant = 0;
    int digits = 0;
    int scale = 0;
    bool after_point = false;
    for (const char c : rest) {
        if (c == '.' && !after_point) {
            after_point = true;
            continue;
        }
        if (c < '0' || c > '9') return bad();
        digits++;
        if (significant > 0 || c != '0') significant++;
        if (significant > 38) return bad();
        unscaled = unscaled * 10 + static_cast<unsigned>(c - '0');
        if (after_point) scale++;
    }
    if (digits == 0) return bad();
    scale -= exponent;
    for (; scale < 0; scale++) {
        unscaled *= 10;
        if (unscaled != 0 && ++significant > 38) return bad();
    }
    if (scale > 38) return bad();
    const auto signed_value = negative ? -unscaled : unscaled;
    ParsedDecimal parsed;
    parsed.value.high = static_cast<std::int64_t>(static_cast<std::uint64_t>(signed_value >> 64));
    parsed.value.low = static_cast<std::uint64_t>(signed_value);
    parsed.scale = scale;
    parsed.precision = std::max({significant, scale, 1});
    return parsed;
}

// Multiplies by 10^steps: a literal "1.5" of type decimal(10,2) has the unscaled value 150.
Result<plan::DecimalValue> rescale(const plan::DecimalValue& value, int steps) {
    auto unscaled =
        (static_cast<unsigned __int128>(static_cast<std::uint64_t>(value.high)) << 64) | value.low;
    for (; steps > 0; steps--) unscaled *= 10;
    return plan::DecimalValue{static_cast<std::int64_t>(static_cast<std::uint64_t>(unscaled >> 64)),
                              static_cast<std::uint64_t>(unscaled)};
}

Result<Literal> decimal_literal(const proto::Expression_Literal_Decimal& message) {
    MR_TRY(auto parsed, parse_decimal(message.value()));
    int precision = message.has_precision() ? message.precision() : parsed.precision;
    const int scale = message.has_scale() ? message.scale() : parsed.scale;
    if (scale < parsed.scale || scale > 38 || precision > 38) {
        return invalid_plan(
            fmt::format("'{}' does not fit decimal({},{})", message.value(), precision, scale));
    }
    precision = std::max({precision, scale, parsed.precision + scale - parsed.scale});
    if (precision > 38) {
        return invalid_plan(fmt::format("'{}' has more than 38 digits", message.value()));
    }
    MR_TRY(auto value, rescale(parsed.value, scale - parsed.scale));
    return Literal{DataType::decimal(precision, scale), value};
}

template <class Messages>
Result<std::vector<Literal>> literals(const Messages& messages) {
    std::vector<Literal> values;
    values.reserve(static_cast<std::size_t>(messages.size()));
    for (const auto& message : messages) {
        MR_TRY(auto value, literal_from_proto(message));
        values.push_back(std::move(value));
    }
    return values;
}

DataType type_of_first(const std::vector<Literal>& values, std::size_t from, std::size_t step) {
    for (std::size_t i = from; i < values.size(); i += step) {
        if (!values[i].is_null()) return values[i].type;
    }
    return values.size() > from ? values[from].type : DataType::null();
}

Result<Literal> array_literal(const proto::Expression_Literal& message) {
    MR_TRY(auto elements, literals(message.array().elements()));
    DataType element = type_of_first(elements, 0, 1);
    if (message.data_type().has_array()) {
        MR_TRY(element, type_from_proto(message.data_type().array().element_type()));
    } else if (message.array().has_element_type()) {
        MR_TRY(element, type_from_proto(message.array().element_type()));
    }
    const bool has_null = std::ranges::any_of(elements, &Literal::is_null);
    return Literal{DataType::array(std::move(element), has_null), std::move(elements)};
}

Result<Literal> map_literal(const proto::Expression_Literal& message) {
    if (message.map().keys_size() != message.map().values_size()) {
        return invalid_plan("A map literal needs as many values as keys");
    }
    std::vector<Literal> entries;
    bool has_null = false;
    for (int i = 0; i < message.map().keys_size(); i++) {
        MR_TRY(auto key, literal_from_proto(message.map().keys(i)));
        MR_TRY(auto value, literal_from_proto(message.map().values(i)));
        has_null = has_null || value.is_null();
        entries.push_back(std::move(key));
        entries.push_back(std::move(value));
    }
    DataType key = type_of_first(entries, 0, 2);
    DataType value = type_of_first(entries, 1, 2);
    if (message.data_type().has_map()) {
        MR_TRY(key, type_from_proto(message.data_type().map().key_type()));
        MR_TRY(value, type_from_proto(message.data_type().map().value_type()));
    } else if (message.map().has_key_type()) {
        MR_TRY(key, type_from_proto(message.map().key_type()));
        MR_TRY(value, type_from_proto(message.map().value_type()));
    }
    return Literal{DataType::map(std::move(key), std::move(value), has_null), std::move(entries)};
}

Result<Literal> struct_literal(const proto::Expression_Literal& message) {
    MR_TRY(auto elements, literals(message.struct_().elements()));
    DataType type;
    if (message.has_data_type()) {
        MR_TRY(type, type_from_proto(message.data_type()));
    } else {
        MR_TRY(type, type_from_proto(message.struct_().struct_type()));
    }
    if (!type.is(TypeKind::kStruct) || type.fields().size() != elements.size()) {
        return invalid_plan("A struct literal needs one value for each field");
    }
    return Literal{std::move(type), std::move(elements)};
}

template <class Values, class Make>
Literal specialized(const Values& values, DataType type, Make make) {
    std::vector<Literal> elements;
    elements.reserve(static_cast<std::size_t>(values.size()));
    for (const auto& value : values) elements.push_back({type, make(value)});
    return {DataType::array(std::move(type), false), std::move(elements)};
}

Result<Literal> specialized_array(const proto::Expression_Literal_SpecializedArray& message) {
    const auto as_long = [](auto value) { return Literal::Value(std::int64_t{value}); };
    const auto as_double = [](auto value) { return Literal::Value(double{value}); };
    using Array = proto::Expression_Literal_SpecializedArray;
    switch (message.value_type_case()) {
        case Array::kBools:
            return specialized(message.bools().values(), DataType::boolean(),
                               [](bool value) { return Literal::Value(value); });
        case Array::kInts:
            return specialized(message.ints().values(), DataType::integer(), as_long);
        case Array::kLongs:
            return specialized(message.longs().values(), DataType::long_(), as_long);
        case Array::kFloats:
            return specialized(message.floats().values(), DataType::float_(), as_double);
        case Array::kDoubles:
            return specialized(message.doubles().values(), DataType::double_(), as_double);
        case Array::kStrings:
            return specialized(message.strings().values(), DataType::string(),
                               [](const std::string& value) { return Literal::Value(value); });
        case Array::VALUE_TYPE_NOT_SET: break;
    }
    return invalid_plan("An array literal has no values of a known type");
}

}  // namespace

Result<DataType> type_from_proto(const proto::DataType& message) {
    using Kind = proto::DataType;
    switch (message.kind_case()) {
        case Kind::kNull: return DataType::null();
        case Kind::kBinary: return DataType::binary();
        case Kind::kBoolean: return DataType::boolean();
        case Kind::kByte: return DataType::byte_();
        case Kind::kShort: return DataType::short_();
        case Kind::kInteger: return DataType::integer();
        case Kind::kLong: return DataType::long_();
        case Kind::kFloat: return DataType::float_();
        case Kind::kDouble: return DataType::double_();
        case Kind::kDecimal: return decimal_type(message.decimal());
        case Kind::kString: return DataType::string();
        case Kind::kChar: {
            MR_TRY(const int length, positive_length(message.char_().length()));
            return DataType::char_(length);
        }
        case Kind::kVarChar: {
            MR_TRY(const int length, positive_length(message.var_char().length()));
            return DataType::varchar(length);
        }
        case Kind::kDate: return DataType::date();
        case Kind::kTimestamp: return DataType::timestamp();
        case Kind::kTimestampNtz: return DataType::timestamp_ntz();
        case Kind::kTime: {
            const int precision = message.time().has_precision() ? message.time().precision() : 6;
            if (precision < 0 || precision > 6) {
                return invalid_plan(fmt::format("time({}) is not a type", precision));
            }
            return DataType::time(precision);
        }
        case Kind::kCalendarInterval: return DataType::calendar_interval();
        case Kind::kYearMonthInterval: {
            MR_TRY(const auto units, interval_units(message.year_month_interval(), 1));
            return DataType::year_month_interval(units.first, units.second);
        }
        case Kind::kDayTimeInterval: {
            MR_TRY(const auto units, interval_units(message.day_time_interval(), 3));
            return DataType::day_time_interval(units.first, units.second);
        }
        case Kind::kArray: {
            MR_TRY(auto element, type_from_proto(message.array().element_type()));
            return DataType::array(std::move(element), message.array().contains_null());
        }
        case Kind::kMap: {
            MR_TRY(auto key, type_from_proto(message.map().key_type()));
            MR_TRY(auto value, type_from_proto(message.map().value_type()));
            return DataType::map(std::move(key), std::move(value),
                                 message.map().value_contains_null());
        }
        case Kind::kStruct: return struct_type(message.struct_());
        case Kind::kVariant: return DataType::variant();
        case Kind::kUdt:
            // A user-defined type is stored as its SQL type; only the client knows more of it.
            if (message.udt().has_sql_type()) return type_from_proto(message.udt().sql_type());
            break;
        case Kind::kUnparsed: return sql::parse_type(message.unparsed().data_type_string());
        case Kind::kGeometry:
        case Kind::kGeography:
            return fail(Code::kUnsupported, "Geospatial types are not supported");
        case Kind::KIND_NOT_SET: break;
    }
    return invalid_plan("A data type is missing");
}

Result<Literal> literal_from_proto(const proto::Expression_Literal& message) {
    using Kind = proto::Expression_Literal;
    const auto number = [](DataType type, std::int64_t value) {
        return Literal{std::move(type), value};
    };
    switch (message.literal_type_case()) {
        case Kind::kNull: {
            MR_TRY(auto type, type_from_proto(message.null()));
            return Literal::null(std::move(type));
        }
        case Kind::kBinary: return Literal{DataType::binary(), message.binary()};
        case Kind::kBoolean: return Literal::boolean(message.boolean());
        case Kind::kByte: return number(DataType::byte_(), message.byte());
        case Kind::kShort: return number(DataType::short_(), message.short_());
        case Kind::kInteger: return number(DataType::integer(), message.integer());
        case Kind::kLong: return number(DataType::long_(), message.long_());
        case Kind::kFloat: return Literal{DataType::float_(), double{message.float_()}};
        case Kind::kDouble: return Literal::double_(message.double_());
        case Kind::kDecimal: return decimal_literal(message.decimal());
        case Kind::kString: return Literal::string(message.string());
        case Kind::kDate: return number(DataType::date(), message.date());
        case Kind::kTimestamp: return number(DataType::timestamp(), message.timestamp());
        case Kind::kTimestampNtz: return number(DataType::timestamp_ntz(), message.timestamp_ntz());
        case Kind::kCalendarInterval:
            return Literal{DataType::calendar_interval(),
                           plan::IntervalValue{message.calendar_interval().months(),
                                               message.calendar_interval().days(),
                                               message.calendar_interval().microseconds()}};
        case Kind::kYearMonthInterval:
            return number(DataType::year_month_interval(), message.year_month_interval());
        case Kind::kDayTimeInterval:
            return number(DataType::day_time_interval(), message.day_time_interval());
        case Kind::kArray: return array_literal(message);
        case Kind::kMap: return map_literal(message);
        case Kind::kStruct: return struct_literal(message);
        case Kind::kSpecializedArray: return specialized_array(message.specialized_array());
        case Kind::kTime: {
            const int precision = message.time().has_precision() ? message.time().precision() : 6;
            if (precision < 0 || precision > 6) {
                return invalid_plan(fmt::format("time({}) is not a type", precision));
            }
            return number(DataType::time(precision), message.time().nano() / 1000);
        }
        case Kind::LITERAL_TYPE_NOT_SET: break;
    }
    return invalid_plan("A literal without a value");
}

}  // namespace millrace::connect
