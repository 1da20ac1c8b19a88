// variant_get and CAST(variant AS …): a part of a variant as a value of a type.
#include <charconv>
#include <cmath>
#include <limits>

#include "base/strings.h"
#include "columnar/display_internal.h"
#include "columnar/json_target_internal.h"
#include "columnar/json_text_internal.h"
#include "columnar/time_text_internal.h"
#include "columnar/variant_internal.h"

namespace millrace::columnar {

using plan::DataType;
using plan::TypeKind;

struct VariantCast::Impl {
    std::unique_ptr<JsonReader> shape;  // The type as nodes to write into.
    DataType type;
    std::string time_zone;
    bool raises = false;
    std::string function;
};

namespace {

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::int64_t kDayUs = 86'400 * kSecondUs;

std::int64_t floor_div(std::int64_t value, std::int64_t by) {
    return value / by - (value % by < 0 ? 1 : 0);
}

class Caster {
public:
    Caster(Zone* zone, bool raises, Call& call) : zone_(zone), raises_(raises), call_(call) {}

    // False when the query has failed.
    bool value(const VariantView& view, JsonTarget& to, idx_t row, int depth) {
        const VariantKind kind = view.kind();
        if (to.node->kind == TypeKind::kVariant) {
            put_variant(to.vector, row, view.bytes(), view.metadata());
            return true;
        }
        if (kind == VariantKind::kNull) {
            to.set_null(row);
            return true;
        }
        if (kind == VariantKind::kInvalid || depth > kDeepestVariant) {
            call_.fail("MALFORMED_VARIANT");
            return false;
        }
        bool fits = false;
        switch (to.node->kind) {
            case TypeKind::kStruct:
                if (kind != VariantKind::kObject) break;
                to.set_valid(row);
                for (std::size_t i = 0; i < to.children.size(); ++i) {
                    const auto field = view.field(to.node->keys[i]);
                    if (!field) {
                        to.children[i].set_null(row);
                    } else if (!value(*field, to.children[i], row, depth + 1)) {
                        return false;
                    }
                }
                return true;
            case TypeKind::kArray: {
                if (kind != VariantKind::kArray) break;
                std::vector<idx_t> rows;
                const std::size_t count = view.size();
                const idx_t first = to.list_rows;
                // All rows first, so that those of inner lists do not come between.
                for (std::size_t i = 0; i < count; ++i) to.add_element();
                for (std::size_t i = 0; i < count; ++i) {
                    if (!value(view.element(i), to.children[0], first + i, depth + 1)) return false;
                }
                static_cast<duckdb_list_entry*>(to.data)[row] = {.offset = first, .length = count};
                to.set_valid(row);
                return true;
            }
            case TypeKind::kMap: {
                if (kind != VariantKind::kObject ||
                    to.children[0].node->kind != TypeKind::kString) {
                    break;
                }
                const std::size_t count = view.size();
                const idx_t first = to.list_rows;
                for (std::size_t i = 0; i < count; ++i) to.add_element();
                for (std::size_t i = 0; i < count; ++i) {
                    to.children[0].put_text(first + i, view.key(i));
                    if (!value(view.element(i), to.children[1], first + i, depth + 1)) return false;
                }
                static_cast<duckdb_list_entry*>(to.data)[row] = {.offset = first, .length = count};
                to.set_valid(row);
                return true;
            }
            default: fits = scalar(view, kind, to, row); break;
        }
        if (fits) return true;
        to.set_null(row);
        if (!raises_) return true;
        std::string text;
        view.append_json(text, zone_);
        call_.fail("INVALID_VARIANT_CAST",
                   {{"value", text}, {"dataType", fmt::format("\"{}\"", to.node->type.sql())}});
        return false;
    }

private:
    bool scalar(const VariantView& view, VariantKind kind, JsonTarget& to, idx_t row) {
        const bool nested = kind == VariantKind::kObject || kind == VariantKind::kArray;
        if (nested && !to.node->type.is_string()) return false;
        text_.clear();
        switch (to.node->kind) {
            case TypeKind::kString:
            case TypeKind::kChar:
            case TypeKind::kVarchar:
                if (!view.append_text(text_, zone_) || !valid_utf8(text_)) return false;
                to.put_text(row, text_);
                return true;
            case TypeKind::kBoolean: return boolean(view, kind, to, row);
            case TypeKind::kByte: return whole<std::int8_t>(view, kind, to, row);
            case TypeKind::kShort: return whole<std::int16_t>(view, kind, to, row);
            case TypeKind::kInteger: return whole<std::int32_t>(view, kind, to, row);
            case TypeKind::kLong: return whole<std::int64_t>(view, kind, to, row);
            case TypeKind::kFloat: return real<float>(view, kind, to, row);
            case TypeKind::kDouble: return real<double>(view, kind, to, row);
            case TypeKind::kDecimal: return decimal(view, kind, to, row);
            case TypeKind::kBinary:
                if (kind != VariantKind::kBinary && kind != VariantKind::kString) return false;
                to.put_text(row, view.text());
                return true;
            case TypeKind::kDate:
            case TypeKind::kTimestamp:
            case TypeKind::kTimestampNtz: return time(view, kind, to, row);
            default: return false;
        }
    }

