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

using base::Error;
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
        {"current_timestamp", &A::constant},
        {"now", &A::constant},
        {"current_date", &A::constant},
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

// to_date(x), to_timestamp(x): a cast; with a format, the parsing function.
Result<TypedExprPtr> Analyzer::conversion(Call& call) {
    MR_TRY_VOID(arguments(call));
    std::string text = list_text(call.name, call.args);
    const DataType target = call.name == "to_date"            ? DataType::date()
                            : call.name == "to_timestamp_ntz" ? DataType::timestamp_ntz()
                                                              : DataType::timestamp();
    const bool passes_as_is = call.args.size() == 2 && !call.args[0]->type.is_string() &&
                              (is_temporal(call.args[0]->type) || call.args[0]->type.is_numeric());
    if (call.args.size() == 1 || passes_as_is) {
        MR_TRY(TypedExprPtr result, explicit_cast(call.args[0], target, mode(), site(call.at)));
        return renamed(result, std::move(text));
    }
    return generic_call(call);
}

Result<TypedExprPtr> Analyzer::try_function(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.empty() || call.args.size() > 2)
        return fail(wrong_count(call, rows_of(call.name)));
    std::string text = list_text(call.name, call.args);
    const std::string plain = call.name.substr(4);
    const DataType target = plain == "to_date" ? DataType::date() : DataType::timestamp();
    if (call.args.size() == 1) {
        MR_TRY(TypedExprPtr result,
               explicit_cast(call.args[0], target, EvalMode::kTry, site(call.at)));
        return renamed(result, std::move(text));
    }
    call.name = plain;
    MR_TRY(TypedExprPtr result, generic_call(call));
    TypedExpr copy = *result;
    if (auto* made = std::get_if<plan::FunctionCall>(&copy.node)) made->mode = EvalMode::kTry;
    copy.nullable = true;
    copy.sql_text = std::move(text);
    return std::make_shared<const TypedExpr>(std::move(copy));
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

Result<TypedExprPtr> Analyzer::timestamp_literal(Call& call) {
    MR_TRY_VOID(arguments(call));
    const std::string* text = text_literal(call.args[0]);
    const auto parsed = text == nullptr ? std::nullopt : parse_timestamp(*text);
    const auto* type = call.args[0]->as<Literal>();
    if (!parsed || type == nullptr) {
        return fail(spark_error("INVALID_TYPED_LITERAL",
                                {{"valueType", "\"TIMESTAMP\""}, {"value", "''"}}, site(call.at)));
    }
    std::string shown = fmt::format("TIMESTAMP '{}'", timestamp_text(parsed->microseconds));
    const auto ntz = context_.conf.get("spark.sql.timestampType");
    if (!parsed->has_zone && ntz && *ntz == "TIMESTAMP_NTZ") {
        return typed(Literal{DataType::timestamp_ntz(), parsed->microseconds},
                     DataType::timestamp_ntz(), false, "TIMESTAMP_NTZ" + shown.substr(9),
                     call.at.origin);
    }
    if (parsed->zone.empty() && (time_zone_ == "UTC" || time_zone_ == "Etc/UTC")) {
        return typed(Literal{DataType::timestamp(), parsed->microseconds}, DataType::timestamp(),
                     false, std::move(shown), call.at.origin);
    }
    plan::TypedCast cast;
    cast.child = call.args[0];
    cast.session_time_zone = time_zone_;
    return typed(std::move(cast), DataType::timestamp(), false, std::move(shown), call.at.origin);
}

// Options are a map of constant strings: map('mode', 'FAILFAST').
Result<void> Analyzer::check_options(const TypedExprPtr& map, const Site& site) {
    if (const auto* call = map->as<plan::FunctionCall>(); call != nullptr && call->name == "map") {
        for (const TypedExprPtr& part : call->args) {
            if (part->as<Literal>() == nullptr || !part->type.is_string()) {
                return fail(spark_error("INVALID_OPTIONS.NON_STRING_TYPE",
                                        {{"mapType", quoted_type(map->type)}}, site));
            }
        }
        return {};
    }
    if (map->as<Literal>() != nullptr && map->type.is(TypeKind::kMap)) return {};
    return fail(spark_error("INVALID_OPTIONS.NON_MAP_FUNCTION", {}, site));
}

