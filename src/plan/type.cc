#include "plan/type.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace millrace::plan {

struct DataType::Nested {
    std::vector<DataType> types;  // array: element; map: key, value
    std::vector<Field> fields;    // struct
    bool contains_null = true;    // array elements, map values
};

namespace {

constexpr std::array<std::string_view, 4> kDayTimeUnits = {"day", "hour", "minute", "second"};
constexpr std::array<std::string_view, 2> kYearMonthUnits = {"year", "month"};

std::string upper(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
    return text;
}

template <std::size_t count>
std::string interval_name(const std::array<std::string_view, count>& units, int from, int to) {
    MR_CHECK(from >= 0 && from <= to && to < static_cast<int>(count));
    if (from == to) return fmt::format("interval {}", units[static_cast<std::size_t>(from)]);
    return fmt::format("interval {} to {}", units[static_cast<std::size_t>(from)],
                       units[static_cast<std::size_t>(to)]);
}

// The name of a type without parts, in lower case.
std::string atomic_name(const DataType& type) {
    switch (type.kind()) {
        case TypeKind::kNull: return "void";
        case TypeKind::kBoolean: return "boolean";
        case TypeKind::kByte: return "tinyint";
        case TypeKind::kShort: return "smallint";
        case TypeKind::kInteger: return "int";
        case TypeKind::kLong: return "bigint";
        case TypeKind::kFloat: return "float";
        case TypeKind::kDouble: return "double";
        case TypeKind::kDecimal:
            return fmt::format("decimal({},{})", type.precision(), type.scale());
        case TypeKind::kString: return "string";
        case TypeKind::kChar: return fmt::format("char({})", type.length());
        case TypeKind::kVarchar: return fmt::format("varchar({})", type.length());
        case TypeKind::kBinary: return "binary";
        case TypeKind::kDate: return "date";
        case TypeKind::kTimestamp: return "timestamp";
        case TypeKind::kTimestampNtz: return "timestamp_ntz";
        case TypeKind::kTime: return fmt::format("time({})", type.precision());
        case TypeKind::kCalendarInterval: return "interval";
        case TypeKind::kYearMonthInterval:
            return interval_name(kYearMonthUnits, type.from_unit(), type.to_unit());
        case TypeKind::kDayTimeInterval:
            return interval_name(kDayTimeUnits, type.from_unit(), type.to_unit());
        case TypeKind::kVariant: return "variant";
        case TypeKind::kArray:
        case TypeKind::kMap:
        case TypeKind::kStruct: break;
    }
    return {};
}

// The name in Spark's JSON, where it differs from the SQL one.
std::string json_name(const DataType& type) {
    switch (type.kind()) {
        case TypeKind::kByte: return "byte";
        case TypeKind::kShort: return "short";
        case TypeKind::kInteger: return "integer";
        case TypeKind::kLong: return "long";
        default: return atomic_name(type);
    }
}

bool is_plain_name(std::string_view name) {
    return !name.empty() && std::ranges::all_of(name, [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '_';
    });
}

std::string quote_identifier(std::string_view name) {
    std::string result = "`";
    for (const char c : name) {
        if (c == '`') result += '`';
        result += c;
    }
    return result + '`';
}

std::string json_string(std::string_view text) {
    std::string result = "\"";
    for (const char c : text) {
        switch (c) {
            case '"': result += "\\\""; break;
            case '\\': result += "\\\\"; break;
            case '\b': result += "\\b"; break;
            case '\f': result += "\\f"; break;
            case '\n': result += "\\n"; break;
            case '\r': result += "\\r"; break;
            case '\t': result += "\\t"; break;
            default:
                if (static_cast<unsigned char>(c) < 0x20) {
                    result += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
                } else {
                    result += c;
                }
        }
    }
    return result + '"';
}

void append_tree(const DataType& type, const std::string& prefix, int depth, int limit,
                 std::string& into);

void append_tree_line(std::string_view name, const DataType& type, std::string_view null_word,
                      bool nullable, const std::string& prefix, int depth, int limit,
                      std::string& into) {
    std::string type_name = atomic_name(type);
    if (type.is(TypeKind::kArray)) type_name = "array";
    if (type.is(TypeKind::kMap)) type_name = "map";
    if (type.is(TypeKind::kStruct)) type_name = "struct";
    if (type.is_integral()) type_name = json_name(type);
    if (null_word.empty()) {
        into += fmt::format("{}-- {}: {}\n", prefix, name, type_name);
    } else {
        into +=
            fmt::format("{}-- {}: {} ({} = {})\n", prefix, name, type_name, null_word, nullable);
    }
    append_tree(type, prefix + "    |", depth + 1, limit, into);
}

void append_tree(const DataType& type, const std::string& prefix, int depth, int limit,
                 std::string& into) {
    if (limit > 0 && depth > limit) return;
    switch (type.kind()) {
        case TypeKind::kStruct:
            for (const Field& field : type.fields()) {
                append_tree_line(field.name, field.type, "nullable", field.nullable, prefix, depth,
                                 limit, into);
            }
            break;
        case TypeKind::kArray:
            append_tree_line("element", type.element(), "containsNull", type.contains_null(),
                             prefix, depth, limit, into);
            break;
        case TypeKind::kMap:
            append_tree_line("key", type.key(), "", true, prefix, depth, limit, into);
            append_tree_line("value", type.value(), "valueContainsNull", type.contains_null(),
                             prefix, depth, limit, into);
            break;
        default: break;
    }
}

}  // namespace

