// Text functions whose meaning depends on a constant or on the types: to_char, to_binary,
// to_number, decode, assert_true.
#include <fmt/ranges.h>

#include "base/strings.h"
#include "sql/analyzer_internal.h"
#include "sql/number_format.h"
#include "sql/parser_internal.h"
#include "sql/result_rules_internal.h"

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

// The call of another function over the same arguments.
Result<TypedExprPtr> Analyzer::call_as(const Call& call, std::string name,
                                       std::vector<TypedExprPtr> args) {
    plan::FunctionExpr function;
    function.name = name;
    Call inner{function, call.at, call.scope, std::move(name), std::move(args)};
    const auto& special = handlers();
    if (const auto found = special.find(inner.name); found != special.end()) {
        return (this->*found->second)(inner);
    }
    return generic_call(inner);
}

// A format of numbers has to be one already when the query is analyzed.
Result<TypedExprPtr> Analyzer::number_format(Call& call) {
    MR_TRY_VOID(arguments(call));
    const std::string* format = call.args.size() == 2 ? text_literal(call.args[1]) : nullptr;
    if (format != nullptr) {
        if (const auto error = NumberFormat(*format).error()) {
            ErrorParameters parameters = {{"format", fmt::format("'{}'", *format)}};
            if (!error->second.empty()) parameters["token"] = error->second;
            return fail(spark_error("INVALID_FORMAT." + error->first, parameters, site(call.at)));
        }
    }
    return generic_call(call);
}

// to_char(date or time, pattern) is date_format, of bytes it is hex, base64 or decode.
Result<TypedExprPtr> Analyzer::to_char(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.size() != 2) return fail(wrong_count(call, rows_of("to_char")));
    const DataType& type = call.args[0]->type;
    if (type.is(TypeKind::kDate) || type.is(TypeKind::kTimestamp) ||
        type.is(TypeKind::kTimestampNtz)) {
        return call_as(call, "date_format", call.args);
    }
    if (!type.is(TypeKind::kBinary)) return number_format(call);
    const std::string* format = text_literal(call.args[1]);
    const std::string wanted = format == nullptr ? "" : base::to_lower(*format);
    if (wanted == "utf-8") return call_as(call, "decode", call.args);
    if (wanted != "hex" && wanted != "base64") {
        if (format == nullptr) {
            return fail(spark_error("DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
                                    {{"sqlExpr", quoted_expr(list_text(call.name, call.args))},
                                     {"inputName", "`format`"},
                                     {"inputType", "\"STRING\""},
                                     {"inputExpr", quoted_expr(call.args[1]->sql_text)}},
                                    site(call.at)));
        }
        return fail(spark_error("INVALID_PARAMETER_VALUE.BINARY_FORMAT",
                                {{"functionName", quoted_id(call.name)},
                                 {"parameter", "`format`"},
                                 {"invalidFormat", fmt::format("'{}'", *format)}},
                                site(call.at)));
    }
    MR_TRY(TypedExprPtr result, call_as(call, wanted, {call.args[0]}));
    // An alias of to_char keeps its own name here, as in Spark.
    return call.name == "to_char" ? result : renamed(result, list_text(call.name, {call.args[0]}));
}

Result<TypedExprPtr> Analyzer::to_binary(Call& call) {
    MR_TRY_VOID(arguments(call));
    const std::string* format = call.args.size() == 2 ? text_literal(call.args[1]) : nullptr;
    if (call.name == "to_binary" && call.args.size() == 2) {
        const Literal* literal = call.args[1]->as<Literal>();
        const std::string lower = format == nullptr ? "" : base::to_lower(*format);
        const bool known = lower == "hex" || lower == "utf-8" || lower == "utf8" ||
                           lower == "base64" || literal == nullptr || literal->is_null();
        if (!known) {
            return fail(spark_error(
                "DATATYPE_MISMATCH.INVALID_ARG_VALUE",
                {{"sqlExpr", quoted_expr(list_text(call.name, call.args))},
                 {"inputName", "fmt"},
                 {"requireType", "case-insensitive \"STRING\""},
                 {"validValues", "'hex', 'utf-8', 'utf8', or 'base64'"},
                 {"inputValue",
                  fmt::format("'{}'", format != nullptr ? lower : call.args[1]->sql_text)}},
                site(call.at)));
        }
    }
    return generic_call(call);
}

// decode(bytes, charset), or decode(value, key, result, …[, default]): a search among the keys, in
// which null is equal to null.
Result<TypedExprPtr> Analyzer::decode(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.size() < 2) {
        return fail(spark_error("WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
                                {{"functionName", "`decode`"},
                                 {"expectedNum", "2"},
                                 {"actualNum", std::to_string(call.args.size())}},
                                site(call.at)));
    }
    if (call.args.size() == 2) return generic_call(call);
    std::vector<TypedExprPtr> cases;
    std::size_t i = 1;
    for (; i + 1 < call.args.size(); i += 2) {
        MR_TRY(TypedExprPtr equal, call_as(call, "<=>", {call.args[0], call.args[i]}));
        cases.push_back(std::move(equal));
        cases.push_back(call.args[i + 1]);
    }
    if (i < call.args.size()) cases.push_back(call.args[i]);
    MR_TRY(TypedExprPtr result, call_as(call, "when", std::move(cases)));
    return renamed(result, list_text("decode", call.args));
}

Result<TypedExprPtr> Analyzer::assert_true(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.size() == 1) {
        const std::string message = fmt::format("'{}' is not true!", call.args[0]->sql_text);
        call.args.push_back(typed(Literal::string(message), DataType::string(), false, message));
    }
    return generic_call(call);
}

}  // namespace millrace::sql