// from_json(text, schema[, options]), from_csv(…): the schema becomes the call's type.
Result<TypedExprPtr> Analyzer::from_json(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.size() < 2 || call.args.size() > 3) {
        return fail(wrong_count(call, rows_of(call.name)));
    }
    const std::string* schema = text_literal(call.args[1]);
    if (schema == nullptr) {
        return fail(spark_error("INVALID_SCHEMA.NON_STRING_LITERAL",
                                {{"inputSchema", quoted_expr(call.args[1]->sql_text)}},
                                site(call.at)));
    }
    auto parsed = parse_schema(*schema);
    if (!parsed) {
        return fail(spark_error(
            "INVALID_SCHEMA.PARSE_ERROR",
            {{"inputSchema", quoted_expr(*schema)}, {"reason", parsed.error().message()}},
            site(call.at)));
    }
    std::string text = fmt::format("{}({})", call.name, call.args[0]->sql_text);
    const bool json = call.name == "from_json";
    if (json ? !parsed->is_nested() && !parsed->is(TypeKind::kVariant)
             : !parsed->is(TypeKind::kStruct)) {
        if (!json) {
            return fail(spark_error(
                "INVALID_SCHEMA.NON_STRUCT_TYPE",
                {{"inputSchema", quoted_expr(*schema)}, {"dataType", quoted_type(*parsed)}},
                site(call.at)));
        }
        return fail(spark_error("DATATYPE_MISMATCH.INVALID_JSON_SCHEMA",
                                {{"sqlExpr", quoted_expr(text)}, {"schema", quoted_type(*parsed)}},
                                site(call.at)));
    }
    TypedExprPtr input = call.args[0];
    if (!input->type.is_string()) {
        if (!input->type.is(TypeKind::kNull)) {
            return fail(spark_error("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                                    {{"sqlExpr", quoted_expr(text)},
                                     {"paramIndex", "first"},
                                     {"requiredType", "\"STRING\""},
                                     {"inputSql", quoted_expr(input->sql_text)},
                                     {"inputType", quoted_type(input->type)}},
                                    site(call.at)));
        }
        input = cast_to(input, DataType::string());
    }
    std::vector<TypedExprPtr> args = {std::move(input)};
    if (call.args.size() == 3) {
        MR_TRY_VOID(check_options(call.args[2], site(call.at)));
        args.push_back(call.args[2]);
    }
    return typed(plan::FunctionCall{call.name, std::move(args), mode(), time_zone_},
                 with_nullable_parts(*parsed), true, std::move(text), call.at.origin);
}

Result<TypedExprPtr> Analyzer::to_json(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.empty() || call.args.size() > 2)
        return fail(wrong_count(call, rows_of(call.name)));
    std::string text = fmt::format("{}({})", call.name, call.args[0]->sql_text);
    const DataType& type = call.args[0]->type;
    const bool json = call.name == "to_json";
    if (json ? !type.is_nested() && !type.is(TypeKind::kVariant) : !type.is(TypeKind::kStruct)) {
        return fail(spark_error("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                                {{"sqlExpr", quoted_expr(text)},
                                 {"paramIndex", "first"},
                                 {"requiredType", json ? "\"STRUCT\" or \"ARRAY\" or \"MAP\" or "
                                                         "\"VARIANT\""
                                                       : "\"STRUCT\""},
                                 {"inputSql", quoted_expr(call.args[0]->sql_text)},
                                 {"inputType", quoted_type(type)}},
                                site(call.at)));
    }
    std::vector<TypedExprPtr> args = {call.args[0]};
    if (call.args.size() == 2) {
        MR_TRY_VOID(check_options(call.args[1], site(call.at)));
        args.push_back(call.args[1]);
    }
    const bool nullable = call.args[0]->nullable;
    return typed(plan::FunctionCall{call.name, std::move(args), mode(), time_zone_},
                 DataType::string(), nullable, std::move(text), call.at.origin);
}

