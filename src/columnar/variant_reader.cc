// Reading variants: parts, JSON text, schema, paths.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "columnar/display_internal.h"
#include "columnar/json_internal.h"
#include "columnar/variant_internal.h"

namespace millrace::columnar {

using plan::DataType;
using plan::TypeKind;

namespace {

constexpr std::size_t kWidthOfInteger[] = {1, 2, 4, 8};

}  // namespace

int VariantDecimal::precision() const {
    int digits = 1;
    for (__int128 rest = unscaled / 10; rest != 0; rest /= 10) ++digits;
    return digits;
}

VariantDecimal VariantDecimal::stripped() const {
    VariantDecimal result = *this;
    while (result.scale > 0 && result.unscaled % 10 == 0) {
        result.unscaled /= 10;
        --result.scale;
    }
    return result;
}

std::optional<std::uint64_t> VariantView::number(std::string_view bytes, std::size_t at,
                                                 std::size_t width) {
    if (at > bytes.size() || width > bytes.size() - at) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < width; ++i) {
        value |= std::uint64_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
    }
    return value;
}

VariantKind VariantView::kind() const {
    if (value_.empty()) return VariantKind::kInvalid;
    switch (header() & 3) {
        case 1:
            return value_.size() > static_cast<std::size_t>(type_info()) ? VariantKind::kString
                                                                         : VariantKind::kInvalid;
        case 2: return container() ? VariantKind::kObject : VariantKind::kInvalid;
        case 3: return container() ? VariantKind::kArray : VariantKind::kInvalid;
        default: break;
    }
    const auto whole = [&](std::size_t width, VariantKind kind) {
        return value_.size() > width ? kind : VariantKind::kInvalid;
    };
    // Decimals of more digits than Spark has are none.
    const auto exact = [&](std::size_t width) {
        constexpr int kMostDigits = 38;
        if (value_.size() <= width) return VariantKind::kInvalid;
        const VariantDecimal number = decimal();
        return number.scale <= kMostDigits && number.precision() <= kMostDigits
                   ? VariantKind::kDecimal
                   : VariantKind::kInvalid;
    };
    const auto sized = [&](VariantKind kind) {
        const auto length = number(value_, 1, 4);
        return length && *length <= value_.size() - 5 ? kind : VariantKind::kInvalid;
    };
    switch (type_info()) {
        case 0: return VariantKind::kNull;
        case 1:
        case 2: return VariantKind::kBoolean;
        case 3:
        case 4:
        case 5:
        case 6: return whole(kWidthOfInteger[type_info() - 3], VariantKind::kLong);
        case 7: return whole(8, VariantKind::kDouble);
        case 8: return exact(5);
        case 9: return exact(9);
        case 10: return exact(17);
        case 11: return whole(4, VariantKind::kDate);
        case 12: return whole(8, VariantKind::kTimestamp);
        case 13: return whole(8, VariantKind::kTimestampNtz);
        case 14: return whole(4, VariantKind::kFloat);
        case 15: return sized(VariantKind::kBinary);
        case 16: return sized(VariantKind::kString);
        default: return VariantKind::kInvalid;
    }
}

std::int64_t VariantView::integer() const {
    const int type = type_info();
    const std::size_t width = type == 11                 ? 4
                              : type == 12 || type == 13 ? 8
                                                         : kWidthOfInteger[(type - 3) & 3];
    const std::uint64_t raw = number(value_, 1, width).value_or(0);
    const int shift = static_cast<int>(64 - 8 * width);
    return static_cast<std::int64_t>(raw << shift) >> shift;
}

double VariantView::real() const {
    if (type_info() == 14) {
        float value = 0;
        std::memcpy(&value, value_.data() + 1, sizeof(value));
        return value;
    }
    double value = 0;
    std::memcpy(&value, value_.data() + 1, sizeof(value));
    return value;
}

VariantDecimal VariantView::decimal() const {
    VariantDecimal result;
    result.scale = static_cast<unsigned char>(value_[1]);
    if (type_info() == 10) {
        std::memcpy(&result.unscaled, value_.data() + 2, sizeof(result.unscaled));
    } else {
        const std::size_t width = type_info() == 8 ? 4 : 8;
        const int shift = static_cast<int>(64 - 8 * width);
        const std::uint64_t raw = number(value_, 2, width).value_or(0);
        result.unscaled = static_cast<std::int64_t>(raw << shift) >> shift;
    }
    return result;
}

