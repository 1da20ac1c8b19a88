// JSON and CSV, and the functions that give rows.
#include <fmt/ranges.h>

#include <algorithm>

#include "base/strings.h"
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

namespace {

// The mode in the options of from_json and from_csv, in upper case; empty: none.
std::string mode_of(const TypedExprPtr& map) {
    const auto is_mode = [](const std::string* key) {
        return key != nullptr && base::to_upper(*key) == "MODE";
    };
    const std::string* mode = nullptr;
    if (const auto* call = map->as<plan::FunctionCall>()) {
        for (std::size_t i = 0; i + 1 < call->args.size(); i += 2) {
            if (is_mode(text_literal(call->args[i]))) mode = text_literal(call->args[i + 1]);
        }
    } else if (const auto* literal = map->as<Literal>()) {
        const auto* parts = std::get_if<std::vector<Literal>>(&literal->value);
        for (std::size_t i = 0; parts != nullptr && i + 1 < parts->size(); i += 2) {
            if (is_mode(std::get_if<std::string>(&(*parts)[i].value))) {
                mode = std::get_if<std::string>(&(*parts)[i + 1].value);
            }
        }
    }
    return mode == nullptr ? std::string() : base::to_upper(*mode);
}

}  // namespace

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
        if (mode_of(call.args[2]) == "DROPMALFORMED") {
            return fail(spark_error(
                "PARSE_MODE_UNSUPPORTED",
                {{"funcName", fmt::format("`{}`", call.name)}, {"mode", "DROPMALFORMED"}},
                site(call.at)));
        }
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
        if (id == "variant_explode") {
            if (!call.args[0]->type.is(TypeKind::kVariant)) return wrong_type("\"VARIANT\"");
            call.args[0] = variant_entries(call.args[0]);
            id = "inline";
        }
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