// window(time, duration[, slide[, start]]): the rows go through a TimeWindowNode below; the call
// itself is that node's column.
Result<TypedExprPtr> Analyzer::time_window(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.empty() || call.args.size() > 4)
        return fail(wrong_count(call, rows_of("window")));
    if (call.scope.pending == nullptr) {
        return fail(unsupported("window() outside of a select list or a grouping.", site(call.at)));
    }
    TypedExprPtr time = call.args[0];
    std::optional<std::int64_t> watermark;
    std::string metadata;
    if (const auto* ref = time->as<plan::AttributeRef>(); ref != nullptr && call.scope.input) {
        for (const Attribute& column : call.scope.input->columns) {
            if (column.id == ref->id) {
                watermark = column.watermark_delay_ms;
                metadata = column.metadata_json;
            }
        }
    }
    // A window of windows: by the inner window's own time. window(struct) alone is that column.
    if (time->type.is(TypeKind::kStruct)) {
        const TypedExprPtr inner = time;
        time = function_call("window_time", {inner}, DataType::timestamp(), inner->nullable,
                             fmt::format("window_time({})", inner->sql_text));
    }
    if (call.args.size() == 1) return fail(wrong_count(call, rows_of("window")));
    if (time->type.is_string() || time->type.is(TypeKind::kDate) ||
        time->type.is(TypeKind::kNull)) {
        time = cast_to(time, DataType::timestamp());
    }
    if (!time->type.is(TypeKind::kTimestamp) && !time->type.is(TypeKind::kTimestampNtz)) {
        return fail(
            spark_error("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                        {{"sqlExpr", quoted_expr(list_text("window", call.args))},
                         {"paramIndex", "first"},
                         {"requiredType", "(\"TIMESTAMP\" or \"TIMESTAMP WITHOUT TIME ZONE\")"},
                         {"inputSql", quoted_expr(time->sql_text)},
                         {"inputType", quoted_type(time->type)}},
                        site(call.at)));
    }
    plan::TimeWindowNode window;
    std::int64_t* const values[] = {&window.duration_us, &window.slide_us, &window.start_us};
    for (std::size_t i = 1; i < call.args.size(); ++i) {
        const auto* literal = call.args[i]->as<Literal>();
        const auto* number =
            literal == nullptr ? nullptr : std::get_if<std::int64_t>(&literal->value);
        if (const std::string* text = text_literal(call.args[i])) {
            auto parsed = parse_interval_us(*text);
            if (!parsed) {
                return fail(spark_error("CANNOT_PARSE_INTERVAL", {{"intervalString", *text}},
                                        site(call.at)));
            }
            *values[i - 1] = *parsed;
        } else if (number != nullptr && call.args[i]->type.is(TypeKind::kDayTimeInterval)) {
            *values[i - 1] = *number;
        } else {
            return fail(spark_error("CANNOT_PARSE_INTERVAL",
                                    {{"intervalString", call.args[i]->sql_text}}, site(call.at)));
        }
    }
    if (call.args.size() < 3) window.slide_us = window.duration_us;
    const auto out_of_range = [&](std::string_view name, std::int64_t value) {
        return fail(spark_error("DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
                                {{"sqlExpr", quoted_expr(list_text("window", call.args))},
                                 {"exprName", quoted_id(name)},
                                 {"valueRange", "(0, 9223372036854775807]"},
                                 {"currentValue", fmt::format("{}L", value)}},
                                site(call.at)));
    };
    if (window.duration_us <= 0) return out_of_range("window_duration", window.duration_us);
    if (window.slide_us <= 0) return out_of_range("slide_duration", window.slide_us);
    if (window.slide_us > window.duration_us) {
        return fail(spark_error("DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION",
                                {{"sqlExpr", quoted_expr(list_text("window", call.args))},
                                 {"leftExprName", "`slide_duration`"},
                                 {"leftExprValue", fmt::format("{}L", window.slide_us)},
                                 {"constraint", "<="},
                                 {"rightExprName", "`window_duration`"},
                                 {"rightExprValue", fmt::format("{}L", window.duration_us)}},
                                site(call.at)));
    }
    if (std::abs(window.start_us) >= window.slide_us) {
        return fail(spark_error("DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION",
                                {{"sqlExpr", quoted_expr(list_text("window", call.args))},
                                 {"leftExprName", "`abs(start_time)`"},
                                 {"leftExprValue", fmt::format("{}L", std::abs(window.start_us))},
                                 {"constraint", "<"},
                                 {"rightExprName", "`slide_duration`"},
                                 {"rightExprValue", fmt::format("{}L", window.slide_us)}},
                                site(call.at)));
    }
    for (const plan::TimeWindowNode& known : call.scope.pending->time_windows) {
        if (same_expr(*known.time, *time) && known.duration_us == window.duration_us &&
            known.slide_us == window.slide_us && known.start_us == window.start_us) {
            return reference(known.window);
        }
    }
    if (!call.scope.pending->time_windows.empty() || !call.scope.pending->session_windows.empty()) {
        return fail(legacy_error("_LEGACY_ERROR_TEMP_1039",
                                 "Multiple time/session window expressions would result in a "
                                 "cartesian product of rows, therefore they are currently not "
                                 "supported."));
    }
    const DataType type =
        DataType::structure({{"start", time->type, true, {}}, {"end", time->type, true, {}}});
    window.time = std::move(time);
    window.window = attribute("window", type, false);
    window.window.watermark_delay_ms = watermark;
    window.window.metadata_json = metadata;
    call.scope.pending->time_windows.push_back(std::move(window));
    return reference(call.scope.pending->time_windows.back().window);
}

