// Functions with rules of their own: constants of the query, conversions, structs and maps, JSON,
// time windows, generators, extract.
#include <fmt/ranges.h>

#include <algorithm>

#include "sql/analyzer_internal.h"
#include "sql/parser.h"
#include "sql/parser_internal.h"
#include "sql/result_rules_internal.h"
#include "sql/spark_text.h"

namespace millrace::sql {

using base::fail;
using plan::TypeKind;

namespace {

const std::string* text_literal(const TypedExprPtr& expression) {
    const auto* literal = expression->as<Literal>();
    return literal == nullptr ? nullptr : std::get_if<std::string>(&literal->value);
}

TypedExprPtr renamed(const TypedExprPtr& expression, std::string text) {
    TypedExpr copy = *expression;
    copy.sql_text = std::move(text);
    return std::make_shared<const TypedExpr>(std::move(copy));
}

std::string list_text(const std::string& name, const std::vector<TypedExprPtr>& args) {
    std::vector<std::string> texts;
    for (const TypedExprPtr& arg : args) texts.push_back(arg->sql_text);
    return fmt::format("{}({})", name, fmt::join(texts, ", "));
}

std::vector<const FunctionRow*> rows_of(std::string_view name) {
    const auto found = functions_named(name);
    return {found.begin(), found.end()};
}

}  // namespace

const std::map<std::string, Analyzer::Handler, std::less<>>& Analyzer::handlers() {
    using A = Analyzer;
    static const std::map<std::string, Handler, std::less<>> all = {
        {"+", &A::arithmetic},
        {"-", &A::arithmetic},
        {"*", &A::arithmetic},
        {"/", &A::arithmetic},
        {"%", &A::arithmetic},
        {"mod", &A::arithmetic},
        {"pmod", &A::arithmetic},
        {"div", &A::arithmetic},
        {"try_add", &A::try_arithmetic},
        {"try_subtract", &A::try_arithmetic},
        {"try_multiply", &A::try_arithmetic},
        {"try_divide", &A::try_arithmetic},
        {"try_mod", &A::try_arithmetic},
        {"negative", &A::negative},
        {"positive", &A::negative},
        {"=", &A::comparison},
        {"==", &A::comparison},
        {"<=>", &A::comparison},
        {"equal_null", &A::comparison},
        {"<", &A::comparison},
        {"<=", &A::comparison},
        {">", &A::comparison},
        {">=", &A::comparison},
        {"!=", &A::not_equal},
        {"<>", &A::not_equal},
        {"between", &A::between},
        {"in", &A::in_list},
        {"&", &A::bitwise},
        {"|", &A::bitwise},
        {"^", &A::bitwise},
        {"<<", &A::bitwise},
        {">>", &A::bitwise},
        {">>>", &A::bitwise},
        {"and", &A::logical},
        {"or", &A::logical},
        {"not", &A::logical},
        {"!", &A::logical},
        {"like", &A::like},
        {"ilike", &A::like},
        {"rlike", &A::like},
        {"regexp", &A::like},
        {"regexp_like", &A::like},
        {"when", &A::case_when},
        {"if", &A::if_call},
        {"iff", &A::if_call},
        {"concat", &A::concat},
        {"||", &A::concat},
        {"struct", &A::struct_call},
        {"named_struct", &A::named_struct},
        {"map", &A::map_call},
        {"create_map", &A::map_call},
        {"count", &A::count},
        {"mode", &A::ordered_set},
        {"percentile_cont", &A::ordered_set},
        {"percentile_disc", &A::ordered_set},
        {"current_timestamp", &A::constant},
        {"now", &A::constant},
        {"current_date", &A::constant},
        {"current_time", &A::constant},
        {"curdate", &A::constant},
        {"current_timezone", &A::constant},
        {"localtimestamp", &A::constant},
        {"current_user", &A::constant},
        {"user", &A::constant},
        {"session_user", &A::constant},
        {"current_database", &A::constant},
        {"current_schema", &A::constant},
        {"current_catalog", &A::constant},
        {"version", &A::constant},
        {"typeof", &A::constant},
        {"to_date", &A::conversion},
        {"to_timestamp", &A::conversion},
        {"to_timestamp_ltz", &A::conversion},
        {"to_timestamp_ntz", &A::conversion},
        {"try_to_timestamp", &A::try_function},
        {"try_to_date", &A::try_function},
        {"window", &A::time_window},
        {"session_window", &A::session_window},
        {"window_time", &A::window_time},
        {"rand", &A::random},
        {"random", &A::random},
        {"from_json", &A::from_json},
        {"from_csv", &A::from_json},
        {"to_json", &A::to_json},
        {"to_csv", &A::to_json},
        {"to_xml", &A::to_json},
        {"extract", &A::extract_field},
        {"date_part", &A::extract_field},
        {"datepart", &A::extract_field},
        {"timestamp_literal", &A::timestamp_literal},
        {"timestampadd", &A::timestamp_add},
        {"timestampdiff", &A::timestamp_add},
        {"explode", &A::generator},
        {"explode_outer", &A::generator},
        {"posexplode", &A::generator},
        {"posexplode_outer", &A::generator},
        {"inline", &A::generator},
        {"inline_outer", &A::generator},
        {"stack", &A::generator},
        {"json_tuple", &A::generator},
        {"to_char", &A::to_char},
        {"to_varchar", &A::to_char},
        {"to_number", &A::number_format},
        {"try_to_number", &A::number_format},
        {"to_binary", &A::to_binary},
        {"try_to_binary", &A::to_binary},
        {"decode", &A::decode},
        {"assert_true", &A::assert_true},
        {"variant_get", &A::variant_get},
        {"try_variant_get", &A::variant_get},
        {"to_variant_object", &A::to_variant_object},
        {"variant_explode", &A::generator},
        {"variant_explode_outer", &A::generator},
        // Types as functions: int('1').
        {"boolean", &A::type_named},
        {"tinyint", &A::type_named},
        {"smallint", &A::type_named},
        {"int", &A::type_named},
        {"bigint", &A::type_named},
        {"float", &A::type_named},
        {"double", &A::type_named},
        {"decimal", &A::type_named},
        {"date", &A::type_named},
        {"timestamp", &A::type_named},
        {"binary", &A::type_named},
        {"string", &A::type_named},
    };
    return all;
}

Result<TypedExprPtr> Analyzer::concat(Call& call) {
    MR_TRY_VOID(arguments(call));
    const bool arrays = std::ranges::any_of(
        call.args, [](const TypedExprPtr& arg) { return arg->type.is(TypeKind::kArray); });
    std::string text = list_text("concat", call.args);
    std::vector<DataType> types;
    for (const TypedExprPtr& arg : call.args) types.push_back(arg->type);
    const bool binary = !types.empty() && std::ranges::all_of(types, [](const DataType& type) {
        return type.is(TypeKind::kBinary);
    });
    std::optional<DataType> common = DataType::string();
    if (arrays) common = wider_type(types, ansi_);
    if (binary) common = DataType::binary();
    const bool fits = common && std::ranges::all_of(types, [&](const DataType& type) {
                          return arrays ? type.is(TypeKind::kArray) || type.is(TypeKind::kNull)
                                        : binary || can_pass(type, DataType::string(), false);
                      });
    if (!fits) {
        std::vector<std::string> names;
        for (const DataType& type : types) names.push_back(quoted_type(type));
        return fail(spark_error("DATATYPE_MISMATCH.DATA_DIFF_TYPES",
                                {{"sqlExpr", quoted_expr(text)},
                                 {"functionName", "`concat`"},
                                 {"dataType", fmt::format("({})", fmt::join(names, " or "))}},
                                site(call.at)));
    }
    bool nullable = false;
    for (TypedExprPtr& arg : call.args) {
        nullable = nullable || arg->nullable;
        arg = cast_to(arg, *common);
    }
    return typed(plan::FunctionCall{arrays ? "concat_arrays" : "concat", call.args, mode(), {}},
                 *common, nullable, std::move(text), call.at.origin);
}

// struct(a, b + 1 AS c): names come from columns and aliases, else col1, col2 …
Result<TypedExprPtr> Analyzer::struct_call(Call& call) {
    std::vector<TypedExprPtr> args;
    std::vector<plan::Field> fields;
    std::vector<std::string> texts;
    const auto add = [&](std::string name, const TypedExprPtr& value, std::string shown) {
        fields.push_back({name, value->type, value->nullable, {}});
        args.push_back(typed(Literal::string(name), DataType::string(), false, name));
        args.push_back(value);
        texts.push_back(std::move(shown));
    };
    for (const ExprPtr& arg : call.expr.args) {
        if (const auto* star = arg->as<plan::StarExpr>()) {
            MR_TRY(const std::vector<Attribute> columns, expand_star(*star, call.scope, *arg));
            for (const Attribute& column : columns)
                add(column.name, reference(column), column.name);
            continue;
        }
        MR_TRY(TypedExprPtr value, expr(arg, call.scope));
        std::string name = fmt::format("col{}", fields.size() + 1);
        if (const auto* alias = arg->as<plan::AliasExpr>()) {
            name = alias->names[0];
        } else if (const auto* column = arg->as<plan::AttributeExpr>()) {
            name = column->parts.back();
        } else if (const auto* extraction = arg->as<plan::ExtractValueExpr>()) {
            const auto* key = extraction->key->as<Literal>();
            const auto* field = key == nullptr ? nullptr : std::get_if<std::string>(&key->value);
            if (field != nullptr) name = *field;
        }
        std::string shown = value->sql_text;
        add(std::move(name), value, std::move(shown));
    }
    if (fields.empty()) return fail(wrong_count(call, rows_of("struct")));
    const DataType type = DataType::structure(std::move(fields));
    return typed(plan::FunctionCall{"named_struct", std::move(args), mode(), {}}, type, false,
                 fmt::format("struct({})", fmt::join(texts, ", ")), call.at.origin);
}

Result<TypedExprPtr> Analyzer::named_struct(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.empty() || call.args.size() % 2 != 0) {
        return fail(spark_error("WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
                                {{"functionName", "`named_struct`"},
                                 {"expectedNum", "2n (n > 0)"},
                                 {"actualNum", std::to_string(call.args.size())}},
                                site(call.at)));
    }
    std::string text = list_text("named_struct", call.args);
    std::vector<plan::Field> fields;
    for (std::size_t i = 0; i < call.args.size(); i += 2) {
        const std::string* name = text_literal(call.args[i]);
        if (name == nullptr) {
            return fail(spark_error(
                "DATATYPE_MISMATCH.CREATE_NAMED_STRUCT_WITHOUT_FOLDABLE_STRING",
                {{"sqlExpr", quoted_expr(text)},
                 {"inputExprs", fmt::format("[{}]", quoted_expr(call.args[i]->sql_text))}},
                site(call.at)));
        }
        fields.push_back({*name, call.args[i + 1]->type, call.args[i + 1]->nullable, {}});
    }
    return typed(plan::FunctionCall{"named_struct", call.args, mode(), {}},
                 DataType::structure(std::move(fields)), false, std::move(text), call.at.origin);
}

