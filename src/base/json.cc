#include "base/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "base/strings.h"

namespace millrace::base {
namespace {

// What stands where something else was wanted.
std::string_view kind_of(const JsonValue& value) {
    if (value.is_null()) return "null";
    if (value.is_bool()) return "a boolean";
    if (value.is_int()) return "a whole number";
    if (value.is_number()) return "a number";
    if (value.is_string()) return "a string";
    return value.is_array() ? "an array" : "an object";
}
std::unexpected<Error> unlike(std::string_view wanted, const JsonValue& found) {
    return fail(Code::kCorrupt, "expected {} but found {}", wanted, kind_of(found));
}
Error about(std::string_view key, const Error& error) {
    return error.with(fmt::format("JSON member '{}'", key.substr(0, 64)));
}

void append_quoted(std::string& to, std::string_view text) {
    to += '"';
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char byte = text[at];
        switch (byte) {
            case '"': to += "\\\""; break;
            case '\\': to += "\\\\"; break;
            case '\n': to += "\\n"; break;
            case '\r': to += "\\r"; break;
            case '\t': to += "\\t"; break;
            case '\b': to += "\\b"; break;
            case '\f': to += "\\f"; break;
            default:
                if (static_cast<unsigned char>(byte) < 0x20) {
                    to += fmt::format("\\u{:04x}", static_cast<unsigned char>(byte));
                } else {
                    to += byte;
                }
        }
    }
    to += '"';
}

// The same text with every byte that is not part of well-formed UTF-8 replaced by U+FFFD.
std::string repaired_utf8(std::string_view text) {
    std::string result;
    while (!text.empty()) {
        std::size_t length = 4;
        while (length > 0 && (length > text.size() || !is_valid_utf8(text.substr(0, length)))) {
            --length;
        }
        result += length == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(0, length);
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return result;
}

void append_utf8(std::string& to, std::uint32_t point) {
    if (point < 0x80) {
        to += static_cast<char>(point);
    } else if (point < 0x800) {
        to += static_cast<char>(0xC0 | point >> 6);
        to += static_cast<char>(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
        to += static_cast<char>(0xE0 | point >> 12);
        to += static_cast<char>(0x80 | (point >> 6 & 0x3F));
        to += static_cast<char>(0x80 | (point & 0x3F));
    } else {
        to += static_cast<char>(0xF0 | point >> 18);
        to += static_cast<char>(0x80 | (point >> 12 & 0x3F));
        to += static_cast<char>(0x80 | (point >> 6 & 0x3F));
        to += static_cast<char>(0x80 | (point & 0x3F));
    }
}

class Parser {
public:
    Parser(std::string_view text, int max_depth) : text_(text), depth_left_(max_depth) {}

    Result<JsonValue> document() {
        MR_TRY(JsonValue value, any());
        skip_space();
        if (at_ != text_.size()) return wrong("nothing more");
        return value;
    }

private:
    bool is_next(char wanted) const { return at_ < text_.size() && text_[at_] == wanted; }
    bool take(char wanted) {
        if (!is_next(wanted)) return false;
        ++at_;
        return true;
    }
    bool take_word(std::string_view word) {
        if (!text_.substr(at_).starts_with(word)) return false;
        at_ += word.size();
        return true;
    }
    void skip_space() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }
    std::unexpected<Error> wrong(std::string_view wanted) const {
        return fail(Code::kParse, "JSON: expected {} at byte {}{}", wanted, at_,
                    at_ >= text_.size() ? ", where the text ends" : "");
    }

    Result<JsonValue> any() {
        skip_space();
        if (is_next('{')) return nested(&Parser::object);
        if (is_next('[')) return nested(&Parser::array);
        if (is_next('"')) {
            MR_TRY(std::string text, string());
            return JsonValue(std::move(text));
        }
        if (take_word("true")) return JsonValue(true);
        if (take_word("false")) return JsonValue(false);
        if (take_word("null")) return JsonValue();
        return number();
    }

    Result<JsonValue> nested(Result<JsonValue> (Parser::*parse)()) {
        if (depth_left_ == 0) {
            return fail(Code::kParse, "JSON: nested too deeply at byte {}", at_);
        }
        --depth_left_;
        ++at_;
        auto value = (this->*parse)();
        ++depth_left_;
        return value;
    }

    Result<JsonValue> object() {
        JsonObject members;
        skip_space();
        if (take('}')) return JsonValue(std::move(members));
        while (true) {
            skip_space();
            if (!is_next('"')) return wrong("a member name");
            MR_TRY(std::string name, string());
            skip_space();
            if (!take(':')) return wrong("':'");
            MR_TRY(JsonValue value, any());
            members.emplace_back(std::move(name), std::move(value));
            skip_space();
            if (take('}')) break;
            if (!take(',')) return wrong("',' or '}'");
        }
        std::vector<std::string_view> names;
        names.reserve(members.size());
        for (const auto& member : members) names.push_back(member.first);
        std::ranges::sort(names);
        if (const auto twice = std::ranges::adjacent_find(names); twice != names.end()) {
            return fail(Code::kParse,
                        "JSON: the member '{}' stands twice in the object before byte {}",
                        twice->substr(0, 64), at_);
        }
        return JsonValue(std::move(members));
    }

    Result<JsonValue> array() {
        JsonArray items;
        skip_space();
        if (take(']')) return JsonValue(std::move(items));
        while (true) {
            MR_TRY(JsonValue value, any());
            items.push_back(std::move(value));
            skip_space();
            if (take(']')) return JsonValue(std::move(items));
            if (!take(',')) return wrong("',' or ']'");
        }
    }

    Result<std::uint32_t> four_hex_digits() {
        std::uint32_t point = 0;
        const char* const from = text_.data() + at_;
        const char* const end = from + std::min<std::size_t>(4, text_.size() - at_);
        if (std::from_chars(from, end, point, 16).ptr != from + 4) return wrong("four hex digits");
        at_ += 4;
        return point;
    }

    Result<void> escape(std::string& to) {
        if (at_ == text_.size()) return wrong("an escape");
        constexpr std::string_view kNames = "\"\\/bfnrt";
        constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
        if (const auto which = kNames.find(text_[at_]); which != std::string_view::npos) {
            to += kMeanings[which];
            ++at_;
            return {};
        }
        if (!take('u')) return wrong("an escape");
        MR_TRY(std::uint32_t point, four_hex_digits());
        if (point >= 0xD800 && point <= 0xDBFF) {
            if (!take_word("\\u")) return wrong("the second half of a surrogate pair");
            MR_TRY(const std::uint32_t second, four_hex_digits());
            if (second < 0xDC00 || second > 0xDFFF) return wrong("a surrogate pair before");
            point = 0x10000 + ((point - 0xD800) << 10) + (second - 0xDC00);
        } else if (point >= 0xDC00 && point <= 0xDFFF) {
            return wrong("a surrogate pair before");
        }
        append_utf8(to, point);
        return {};
    }

    Result<std::string> string() {
        ++at_;
        std::string content;
        while (true) {
            std::size_t end = at_;
            while (end < text_.size() && text_[end] != '"' && text_[end] != '\\' &&
                   static_cast<unsigned char>(text_[end]) >= 0x20) {
                ++end;
            }
            content += text_.substr(at_, end - at_);
            at_ = end;
            if (take('"')) return content;
            if (!take('\\')) return wrong("the end of a string");
            MR_TRY_VOID(escape(content));
        }
    }

    void skip_digits() {
        while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    }

    Result<JsonValue> number() {
        const std::size_t start = at_;
        (void)take('-');
        const std::size_t first_digit = at_;
        skip_digits();
        if (at_ == first_digit) return wrong("a value");
        if (text_[first_digit] == '0' && at_ > first_digit + 1) {
            at_ = first_digit + 1;
            return wrong("no digit after a leading zero");
        }
        bool whole = true;
        if (take('.')) {
            whole = false;
            const std::size_t fraction = at_;
            skip_digits();
            if (at_ == fraction) return wrong("a digit");
        }
        if (take('e') || take('E')) {
            whole = false;
            if (!take('+')) (void)take('-');
            const std::size_t exponent = at_;
            skip_digits();
            if (at_ == exponent) return wrong("a digit");
        }
        const char* const from = text_.data() + start;
        const char* const end = text_.data() + at_;
        if (std::int64_t value = 0; whole && std::from_chars(from, end, value).ec == std::errc()) {
            return JsonValue(value);
        }
        double value = 0;
        if (std::from_chars(from, end, value).ec != std::errc()) {
            return fail(Code::kParse, "JSON: the number at byte {} does not fit a double", start);
        }
        return JsonValue(value);
    }

    std::string_view text_;
    std::size_t at_ = 0;
    int depth_left_;
};

void write(JsonWriter& writer, const JsonValue& value) {
    if (value.is_null()) writer.value(nullptr);
    if (value.is_bool()) writer.value(*value.as_bool());
    if (value.is_int()) writer.value(*value.as_int());
    if (value.is_number() && !value.is_int()) writer.value(*value.as_double());
    if (value.is_string()) writer.value(*value.as_string());
    if (value.is_array()) {
        writer.begin_array();
        for (const auto& item : value.items()) write(writer, item);
        writer.end_array();
    }
    if (value.is_object()) {
        writer.begin_object();
        for (const auto& [name, member] : value.members()) write(writer.key(name), member);
        writer.end_object();
    }
}

// Puts the members and items of compact JSON on lines of their own.
std::string indented(std::string_view compact, int indent) {
    std::string text;
    std::size_t level = 0;
    const auto new_line = [&] {
        text += '\n';
        text.append(level * static_cast<std::size_t>(indent), ' ');
    };
    bool in_string = false;
    for (std::size_t i = 0; i < compact.size(); ++i) {
        const char byte = compact[i];
        if (in_string) {
            text += byte;
            if (byte == '\\') {
                text += compact[++i];
            } else if (byte == '"') {
                in_string = false;
            }
            continue;
        }
        const bool opens = byte == '{' || byte == '[';
        const bool closes = byte == '}' || byte == ']';
        const bool empty = closes && (compact[i - 1] == '{' || compact[i - 1] == '[');
        if (closes) --level;
        if (closes && !empty) new_line();
        text += byte;
        if (byte == '"') in_string = true;
        if (byte == ':') text += ' ';
        if (opens) ++level;
        if (byte == ',' || (opens && compact[i + 1] != '}' && compact[i + 1] != ']')) new_line();
    }
    return text;
}

}  // namespace

JsonValue::JsonValue(JsonArray value) : value_(std::move(value)) {}
JsonValue::JsonValue(JsonObject value) : value_(std::move(value)) {}

Result<bool> JsonValue::as_bool() const {
    if (const bool* value = std::get_if<bool>(&value_)) return *value;
    return unlike("a boolean", *this);
}
Result<std::int64_t> JsonValue::as_int() const {
    if (const auto* value = std::get_if<std::int64_t>(&value_)) return *value;
    return unlike("a whole number", *this);
}
Result<double> JsonValue::as_double() const {
    if (const auto* value = std::get_if<double>(&value_)) return *value;
    if (const auto* value = std::get_if<std::int64_t>(&value_)) return static_cast<double>(*value);
    return unlike("a number", *this);
}
Result<std::string> JsonValue::as_string() const {
    if (const auto* value = std::get_if<std::string>(&value_)) return *value;
    return unlike("a string", *this);
}

const JsonArray& JsonValue::items() const {
    static const JsonArray kNone;
    const auto* items = std::get_if<JsonArray>(&value_);
    return items != nullptr ? *items : kNone;
}
const JsonObject& JsonValue::members() const {
    static const JsonObject kNone;
    const auto* members = std::get_if<JsonObject>(&value_);
    return members != nullptr ? *members : kNone;
}

const JsonValue* JsonValue::find(std::string_view key) const {
    const auto at = std::ranges::find(members(), key, &JsonMember::first);
    return at == members().end() ? nullptr : &at->second;
}

namespace {

template <class T>
Result<T> member_as(const JsonValue& object, std::string_view key,
                    Result<T> (JsonValue::*as)() const) {
    const JsonValue* member = object.find(key);
    if (member == nullptr) {
        return fail(Code::kCorrupt, "JSON member '{}' is missing", key.substr(0, 64));
    }
    auto value = (member->*as)();
    if (!value) return fail(about(key, value.error()));
    return value;
}

}  // namespace

Result<bool> JsonValue::get_bool(std::string_view key) const {
    return member_as(*this, key, &JsonValue::as_bool);
}
Result<std::int64_t> JsonValue::get_int(std::string_view key) const {
    return member_as(*this, key, &JsonValue::as_int);
}
Result<double> JsonValue::get_double(std::string_view key) const {
    return member_as(*this, key, &JsonValue::as_double);
}
Result<std::string> JsonValue::get_string(std::string_view key) const {
    return member_as(*this, key, &JsonValue::as_string);
}

JsonValue& JsonValue::set(std::string key, JsonValue value) {
    if (is_null()) value_ = JsonObject();
    MR_CHECK(is_object());
    auto& members = std::get<JsonObject>(value_);
    const auto at = std::ranges::find(members, key, &JsonMember::first);
    if (at != members.end()) {
        at->second = std::move(value);
    } else {
        members.emplace_back(std::move(key), std::move(value));
    }
    return *this;
}

JsonValue& JsonValue::push(JsonValue value) {
    if (is_null()) value_ = JsonArray();
    MR_CHECK(is_array());
    std::get<JsonArray>(value_).push_back(std::move(value));
    return *this;
}

Result<JsonValue> parse_json(std::string_view text, const JsonLimits& limits) {
    if (text.size() > limits.max_bytes) {
        return fail(Code::kTooLarge, "JSON: {} bytes, over the limit of {}", text.size(),
                    limits.max_bytes);
    }
    if (!is_valid_utf8(text)) return fail(Code::kParse, "JSON: the text is not UTF-8");
    return Parser(text, limits.max_depth).document();
}

std::string to_json(const JsonValue& value, int indent) {
    JsonWriter writer;
    write(writer, value);
    return indent > 0 ? indented(writer.text(), indent) : writer.take();
}

JsonWriter& JsonWriter::open(char bracket) {
    separate();
    text_ += bracket;
    first_ = true;
    return *this;
}
JsonWriter& JsonWriter::close(char bracket) {
    text_ += bracket;
    first_ = false;
    return *this;
}
void JsonWriter::separate() {
    if (!first_) text_ += ',';
    first_ = false;
}

JsonWriter& JsonWriter::key(std::string_view name) {
    value(name);
    text_ += ':';
    first_ = true;  // No comma between a key and its value.
    return *this;
}
JsonWriter& JsonWriter::value(std::nullptr_t) {
    return raw("null");
}
JsonWriter& JsonWriter::value(bool flag) {
    return raw(flag ? "true" : "false");
}
JsonWriter& JsonWriter::signed_number(std::int64_t number) {
    return raw(fmt::format("{}", number));
}
JsonWriter& JsonWriter::unsigned_number(std::uint64_t number) {
    return raw(fmt::format("{}", number));
}
JsonWriter& JsonWriter::value(double number) {
    if (!std::isfinite(number)) return value(nullptr);
    std::string text = fmt::format("{}", number);
    if (text.find_first_of(".e") == std::string::npos) text += ".0";
    return raw(text);
}
JsonWriter& JsonWriter::value(std::string_view text) {
    separate();
    append_quoted(text_, is_valid_utf8(text) ? text : std::string_view(repaired_utf8(text)));
    return *this;
}
JsonWriter& JsonWriter::raw(std::string_view json) {
    separate();
    text_ += json;
    return *this;
}

std::string json_quote(std::string_view text) {
    return JsonWriter().value(text).take();
}

}  // namespace millrace::base