    static bool boolean(const VariantView& view, VariantKind kind, JsonTarget& to, idx_t row) {
        bool result = false;
        switch (kind) {
            case VariantKind::kBoolean: result = view.boolean(); break;
            case VariantKind::kLong: result = view.integer() != 0; break;
            case VariantKind::kDouble:
            case VariantKind::kFloat: result = view.real() != 0; break;
            case VariantKind::kDecimal: result = view.decimal().unscaled != 0; break;
            case VariantKind::kString: {
                const std::string word = base::to_lower(trim_all(view.text()));
                result =
                    word == "true" || word == "t" || word == "yes" || word == "y" || word == "1";
                const bool no =
                    word == "false" || word == "f" || word == "no" || word == "n" || word == "0";
                if (!result && !no) return false;
                break;
            }
            default: return false;
        }
        to.put<bool>(row, result);
        return true;
    }

    template <class T>
    static bool whole(const VariantView& view, VariantKind kind, JsonTarget& to, idx_t row) {
        __int128 number = 0;
        switch (kind) {
            case VariantKind::kBoolean: number = view.boolean() ? 1 : 0; break;
            case VariantKind::kLong: number = view.integer(); break;
            case VariantKind::kTimestamp: number = floor_div(view.integer(), kSecondUs); break;
            case VariantKind::kDecimal: {
                const VariantDecimal decimal = view.decimal();
                number = decimal.unscaled;
                for (int i = 0; i < decimal.scale; ++i) number /= 10;
                break;
            }
            case VariantKind::kDouble:
            case VariantKind::kFloat: {
                const double value = std::trunc(view.real());
                if (!(std::abs(value) <= 0x1p63)) return false;
                number = static_cast<__int128>(value);
                break;
            }
            case VariantKind::kString: {
                std::string_view word = trim_all(view.text());
                if (word.starts_with('+')) word.remove_prefix(1);
                std::int64_t value = 0;
                const auto [end, error] =
                    std::from_chars(word.data(), word.data() + word.size(), value);
                if (error != std::errc() || end != word.data() + word.size()) return false;
                number = value;
                break;
            }
            default: return false;
        }
        if (number < std::numeric_limits<T>::min() || number > std::numeric_limits<T>::max()) {
            return false;
        }
        to.put<T>(row, static_cast<T>(number));
        return true;
    }

    template <class T>
    static bool real(const VariantView& view, VariantKind kind, JsonTarget& to, idx_t row) {
        T result{};
        switch (kind) {
            case VariantKind::kBoolean: result = view.boolean() ? 1 : 0; break;
            case VariantKind::kLong: result = static_cast<T>(view.integer()); break;
            case VariantKind::kDouble:
            case VariantKind::kFloat: result = static_cast<T>(view.real()); break;
            case VariantKind::kTimestamp:
                result = static_cast<T>(static_cast<double>(view.integer()) / kSecondUs);
                break;
            case VariantKind::kDecimal:
            case VariantKind::kString: {
                std::string text;
                view.append_text(text, nullptr);
                std::string_view word = trim_all(text);
                if (word.starts_with('+')) word.remove_prefix(1);
                const auto [end, error] =
                    std::from_chars(word.data(), word.data() + word.size(), result);
                if (error != std::errc() || end != word.data() + word.size()) return false;
                break;
            }
            default: return false;
        }
        to.put<T>(row, result);
        return true;
    }

    static bool decimal(const VariantView& view, VariantKind kind, JsonTarget& to, idx_t row) {
        if (kind != VariantKind::kLong && kind != VariantKind::kDecimal &&
            kind != VariantKind::kDouble && kind != VariantKind::kFloat &&
            kind != VariantKind::kString && kind != VariantKind::kBoolean) {
            return false;
        }
        std::string text;
        if (kind == VariantKind::kBoolean) {
            text = view.boolean() ? "1" : "0";
        } else {
            view.append_text(text, nullptr);
        }
        const int precision = to.node->type.precision();
        __int128 unscaled = 0;
        if (!parse_decimal(trim_all(text), precision, to.node->type.scale(), unscaled)) {
            return false;
        }
        if (precision <= 4) {
            to.put<std::int16_t>(row, static_cast<std::int16_t>(unscaled));
        } else if (precision <= 9) {
            to.put<std::int32_t>(row, static_cast<std::int32_t>(unscaled));
        } else if (precision <= 18) {
            to.put<std::int64_t>(row, static_cast<std::int64_t>(unscaled));
        } else {
            to.put<__int128>(row, unscaled);
        }
        return true;
    }