std::string_view VariantView::text() const {
    if ((header() & 3) == 1) return value_.substr(1, static_cast<std::size_t>(type_info()));
    return value_.substr(5, number(value_, 1, 4).value_or(0));
}

std::optional<VariantView::Container> VariantView::container() const {
    const int info = type_info();
    const bool object = (header() & 3) == 2;
    const bool large = (info & (object ? 16 : 4)) != 0;
    Container result;
    result.offset_bytes = static_cast<std::size_t>(info & 3) + 1;
    const std::size_t size_bytes = large ? 4 : 1;
    const auto size = number(value_, 1, size_bytes);
    if (!size) return std::nullopt;
    result.size = *size;
    result.ids = 1 + size_bytes;
    if (object) result.id_bytes = static_cast<std::size_t>(info >> 2 & 3) + 1;
    result.offsets = result.ids + result.id_bytes * result.size;
    result.data = result.offsets + result.offset_bytes * (result.size + 1);
    if (result.size > value_.size() || result.data > value_.size()) return std::nullopt;
    return result;
}

std::size_t VariantView::size() const {
    const auto parts = container();
    return parts ? parts->size : 0;
}

VariantView VariantView::element(std::size_t index) const {
    const auto parts = container();
    const auto offset =
        parts ? number(value_, parts->offsets + index * parts->offset_bytes, parts->offset_bytes)
              : std::nullopt;
    if (!offset || *offset > value_.size() - parts->data) return {{}, metadata_};
    return {value_.substr(parts->data + *offset), metadata_};
}

std::optional<std::string_view> VariantView::name_of(std::uint64_t id) const {
    if (metadata_.empty()) return std::nullopt;
    const std::size_t width =
        static_cast<std::size_t>(static_cast<unsigned char>(metadata_[0]) >> 6) + 1;
    const auto count = number(metadata_, 1, width);
    if (!count || id >= *count || *count > metadata_.size()) return std::nullopt;
    const std::size_t names = 1 + width + width * (*count + 1);
    const auto from = number(metadata_, 1 + width + width * id, width);
    const auto to = number(metadata_, 1 + width + width * (id + 1), width);
    if (!from || !to || *from > *to || names > metadata_.size() || *to > metadata_.size() - names) {
        return std::nullopt;
    }
    return metadata_.substr(names + *from, *to - *from);
}

std::string_view VariantView::key(std::size_t index) const {
    const auto parts = container();
    const auto id = parts ? number(value_, parts->ids + index * parts->id_bytes, parts->id_bytes)
                          : std::nullopt;
    return id ? name_of(*id).value_or("") : std::string_view();
}

std::optional<VariantView> VariantView::field(std::string_view name) const {
    // Keys are sorted, but bytes from elsewhere need not be: a few are looked at one by one.
    constexpr std::size_t kFew = 32;
    const std::size_t count = size();
    if (count <= kFew) {
        for (std::size_t i = 0; i < count; ++i) {
            if (key(i) == name) return element(i);
        }
        return std::nullopt;
    }
    std::size_t low = 0;
    std::size_t high = count;
    while (low < high) {
        const std::size_t middle = (low + high) / 2;
        const std::string_view here = key(middle);
        if (here == name) return element(middle);
        (here < name ? low : high) = here < name ? middle + 1 : middle;
    }
    return std::nullopt;
}

std::string_view VariantView::bytes() const {
    switch (kind()) {
        case VariantKind::kObject:
        case VariantKind::kArray: {
            const auto parts = container();
            const auto end = number(value_, parts->offsets + parts->size * parts->offset_bytes,
                                    parts->offset_bytes);
            return value_.substr(0, parts->data + end.value_or(0));
        }
        case VariantKind::kString:
        case VariantKind::kBinary:
            return value_.substr(0, ((header() & 3) == 1 ? 1 : 5) + text().size());
        case VariantKind::kInvalid: return value_;
        default: break;
    }
    constexpr std::size_t kSizes[] = {1, 1, 1, 2, 3, 5, 9, 9, 6, 10, 18, 5, 9, 9, 5};
    return value_.substr(0, kSizes[std::min(type_info(), 14)]);
}