Result<TypedExprPtr> Analyzer::session_window(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.size() != 2) return fail(wrong_count(call, rows_of("session_window")));
    if (call.scope.pending == nullptr) {
        return fail(unsupported("session_window() outside of a grouping.", site(call.at)));
    }
    plan::SessionWindowNode window;
    window.time = call.args[0];
    std::optional<std::int64_t> watermark;
    if (const auto* ref = window.time->as<plan::AttributeRef>();
        ref != nullptr && call.scope.input) {
        for (const Attribute& column : call.scope.input->columns) {
            if (column.id == ref->id) watermark = column.watermark_delay_ms;
        }
    }
    if (window.time->type.is_string() || window.time->type.is(TypeKind::kDate)) {
        window.time = cast_to(window.time, DataType::timestamp());
    }
    if (const std::string* text = text_literal(call.args[1])) {
        auto parsed = parse_interval_us(*text);
        if (!parsed) {
            return fail(
                spark_error("CANNOT_PARSE_INTERVAL", {{"intervalString", *text}}, site(call.at)));
        }
        window.gap = typed(Literal{DataType::day_time_interval(), *parsed},
                           DataType::day_time_interval(), false, *text);
    } else {
        window.gap = call.args[1];
    }
    for (const auto& known : call.scope.pending->session_windows) {
        if (same_expr(*known.time, *window.time) && same_expr(*known.gap, *window.gap)) {
            return reference(known.window);
        }
    }
    const DataType type = DataType::structure(
        {{"start", window.time->type, true, {}}, {"end", window.time->type, true, {}}});
    window.window = attribute("session_window", type, false);
    window.window.watermark_delay_ms = watermark;
    call.scope.pending->session_windows.push_back(std::move(window));
    return reference(call.scope.pending->session_windows.back().window);
}

Result<TypedExprPtr> Analyzer::window_time(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.size() != 1) return fail(wrong_count(call, rows_of("window_time")));
    const DataType& type = call.args[0]->type;
    const bool is_window = type.is(TypeKind::kStruct) && type.fields().size() == 2 &&
                           is_temporal(type.fields()[1].type);
    if (!is_window) return fail(mismatch(call, rows_of("window_time")));
    const DataType result = type.fields()[1].type;
    return typed(plan::FunctionCall{"window_time", call.args, mode(), {}}, result,
                 call.args[0]->nullable, list_text("window_time", call.args), call.at.origin);
}