    bool time(const VariantView& view, VariantKind kind, JsonTarget& to, idx_t row) {
        const TypeKind wanted = to.node->kind;
        std::int64_t us = 0;  // An instant for TIMESTAMP, else wall-clock time.
        switch (kind) {
            case VariantKind::kDate:
                us = view.integer() * kDayUs;
                if (wanted == TypeKind::kTimestamp) us = zone_->to_instant(us);
                break;
            case VariantKind::kTimestamp:
                us = view.integer();
                if (wanted != TypeKind::kTimestamp) us += zone_->offset_at(us);
                break;
            case VariantKind::kTimestampNtz:
                us = view.integer();
                if (wanted == TypeKind::kTimestamp) us = zone_->to_instant(us);
                break;
            case VariantKind::kLong:
                if (wanted != TypeKind::kTimestamp ||
                    __builtin_mul_overflow(view.integer(), kSecondUs, &us)) {
                    return false;
                }
                break;
            case VariantKind::kString: {
                if (wanted == TypeKind::kDate) {
                    const auto days = parse_date(trim_all(view.text()));
                    if (!days) return false;
                    us = *days * kDayUs;
                } else if (wanted == TypeKind::kTimestamp) {
                    const auto parsed = parse_timestamp(trim_all(view.text()), *zone_);
                    if (!parsed) return false;
                    us = *parsed;
                } else {
                    const auto parsed = parse_local_time(trim_all(view.text()));
                    if (!parsed) return false;
                    us = parsed->local_us;
                }
                break;
            }
            default: return false;
        }
        if (wanted == TypeKind::kDate) {
            to.put<std::int32_t>(row, static_cast<std::int32_t>(floor_div(us, kDayUs)));
        } else {
            to.put<std::int64_t>(row, us);
        }
        return true;
    }

    Zone* zone_;
    bool raises_;
    Call& call_;
    std::string text_;
};

}  // namespace

VariantCast::VariantCast(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
VariantCast::~VariantCast() = default;

Result<std::unique_ptr<VariantCast>> VariantCast::make(const DataType& type,
                                                       const std::string& time_zone, bool raises,
                                                       std::string function) {
    auto impl = std::make_unique<Impl>();
    impl->type = type;
    impl->time_zone = time_zone;
    impl->raises = raises;
    impl->function = std::move(function);
    // No column of corrupt records has any meaning here.
    MR_TRY(impl->shape, JsonReader::make(type, {{"columnnameofcorruptrecord", "\n"}}, time_zone));
    return std::unique_ptr<VariantCast>(new VariantCast(std::move(impl)));
}

void run_variant_cast(Call& call) {
    const VariantCast::Impl& cast = static_cast<const VariantCast*>(call.extra())->impl();
    const duckdb_vector values = duckdb_struct_vector_get_child(call.argument(0), 0);
    const duckdb_vector metadata = duckdb_struct_vector_get_child(call.argument(0), 1);
    const auto bytes = [](duckdb_vector vector, idx_t row) {
        return text_of(static_cast<const duckdb_string_t*>(duckdb_vector_get_data(vector))[row]);
    };
    const auto paths = call.column<duckdb_string_t>(1);
    JsonTarget root;
    root.attach(cast.shape->impl().root, call.output());
    Caster caster(thread_zone(cast.time_zone), cast.raises, call);
    std::string last_path;
    std::optional<std::vector<VariantStep>> steps;
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (call.any_null(row) || vector_is_null(duckdb_vector_get_validity(values), row) ||
            vector_is_null(duckdb_vector_get_validity(metadata), row)) {
            root.set_null(row);
            continue;
        }
        const std::string_view path = text_of(paths[row]);
        if (!steps || path != last_path) {
            last_path = path;
            steps = variant_path(path);
            if (!steps) {
                call.fail(
                    "INVALID_VARIANT_GET_PATH",
                    {{"path", last_path}, {"functionName", fmt::format("`{}`", cast.function)}});
                return;
            }
        }
        const auto found = variant_at({bytes(values, row), bytes(metadata, row)}, *steps);
        if (!found) {
            root.set_null(row);
        } else if (!caster.value(*found, root, row, 0)) {
            return;
        }
    }
    root.finish();
}

}  // namespace millrace::columnar