Result<TypedExprPtr> Analyzer::map_call(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.size() % 2 != 0) {
        return fail(spark_error("WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
                                {{"functionName", "`map`"},
                                 {"expectedNum", "2n (n > 0)"},
                                 {"actualNum", std::to_string(call.args.size())}},
                                site(call.at)));
    }
    std::string text = list_text("map", call.args);
    std::vector<DataType> keys;
    std::vector<DataType> values;
    bool value_null = false;
    for (std::size_t i = 0; i < call.args.size(); i += 2) {
        keys.push_back(call.args[i]->type);
        values.push_back(call.args[i + 1]->type);
        value_null = value_null || call.args[i + 1]->nullable;
    }
    const auto key = wider_type(keys, ansi_);
    const auto value = wider_type(values, ansi_);
    if (!key || !value) {
        std::vector<std::string> names;
        for (const DataType& type : key ? values : keys) names.push_back(quoted_type(type));
        return fail(spark_error(key ? "DATATYPE_MISMATCH.CREATE_MAP_VALUE_DIFF_TYPES"
                                    : "DATATYPE_MISMATCH.CREATE_MAP_KEY_DIFF_TYPES",
                                {{"sqlExpr", quoted_expr(text)},
                                 {"functionName", "`map`"},
                                 {"dataType", fmt::format("[{}]", fmt::join(names, ", "))}},
                                site(call.at)));
    }
    if (key->is(TypeKind::kMap) || key->is(TypeKind::kVariant)) {
        return fail(spark_error("DATATYPE_MISMATCH.INVALID_MAP_KEY_TYPE",
                                {{"sqlExpr", quoted_expr(text)}, {"keyType", quoted_type(*key)}},
                                site(call.at)));
    }
    for (std::size_t i = 0; i < call.args.size(); ++i) {
        call.args[i] = cast_to(call.args[i], i % 2 == 0 ? *key : *value);
    }
    const DataType type = keys.empty() ? DataType::map(DataType::null(), DataType::null(), false)
                                       : DataType::map(*key, *value, value_null);
    return typed(plan::FunctionCall{"map", call.args, mode(), {}}, type, false, std::move(text),
                 call.at.origin);
}

