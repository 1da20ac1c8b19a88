// Writing variants: from JSON text and from columns of any type.
#include <algorithm>
#include <charconv>
#include <cstring>
#include <tuple>

#include "columnar/display_internal.h"
#include "columnar/json_internal.h"
#include "columnar/json_text_internal.h"
#include "columnar/variant_internal.h"

namespace millrace::columnar {

using plan::TypeKind;

namespace {

// How many bytes a number needs, 1 to 4.
std::size_t width_of(std::size_t number) {
    return number <= 0xFF ? 1 : number <= 0xFFFF ? 2 : number <= 0xFFFFFF ? 3 : 4;
}

void append_number(std::string& to, std::uint64_t number, std::size_t width) {
    for (std::size_t i = 0; i < width; ++i) to.push_back(static_cast<char>(number >> (8 * i)));
}

}  // namespace

void VariantBuilder::clear() {
    value_.clear();
    keys_.clear();
    ids_.clear();
}

std::string VariantBuilder::metadata() const {
    std::size_t text = 0;
    for (const std::string& key : keys_) text += key.size();
    const std::size_t width = width_of(std::max(text, keys_.size()));
    std::string result(1, static_cast<char>(1 | (width - 1) << 6));
    append_number(result, keys_.size(), width);
    std::size_t offset = 0;
    for (const std::string& key : keys_) {
        append_number(result, offset, width);
        offset += key.size();
    }
    append_number(result, offset, width);
    for (const std::string& key : keys_) result += key;
    return result;
}

void VariantBuilder::primitive(int type, std::string_view content) {
    value_.push_back(static_cast<char>(type << 2));
    value_ += content;
}

void VariantBuilder::append_fixed(int type, const void* bytes, std::size_t size) {
    primitive(type, {static_cast<const char*>(bytes), size});
}

void VariantBuilder::append_long(std::int64_t value) {
    const int type = value == static_cast<std::int8_t>(value)    ? 3
                     : value == static_cast<std::int16_t>(value) ? 4
                     : value == static_cast<std::int32_t>(value) ? 5
                                                                 : 6;
    append_fixed(type, &value, std::size_t{1} << (type - 3));
}
void VariantBuilder::append_double(double value) {
    append_fixed(7, &value, sizeof(value));
}
void VariantBuilder::append_float(float value) {
    append_fixed(14, &value, sizeof(value));
}

bool VariantBuilder::append_decimal(__int128 unscaled, int scale) {
    const int precision = VariantDecimal{unscaled, scale}.precision();
    if (scale < 0 || scale > 38 || precision > 38) return false;
    const int most = std::max(scale, precision);
    const int type = most <= 9 ? 8 : most <= 18 ? 9 : 10;
    std::string content(1, static_cast<char>(scale));
    content.append(reinterpret_cast<const char*>(&unscaled), type == 8 ? 4 : type == 9 ? 8 : 16);
    primitive(type, content);
    return true;
}

void VariantBuilder::append_text(std::string_view text) {
    if (text.size() <= 63) {
        value_.push_back(static_cast<char>(text.size() << 2 | 1));
    } else {
        value_.push_back(static_cast<char>(16 << 2));
        append_number(value_, text.size(), 4);
    }
    value_ += text;
}

std::uint32_t VariantBuilder::key_id(std::string_view name) {
    const auto found = ids_.find(name);
    if (found != ids_.end()) return found->second;
    const auto id = static_cast<std::uint32_t>(keys_.size());
    keys_.emplace_back(name);
    ids_.emplace(name, id);
    return id;
}

bool VariantBuilder::close_object(std::size_t start, std::vector<Part>& parts,
                                  std::string* duplicate) {
    std::ranges::sort(parts, [&](const Part& a, const Part& b) {
        return std::tie(keys_[a.id], a.offset) < std::tie(keys_[b.id], b.offset);
    });
    std::uint32_t most = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        most = std::max(most, parts[i].id);
        if (i > 0 && parts[i].id == parts[i - 1].id) {
            *duplicate = keys_[parts[i].id];
            return false;
        }
    }
    const std::size_t data = value_.size() - start;
    const bool large = parts.size() > 0xFF;
    const std::size_t id_width = width_of(most);
    const std::size_t offset_width = width_of(data);
    std::string head(1, static_cast<char>((large ? 16U : 0U) << 2 | (id_width - 1) << 4 |
                                          (offset_width - 1) << 2 | 2));
    append_number(head, parts.size(), large ? 4 : 1);
    for (const Part& part : parts) append_number(head, part.id, id_width);
    for (const Part& part : parts) append_number(head, part.offset, offset_width);
    append_number(head, data, offset_width);
    value_.insert(start, head);
    return true;
}

