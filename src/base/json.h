// JSON for our own small documents: checkpoints, progress, plans, HTTP answers.
//
// Data of users is parsed in columnar, by a faster parser with Spark's rules. This one is strict
// RFC 8259: one value, well-formed UTF-8, no duplicate keys, no trailing commas, bounded depth and
// size, so that a damaged file is refused rather than half understood.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"

namespace millrace::base {

class JsonValue;
using JsonArray = std::vector<JsonValue>;
// In the order of the text (or of the making).
using JsonMember = std::pair<std::string, JsonValue>;
using JsonObject = std::vector<JsonMember>;

class JsonValue {
public:
    JsonValue() = default;  // null
    JsonValue(std::nullptr_t) {}
    JsonValue(bool value) : value_(value) {}
    template <std::integral Integer>
    JsonValue(Integer value) {
        if (std::in_range<std::int64_t>(value)) {
            value_ = static_cast<std::int64_t>(value);
        } else {
            value_ = static_cast<double>(value);
        }
    }
    JsonValue(double value) : value_(value) {}
    JsonValue(std::string value) : value_(std::move(value)) {}
    JsonValue(std::string_view value) : value_(std::string(value)) {}
    JsonValue(const char* value) : value_(std::string(value)) {}
    JsonValue(JsonArray value);
    JsonValue(JsonObject value);

    bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
    bool is_bool() const { return std::holds_alternative<bool>(value_); }
    // A number without fraction and exponent that fits; every other number is a double.
    bool is_int() const { return std::holds_alternative<std::int64_t>(value_); }
    bool is_number() const { return is_int() || std::holds_alternative<double>(value_); }
    bool is_string() const { return std::holds_alternative<std::string>(value_); }
    bool is_array() const { return std::holds_alternative<JsonArray>(value_); }
    bool is_object() const { return std::holds_alternative<JsonObject>(value_); }

    // The content, or kCorrupt saying what stands there instead.
    Result<bool> as_bool() const;
    Result<std::int64_t> as_int() const;
    Result<double> as_double() const;
    Result<std::string> as_string() const;
    // Empty when it is something else: for loops over what may be missing.
    const JsonArray& items() const;
    const JsonObject& members() const;

    // The member of that name, or null when there is none or this is no object.
    const JsonValue* find(std::string_view key) const;
    // The same, where it must be there: kCorrupt names the key.
    Result<bool> get_bool(std::string_view key) const;
    Result<std::int64_t> get_int(std::string_view key) const;
    Result<double> get_double(std::string_view key) const;
    Result<std::string> get_string(std::string_view key) const;

    // Sets a member of an object (null becomes one), replacing one of the same name.
    JsonValue& set(std::string key, JsonValue value);
    // Appends to an array (null becomes one).
    JsonValue& push(JsonValue value);

    friend bool operator==(const JsonValue&, const JsonValue&) = default;

private:
    std::variant<std::monostate, bool, std::int64_t, double, std::string, JsonArray, JsonObject>
        value_;
};

struct JsonLimits {
    std::size_t max_bytes = 64 << 20;
    int max_depth = 128;
};
// kParse says at which byte and why.
Result<JsonValue> parse_json(std::string_view text, const JsonLimits& limits = {});

// Compact. With `indent` spaces per level, on lines of their own.
std::string to_json(const JsonValue& value, int indent = 0);

// Writes JSON as it goes, without a tree:
//     JsonWriter json;
//     json.begin_object().key("rows").value(3).key("tags").begin_array().end_array().end_object();
// The caller keeps begin and end in balance; commas and escapes are the writer's.
class JsonWriter {
public:
    JsonWriter& begin_object() { return open('{'); }
    JsonWriter& end_object() { return close('}'); }
    JsonWriter& begin_array() { return open('['); }
    JsonWriter& end_array() { return close(']'); }
    JsonWriter& key(std::string_view name);
    JsonWriter& value(std::nullptr_t);
    JsonWriter& value(bool flag);
    template <std::integral Integer>
    JsonWriter& value(Integer number) {
        if constexpr (std::is_signed_v<Integer>) return signed_number(number);
        return unsigned_number(static_cast<std::uint64_t>(number));
    }
    // As the JVM writes it: 3.0, not 3. NaN and the infinities, which JSON lacks, become null.
    JsonWriter& value(double number);
    // Bytes that are not UTF-8 become U+FFFD.
    JsonWriter& value(std::string_view text);
    JsonWriter& value(const char* text) { return value(std::string_view(text)); }
    // Text that is JSON already.
    JsonWriter& raw(std::string_view json);

    const std::string& text() const { return text_; }
    std::string take() { return std::move(text_); }

private:
    JsonWriter& signed_number(std::int64_t number);
    JsonWriter& unsigned_number(std::uint64_t number);
    JsonWriter& open(char bracket);
    JsonWriter& close(char bracket);
    void separate();

    std::string text_;
    bool first_ = true;  // Nothing stands before the next value in its array or object.
};

// `text` as a JSON string with its quotes.
std::string json_quote(std::string_view text);

}  // namespace millrace::base