Result<TypedExprPtr> Analyzer::extract_field(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.size() != 2) return fail(wrong_count(call, rows_of("extract")));
    const std::string* given = text_literal(call.args[0]);
    TypedExprPtr source = call.args[1];
    std::string text =
        call.name == "extract" || call.name == "datepart"
            ? fmt::format("{}({} FROM {})", call.name, call.args[0]->sql_text, source->sql_text)
            : list_text(call.name, call.args);
    const auto invalid = [&] {
        return fail(spark_error("INVALID_EXTRACT_FIELD",
                                {{"field", quoted_expr(call.args[0]->sql_text)},
                                 {"expr", quoted_expr(source->sql_text)}},
                                site(call.at)));
    };
    if (given == nullptr) return invalid();
    std::string field;
    for (const char c : *given)
        field += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    struct Unit {
        std::string_view names;
        std::string_view id;
    };
    static constexpr Unit kUnits[] = {
        {" year y years yr yrs ", "year"},
        {" yearofweek ", "year_of_week"},
        {" quarter qtr ", "quarter"},
        {" month mon mons months ", "month"},
        {" week w weeks ", "weekofyear"},
        {" day d days ", "day"},
        {" dayofweek dow ", "dayofweek"},
        {" dayofweek_iso dow_iso ", "weekday"},
        {" doy ", "dayofyear"},
        {" hour h hours hr hrs ", "hour"},
        {" minute m min mins minutes ", "minute"},
        {" second s sec seconds secs ", "second_with_fraction"},
    };
    const auto* unit = std::ranges::find_if(kUnits, [&](const Unit& u) {
        return u.names.find(" " + field + " ") != std::string_view::npos;
    });
    if (unit == std::end(kUnits)) return invalid();
    if (is_interval(source->type)) {
        const std::string canonical =
            unit->id == "second_with_fraction" ? "second" : std::string(unit->id);
        const bool months = source->type.is(TypeKind::kYearMonthInterval);
        const bool is_month_field = canonical == "year" || canonical == "month";
        const bool known = is_month_field || canonical == "day" || canonical == "hour" ||
                           canonical == "minute" || canonical == "second";
        if (!known || (!source->type.is(TypeKind::kCalendarInterval) && months != is_month_field)) {
            return invalid();
        }
        TypedExprPtr name = typed(Literal::string(canonical), DataType::string(), false, canonical);
        const DataType type =
            *rule_type("extract_interval", std::vector<DataType>{DataType::string(), source->type},
                       {false, false}, std::vector<TypedExprPtr>{name}, ansi_);
        const bool nullable = source->nullable;
        return typed(plan::FunctionCall{"extract_interval", {name, source}, mode(), {}}, type,
                     nullable, std::move(text), call.at.origin);
    }
    const bool of_date =
        unit->id != "hour" && unit->id != "minute" && unit->id != "second_with_fraction";
    if (!is_temporal(source->type) && !source->type.is_string() &&
        !source->type.is(TypeKind::kTime)) {
        return invalid();
    }
    if (of_date) {
        source = cast_to(source, DataType::date());
    } else if (!source->type.is(TypeKind::kTimestampNtz) && !source->type.is(TypeKind::kTime)) {
        source = cast_to(source, DataType::timestamp());
    }
    const bool nullable = source->nullable;
    const DataType type =
        unit->id == "second_with_fraction" ? DataType::decimal(8, 6) : DataType::integer();
    TypedExprPtr result =
        typed(plan::FunctionCall{std::string(unit->id), {std::move(source)}, mode(), time_zone_},
              type, nullable, text, call.at.origin);
    if (unit->id == "weekday") {
        // ISO counts from Monday = 1.
        result = typed(plan::FunctionCall{"+",
                                          {result, typed(Literal::integer(1), DataType::integer(),
                                                         false, "1")},
                                          mode(),
                                          {}},
                       DataType::integer(), nullable, std::move(text), call.at.origin);
    }
    return result;
}

// timestampadd(unit, n, ts) and timestampdiff(unit, a, b).
Result<TypedExprPtr> Analyzer::timestamp_add(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.size() != 3) {
        return fail(spark_error("WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
                                {{"functionName", quoted_id(call.name)},
                                 {"expectedNum", "3"},
                                 {"actualNum", std::to_string(call.args.size())}},
                                site(call.at)));
    }
    std::string unit = call.args[0]->sql_text;
    for (char& c : unit) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    std::string text = fmt::format("{}({}, {}, {})", call.name, unit, call.args[1]->sql_text,
                                   call.args[2]->sql_text);
    TypedExprPtr name = typed(Literal::string(unit), DataType::string(), false, unit);
    const bool add = call.name == "timestampadd";
    TypedExprPtr last = call.args[2];
    if (!last->type.is(TypeKind::kTimestampNtz)) last = cast_to(last, DataType::timestamp());
    TypedExprPtr middle =
        add ? cast_to(call.args[1], DataType::long_()) : cast_to(call.args[1], last->type);
    const DataType type = add ? last->type : DataType::long_();
    const bool nullable = middle->nullable || last->nullable;
    return typed(
        plan::FunctionCall{
            call.name, {std::move(name), std::move(middle), std::move(last)}, mode(), time_zone_},
        type, nullable, std::move(text), call.at.origin);
}

