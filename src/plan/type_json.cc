// Reads a type in Spark's JSON form: a name ("long", "decimal(10,2)") or an object with parts.

#include <charconv>
#include <optional>
#include <span>

#include "base/json.h"
#include "plan/type.h"

namespace millrace::plan {

using base::Code;
using base::fail;
using base::JsonValue;
using base::Result;

namespace {

struct NamedType {
    std::string_view name;
    TypeKind kind;
};
constexpr NamedType kAtomic[] = {
    {"void", TypeKind::kNull},
    {"null", TypeKind::kNull},
    {"boolean", TypeKind::kBoolean},
    {"byte", TypeKind::kByte},
    {"tinyint", TypeKind::kByte},
    {"short", TypeKind::kShort},
    {"smallint", TypeKind::kShort},
    {"integer", TypeKind::kInteger},
    {"int", TypeKind::kInteger},
    {"long", TypeKind::kLong},
    {"bigint", TypeKind::kLong},
    {"float", TypeKind::kFloat},
    {"double", TypeKind::kDouble},
    {"string", TypeKind::kString},
    {"binary", TypeKind::kBinary},
    {"date", TypeKind::kDate},
    {"timestamp", TypeKind::kTimestamp},
    {"timestamp_ltz", TypeKind::kTimestamp},
    {"timestamp_ntz", TypeKind::kTimestampNtz},
    {"interval", TypeKind::kCalendarInterval},
    {"calendarinterval", TypeKind::kCalendarInterval},
    {"variant", TypeKind::kVariant},
};

// The comma-separated numbers of "name(1,2)"; nullopt when the text is not of that form.
std::optional<std::vector<int>> numbers_in(std::string_view text, std::string_view name) {
    if (!text.starts_with(name) || !text.ends_with(')')) return std::nullopt;
    text.remove_prefix(name.size());
    if (!text.starts_with('(')) return std::nullopt;
    text = text.substr(1, text.size() - 2);
    std::vector<int> numbers;
    while (true) {
        while (text.starts_with(' ')) text.remove_prefix(1);
        int number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc()) return std::nullopt;
        numbers.push_back(number);
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        while (text.starts_with(' ')) text.remove_prefix(1);
        if (text.empty()) return numbers;
        if (!text.starts_with(',')) return std::nullopt;
        text.remove_prefix(1);
    }
}

std::optional<DataType> interval_of(std::string_view text) {
    constexpr std::string_view kDayTime[] = {"day", "hour", "minute", "second"};
    constexpr std::string_view kYearMonth[] = {"year", "month"};
    if (!text.starts_with("interval ")) return std::nullopt;
    text.remove_prefix(9);
    const std::size_t to = text.find(" to ");
    const std::string_view first = text.substr(0, to);
    const std::string_view last = to == std::string_view::npos ? first : text.substr(to + 4);
    const auto place = [](std::span<const std::string_view> units, std::string_view unit) {
        for (std::size_t i = 0; i < units.size(); ++i) {
            if (units[i] == unit) return static_cast<int>(i);
        }
        return -1;
    };
    int from = place(kDayTime, first);
    int until = place(kDayTime, last);
    if (from >= 0 && until >= from) return DataType::day_time_interval(from, until);
    from = place(kYearMonth, first);
    until = place(kYearMonth, last);
    if (from >= 0 && until >= from) return DataType::year_month_interval(from, until);
    return std::nullopt;
}

Result<DataType> named(const std::string& name) {
    for (const NamedType& row : kAtomic) {
        if (row.name == name) return DataType(row.kind);
    }
    if (name == "decimal") return DataType::decimal(10, 0);
    if (const auto numbers = numbers_in(name, "decimal"); numbers && numbers->size() == 2) {
        const int precision = (*numbers)[0];
        const int scale = (*numbers)[1];
        if (precision >= 1 && precision <= 38 && scale >= 0 && scale <= precision) {
            return DataType::decimal(precision, scale);
        }
    }
    for (const std::string_view word : {"char", "varchar", "time"}) {
        const auto numbers = numbers_in(name, word);
        if (!numbers || numbers->size() != 1) continue;
        const int number = (*numbers)[0];
        if (word == "time" && number >= 0 && number <= 6) return DataType::time(number);
        if (word != "time" && number >= 1) {
            return word == "char" ? DataType::char_(number) : DataType::varchar(number);
        }
    }
    if (const auto interval = interval_of(name)) return *interval;
    // Strings with a collation: compared as plain ones.
    if (name.starts_with("string collate ")) return DataType::string();
    return fail(Code::kParse, "'{}' is not a type in Spark's JSON form", name);
}

Result<DataType> from_value(const JsonValue& json);

Result<DataType> member(const JsonValue& json, std::string_view key) {
    const JsonValue* value = json.find(key);
    if (value == nullptr) return fail(Code::kParse, "a nested type lacks its '{}'", key);
    return from_value(*value);
}

Result<DataType> structure(const JsonValue& json) {
    std::vector<Field> fields;
    const JsonValue* list = json.find("fields");
    if (list == nullptr || !list->is_array())
        return fail(Code::kParse, "a struct lacks its 'fields'");
    for (const JsonValue& item : list->items()) {
        MR_TRY(std::string name, item.get_string("name"));
        MR_TRY(DataType type, member(item, "type"));
        MR_TRY(const bool nullable, item.get_bool("nullable"));
        const JsonValue* metadata = item.find("metadata");
        const bool has_metadata = metadata != nullptr && !metadata->members().empty();
        fields.push_back({std::move(name), std::move(type), nullable,
                          has_metadata ? base::to_json(*metadata) : std::string()});
    }
    return DataType::structure(std::move(fields));
}

// The depth is bounded by the JSON reader's own limit.
Result<DataType> from_value(const JsonValue& json) {
    if (json.is_string()) {
        MR_TRY(const std::string name, json.as_string());
        return named(name);
    }
    MR_TRY(const std::string type, json.get_string("type"));
    if (type == "struct") return structure(json);
    if (type == "array") {
        MR_TRY(DataType element, member(json, "elementType"));
        MR_TRY(const bool contains_null, json.get_bool("containsNull"));
        return DataType::array(std::move(element), contains_null);
    }
    if (type == "map") {
        MR_TRY(DataType key, member(json, "keyType"));
        MR_TRY(DataType value, member(json, "valueType"));
        MR_TRY(const bool contains_null, json.get_bool("valueContainsNull"));
        return DataType::map(std::move(key), std::move(value), contains_null);
    }
    if (type == "udt") return member(json, "sqlType");
    return fail(Code::kParse, "'{}' is not a nested type in Spark's JSON form", type);
}

}  // namespace

Result<DataType> type_from_json(std::string_view json) {
    MR_TRY(const JsonValue value, base::parse_json(json));
    auto type = from_value(value);
    if (!type) return fail(type.error().with("schema"));
    return type;
}

}  // namespace millrace::plan