DataType DataType::decimal(int precision, int scale) {
    DataType type(TypeKind::kDecimal);
    type.first_ = precision;
    type.second_ = scale;
    return type;
}
DataType DataType::char_(int length) {
    DataType type(TypeKind::kChar);
    type.first_ = length;
    return type;
}
DataType DataType::varchar(int length) {
    DataType type(TypeKind::kVarchar);
    type.first_ = length;
    return type;
}
DataType DataType::time(int precision) {
    DataType type(TypeKind::kTime);
    type.first_ = precision;
    return type;
}
DataType DataType::day_time_interval(int from, int to) {
    DataType type(TypeKind::kDayTimeInterval);
    type.first_ = from;
    type.second_ = to;
    return type;
}
DataType DataType::year_month_interval(int from, int to) {
    DataType type(TypeKind::kYearMonthInterval);
    type.first_ = from;
    type.second_ = to;
    return type;
}
DataType DataType::array(DataType element, bool contains_null) {
    DataType type(TypeKind::kArray);
    type.nested_ = std::make_shared<const Nested>(Nested{{std::move(element)}, {}, contains_null});
    return type;
}
DataType DataType::map(DataType key, DataType value, bool value_contains_null) {
    DataType type(TypeKind::kMap);
    type.nested_ = std::make_shared<const Nested>(
        Nested{{std::move(key), std::move(value)}, {}, value_contains_null});
    return type;
}
DataType DataType::structure(std::vector<Field> fields) {
    DataType type(TypeKind::kStruct);
    type.nested_ = std::make_shared<const Nested>(Nested{{}, std::move(fields), true});
    return type;
}

const DataType& DataType::element() const {
    MR_CHECK(kind_ == TypeKind::kArray);
    return nested_->types[0];
}
bool DataType::contains_null() const {
    MR_CHECK(kind_ == TypeKind::kArray || kind_ == TypeKind::kMap);
    return nested_->contains_null;
}
const DataType& DataType::key() const {
    MR_CHECK(kind_ == TypeKind::kMap);
    return nested_->types[0];
}
const DataType& DataType::value() const {
    MR_CHECK(kind_ == TypeKind::kMap);
    return nested_->types[1];
}
const std::vector<Field>& DataType::fields() const {
    MR_CHECK(kind_ == TypeKind::kStruct);
    return nested_->fields;
}

