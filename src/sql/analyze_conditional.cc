// Logic, patterns, CASE and IF.
#include <fmt/ranges.h>

#include <algorithm>

#include "sql/analyzer_internal.h"
#include "sql/operator_error_internal.h"
#include "sql/parser.h"
#include "sql/parser_internal.h"
#include "sql/result_rules_internal.h"
#include "sql/spark_text.h"

namespace millrace::sql {

using base::fail;
using plan::TypeKind;

// AND and OR of boolean operands; text and null become boolean.
Result<TypedExprPtr> Analyzer::logical(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.name == "!") call.name = "not";
    const std::size_t wanted = call.name == "not" ? 1 : 2;
    // The client may send one call with many operands.
    if (call.args.size() < wanted || (wanted == 1 && call.args.size() > 1)) {
        return fail(wrong_count(
            call, {functions_named(call.name).begin(), functions_named(call.name).end()}));
    }
    const std::string upper = call.name == "and" ? "AND" : call.name == "or" ? "OR" : "NOT";
    const auto text_for = [&](const std::vector<TypedExprPtr>& args) {
        return wanted == 1 ? fmt::format("(NOT {})", args[0]->sql_text)
                           : fmt::format("({} {} {})", args[0]->sql_text, upper, args[1]->sql_text);
    };
    for (std::size_t i = 0; i < call.args.size(); ++i) {
        TypedExprPtr& arg = call.args[i];
        if (arg->type.is(TypeKind::kNull) || (arg->type.is_string() && ansi_)) {
            arg = cast_to(arg, DataType::boolean());
        }
        if (arg->type.is(TypeKind::kBoolean)) continue;
        if (wanted == 1) {
            return fail(spark_error("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                                    {{"sqlExpr", quoted_expr(text_for(call.args))},
                                     {"paramIndex", "first"},
                                     {"requiredType", "\"BOOLEAN\""},
                                     {"inputSql", quoted_expr(arg->sql_text)},
                                     {"inputType", quoted_type(arg->type)}},
                                    site(call.at)));
        }
        const bool different = !call.args[0]->type.same_ignoring_nullability(call.args[1]->type);
        return fail(wrong_operands(different, text_for(call.args), "\"BOOLEAN\"", call.args[0],
                                   call.args[1], site(call.at)));
    }
    if (wanted == 1) {
        const bool nullable = call.args[0]->nullable;
        std::string text = text_for(call.args);
        return typed(plan::FunctionCall{"not", call.args, mode(), {}}, DataType::boolean(),
                     nullable, std::move(text), call.at.origin);
    }
    TypedExprPtr result = call.args[0];
    for (std::size_t i = 1; i < call.args.size(); ++i) {
        const bool nullable = result->nullable || call.args[i]->nullable;
        std::string text = text_for({result, call.args[i]});
        result = typed(plan::FunctionCall{call.name, {result, call.args[i]}, mode(), {}},
                       DataType::boolean(), nullable, std::move(text), call.at.origin);
    }
    return result;
}

Result<TypedExprPtr> Analyzer::like(Call& call) {
    MR_TRY_VOID(arguments(call));
    MR_TRY(TypedExprPtr result, generic_call(call));
    TypedExpr shown = *result;
    const auto* made = result->as<plan::FunctionCall>();
    const std::string& left = made->args[0]->sql_text;
    const std::string& right = made->args[1]->sql_text;
    if (call.name == "like") {
        shown.sql_text = fmt::format("{} LIKE {}", left, right);
        if (call.args.size() > 2) {
            shown.sql_text += fmt::format(" ESCAPE '{}'", call.args[2]->sql_text);
        }
    } else if (call.name == "ilike") {
        shown.sql_text = fmt::format("ilike({}, {})", left, right);
    } else {
        std::string name = call.name;
        if (name != "regexp_like") {
            for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        }
        shown.sql_text = fmt::format("{}({}, {})", name, left, right);
    }
    return std::make_shared<const TypedExpr>(std::move(shown));
}

Result<TypedExprPtr> Analyzer::case_when(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.size() < 2) {
        return fail(
            wrong_count(call, {functions_named("when").begin(), functions_named("when").end()}));
    }
    std::string text = "CASE";
    plan::CaseWhen result;
    std::vector<DataType> types;
    std::vector<TypedExprPtr> values;
    const std::size_t pairs = call.args.size() / 2;
    for (std::size_t i = 0; i < pairs; ++i) {
        TypedExprPtr condition = call.args[2 * i];
        text +=
            fmt::format(" WHEN {} THEN {}", condition->sql_text, call.args[2 * i + 1]->sql_text);
        values.push_back(call.args[2 * i + 1]);
        if (condition->type.is(TypeKind::kNull) || (condition->type.is_string() && ansi_)) {
            condition = cast_to(condition, DataType::boolean());
        }
        result.branches.emplace_back(std::move(condition), nullptr);
    }
    const bool has_else = call.args.size() % 2 == 1;
    if (has_else) {
        text += fmt::format(" ELSE {}", call.args.back()->sql_text);
        values.push_back(call.args.back());
    }
    text += " END";
    for (std::size_t i = 0; i < pairs; ++i) {
        const DataType& type = result.branches[i].first->type;
        if (type.is(TypeKind::kBoolean)) continue;
        return fail(spark_error("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                                {{"sqlExpr", quoted_expr(text)},
                                 {"paramIndex", i == 0   ? "first"
                                                : i == 1 ? "second"
                                                         : fmt::format("{}th", i + 1)},
                                 {"requiredType", "\"BOOLEAN\""},
                                 {"inputSql", quoted_expr(result.branches[i].first->sql_text)},
                                 {"inputType", quoted_type(type)}},
                                site(call.at)));
    }
    for (const TypedExprPtr& value : values) types.push_back(value->type);
    const auto common = wider_type(types, ansi_);
    if (!common) {
        std::vector<std::string> names;
        for (const DataType& type : types) names.push_back(quoted_type(type));
        return fail(spark_error("DATATYPE_MISMATCH.DATA_DIFF_TYPES",
                                {{"sqlExpr", quoted_expr(text)},
                                 {"functionName", "`casewhen`"},
                                 {"dataType", fmt::format("[{}]", fmt::join(names, ", "))}},
                                site(call.at)));
    }
    bool nullable = !has_else;
    for (std::size_t i = 0; i < values.size(); ++i) {
        TypedExprPtr value = cast_to(values[i], *common);
        nullable = nullable || value->nullable;
        (i < pairs ? result.branches[i].second : result.otherwise) = std::move(value);
    }
    return typed(std::move(result), *common, nullable, std::move(text), call.at.origin);
}

Result<TypedExprPtr> Analyzer::if_call(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.size() != 3) {
        return fail(
            wrong_count(call, {functions_named("if").begin(), functions_named("if").end()}));
    }
    std::string text = fmt::format("(IF({}, {}, {}))", call.args[0]->sql_text,
                                   call.args[1]->sql_text, call.args[2]->sql_text);
    MR_TRY(TypedExprPtr result, case_when(call));
    TypedExpr shown = *result;
    shown.sql_text = std::move(text);
    return std::make_shared<const TypedExpr>(std::move(shown));
}

}  // namespace millrace::sql