bool VariantView::append_text(std::string& to, Zone* zone) const {
    switch (kind()) {
        case VariantKind::kNull: to += "null"; return true;
        case VariantKind::kBoolean: to += boolean() ? "true" : "false"; return true;
        case VariantKind::kLong: to += std::to_string(integer()); return true;
        case VariantKind::kDouble: append_double_text(to, real()); return true;
        case VariantKind::kFloat: append_float_text(to, static_cast<float>(real())); return true;
        case VariantKind::kDecimal: {
            const VariantDecimal number = decimal().stripped();
            append_decimal_text(to, number.unscaled, number.scale);
            return true;
        }
        case VariantKind::kString:
        case VariantKind::kBinary: to += text(); return true;
        case VariantKind::kDate: append_date_text(to, integer()); return true;
        case VariantKind::kTimestamp: {
            const std::int64_t offset = zone == nullptr ? 0 : zone->offset_at(integer());
            append_local_time_text(to, integer() + offset);
            return true;
        }
        case VariantKind::kTimestampNtz: append_local_time_text(to, integer()); return true;
        case VariantKind::kObject:
        case VariantKind::kArray: return append_json(to, zone);
        case VariantKind::kInvalid: break;
    }
    return false;
}

bool VariantView::append_json(std::string& to, Zone* zone, int depth) const {
    if (depth > kDeepestVariant) return false;
    switch (kind()) {
        case VariantKind::kString: append_json_string(to, text()); return true;
        case VariantKind::kBinary:
            to.push_back('"');
            append_base64(to, text());
            to.push_back('"');
            return true;
        case VariantKind::kDate:
        case VariantKind::kTimestampNtz:
            to.push_back('"');
            append_text(to, zone);
            to.push_back('"');
            return true;
        case VariantKind::kTimestamp: {
            const std::int64_t offset = zone == nullptr ? 0 : zone->offset_at(integer());
            to.push_back('"');
            append_local_time_text(to, integer() + offset);
            const std::int64_t minutes = std::abs(offset) / 60'000'000;
            to +=
                fmt::format("{}{:02}:{:02}\"", offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
            return true;
        }
        case VariantKind::kDouble:
        case VariantKind::kFloat: {
            const bool finite = std::isfinite(real());
            if (!finite) to.push_back('"');
            append_text(to, zone);
            if (!finite) to.push_back('"');
            return true;
        }
        case VariantKind::kObject:
            to.push_back('{');
            for (std::size_t i = 0; i < size(); ++i) {
                if (i > 0) to.push_back(',');
                append_json_string(to, key(i));
                to.push_back(':');
                if (!element(i).append_json(to, zone, depth + 1)) return false;
            }
            to.push_back('}');
            return true;
        case VariantKind::kArray:
            to.push_back('[');
            for (std::size_t i = 0; i < size(); ++i) {
                if (i > 0) to.push_back(',');
                if (!element(i).append_json(to, zone, depth + 1)) return false;
            }
            to.push_back(']');
            return true;
        default: return append_text(to, zone);
    }
}

std::optional<DataType> VariantView::schema(int depth) const {
    if (depth > kDeepestVariant) return std::nullopt;
    switch (kind()) {
        case VariantKind::kNull: return DataType::null();
        case VariantKind::kBoolean: return DataType::boolean();
        case VariantKind::kLong: return DataType::long_();
        case VariantKind::kDouble: return DataType::double_();
        case VariantKind::kFloat: return DataType::float_();
        case VariantKind::kDecimal: {
            const VariantDecimal number = decimal().stripped();
            return DataType::decimal(std::clamp(std::max(number.precision(), number.scale), 1, 38),
                                     std::min(number.scale, 38));
        }
        case VariantKind::kString: return DataType::string();
        case VariantKind::kBinary: return DataType::binary();
        case VariantKind::kDate: return DataType::date();
        case VariantKind::kTimestamp: return DataType::timestamp();
        case VariantKind::kTimestampNtz: return DataType::timestamp_ntz();
        case VariantKind::kArray: {
            DataType element_type = DataType::null();
            for (std::size_t i = 0; i < size(); ++i) {
                const auto next = element(i).schema(depth + 1);
                if (!next) return std::nullopt;
                element_type = merged_variant_schema(element_type, *next);
            }
            return DataType::array(element_type);
        }
        case VariantKind::kObject: {
            std::vector<plan::Field> fields;
            for (std::size_t i = 0; i < size(); ++i) {
                const auto next = element(i).schema(depth + 1);
                if (!next) return std::nullopt;
                fields.push_back({.name = std::string(key(i)), .type = *next});
            }
            return DataType::structure(std::move(fields));
        }
        case VariantKind::kInvalid: break;
    }
    return std::nullopt;
}

DataType merged_variant_schema(const DataType& left, const DataType& right) {
    if (left.same_ignoring_nullability(right) || right.is(TypeKind::kNull)) return left;
    if (left.is(TypeKind::kNull)) return right;
    if (left.is(TypeKind::kArray) && right.is(TypeKind::kArray)) {
        return DataType::array(merged_variant_schema(left.element(), right.element()));
    }
    if (left.is(TypeKind::kStruct) && right.is(TypeKind::kStruct)) {
        std::map<std::string, DataType> all;
        for (const plan::Field& field : left.fields()) all[field.name] = field.type;
        for (const plan::Field& field : right.fields()) {
            const auto [found, added] = all.emplace(field.name, field.type);
            if (!added) found->second = merged_variant_schema(found->second, field.type);
        }
        std::vector<plan::Field> fields;
        for (const auto& [name, type] : all) fields.push_back({.name = name, .type = type});
        return DataType::structure(std::move(fields));
    }
    if (left.is_numeric() && right.is_numeric()) {
        const auto real = [](const DataType& type) {
            return type.is(TypeKind::kDouble) || type.is(TypeKind::kFloat);
        };
        if (real(left) || real(right)) return DataType::double_();
        const auto as_decimal = [](const DataType& type) {
            return type.is(TypeKind::kDecimal) ? type : DataType::decimal(20, 0);
        };
        const DataType a = as_decimal(left);
        const DataType b = as_decimal(right);
        const int scale = std::max(a.scale(), b.scale());
        const int whole = std::max(a.precision() - a.scale(), b.precision() - b.scale());
        return whole + scale > 38 ? DataType::double_() : DataType::decimal(whole + scale, scale);
    }
    const auto is_time = [](const DataType& type) {
        return type.is(TypeKind::kTimestamp) || type.is(TypeKind::kTimestampNtz);
    };
    if (is_time(left) && is_time(right)) return DataType::timestamp();
    return DataType::variant();
}

std::string variant_schema_text(const DataType& type) {
    if (type.is(TypeKind::kArray)) {
        return fmt::format("ARRAY<{}>", variant_schema_text(type.element()));
    }
    if (!type.is(TypeKind::kStruct)) return type.sql();
    std::string fields;
    for (const plan::Field& field : type.fields()) {
        const bool plain = !field.name.empty() && std::ranges::all_of(field.name, [](char c) {
            return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
        });
        fields += fmt::format("{}{}: {}", fields.empty() ? "" : ", ",
                              plain ? field.name : fmt::format("`{}`", field.name),
                              variant_schema_text(field.type));
    }
    return fmt::format("OBJECT<{}>", fields);
}

std::optional<std::vector<VariantStep>> variant_path(std::string_view path) {
    if (!path.starts_with('$')) return std::nullopt;
    path.remove_prefix(1);
    std::vector<VariantStep> steps;
    while (!path.empty()) {
        std::size_t end = 0;
        if (path[0] == '.') {
            end = std::min(path.find_first_of(".[", 1), path.size());
            if (end == 1) return std::nullopt;
            steps.push_back({.key = std::string(path.substr(1, end - 1))});
        } else if (path.starts_with("['") || path.starts_with("[\"")) {
            const std::size_t quote = path.find(path[1], 2);
            if (quote == std::string_view::npos || quote + 1 >= path.size() ||
                path[quote + 1] != ']') {
                return std::nullopt;
            }
            steps.push_back({.key = std::string(path.substr(2, quote - 2))});
            end = quote + 2;
        } else if (path[0] == '[') {
            const std::size_t close = path.find(']');
            if (close == std::string_view::npos) return std::nullopt;
            VariantStep step{.is_index = true};
            const auto [at, error] =
                std::from_chars(path.data() + 1, path.data() + close, step.index);
            if (error != std::errc() || at != path.data() + close) return std::nullopt;
            steps.push_back(std::move(step));
            end = close + 1;
        } else {
            return std::nullopt;
        }
        path.remove_prefix(end);
    }
    return steps;
}

std::optional<VariantView> variant_at(VariantView view, const std::vector<VariantStep>& steps) {
    for (const VariantStep& step : steps) {
        const VariantKind kind = view.kind();
        if (step.is_index) {
            if (kind != VariantKind::kArray || step.index >= view.size()) return std::nullopt;
            view = view.element(step.index);
        } else {
            if (kind != VariantKind::kObject) return std::nullopt;
            const auto found = view.field(step.key);
            if (!found) return std::nullopt;
            view = *found;
        }
    }
    return view;
}

}  // namespace millrace::columnar
