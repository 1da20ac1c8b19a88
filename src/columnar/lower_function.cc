// Function calls: by the table's templates, and by name where a template cannot say it.
#include <algorithm>
#include <array>

#include "columnar/lowering_internal.h"
#include "sql/function_table.h"

namespace millrace::columnar {

using plan::DataType;
using plan::TypedExpr;
using plan::TypeKind;

namespace {

const std::string* constant_text(const TypedExpr& expression) {
    const auto* constant = expression.as<plan::Literal>();
    return constant == nullptr ? nullptr : std::get_if<std::string>(&constant->value);
}

// How many arguments a template needs at least.
std::size_t arguments_of(std::string_view pattern) {
    std::size_t count = 0;
    for (std::size_t i = 0; i + 2 < pattern.size(); ++i) {
        const bool plain = pattern[i] == '{' && pattern[i + 1] >= '0' && pattern[i + 1] <= '9' &&
                           pattern[i + 2] == '}';
        if (plain) count = std::max(count, static_cast<std::size_t>(pattern[i + 1] - '0') + 1);
    }
    return count;
}

}  // namespace

Result<std::string> Lowering::function(const plan::FunctionCall& call, const TypedExpr& whole) {
    // Those whose arguments are not all computed for each row.
    static constexpr std::array<std::string_view, 6> kConditional = {"coalesce", "if",   "nullif",
                                                                     "nvl",      "nvl2", "ifnull"};
    static constexpr std::array<std::string_view, 8> kCostly = {
        "get_json_object", "regexp_extract", "regexp_extract_all",
        "regexp_replace",  "rlike",          "schema_of_json",
        "split",           "to_json"};
    const bool conditional = std::ranges::find(kConditional, call.name) != kConditional.end();
    const Hoisting hoisting(hoisted_, conditional ? nullptr : hoisted_);
    if (std::ranges::find(kCostly, call.name) != kCostly.end()) ++costly_calls_;
    MR_TRY(const std::string special, special_function(call, whole));
    if (!special.empty()) return special;
    const sql::FunctionRow* row = sql::function_by_id(call.name);
    if (row == nullptr) return fail(Code::kInternal, "no function is called {}", call.name);
    const std::string_view pattern = sql::lowering_of(*row, call.mode);
    if (pattern.find_first_of("({'") == std::string_view::npos && !pattern.starts_with('0')) {
        // Empty, or a bare name: a row that special_function() would have to know.
        return fail(base::Error(
            Code::kUnsupported,
            fmt::format("[UNSUPPORTED_FEATURE.FUNCTION] The feature is not supported: function {} "
                        "in this place. SQLSTATE: 0A000",
                        call.name),
            {.name = "UNSUPPORTED_FEATURE.FUNCTION", .sql_state = "0A000"}));
    }
    MR_TRY(auto texts, arguments(call.args));
    std::vector<DataType> types;
    for (const auto& arg : call.args) types.push_back(arg->type);
    // What the user left out is null, where the template does not ask.
    if (pattern.find("{if") == std::string_view::npos) {
        while (texts.size() < arguments_of(pattern)) {
            texts.emplace_back("NULL");
            types.emplace_back();
        }
    }
    const std::string zone = call.session_time_zone.empty() ? "UTC" : call.session_time_zone;
    std::string text = sql::expand_lowering(
        pattern, {.texts = texts,
                  .types = types,
                  .result = whole.type,
                  .mode = call.mode,
                  .time_zone = zone,
                  .duckdb_type = [](const DataType& type) { return duck_type_name(type); }});
    // Comparisons and tests are BOOLEAN already, and stay visible to DuckDB's optimizer.
    if (whole.type.is(TypeKind::kBoolean) && text.front() == '(') return text;
    return fmt::format("CAST({} AS {})", text, duck_type_name(whole.type));
}

Result<std::string> Lowering::special_function(const plan::FunctionCall& call,
                                               const TypedExpr& whole) {
    const std::string& name = call.name;
    const auto& args = call.args;
    if (name == "like" && args.size() >= 2) {
        // Without an escape in it, a constant pattern is one that DuckDB's optimizer knows.
        const std::string* pattern = constant_text(*args[1]);
        const std::string* escape = args.size() > 2 ? constant_text(*args[2]) : nullptr;
        if (pattern != nullptr && (args.size() == 2 || escape != nullptr) &&
            pattern->find(escape == nullptr ? "\\" : *escape) == std::string::npos) {
            MR_TRY(const std::string value, expression(*args[0]));
            return fmt::format("({} LIKE {})", value, quoted(*pattern));
        }
        return std::string();
    }
    if (name == "from_json" && !args.empty()) return from_json(call, whole.type, std::nullopt);
    if ((name == "to_json" || name == "to_xml") && !args.empty()) return to_json(call);
    if (name == "from_csv" && !args.empty()) return from_csv(call, whole.type);
    if (name == "to_csv" && !args.empty()) return to_csv(call);
    if (name == "schema_of_csv" && !args.empty()) return schema_of_csv(call);
    if (name == "variant_get" || name == "try_variant_get" || name == "to_variant_object") {
        return variant_function(call, whole);
    }
    if (name == "struct" || name == "named_struct") {
        const std::size_t step = name == "struct" ? 1 : 2;
        std::string fields;
        for (std::size_t i = step - 1; i < args.size(); i += step) {
            MR_TRY(const std::string value, expression(*args[i]));
            fields += fmt::format("{}f{} := {}", fields.empty() ? "" : ", ", i / step, value);
        }
        return fmt::format("struct_pack({})", fields.empty() ? "f0 := false" : fields);
    }
    if (name == "map") {
        MR_TRY(const auto texts, arguments(args));
        std::string keys;
        std::string values;
        for (std::size_t i = 0; i + 1 < texts.size(); i += 2) {
            keys += (keys.empty() ? "" : ", ") + texts[i];
            values += (values.empty() ? "" : ", ") + texts[i + 1];
        }
        return fmt::format("CAST(map([{}], [{}]) AS {})", keys, values, duck_type_name(whole.type));
    }
    if (name == "with_field" && args.size() == 3) {
        const std::string* field = constant_text(*args[1]);
        MR_TRY(const std::string value, expression(*args[0]));
        MR_TRY(const std::string replacement, expression(*args[2]));
        const auto& before = args[0]->type.fields();
        const auto& after = whole.type.fields();
        std::string fields;
        for (std::size_t i = 0; i < after.size(); ++i) {
            const bool replaced =
                field != nullptr && (i >= before.size() || after[i].name == *field);
            fields += fmt::format(
                "{}f{} := {}", i == 0 ? "" : ", ", i,
                replaced ? replacement : fmt::format("struct_extract({}, 'f{}')", value, i));
        }
        return fmt::format("CASE WHEN {} IS NULL THEN NULL ELSE struct_pack({}) END", value,
                           fields);
    }
    if (name == "get_array_field" && args.size() == 2) {
        MR_TRY(const std::string value, expression(*args[0]));
        const auto* index = args[1]->as<plan::Literal>();
        const auto* number = index == nullptr ? nullptr : std::get_if<std::int64_t>(&index->value);
        const std::string element = fresh("x");
        return fmt::format("list_transform({}, lambda {}: struct_extract({}, 'f{}'))", value,
                           element, element, number == nullptr ? 0 : *number);
    }
    if (name == "get_map_value" || name == "get_array_item" || name == "element_at" ||
        name == "try_element_at") {
        MR_TRY(const auto texts, arguments(args));
        if (args[0]->type.is(TypeKind::kMap)) {
            return fmt::format("{}[{}]", texts[0], texts[1]);
        }
        const bool quiet = call.mode != plan::EvalMode::kAnsi || name == "try_element_at";
        const std::string type = duck_type_name(whole.type);
        if (name == "get_array_item") {
            return fmt::format(
                "CAST(CASE WHEN {1} >= 0 AND {1} < len({0}) THEN {0}[{1} + 1] "
                "WHEN {0} IS NULL OR {1} IS NULL THEN NULL ELSE {2} END AS {3})",
                texts[0], texts[1],
                quiet ? "NULL"
                      : fmt::format("mr_raise_index('INVALID_ARRAY_INDEX', {}, len({}))", texts[1],
                                    texts[0]),
                type);
        }
        return fmt::format(
            "CAST(CASE WHEN {1} = 0 THEN mr_raise('INVALID_INDEX_OF_ZERO') "
            "WHEN abs({1}) <= len({0}) THEN {0}[{1}] "
            "WHEN {0} IS NULL OR {1} IS NULL THEN NULL ELSE {2} END AS {3})",
            texts[0], texts[1],
            quiet ? "NULL"
                  : fmt::format("mr_raise_index('INVALID_ARRAY_INDEX_IN_ELEMENT_AT', {}, len({}))",
                                texts[1], texts[0]),
            type);
    }
    if (name == "arrays_zip") {
        MR_TRY(const auto texts, arguments(args));
        std::string lists;
        for (const std::string& text : texts) lists += (lists.empty() ? "" : ", ") + text;
        std::string nulls;
        for (const std::string& text : texts) {
            nulls += fmt::format("{}{} IS NULL", nulls.empty() ? "" : " OR ", text);
        }
        // list_zip gives unnamed structs: the cast is by position.
        return fmt::format("CASE WHEN {} THEN NULL ELSE CAST(list_zip({}) AS {}) END",
                           nulls.empty() ? "false" : nulls, lists, duck_type_name(whole.type));
    }
    if (name.ends_with("_decimal")) return decimal_function(call, whole);
    if (name == "avg_decimal_finish" && args.size() == 2) {
        MR_TRY(const auto texts, arguments(args));
        return decimal_mean(texts[0], texts[1], whole.type);
    }
    if (name == "concat_ws" && !args.empty()) {
        MR_TRY(const auto texts, arguments(args));
        std::string lists = "CAST([] AS VARCHAR[])";
        for (std::size_t i = 1; i < texts.size(); ++i) {
            lists = fmt::format(
                "list_concat({}, {})", lists,
                args[i]->type.is(TypeKind::kArray) ? texts[i] : fmt::format("[{}]", texts[i]));
        }
        return fmt::format(
            "CASE WHEN {0} IS NOT NULL THEN coalesce(array_to_string({1}, {0}), '') END", texts[0],
            lists);
    }
    if (name == "elt" && args.size() > 1) {
        MR_TRY(const auto texts, arguments(args));
        std::string cases;
        for (std::size_t i = 1; i < texts.size(); ++i)
            cases += fmt::format(" WHEN {} THEN {}", i, texts[i]);
        const std::string otherwise =
            call.mode == plan::EvalMode::kAnsi
                ? fmt::format(
                      " ELSE CASE WHEN {0} IS NOT NULL THEN mr_raise_index('INVALID_ARRAY_INDEX', "
                      "{0}, {1}) END",
                      texts[0], texts.size() - 1)
                : "";
        return fmt::format("CAST(CASE {}{}{} END AS {})", texts[0], cases, otherwise,
                           duck_type_name(whole.type));
    }
    if (name == "map_entries" && args.size() == 1) {
        // DuckDB calls the fields key and value; ours go by place.
        MR_TRY(const std::string value, expression(*args[0]));
        const std::string entry = fresh("x");
        return fmt::format(
            "list_transform(map_entries({0}), lambda {1}: struct_pack(f0 := {1}.key, f1 := "
            "{1}.value))",
            value, entry);
    }
    if (name == "map_from_entries" && args.size() == 1) {
        MR_TRY(const std::string value, expression(*args[0]));
        const std::string entry = fresh("x");
        return fmt::format(
            "CAST(map_from_entries(list_transform({0}, lambda {1}: struct_pack(k := {1}.f0, v := "
            "{1}.f1))) AS {2})",
            value, entry, duck_type_name(whole.type));
    }
    if (name == "extract_interval" && args.size() == 2) {
        const std::string* field = constant_text(*args[0]);
        MR_TRY(const std::string value, expression(*args[1]));
        // DuckDB counts hours beyond a day; Spark calls them days.
        const auto part = [&](std::string_view unit) {
            return fmt::format("datepart('{}', {})", unit, value);
        };
        const std::string what = field == nullptr ? std::string() : *field;
        std::string text;
        if (what == "day") {
            text = fmt::format("{} + {} // 24", part("day"), part("hour"));
        } else if (what == "hour") {
            text = fmt::format("{} % 24", part("hour"));
        } else if (what == "second") {
            text = fmt::format("CAST({} AS DECIMAL(18, 6)) / 1000000", part("microsecond"));
        } else {
            text = part(what);
        }
        return fmt::format("CAST({} AS {})", text, duck_type_name(whole.type));
    }
    const bool of_interval = args.size() == 1 && (args[0]->type.is(TypeKind::kDayTimeInterval) ||
                                                  args[0]->type.is(TypeKind::kYearMonthInterval));
    if (of_interval && (name == "abs" || name == "sign")) {
        MR_TRY(const std::string value, expression(*args[0]));
        if (name == "abs") {
            return fmt::format("CASE WHEN {0} < to_microseconds(0) THEN -({0}) ELSE {0} END",
                               value);
        }
        return fmt::format(
            "CASE WHEN {0} < to_microseconds(0) THEN -1.0::DOUBLE WHEN {0} > to_microseconds(0) "
            "THEN 1.0::DOUBLE WHEN {0} IS NOT NULL THEN 0.0::DOUBLE END",
            value);
    }
    if (name == "window_time" && args.size() == 1) {
        MR_TRY(const std::string value, expression(*args[0]));
        return fmt::format("(struct_extract({}, 'f1') - INTERVAL 1 MICROSECOND)", value);
    }
    if (name == "reverse" && args.size() == 1) {
        MR_TRY(const std::string value, expression(*args[0]));
        const char* function = args[0]->type.is(TypeKind::kArray)    ? "list_reverse"
                               : args[0]->type.is(TypeKind::kBinary) ? "mr_reverse_bytes"
                                                                     : "reverse";
        return fmt::format("{}({})", function, value);
    }
    if (name == "size" && args.size() == 1 && args[0]->type.is(TypeKind::kMap)) {
        MR_TRY(const std::string value, expression(*args[0]));
        const std::string count = fmt::format("CAST(cardinality({}) AS INTEGER)", value);
        return call.mode == plan::EvalMode::kLegacy ? fmt::format("coalesce({}, -1)", count)
                                                    : count;
    }
    if ((name == "array_append" || name == "array_prepend") && args.size() == 2) {
        MR_TRY(const auto texts, arguments(args));
        return fmt::format("CAST(CASE WHEN {0} IS NOT NULL THEN {1} END AS {2})", texts[0],
                           name == "array_append"
                               ? fmt::format("list_append({}, {})", texts[0], texts[1])
                               : fmt::format("list_prepend({}, {})", texts[1], texts[0]),
                           duck_type_name(whole.type));
    }
    if (name == "timestamp_seconds" && args.size() == 1) {
        MR_TRY(const std::string value, expression(*args[0]));
        return cast(value, args[0]->type.is_integral() ? DataType::long_() : args[0]->type,
                    DataType::timestamp(), call.mode, "UTC");
    }
    if (name == "format_number" && args.size() == 2) return format_number(args);
    if (name == "format_string" && !args.empty()) return format_string(args);
    if (name == "concat_arrays" || name == "map_concat") {
        MR_TRY(const auto texts, arguments(args));
        const char* function = name == "map_concat" ? "map_concat" : "list_concat";
        std::string nulls;
        std::string joined;
        for (const std::string& text : texts) {
            nulls += fmt::format("{}{} IS NULL", nulls.empty() ? "" : " OR ", text);
            joined = joined.empty() ? text : fmt::format("{}({}, {})", function, joined, text);
        }
        if (texts.empty()) return std::string();
        return fmt::format("CASE WHEN {} THEN NULL ELSE {} END", nulls, joined);
    }
    for (const auto& arg : args) {
        if (arg->as<plan::TypedLambda>() != nullptr) return lambda_function(call, whole);
    }
    return std::string();
}

// sum / count at the scale of an average; null for no rows.
std::string Lowering::decimal_mean(const std::string& sum, const std::string& count,
                                   const DataType& type) {
    return fmt::format(
        "CAST(mr_decimal('divide', CAST({} AS VARCHAR), CAST({} AS VARCHAR), {}, {}, 'try') AS {})",
        sum, count, type.precision(), type.scale(), duck_type_name(type));
}

Result<std::string> Lowering::decimal_function(const plan::FunctionCall& call,
                                               const TypedExpr& whole) {
    const std::string& name = call.name;
    const bool quiet = call.mode != plan::EvalMode::kAnsi;
    const DataType& type = whole.type;
    if (call.args.size() != 2 || !call.args[0]->type.is(TypeKind::kDecimal) ||
        !call.args[1]->type.is(TypeKind::kDecimal)) {
        return std::string();
    }
    const DataType& a = call.args[0]->type;
    const DataType& b = call.args[1]->type;
    MR_TRY(const auto texts, arguments(call.args));
    const std::string target = duck_type_name(type);
    const auto zero_checked = [&](const std::string& value, const char* condition) {
        return fmt::format("CASE WHEN {} = 0 THEN {} ELSE {} END", texts[1],
                           quiet ? "NULL" : raise(condition), value);
    };
    if (name == "add_decimal" || name == "subtract_decimal") {
        const char op = name == "add_decimal" ? '+' : '-';
        const int scale = std::max(a.scale(), b.scale());
        const int digits = std::max(a.precision() - a.scale(), b.precision() - b.scale());
        if (digits + scale + 1 <= 38) {
            return fmt::format(
                "CAST(CAST({} AS DECIMAL({},{})) {} CAST({} AS DECIMAL({},{})) AS {})", texts[0],
                digits + scale + 1, scale, op, texts[1], digits + scale + 1, scale, target);
        }
    }
    if (name == "multiply_decimal" && a.precision() + b.precision() + 1 <= 38) {
        return fmt::format("CAST({} * {} AS {})", texts[0], texts[1], target);
    }
    if (name == "remainder_decimal" || name == "pmod_decimal") {
        const int scale = std::max(a.scale(), b.scale());
        const int digits = std::max(a.precision() - a.scale(), b.precision() - b.scale());
        if (digits + scale <= 38) {
            const std::string both = fmt::format("DECIMAL({},{})", digits + scale, scale);
            const std::string x = fmt::format("CAST({} AS {})", texts[0], both);
            const std::string y = fmt::format("CAST({} AS {})", texts[1], both);
            const std::string value = name == "remainder_decimal"
                                          ? fmt::format("CAST({} % {} AS {})", x, y, target)
                                          : fmt::format(
                                                "CAST(CASE WHEN {0} % {1} < 0 THEN (({0} % {1}) + "
                                                "{1}) % {1} ELSE {0} % {1} END AS {2})",
                                                x, y, target);
            return zero_checked(value, "REMAINDER_BY_ZERO");
        }
    }
    // What does not fit 38 digits on the way, and every division, is done by a function of ours on
    // unscaled values.
    const auto op = name == "add_decimal"         ? "add"
                    : name == "subtract_decimal"  ? "subtract"
                    : name == "multiply_decimal"  ? "multiply"
                    : name == "divide_decimal"    ? "divide"
                    : name == "remainder_decimal" ? "remainder"
                    : name == "div_decimal"       ? "div"
                                                  : "";
    if (*op == '\0') return std::string();
    const std::string value =
        fmt::format("mr_decimal('{}', CAST({} AS VARCHAR), CAST({} AS VARCHAR), {}, {}, {})", op,
                    texts[0], texts[1], type.is(TypeKind::kDecimal) ? type.precision() : 19,
                    type.is(TypeKind::kDecimal) ? type.scale() : 0, quiet ? "'try'" : "'ansi'");
    const std::string cast = fmt::format("CAST({} AS {})", value, target);
    return name == "divide_decimal" || name == "div_decimal" ? zero_checked(cast, "DIVIDE_BY_ZERO")
                                                             : cast;
}

}  // namespace millrace::columnar
