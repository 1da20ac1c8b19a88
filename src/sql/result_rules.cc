#include "sql/result_rules_internal.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "sql/number_format.h"
#include "sql/signature_internal.h"
#include "sql/spark_text.h"
#include "sql/type_rules.h"

namespace millrace::sql {

using base::Code;
using base::fail;
using base::Result;
using plan::Field;
using plan::TypeKind;

namespace {

struct Input {
    std::span<const DataType> types;
    const std::vector<bool>& nullable;
    std::span<const TypedExprPtr> args;
    bool ansi;

    bool null(std::size_t i) const { return i < nullable.size() ? nullable[i] : true; }
    // The value of a constant integer argument.
    std::optional<std::int64_t> integer(std::size_t i) const {
        if (i >= args.size()) return std::nullopt;
        const auto* literal = args[i]->as<plan::Literal>();
        if (literal == nullptr) return std::nullopt;
        const auto* value = std::get_if<std::int64_t>(&literal->value);
        return value == nullptr ? std::nullopt : std::optional(*value);
    }
};

using Rule = std::optional<DataType> (*)(const Input&);

std::optional<DataType> sum_decimal(const Input& in) {
    return capped_decimal(in.types[0].precision() + 10, in.types[0].scale());
}
std::optional<DataType> avg_decimal(const Input& in) {
    return bounded_decimal(in.types[0].precision() + 4, in.types[0].scale() + 4);
}
// The sum that streaming kept has ten digits more than the column had.
std::optional<DataType> avg_of_sum(const Input& in) {
    return bounded_decimal(std::max(in.types[0].precision() - 10, 1) + 4, in.types[0].scale() + 4);
}
std::optional<DataType> list_of(const Input& in) {
    return DataType::array(in.types[0], false);
}
std::optional<DataType> array_of_all(const Input& in) {
    bool nulls = false;
    for (std::size_t i = 0; i < in.types.size(); ++i) nulls = nulls || in.null(i);
    if (in.types.empty()) return DataType::array(DataType::null(), false);
    return DataType::array(in.types[0], nulls);
}
std::optional<DataType> rounded(const Input& in) {
    const DataType& type = in.types[0];
    if (!type.is(TypeKind::kDecimal)) return type;
    const std::int64_t wanted = in.integer(1).value_or(0);
    const int whole = type.precision() - type.scale() + 1;
    if (wanted < 0) {
        return DataType::decimal(static_cast<int>(std::clamp<std::int64_t>(
                                     std::max<std::int64_t>(whole, -wanted + 1), 1, 38)),
                                 0);
    }
    const int scale = static_cast<int>(std::min<std::int64_t>(wanted, type.scale()));
    return DataType::decimal(std::min(whole + scale, 38), scale);
}
std::optional<DataType> whole(const Input& in) {
    const DataType& type = in.types[0];
    if (in.types.size() > 1) {
        const DataType decimal = type.is(TypeKind::kDecimal) ? type : decimal_for(type);
        const std::int64_t wanted = in.integer(1).value_or(0);
        const int scale = static_cast<int>(std::clamp<std::int64_t>(wanted, 0, decimal.scale()));
        return DataType::decimal(
            std::clamp(decimal.precision() - decimal.scale() + 1 + scale, 1, 38), scale);
    }
    return bounded_decimal(type.precision() - type.scale() + 1, 0);
}
std::optional<DataType> keys_of(const Input& in) {
    return DataType::array(in.types[0].key(), true);
}
std::optional<DataType> values_of(const Input& in) {
    return DataType::array(in.types[0].value(), in.types[0].contains_null());
}
std::optional<DataType> entries_of(const Input& in) {
    const DataType& map = in.types[0];
    return DataType::array(DataType::structure({{"key", map.key(), false, {}},
                                                {"value", map.value(), map.contains_null(), {}}}),
                           false);
}
std::optional<DataType> map_of_entries(const Input& in) {
    const DataType& entry = in.types[0].element();
    if (!entry.is(TypeKind::kStruct) || entry.fields().size() != 2) return std::nullopt;
    return DataType::map(entry.fields()[0].type, entry.fields()[1].type,
                         entry.fields()[1].nullable);
}
std::optional<DataType> map_of_arrays(const Input& in) {
    return DataType::map(in.types[0].element(), in.types[1].element(), in.types[1].contains_null());
}
std::optional<DataType> map_union(const Input& in) {
    if (in.types.empty()) return DataType::map(DataType::string(), DataType::string());
    bool nulls = false;
    for (const DataType& type : in.types) nulls = nulls || type.contains_null();
    return DataType::map(in.types[0].key(), in.types[0].value(), nulls);
}
std::optional<DataType> without_nulls(const Input& in) {
    return DataType::array(in.types[0].element(), false);
}
std::optional<DataType> with_element(const Input& in) {
    return DataType::array(in.types[0].element(), in.types[0].contains_null() || in.null(1));
}
std::optional<DataType> with_inserted(const Input& in) {
    return DataType::array(in.types[0].element(), true);
}
std::optional<DataType> repeated(const Input& in) {
    return DataType::array(in.types[0], in.null(0));
}
std::optional<DataType> both_arrays(const Input& in) {
    return DataType::array(in.types[0].element(),
                           in.types[0].contains_null() || in.types[1].contains_null());
}
std::optional<DataType> common_elements(const Input& in) {
    return DataType::array(in.types[0].element(),
                           in.types[0].contains_null() && in.types[1].contains_null());
}
std::optional<DataType> flattened(const Input& in) {
    return in.types[0].element();
}
std::optional<DataType> zipped(const Input& in) {
    std::vector<Field> fields;
    for (std::size_t i = 0; i < in.types.size(); ++i) {
        std::string name = std::to_string(i);
        // A column or alias gives its name to the field.
        if (i < in.args.size() && in.args[i]->as<plan::AttributeRef>() != nullptr) {
            name = in.args[i]->sql_text;
        }
        fields.push_back({name, in.types[i].element(), true, {}});
    }
    return DataType::array(DataType::structure(std::move(fields)), false);
}
std::optional<DataType> split_parts(const Input&) {
    return DataType::array(DataType::string(), false);
}
std::optional<DataType> mapped(const Input& in) {
    return DataType::array(in.types[1], in.null(1));
}
std::optional<DataType> zip_mapped(const Input& in) {
    return DataType::array(in.types[2], in.null(2));
}
std::optional<DataType> new_keys(const Input& in) {
    return DataType::map(in.types[1], in.types[0].value(), in.types[0].contains_null());
}
std::optional<DataType> new_values(const Input& in) {
    return DataType::map(in.types[0].key(), in.types[1], in.null(1));
}
std::optional<DataType> map_zipped(const Input& in) {
    return DataType::map(in.types[0].key(), in.types[2], in.null(2));
}
std::optional<DataType> nothing(const Input&) {
    return DataType::null();
}
std::optional<DataType> date_difference(const Input&) {
    return DataType::day_time_interval(0, 0);
}
std::optional<DataType> steps(const Input& in) {
    return DataType::array(in.types[0], false);
}
std::optional<DataType> percentiles(const Input& in) {
    return DataType::array(in.types[0], false);
}
// Interpolated intervals have all units of their kind.
std::optional<DataType> interpolated(const Input& in) {
    const DataType& type = in.types[0];
    if (type.is(TypeKind::kDayTimeInterval)) {
        return DataType::array(DataType::day_time_interval(), false);
    }
    if (type.is(TypeKind::kYearMonthInterval)) {
        return DataType::array(DataType::year_month_interval(), false);
    }
    return DataType::array(type, false);
}
std::optional<DataType> with_counts(const Input& in) {
    return DataType::array(DataType::structure({{"item", in.types[0], true, {}},
                                                {"count", DataType::long_(), false, {}}}),
                           false);
}
std::optional<DataType> many_of(const Input& in) {
    return DataType::array(in.types[0], true);
}
std::optional<DataType> sentence_words(const Input&) {
    return DataType::array(DataType::array(DataType::string(), false), false);
}
std::optional<DataType> floats(const Input&) {
    return DataType::array(DataType::float_(), true);
}
std::optional<DataType> vector_total(const Input&) {
    return DataType::array(DataType::float_(), false);
}
std::optional<DataType> uniform(const Input& in) {
    return wider_type(in.types[0], in.types[1], in.ansi);
}
std::optional<DataType> number_in_format(const Input& in) {
    if (in.args.size() < 2) return DataType::decimal(38, 0);
    const auto* literal = in.args[1]->as<plan::Literal>();
    const auto* format = literal == nullptr ? nullptr : std::get_if<std::string>(&literal->value);
    if (format == nullptr) return std::nullopt;
    const NumberFormat parsed(*format);
    if (parsed.precision() < 1 || parsed.precision() > 38) return std::nullopt;
    return DataType::decimal(parsed.precision(), parsed.scale());
}
std::optional<DataType> field_of_interval(const Input& in) {
    const auto* literal = in.args.empty() ? nullptr : in.args[0]->as<plan::Literal>();
    const auto* field = literal == nullptr ? nullptr : std::get_if<std::string>(&literal->value);
    if (field == nullptr) return std::nullopt;
    if (*field == "second") return DataType::decimal(8, 6);
    const bool small = *field == "month" || *field == "hour" || *field == "minute";
    return small ? DataType::byte_() : DataType::integer();
}

template <char op>
std::optional<DataType> decimal_op(const Input& in) {
    return decimal_result(op, in.types[0], in.types[1]);
}

const std::map<std::string_view, Rule>& rules() {
    static const std::map<std::string_view, Rule> all = {
        {"sum_decimal", sum_decimal},
        {"avg_decimal", avg_decimal},
        {"avg_decimal_finish", avg_of_sum},
        {"collect_list", list_of},
        {"collect_set", list_of},
        {"array", array_of_all},
        {"round", rounded},
        {"bround", rounded},
        {"ceil", whole},
        {"floor", whole},
        {"ceil_to_scale", whole},
        {"floor_to_scale", whole},
        {"map_keys", keys_of},
        {"map_values", values_of},
        {"map_entries", entries_of},
        {"map_from_entries", map_of_entries},
        {"map_from_arrays", map_of_arrays},
        {"map_concat", map_union},
        {"array_compact", without_nulls},
        {"array_append", with_element},
        {"array_prepend", with_element},
        {"array_insert", with_inserted},
        {"array_repeat", repeated},
        {"array_union", both_arrays},
        {"array_intersect", common_elements},
        {"flatten", flattened},
        {"arrays_zip", zipped},
        {"split", split_parts},
        {"transform", mapped},
        {"zip_with", zip_mapped},
        {"transform_keys", new_keys},
        {"transform_values", new_values},
        {"map_zip_with", map_zipped},
        {"raise_error", nothing},
        {"assert_true", nothing},
        {"subtract_dates", date_difference},
        {"sequence", steps},
        {"percentile_approx", percentiles},
        {"percentile", interpolated},
        {"approx_top_k", with_counts},
        {"max_by_many", many_of},
        {"min_by_many", many_of},
        {"sentences", sentence_words},
        {"vector_normalize", floats},
        {"vector_sum", vector_total},
        {"vector_avg", vector_total},
        {"uniform", uniform},
        {"to_number", number_in_format},
        {"try_to_number", number_in_format},
        {"extract_interval", field_of_interval},
        {"add_decimal", decimal_op<'+'>},
        {"subtract_decimal", decimal_op<'-'>},
        {"multiply_decimal", decimal_op<'*'>},
        {"divide_decimal", decimal_op<'/'>},
        {"remainder_decimal", decimal_op<'%'>},
        {"pmod_decimal", decimal_op<'%'>},
    };
    return all;
}

}  // namespace

std::optional<DataType> rule_type(std::string_view id, std::span<const DataType> types,
                                  const std::vector<bool>& nullable,
                                  std::span<const TypedExprPtr> args, bool ansi) {
    const auto found = rules().find(id);
    if (found == rules().end()) return std::nullopt;
    return found->second({types, nullable, args, ansi});
}

Result<DataType> result_type(const FunctionRow& row, std::span<const DataType> arguments) {
    using Kind = TypeClass::Kind;
    const std::vector<bool> nullable(arguments.size(), true);
    for (const Signature& signature : signatures_of(row)) {
        if (arguments.size() < signature.min_arguments() ||
            arguments.size() > signature.max_arguments()) {
            continue;
        }
        const auto fits = [](const TypeClass& wanted, const DataType& type) {
            switch (wanted.kind) {
                case Kind::kExact: return wanted.type.kind() == type.kind();
                case Kind::kNumeric: return type.is_numeric();
                case Kind::kIntegral: return type.is_integral();
                case Kind::kDecimal: return type.is(TypeKind::kDecimal);
                case Kind::kArray: return type.is(TypeKind::kArray);
                case Kind::kMap: return type.is(TypeKind::kMap);
                default: return true;
            }
        };
        bool all = true;
        for (std::size_t i = 0; i < arguments.size(); ++i) {
            all = all && fits(signature.arguments[std::min(i, signature.arguments.size() - 1)],
                              arguments[i]);
        }
        if (!all) continue;
        switch (signature.result.kind) {
            case Kind::kArgument:
                return arguments[static_cast<std::size_t>(signature.result.index)];
            case Kind::kExact: return signature.result.type;
            case Kind::kRule:
                if (auto ruled = rule_type(row.id, arguments, nullable, {}, true)) return *ruled;
                break;
            default:
                if (!arguments.empty()) return arguments[0];
        }
    }
    return fail(Code::kInternal, "no signature of {} takes these arguments", row.id);
}

std::string literal_shown(const plan::Literal& literal) {
    return literal_text(literal, "UTC");
}

std::string shown_text(const std::string& written, const FunctionRow& row,
                       const std::vector<std::string>& args, bool distinct) {
    const std::string list =
        fmt::format("{}{}", distinct ? "DISTINCT " : "", fmt::join(args, ", "));
    std::string_view shown = row.shown_as;
    if (shown.empty()) {
        std::string name = written;
        if (name.empty()) name = row.id;
        return fmt::format("{}({})", name, list);
    }
    if (shown.find('(') == std::string_view::npos && shown.find('{') == std::string_view::npos) {
        // Spellings of the names: the one that was written, if it is among them.
        std::string name = written;
        while (!shown.empty()) {
            const std::size_t bar = shown.find('|');
            const std::string_view spelling = shown.substr(0, bar);
            if (std::ranges::equal(spelling, written, [](unsigned char a, unsigned char b) {
                    return std::tolower(a) == std::tolower(b);
                })) {
                name = spelling;
            }
            shown = bar == std::string_view::npos ? "" : shown.substr(bar + 1);
        }
        return fmt::format("{}({})", name, list);
    }
    std::string result;
    for (std::size_t i = 0; i < shown.size(); ++i) {
        if (shown[i] == '{' && i + 2 < shown.size() && shown[i + 2] == '}') {
            const auto index = static_cast<std::size_t>(shown[i + 1] - '0');
            if (index < args.size()) result += args[index];
            i += 2;
        } else {
            result += shown[i];
        }
    }
    return result;
}

}  // namespace millrace::sql