void VariantBuilder::close_array(std::size_t start, const std::vector<Part>& parts) {
    const std::size_t data = value_.size() - start;
    const bool large = parts.size() > 0xFF;
    const std::size_t offset_width = width_of(data);
    std::string head(1, static_cast<char>((large ? 4U : 0U) << 2 | (offset_width - 1) << 2 | 3));
    append_number(head, parts.size(), large ? 4 : 1);
    for (const Part& part : parts) append_number(head, part.offset, offset_width);
    append_number(head, data, offset_width);
    value_.insert(start, head);
}

// Integers that fit are longs, other numbers without an exponent decimals, the rest doubles.
bool VariantBuilder::json_number(std::string_view text, bool integer) {
    if (integer) {
        std::int64_t value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error == std::errc()) {
            append_long(value);
            return true;
        }
    }
    if (text.find_first_of("eE") == std::string_view::npos) {
        const std::size_t dot = text.find('.');
        const int scale = dot == std::string_view::npos
                              ? 0
                              : static_cast<int>(std::min<std::size_t>(text.size() - dot - 1, 99));
        __int128 unscaled = 0;
        if (scale <= 38 && parse_decimal(text, 38, scale, unscaled)) {
            return append_decimal(unscaled, scale);
        }
    }
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc::result_out_of_range) {
        const bool tiny =
            text.find("e-") != std::string_view::npos || text.find("E-") != std::string_view::npos;
        value = tiny ? 0 : std::numeric_limits<double>::infinity();
        if (text[0] == '-') value = -value;
    }
    append_double(value);
    return true;
}

std::optional<VariantBuilder::Failure> VariantBuilder::json_value(JsonCursor& json, int depth) {
    Failure malformed{"MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", {}};
    if (depth > kDeepestJson) return malformed;
    std::string_view text;
    std::string buffer;
    std::optional<Failure> failure;
    switch (const JsonKind kind = json.kind()) {
        case JsonKind::kString:
            if (!json.string(text, buffer)) return malformed;
            append_text(text);
            return std::nullopt;
        case JsonKind::kNumber: {
            bool integer = false;
            if (!json.number(text, integer) || !json_number(text, integer)) return malformed;
            return std::nullopt;
        }
        case JsonKind::kTrue:
        case JsonKind::kFalse:
        case JsonKind::kNull:
            if (!json.literal(kind)) return malformed;
            if (kind == JsonKind::kNull) {
                append_null();
            } else {
                append_bool(kind == JsonKind::kTrue);
            }
            return std::nullopt;
        case JsonKind::kArray: {
            const std::size_t start = value_.size();
            std::vector<Part> parts;
            const bool good = json.array([&] {
                parts.push_back({.offset = value_.size() - start});
                failure = json_value(json, depth + 1);
                return !failure;
            });
            if (!good) return failure ? failure : malformed;
            close_array(start, parts);
            return std::nullopt;
        }
        case JsonKind::kObject: {
            const std::size_t start = value_.size();
            std::vector<Part> parts;
            const bool good = json.object([&] {
                if (!json.string(text, buffer)) return false;
                parts.push_back({.id = key_id(text), .offset = value_.size() - start});
                if (!json.colon()) return false;
                failure = json_value(json, depth + 1);
                return !failure;
            });
            if (!good) return failure ? failure : malformed;
            std::string duplicate;
            if (!close_object(start, parts, &duplicate)) {
                return Failure{"VARIANT_DUPLICATE_KEY", {{"key", duplicate}}};
            }
            return std::nullopt;
        }
        case JsonKind::kNone: break;
    }
    return malformed;
}

