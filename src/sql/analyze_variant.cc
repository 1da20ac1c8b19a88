// Variants: the type that is asked for, and what may become one.
#include <algorithm>

#include "sql/analyzer_internal.h"
#include "sql/parser.h"
#include "sql/parser_internal.h"
#include "sql/result_rules_internal.h"
#include "sql/type_rules.h"

namespace millrace::sql {

using base::fail;
using plan::TypeKind;

namespace {

std::vector<const FunctionRow*> rows_of(std::string_view name) {
    const auto found = functions_named(name);
    return {found.begin(), found.end()};
}

// Keys of maps must be strings, and nothing may be an interval.
bool fits_variant(const DataType& type) {
    switch (type.kind()) {
        case TypeKind::kArray: return fits_variant(type.element());
        case TypeKind::kMap: return type.key().is_string() && fits_variant(type.value());
        case TypeKind::kStruct:
            return std::ranges::all_of(
                type.fields(), [](const plan::Field& field) { return fits_variant(field.type); });
        case TypeKind::kCalendarInterval:
        case TypeKind::kYearMonthInterval:
        case TypeKind::kDayTimeInterval:
        case TypeKind::kTime: return false;
        default: return true;
    }
}

}  // namespace

// variant_get(value, path[, type]): shown without its type.
Result<TypedExprPtr> Analyzer::variant_get(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.size() < 2 || call.args.size() > 3) {
        return fail(wrong_count(call, rows_of(call.name)));
    }
    DataType type = DataType::variant();
    if (call.args.size() == 3) {
        const auto* literal = call.args[2]->as<Literal>();
        const auto* name = literal == nullptr ? nullptr : std::get_if<std::string>(&literal->value);
        if (name == nullptr) {
            return fail(spark_error("INVALID_SCHEMA.NON_STRING_LITERAL",
                                    {{"inputSchema", quoted_expr(call.args[2]->sql_text)}},
                                    site(call.at)));
        }
        MR_TRY(type, parse_type(*name));
        call.args.pop_back();
    }
    const std::string text =
        fmt::format("{}({}, {})", call.name, call.args[0]->sql_text, call.args[1]->sql_text);
    const auto expect = [&](std::size_t i, const DataType& wanted) -> Result<void> {
        TypedExprPtr& arg = call.args[i];
        if (arg->type.kind() == wanted.kind()) return {};
        if (arg->type.is(TypeKind::kNull)) {
            arg = cast_to(arg, wanted);
            return {};
        }
        return fail(spark_error("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                                {{"sqlExpr", quoted_expr(text)},
                                 {"paramIndex", i == 0 ? "first" : "second"},
                                 {"requiredType", quoted_type(wanted)},
                                 {"inputSql", quoted_expr(arg->sql_text)},
                                 {"inputType", quoted_type(arg->type)}},
                                site(call.at)));
    };
    MR_TRY_VOID(expect(0, DataType::variant()));
    MR_TRY_VOID(expect(1, DataType::string()));
    return typed(plan::FunctionCall{call.name, call.args, mode(), time_zone_},
                 with_nullable_parts(type), true, text, call.at.origin);
}

Result<TypedExprPtr> Analyzer::to_variant_object(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.size() != 1) return fail(wrong_count(call, rows_of(call.name)));
    const std::string text = fmt::format("{}({})", call.name, call.args[0]->sql_text);
    if (!fits_variant(call.args[0]->type)) {
        return fail(spark_error("DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION",
                                {{"sqlExpr", quoted_expr(text)},
                                 {"srcType", quoted_type(call.args[0]->type)},
                                 {"targetType", quoted_type(DataType::variant())}},
                                site(call.at)));
    }
    const bool nullable = call.args[0]->nullable;
    return typed(plan::FunctionCall{call.name, call.args, mode(), time_zone_}, DataType::variant(),
                 nullable, text, call.at.origin);
}

// The members of a variant, for variant_explode: what inline() takes.
TypedExprPtr Analyzer::variant_entries(const TypedExprPtr& variant) {
    const DataType member =
        DataType::structure({{.name = "pos", .type = DataType::integer(), .nullable = false},
                             {.name = "key", .type = DataType::string()},
                             {.name = "value", .type = DataType::variant(), .nullable = false}});
    return typed(plan::FunctionCall{"variant_entries", {variant}, mode(), {}},
                 DataType::array(member, false), true, variant->sql_text);
}

}  // namespace millrace::sql