bool DataType::is_integral() const {
    return kind_ == TypeKind::kByte || kind_ == TypeKind::kShort || kind_ == TypeKind::kInteger ||
           kind_ == TypeKind::kLong;
}
bool DataType::is_numeric() const {
    return is_integral() || kind_ == TypeKind::kFloat || kind_ == TypeKind::kDouble ||
           kind_ == TypeKind::kDecimal;
}
bool DataType::is_string() const {
    return kind_ == TypeKind::kString || kind_ == TypeKind::kChar || kind_ == TypeKind::kVarchar;
}
bool DataType::is_nested() const {
    return kind_ == TypeKind::kArray || kind_ == TypeKind::kMap || kind_ == TypeKind::kStruct;
}

bool DataType::operator==(const DataType& other) const {
    if (kind_ != other.kind_ || first_ != other.first_ || second_ != other.second_) return false;
    if (nested_ == other.nested_) return true;
    if (nested_ == nullptr || other.nested_ == nullptr) return false;
    return nested_->contains_null == other.nested_->contains_null &&
           nested_->types == other.nested_->types && nested_->fields == other.nested_->fields;
}

bool DataType::same_ignoring_nullability(const DataType& other) const {
    if (kind_ != other.kind_ || first_ != other.first_ || second_ != other.second_) return false;
    if (nested_ == other.nested_) return true;
    if (nested_ == nullptr || other.nested_ == nullptr) return false;
    return std::ranges::equal(nested_->types, other.nested_->types,
                              [](const DataType& a, const DataType& b) {
                                  return a.same_ignoring_nullability(b);
                              }) &&
           std::ranges::equal(
               nested_->fields, other.nested_->fields, [](const Field& a, const Field& b) {
                   return a.name == b.name && a.type.same_ignoring_nullability(b.type);
               });
}

std::string DataType::simple_string() const {
    switch (kind_) {
        case TypeKind::kArray: return fmt::format("array<{}>", element().simple_string());
        case TypeKind::kMap:
            return fmt::format("map<{},{}>", key().simple_string(), value().simple_string());
        case TypeKind::kStruct: {
            std::string result = "struct<";
            for (const Field& field : fields()) {
                if (result.size() > 7) result += ',';
                result += field.name + ':' + field.type.simple_string();
            }
            return result + '>';
        }
        default: return atomic_name(*this);
    }
}

std::string DataType::sql() const {
    switch (kind_) {
        case TypeKind::kArray: return fmt::format("ARRAY<{}>", element().sql());
        case TypeKind::kMap: return fmt::format("MAP<{}, {}>", key().sql(), value().sql());
        case TypeKind::kStruct: {
            std::string result = "STRUCT<";
            for (const Field& field : fields()) {
                if (result.size() > 7) result += ", ";
                result += is_plain_name(field.name) ? field.name : quote_identifier(field.name);
                result += ": " + field.type.sql();
                if (!field.nullable) result += " NOT NULL";
            }
            return result + '>';
        }
        default: return upper(atomic_name(*this));
    }
}

std::string DataType::json() const {
    switch (kind_) {
        case TypeKind::kArray:
            return fmt::format(R"({{"type":"array","elementType":{},"containsNull":{}}})",
                               element().json(), contains_null());
        case TypeKind::kMap:
            return fmt::format(
                R"({{"type":"map","keyType":{},"valueType":{},"valueContainsNull":{}}})",
                key().json(), value().json(), contains_null());
        case TypeKind::kStruct: {
            std::string result = R"({"type":"struct","fields":[)";
            bool first = true;
            for (const Field& field : fields()) {
                if (!first) result += ',';
                first = false;
                result += fmt::format(R"({{"name":{},"type":{},"nullable":{},"metadata":{}}})",
                                      json_string(field.name), field.type.json(), field.nullable,
                                      field.metadata_json.empty() ? "{}" : field.metadata_json);
            }
            return result + "]}";
        }
        default: return json_string(json_name(*this));
    }
}

std::string DataType::tree_string(int level) const {
    std::string result = "root\n";
    append_tree(*this, " |", 1, level, result);
    return result;
}

}  // namespace millrace::plan