// count(*) is count(1).
Result<TypedExprPtr> Analyzer::count(Call& call) {
    if (call.expr.args.size() == 1 && call.args.empty()) {
        const auto* star = call.expr.args[0]->as<plan::StarExpr>();
        if (star != nullptr && star->qualifier.empty() && !call.expr.distinct) {
            call.args = {typed(Literal::integer(1), DataType::integer(), false, "1")};
        }
    }
    if (call.expr.args.empty()) {
        return fail(
            spark_error("WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
                        {{"functionName", "`count`"}, {"expectedNum", "> 0"}, {"actualNum", "0"}},
                        site(call.at)));
    }
    return generic_call(call);
}

Result<TypedExprPtr> Analyzer::constant(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.name == "current_time") return current_time(call);
    const std::size_t expected = call.name == "typeof" ? 1 : 0;
    if (call.args.size() != expected) return fail(wrong_count(call, rows_of(call.name)));
    const auto make = [&](Literal value, const std::string& name) {
        const DataType type = value.type;
        return typed(std::move(value), type, false, name + "()", call.at.origin);
    };
    constexpr std::int64_t kDay = 86'400'000'000;
    const std::int64_t now = context_.now_us;
    // Only UTC's calendar is known here; in other zones the engine casts.
    const auto local = [&](const DataType& type, const std::string& name) -> TypedExprPtr {
        if (time_zone_ == "UTC" || time_zone_ == "Etc/UTC" || time_zone_ == "Z") {
            const std::int64_t days = now / kDay - (now % kDay < 0 ? 1 : 0);
            return make(Literal{type, type.is(TypeKind::kDate) ? days : now}, name);
        }
        plan::TypedCast cast;
        cast.child = make(Literal{DataType::timestamp(), now}, "now");
        cast.session_time_zone = time_zone_;
        return typed(std::move(cast), type, false, name + "()", call.at.origin);
    };
    if (call.name == "current_timestamp" || call.name == "now") {
        // Streams put each micro-batch's own time here: the call is kept for them.
        return typed(plan::FunctionCall{"current_timestamp", {}, mode(), time_zone_},
                     DataType::timestamp(), false, call.name + "()", call.at.origin);
    }
    if (call.name == "current_date" || call.name == "curdate") {
        return local(DataType::date(), "current_date");
    }
    if (call.name == "localtimestamp") return local(DataType::timestamp_ntz(), "localtimestamp");
    if (call.name == "current_timezone") return make(Literal::string(time_zone_), call.name);
    if (call.name == "current_database" || call.name == "current_schema") {
        return make(Literal::string("default"), "current_schema");
    }
    if (call.name == "current_catalog") return make(Literal::string("spark_catalog"), call.name);
    if (call.name == "version") return make(Literal::string("4.2.0"), call.name);
    if (call.name == "typeof") {
        return typed(Literal::string(call.args[0]->type.simple_string()), DataType::string(), false,
                     list_text("typeof", call.args), call.at.origin);
    }
    return make(Literal::string(context_.user), call.name);
}

Result<TypedExprPtr> Analyzer::random(Call& call) {
    call.name = "rand";  // Shown so, however it is written.
    return generic_call(call);
}

Result<TypedExprPtr> Analyzer::type_named(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.size() != 1) {
        return fail(spark_error("WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
                                {{"functionName", quoted_id(call.name)},
                                 {"expectedNum", "1"},
                                 {"actualNum", std::to_string(call.args.size())}},
                                site(call.at)));
    }
    MR_TRY(const DataType target, parse_type(call.name));
    // Named after what is cast: date('2020-01-01') is the column `2020-01-01`.
    std::string text = call.args[0]->sql_text;
    MR_TRY(TypedExprPtr result, explicit_cast(call.args[0], target, mode(), site(call.at)));
    return renamed(result, std::move(text));
}

}  // namespace millrace::sql