std::optional<VariantBuilder::Failure> VariantBuilder::parse_json(std::string_view text) {
    JsonCursor json(text);
    auto failure = json_value(json, 0);
    json.skip_blanks();
    if (!failure && !json.at_end()) {
        failure = Failure{"MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", {}};
    }
    if (failure && failure->parameters.empty()) {
        failure->parameters = {{"badRecord", std::string(text)}, {"failFastMode", "FAILFAST"}};
    }
    return failure;
}

void VariantBuilder::append(const ColumnView& column, std::int64_t row) {
    if (column.is_null(row)) {
        append_null();
        return;
    }
    switch (column.type.kind()) {
        case TypeKind::kBoolean: {
            std::string text;
            append_display(text, column, row, {});
            append_bool(text == "true");
            return;
        }
        case TypeKind::kByte: append_long(column.value<std::int8_t>(row)); return;
        case TypeKind::kShort: append_long(column.value<std::int16_t>(row)); return;
        case TypeKind::kInteger: append_long(column.value<std::int32_t>(row)); return;
        case TypeKind::kLong: append_long(column.value<std::int64_t>(row)); return;
        case TypeKind::kFloat: append_float(column.value<float>(row)); return;
        case TypeKind::kDouble: append_double(column.value<double>(row)); return;
        case TypeKind::kDecimal:
            append_decimal(column.value<__int128>(row), column.type.scale());
            return;
        case TypeKind::kString:
        case TypeKind::kChar:
        case TypeKind::kVarchar: append_text(column.text(row)); return;
        case TypeKind::kBinary: {
            const std::string_view bytes = column.text(row);
            std::string content;
            append_number(content, bytes.size(), 4);
            content += bytes;
            primitive(15, content);
            return;
        }
        case TypeKind::kDate: {
            const auto days = column.value<std::int32_t>(row);
            append_fixed(11, &days, sizeof(days));
            return;
        }
        case TypeKind::kTimestamp:
        case TypeKind::kTimestampNtz: {
            const auto us = column.value<std::int64_t>(row);
            append_fixed(column.type.is(TypeKind::kTimestamp) ? 12 : 13, &us, sizeof(us));
            return;
        }
        case TypeKind::kVariant: {
            // Its names may have other ids here: written anew.
            const VariantView view(column.children[0].text(row), column.children[1].text(row));
            std::string text;
            if (!view.append_json(text, nullptr)) {
                append_null();
                return;
            }
            JsonCursor json(text);
            if (json_value(json, 0)) append_null();
            return;
        }
        case TypeKind::kArray: {
            const std::size_t start = value_.size();
            std::vector<Part> parts;
            for (std::int64_t i = column.offsets32[row]; i < column.offsets32[row + 1]; ++i) {
                parts.push_back({.offset = value_.size() - start});
                append(column.children[0], i);
            }
            close_array(start, parts);
            return;
        }
        case TypeKind::kMap:
        case TypeKind::kStruct: {
            const std::size_t start = value_.size();
            std::vector<Part> parts;
            std::string duplicate;
            if (column.type.is(TypeKind::kStruct)) {
                for (std::size_t i = 0; i < column.children.size(); ++i) {
                    parts.push_back({.id = key_id(column.type.fields()[i].name),
                                     .offset = value_.size() - start});
                    append(column.children[i], row);
                }
            } else {
                const ColumnView& pairs = column.children[0];
                for (std::int64_t i = column.offsets32[row]; i < column.offsets32[row + 1]; ++i) {
                    parts.push_back(
                        {.id = key_id(pairs.children[0].text(i)), .offset = value_.size() - start});
                    append(pairs.children[1], i);
                }
            }
            // Of fields of one name, which a struct may have, the first counts.
            while (!close_object(start, parts, &duplicate)) {
                const auto first = std::ranges::find_if(
                    parts, [&](const Part& part) { return keys_[part.id] == duplicate; });
                parts.erase(first + 1);
            }
            return;
        }
        default: {
            std::string text;
            append_display(text, column, row, {});
            append_text(text);
        }
    }
}

}  // namespace millrace::columnar
