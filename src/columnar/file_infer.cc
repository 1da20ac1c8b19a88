// Types out of data, by Spark's rules of inference for CSV and JSON.
#include <algorithm>
#include <charconv>

#include "columnar/files_internal.h"
#include "columnar/json_text_internal.h"
#include "columnar/time_format_internal.h"
#include "columnar/time_text_internal.h"

namespace millrace::columnar {

using plan::DataType;
using plan::TypeKind;

namespace {

template <class T>
bool is_number(std::string_view text) {
    T value{};
    if (text.starts_with('+')) text.remove_prefix(1);
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, value);
    return !text.empty() && at == end && error == std::errc();
}

// What one CSV value could be at least; values of a column are brought to a common one.
DataType type_of_text(std::string_view text, const FileOptions& options) {
    if (is_number<std::int32_t>(text)) return DataType::integer();
    if (is_number<std::int64_t>(text)) return DataType::long_();
    if (is_number<double>(text) || text == "NaN" || text == "Inf" || text == "-Inf")
        return DataType::double_();
    // A date is a date only as a whole: with a time behind it, it is a timestamp.
    if (text.size() >= 8 && text.size() <= 10 && std::ranges::count(text, '-') == 2 &&
        options.flag("preferdate", true) && parse_date(text)) {
        return DataType::date();
    }
    if (text.size() > 10 && std::ranges::count(text, '-') >= 2 &&
        text.find(':') != std::string_view::npos && parse_local_time(text)) {
        return DataType::timestamp();
    }
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    if (lower == "true" || lower == "false") return DataType::boolean();
    return DataType::string();
}

DataType common_text(const DataType& a, const DataType& b) {
    if (a == b) return a;
    if (a.is(TypeKind::kNull)) return b;
    if (b.is(TypeKind::kNull)) return a;
    if (a.is_numeric() && b.is_numeric()) {
        if (a.is(TypeKind::kDouble) || b.is(TypeKind::kDouble)) return DataType::double_();
        return DataType::long_();
    }
    const auto time = [](const DataType& type) {
        return type.is(TypeKind::kDate) || type.is(TypeKind::kTimestamp);
    };
    if (time(a) && time(b)) return DataType::timestamp();
    return DataType::string();
}

DataType common_json(const DataType& a, const DataType& b) {
    if (a == b) return a;
    if (a.is(TypeKind::kNull)) return b;
    if (b.is(TypeKind::kNull)) return a;
    if (a.is_numeric() && b.is_numeric()) return DataType::double_();
    if (a.is(TypeKind::kArray) && b.is(TypeKind::kArray)) {
        return DataType::array(common_json(a.element(), b.element()));
    }
    if (a.is(TypeKind::kStruct) && b.is(TypeKind::kStruct)) {
        std::vector<plan::Field> fields = a.fields();
        for (const plan::Field& field : b.fields()) {
            const auto found = std::ranges::find(fields, field.name, &plan::Field::name);
            if (found == fields.end()) {
                fields.push_back(field);
            } else {
                found->type = common_json(found->type, field.type);
            }
        }
        std::ranges::sort(fields, {}, &plan::Field::name);
        return DataType::structure(std::move(fields));
    }
    return DataType::string();
}

// The type of the value at the cursor; false when it is malformed.
bool type_of_json(JsonCursor& json, DataType& type, int depth) {
    std::string buffer;
    std::string_view text;
    const JsonKind kind = json.kind();
    if (depth > kDeepestJson) return false;
    switch (kind) {
        case JsonKind::kArray: {
            DataType element;
            const bool whole = json.array([&] {
                DataType item;
                if (!type_of_json(json, item, depth + 1)) return false;
                element = common_json(element, item);
                return true;
            });
            type = DataType::array(element);
            return whole;
        }
        case JsonKind::kObject: {
            std::vector<plan::Field> fields;
            const bool whole = json.object([&] {
                if (!json.string(text, buffer)) return false;
                const std::string key(text);
                DataType member;
                if (!json.colon() || !type_of_json(json, member, depth + 1)) return false;
                const auto found = std::ranges::find(fields, key, &plan::Field::name);
                if (found == fields.end()) {
                    fields.push_back({.name = key, .type = std::move(member)});
                } else {
                    found->type = common_json(found->type, member);
                }
                return true;
            });
            std::ranges::sort(fields, {}, &plan::Field::name);
            type = DataType::structure(std::move(fields));
            return whole;
        }
        case JsonKind::kNumber: {
            bool integer = false;
            if (!json.number(text, integer)) return false;
            if (!integer) {
                type = DataType::double_();
            } else if (is_number<std::int64_t>(text)) {
                type = DataType::long_();
            } else {
                // Too large for a long: a decimal where 38 digits hold it.
                const auto digits = static_cast<int>(text.size() - (text[0] == '-' ? 1 : 0));
                type = digits <= 38 ? DataType::decimal(digits, 0) : DataType::double_();
            }
            return true;
        }
        case JsonKind::kTrue:
        case JsonKind::kFalse: type = DataType::boolean(); return json.literal(kind);
        case JsonKind::kNull: type = DataType::null(); return json.literal(kind);
        case JsonKind::kString: type = DataType::string(); return json.string(text, buffer);
        case JsonKind::kNone: break;
    }
    return false;
}

// What was null everywhere is read as text; structs without fields are left out.
DataType settled(const DataType& type) {
    if (type.is(TypeKind::kNull)) return DataType::string();
    if (type.is(TypeKind::kArray)) return DataType::array(settled(type.element()));
    if (type.is(TypeKind::kStruct)) {
        std::vector<plan::Field> fields;
        for (const plan::Field& field : type.fields()) {
            if (field.type.is(TypeKind::kStruct) && field.type.fields().empty()) continue;
            fields.push_back({.name = field.name, .type = settled(field.type)});
        }
        return DataType::structure(std::move(fields));
    }
    return type;
}

}  // namespace

DataType infer_text_type(const std::vector<std::string_view>& values, const FileOptions& options) {
    DataType type;
    for (const std::string_view value : values) {
        type = common_text(type, type_of_text(value, options));
        if (type.is(TypeKind::kString)) break;
    }
    return type.is(TypeKind::kNull) ? DataType::string() : type;
}

Result<DataType> infer_json_value(std::string_view text) {
    JsonCursor json(text);
    DataType type;
    if (!type_of_json(json, type, 0))
        return fail(Code::kCorrupt, "no JSON: {}", text.substr(0, 100));
    return settled(type);
}

Result<DataType> infer_json(const std::vector<std::string_view>& lines) {
    DataType type = DataType::structure({});
    bool corrupt = false;
    for (const std::string_view line : lines) {
        if (trim_all(line).empty()) continue;
        JsonCursor json(line);
        DataType row;
        if (!type_of_json(json, row, 0)) {
            corrupt = true;
            continue;
        }
        if (row.is(TypeKind::kArray)) row = row.element();  // An array of rows.
        if (row.is(TypeKind::kStruct)) {
            type = common_json(type, row);
        } else {
            corrupt = true;
        }
    }
    std::vector<plan::Field> fields = settled(type).fields();
    if (corrupt) {
        fields.push_back({.name = "_corrupt_record", .type = DataType::string()});
        std::ranges::sort(fields, {}, &plan::Field::name);
    }
    return DataType::structure(std::move(fields));
}

}  // namespace millrace::columnar