Result<TypedExprPtr> Analyzer::generator(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.scope.pending == nullptr) {
        return fail(spark_error("UNSUPPORTED_GENERATOR.OUTSIDE_SELECT", {{"plan", call.name}},
                                site(call.at)));
    }
    std::string id = call.name;
    Pending::Generator result;
    if (id.ends_with("_outer")) {
        result.outer = true;
        id.resize(id.size() - 6);
    }
    const auto wrong_type = [&](std::string_view required) {
        return fail(spark_error("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                                {{"sqlExpr", quoted_expr(list_text(call.name, call.args))},
                                 {"paramIndex", "first"},
                                 {"requiredType", std::string(required)},
                                 {"inputSql", quoted_expr(call.args[0]->sql_text)},
                                 {"inputType", quoted_type(call.args[0]->type)}},
                                site(call.at)));
    };
    const auto out = [&](std::string name, const DataType& type, bool nullable) {
        result.output.push_back(attribute(std::move(name), type, nullable || result.outer));
    };
    if (id == "stack") {
        const auto* literal = call.args.empty() ? nullptr : call.args[0]->as<Literal>();
        const auto* rows =
            literal == nullptr ? nullptr : std::get_if<std::int64_t>(&literal->value);
        if (call.args.size() < 2) {
            return fail(spark_error("WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
                                    {{"functionName", "`stack`"},
                                     {"expectedNum", "> 1"},
                                     {"actualNum", std::to_string(call.args.size())}},
                                    site(call.at)));
        }
        if (rows == nullptr || *rows < 1) return wrong_type("\"INT\"");
        const std::size_t values = call.args.size() - 1;
        const auto count = static_cast<std::size_t>(std::min<std::int64_t>(*rows, 1 << 20));
        const std::size_t width = (values + count - 1) / count;
        for (std::size_t column = 0; column < width; ++column) {
            std::vector<DataType> types;
            bool nullable = values % width != 0 || count * width > values;
            for (std::size_t i = column; i < values; i += width) {
                types.push_back(call.args[i + 1]->type);
                nullable = nullable || call.args[i + 1]->nullable;
            }
            const auto common = wider_type(types, ansi_);
            if (!common) {
                return fail(spark_error("DATATYPE_MISMATCH.STACK_COLUMN_DIFF_TYPES",
                                        {{"sqlExpr", quoted_expr(list_text("stack", call.args))},
                                         {"columnIndex", std::to_string(column)},
                                         {"leftParamIndex", std::to_string(column + 1)},
                                         {"leftType", quoted_type(types[0])},
                                         {"rightParamIndex", std::to_string(column + 1 + width)},
                                         {"rightType", quoted_type(types[1])}},
                                        site(call.at)));
            }
            for (std::size_t i = column; i < values; i += width) {
                call.args[i + 1] = cast_to(call.args[i + 1], *common);
            }
            out(fmt::format("col{}", column), *common, nullable);
        }
    } else if (id == "json_tuple") {
        if (call.args.size() < 2) {
            return fail(spark_error("WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
                                    {{"functionName", "`json_tuple`"},
                                     {"expectedNum", "> 1"},
                                     {"actualNum", std::to_string(call.args.size())}},
                                    site(call.at)));
        }
        for (const TypedExprPtr& arg : call.args) {
            if (!arg->type.is_string() && !arg->type.is(TypeKind::kNull)) {
                return fail(
                    spark_error("DATATYPE_MISMATCH.NON_STRING_TYPE",
                                {{"sqlExpr", quoted_expr(list_text("json_tuple", call.args))},
                                 {"funcName", "`json_tuple`"}},
                                site(call.at)));
            }
        }
        for (std::size_t i = 1; i < call.args.size(); ++i) {
            out(fmt::format("c{}", i - 1), DataType::string(), true);
        }
    } else {
        if (call.args.size() != 1) return fail(wrong_count(call, rows_of(id)));
        const DataType& type = call.args[0]->type;
        if (id == "inline") {
            if (!type.is(TypeKind::kArray) || !type.element().is(TypeKind::kStruct)) {
                return wrong_type("\"ARRAY<STRUCT>\"");
            }
            for (const plan::Field& field : type.element().fields()) {
                out(field.name, field.type, field.nullable || type.contains_null());
            }
        } else if (type.is(TypeKind::kArray)) {
            if (id == "posexplode") out("pos", DataType::integer(), false);
            out("col", type.element(), type.contains_null());
        } else if (type.is(TypeKind::kMap)) {
            if (id == "posexplode") out("pos", DataType::integer(), false);
            out("key", type.key(), false);
            out("value", type.value(), type.contains_null());
        } else {
            return wrong_type("(\"ARRAY\" or \"MAP\")");
        }
    }
    std::string text = list_text(call.name, call.args);
    const DataType first = result.output[0].type;
    result.call = typed(plan::FunctionCall{id, call.args, mode(), {}}, first, true, std::move(text),
                        call.at.origin);
    const Attribute shown = result.output[0];
    call.scope.pending->generators.push_back(std::move(result));
    return reference(shown);
}

}  // namespace millrace::sql
