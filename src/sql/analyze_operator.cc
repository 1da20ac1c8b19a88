// Operators: arithmetic over numbers, dates and intervals; comparison, logic, bits, patterns; CASE.
#include <fmt/ranges.h>

#include <algorithm>

#include "sql/analyzer_internal.h"
#include "sql/operator_error_internal.h"
#include "sql/parser_internal.h"
#include "sql/spark_text.h"

namespace millrace::sql {

using base::fail;
using plan::TypeKind;

namespace {

// The rows that an arithmetic operator may mean, by kind of operand.
struct Arithmetic {
    std::string_view op;
    std::string_view integral;
    std::string_view floating;
    std::string_view decimal;
    char rule;
};
constexpr Arithmetic kArithmetic[] = {
    {"+", "+", "add_double", "add_decimal", '+'},
    {"-", "-", "subtract_double", "subtract_decimal", '-'},
    {"*", "*", "multiply_double", "multiply_decimal", '*'},
    {"/", "/", "/", "divide_decimal", '/'},
    {"%", "%", "%", "remainder_decimal", '%'},
    {"mod", "%", "%", "remainder_decimal", '%'},
    {"pmod", "pmod", "pmod", "pmod_decimal", '%'},
    {"div", "div", "div", "div_decimal", 'd'},
};

// The literal's own precision where an integer literal meets a decimal: 1 is decimal(1,0) there.
DataType decimal_of_operand(const TypedExprPtr& operand) {
    const auto* literal = operand->as<Literal>();
    if (literal != nullptr && operand->type.is_integral() && !literal->is_null()) {
        const std::int64_t value = std::get<std::int64_t>(literal->value);
        return DataType::decimal(
            static_cast<int>(fmt::format("{}", value < 0 ? 0 - static_cast<std::uint64_t>(value)
                                                         : static_cast<std::uint64_t>(value))
                                 .size()),
            0);
    }
    return decimal_for(operand->type);
}

constexpr std::string_view kNumberOrInterval =
    "(\"NUMERIC\" or \"INTERVAL DAY TO SECOND\" or \"INTERVAL YEAR TO MONTH\" or \"INTERVAL\")";

}  // namespace

base::Error wrong_operands(bool different, const std::string& text, std::string_view expected,
                           const TypedExprPtr& left, const TypedExprPtr& right, const Site& site) {
    if (different) {
        return spark_error("DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES",
                           {{"sqlExpr", quoted_expr(text)},
                            {"left", quoted_type(left->type)},
                            {"right", quoted_type(right->type)}},
                           site);
    }
    return spark_error("DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE",
                       {{"sqlExpr", quoted_expr(text)},
                        {"inputType", std::string(expected)},
                        {"actualDataType", quoted_type(left->type)}},
                       site);
}

Result<TypedExprPtr> Analyzer::datetime_arithmetic(std::string_view op, TypedExprPtr left,
                                                   TypedExprPtr right, EvalMode wanted,
                                                   const Expr& at, const std::string& text,
                                                   bool& handled) {
    handled = true;
    const auto kind = [](const TypedExprPtr& e) { return e->type.kind(); };
    const auto make = [&](std::string id, std::vector<TypedExprPtr> args, DataType type) {
        bool nullable = wanted == EvalMode::kTry;
        for (const TypedExprPtr& arg : args) nullable = nullable || arg->nullable;
        return typed(plan::FunctionCall{std::move(id), std::move(args), wanted, time_zone_},
                     std::move(type), nullable, text, at.origin);
    };
    const bool add = op == "+";
    if (op == "+" || op == "-") {
        if (add && (is_interval(left->type) || left->type.is_integral()) &&
            is_temporal(right->type)) {
            std::swap(left, right);
        }
        if (kind(left) == TypeKind::kDate) {
            if (right->type.is_integral() && kind(right) != TypeKind::kLong) {
                std::string shown = fmt::format("{}({}, {})", add ? "date_add" : "date_sub",
                                                left->sql_text, right->sql_text);
                TypedExprPtr result =
                    make(add ? "date_add" : "date_sub", {left, cast_to(right, DataType::integer())},
                         DataType::date());
                TypedExpr renamed = *result;
                renamed.sql_text = std::move(shown);
                return std::make_shared<const TypedExpr>(std::move(renamed));
            }
            if (kind(right) == TypeKind::kYearMonthInterval) {
                return make(add ? "date_add_ym" : "date_subtract_ym", {left, right},
                            DataType::date());
            }
            if (kind(right) == TypeKind::kCalendarInterval) {
                return make(add ? "date_add_interval" : "date_subtract_interval", {left, right},
                            DataType::date());
            }
            if (kind(right) == TypeKind::kDayTimeInterval) {
                // Whole days keep the date; anything finer makes it a timestamp.
                if (right->type.to_unit() == 0) {
                    return make(add ? "date_add_interval" : "date_subtract_interval", {left, right},
                                DataType::date());
                }
                left = cast_to(left, DataType::timestamp());
            }
            if (!add && kind(right) == TypeKind::kDate) {
                return make("subtract_dates", {left, right}, DataType::day_time_interval(0, 0));
            }
        }
        if ((kind(left) == TypeKind::kTimestamp || kind(left) == TypeKind::kTimestampNtz) &&
            is_interval(right->type)) {
            const DataType type = left->type;
            return make(add ? "timestamp_add_interval" : "timestamp_subtract_interval",
                        {left, right}, type);
        }
        if (!add && is_temporal(left->type) &&
            (is_temporal(right->type) || right->type.is_string())) {
            DataType target = DataType::timestamp();
            if (right->type.is_string()) {
                target = left->type;
                right = cast_to(right, target);
                if (kind(left) == TypeKind::kDate) {
                    return make("subtract_dates", {left, right}, DataType::day_time_interval(0, 0));
                }
            } else {
                target = *tightest_common_type(left->type, right->type, ansi_);
            }
            return make("subtract_timestamps", {cast_to(left, target), cast_to(right, target)},
                        DataType::day_time_interval());
        }
        if (is_interval(left->type) && is_interval(right->type)) {
            const auto common = tightest_common_type(left->type, right->type, ansi_);
            if (common) {
                return make(add ? "add_intervals" : "subtract_intervals", {left, right}, *common);
            }
        }
    }
    if (op == "*" && is_interval(right->type) && left->type.is_numeric()) std::swap(left, right);
    if ((op == "*" || op == "/") && is_interval(left->type) && right->type.is_numeric()) {
        DataType type = left->type;
        if (type.is(TypeKind::kDayTimeInterval)) type = DataType::day_time_interval();
        if (type.is(TypeKind::kYearMonthInterval)) type = DataType::year_month_interval();
        return make(op == "*" ? "multiply_interval" : "divide_interval", {left, right}, type);
    }
    if (op == "div" && is_interval(left->type) && kind(left) == kind(right)) {
        return make("div_interval", {left, right}, DataType::long_());
    }
    handled = false;
    return left;
}

Result<TypedExprPtr> Analyzer::arithmetic_of(std::string_view op, TypedExprPtr left,
                                             TypedExprPtr right, EvalMode wanted, const Expr& at,
                                             std::string text) {
    bool handled = false;
    if (is_temporal(left->type) || is_temporal(right->type) || is_interval(left->type) ||
        is_interval(right->type)) {
        auto result = datetime_arithmetic(op, left, right, wanted, at, text, handled);
        if (handled) return result;
    }
    const auto* row = std::ranges::find(kArithmetic, op, &Arithmetic::op);
    const Site here = site(at);
    const std::string_view expected = op == "+" || op == "-" ? kNumberOrInterval
                                      : op == "div"
                                          ? "(\"BIGINT\" or \"DECIMAL\" or \"INTERVAL DAY TO "
                                            "SECOND\" or \"INTERVAL YEAR TO MONTH\")"
                                      : op == "/" ? "(\"DOUBLE\" or \"DECIMAL\")"
                                                  : "\"NUMERIC\"";
    // Text takes the other side's kind; two nulls are doubles.
    const auto as_number = [&](TypedExprPtr& operand, const TypedExprPtr& other) {
        if (operand->type.is_string()) {
            if (!ansi_) {
                operand = cast_to(operand, DataType::double_());
            } else if (other->type.is_integral()) {
                operand = cast_to(operand, DataType::long_());
            } else if (other->type.is_numeric()) {
                operand = cast_to(operand, DataType::double_());
            } else if (other->type.is(TypeKind::kNull)) {
                operand = cast_to(operand, DataType::double_());
            }
        }
    };
    const TypedExprPtr left_given = left;
    as_number(left, right);
    as_number(right, left_given);
    if (left->type.is(TypeKind::kNull) && right->type.is(TypeKind::kNull)) {
        left = cast_to(left, DataType::double_());
        right = cast_to(right, DataType::double_());
    } else if (left->type.is(TypeKind::kNull)) {
        left = cast_to(left, right->type);
    } else if (right->type.is(TypeKind::kNull)) {
        right = cast_to(right, left->type);
    }
    if (!left->type.is_numeric() || !right->type.is_numeric()) {
        const bool different = !left->type.same_ignoring_nullability(right->type);
        return fail(wrong_operands(different, text, expected, left, right, here));
    }
    const bool zero_gives_null =
        (op == "/" || op == "%" || op == "mod" || op == "pmod" || op == "div") &&
        wanted != EvalMode::kAnsi;
    const auto make = [&](std::string_view id, TypedExprPtr a, TypedExprPtr b, DataType type,
                          bool may_be_null) {
        const bool nullable = a->nullable || b->nullable || may_be_null ||
                              wanted == EvalMode::kTry || zero_gives_null;
        return typed(plan::FunctionCall{std::string(id), {std::move(a), std::move(b)}, wanted, {}},
                     std::move(type), nullable, std::move(text), at.origin);
    };
    const bool decimal_left = left->type.is(TypeKind::kDecimal);
    const bool decimal_right = right->type.is(TypeKind::kDecimal);
    const auto floating = [](const TypedExprPtr& e) {
        return e->type.is(TypeKind::kFloat) || e->type.is(TypeKind::kDouble);
    };
    if ((decimal_left || decimal_right) && !floating(left) && !floating(right)) {
        const DataType a = decimal_of_operand(left);
        const DataType b = decimal_of_operand(right);
        left = cast_to(left, a);
        right = cast_to(right, b);
        const DataType type = op == "div" ? DataType::long_() : decimal_result(row->rule, a, b);
        // Legacy mode gives null on overflow.
        return make(row->decimal, left, right, type, wanted == EvalMode::kLegacy);
    }
    if (op == "div") {
        if (floating(left) || floating(right)) {
            return fail(wrong_operands(false, text, expected, left, right, here));
        }
        return make(row->integral, cast_to(left, DataType::long_()),
                    cast_to(right, DataType::long_()), DataType::long_(), false);
    }
    if (op == "/") {
        return make("/", cast_to(left, DataType::double_()), cast_to(right, DataType::double_()),
                    DataType::double_(), false);
    }
    const auto common = wider_type(left->type, right->type, ansi_);
    if (!common || !common->is_numeric()) {
        return fail(wrong_operands(true, text, expected, left, right, here));
    }
    const bool integral = common->is_integral();
    return make(integral ? row->integral : row->floating, cast_to(left, *common),
                cast_to(right, *common), *common, false);
}

Result<TypedExprPtr> Analyzer::arithmetic(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.size() == 1 && (call.name == "-" || call.name == "+")) {
        call.name = call.name == "-" ? "negative" : "positive";
        return negative(call);
    }
    if (call.args.size() != 2) {
        std::vector<const FunctionRow*> rows;
        for (const FunctionRow* row : functions_named(call.name)) rows.push_back(row);
        return fail(wrong_count(call, rows));
    }
    std::string text =
        call.name == "pmod" || call.name == "mod"
            ? fmt::format("{}({}, {})", call.name, call.args[0]->sql_text, call.args[1]->sql_text)
            : fmt::format("({} {} {})", call.args[0]->sql_text, call.name, call.args[1]->sql_text);
    return arithmetic_of(call.name, call.args[0], call.args[1], mode(), call.at, std::move(text));
}

Result<TypedExprPtr> Analyzer::try_arithmetic(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.size() != 2) {
        return fail(wrong_count(
            call, {functions_named(call.name).begin(), functions_named(call.name).end()}));
    }
    static const std::map<std::string, std::string, std::less<>> ops = {{"try_add", "+"},
                                                                        {"try_subtract", "-"},
                                                                        {"try_multiply", "*"},
                                                                        {"try_divide", "/"},
                                                                        {"try_mod", "%"}};
    std::string text =
        fmt::format("{}({}, {})", call.name, call.args[0]->sql_text, call.args[1]->sql_text);
    MR_TRY(TypedExprPtr result, arithmetic_of(ops.find(call.name)->second, call.args[0],
                                              call.args[1], EvalMode::kTry, call.at, text));
    TypedExpr shown = *result;
    shown.sql_text = std::move(text);
    return std::make_shared<const TypedExpr>(std::move(shown));
}

Result<TypedExprPtr> Analyzer::negative(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.size() != 1) {
        return fail(wrong_count(
            call, {functions_named(call.name).begin(), functions_named(call.name).end()}));
    }
    TypedExprPtr arg = call.args[0];
    const bool minus = call.name == "negative";
    std::string text =
        minus ? fmt::format("(- {})", arg->sql_text) : fmt::format("(+ {})", arg->sql_text);
    // negative(x), called by name, is shown by name.
    if (minus && !call.expr.is_internal) text = fmt::format("negative({})", arg->sql_text);
    if (arg->type.is_string() || arg->type.is(TypeKind::kNull)) {
        arg = cast_to(arg, DataType::double_());
    }
    if (!arg->type.is_numeric() && !is_interval(arg->type)) {
        return fail(spark_error("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                                {{"sqlExpr", quoted_expr(text)},
                                 {"paramIndex", "first"},
                                 {"requiredType", std::string(kNumberOrInterval)},
                                 {"inputSql", quoted_expr(arg->sql_text)},
                                 {"inputType", quoted_type(arg->type)}},
                                site(call.at)));
    }
    const DataType type = arg->type;
    const bool nullable = arg->nullable;
    return typed(plan::FunctionCall{call.name, {std::move(arg)}, mode(), {}}, type, nullable,
                 std::move(text), call.at.origin);
}

Result<TypedExprPtr> Analyzer::comparison(Call& call) {
    MR_TRY_VOID(arguments(call));
    const std::string id = call.name == "=" ? "==" : call.name == "equal_null" ? "<=>" : call.name;
    if (call.args.size() != 2) {
        return fail(wrong_count(call, {functions_named(id).begin(), functions_named(id).end()}));
    }
    TypedExprPtr left = call.args[0];
    TypedExprPtr right = call.args[1];
    std::string text =
        call.name == "equal_null"
            ? fmt::format("equal_null({}, {})", left->sql_text, right->sql_text)
            : fmt::format("({} {} {})", left->sql_text, id == "==" ? "=" : id, right->sql_text);
    std::optional<DataType> common;
    // An integer literal beside a decimal does not widen it.
    if (left->type.is(TypeKind::kDecimal) && right->type.is_integral()) {
        common = wider_type(left->type, decimal_of_operand(right), ansi_);
    } else if (right->type.is(TypeKind::kDecimal) && left->type.is_integral()) {
        common = wider_type(decimal_of_operand(left), right->type, ansi_);
    } else {
        common = comparison_type(left->type, right->type, ansi_);
    }
    if (!common) {
        return fail(wrong_operands(true, text, "", left, right, site(call.at)));
    }
    const bool equality = id == "==" || id == "<=>";
    if (equality ? common->is(TypeKind::kMap) || common->is(TypeKind::kVariant)
                 : !is_orderable(*common)) {
        return fail(spark_error("DATATYPE_MISMATCH.INVALID_ORDERING_TYPE",
                                {{"sqlExpr", quoted_expr(text)},
                                 {"functionName", quoted_id(equality ? "=" : id)},
                                 {"dataType", quoted_type(*common)}},
                                site(call.at)));
    }
    left = cast_to(std::move(left), *common);
    right = cast_to(std::move(right), *common);
    const bool nullable = id != "<=>" && (left->nullable || right->nullable);
    return typed(plan::FunctionCall{id, {std::move(left), std::move(right)}, mode(), {}},
                 DataType::boolean(), nullable, std::move(text), call.at.origin);
}

Result<TypedExprPtr> Analyzer::not_equal(Call& call) {
    call.name = "==";
    MR_TRY(TypedExprPtr equal, comparison(call));
    const bool nullable = equal->nullable;
    std::string text = fmt::format("(NOT {})", equal->sql_text);
    return typed(plan::FunctionCall{"not", {std::move(equal)}, mode(), {}}, DataType::boolean(),
                 nullable, std::move(text), call.at.origin);
}

Result<TypedExprPtr> Analyzer::between(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.size() != 3) {
        return fail(wrong_count(
            call, {functions_named("between").begin(), functions_named("between").end()}));
    }
    const auto part = [&](std::string name, TypedExprPtr a, TypedExprPtr b) {
        plan::FunctionExpr function;
        function.name = name;
        Call inner{function, call.at, call.scope, std::move(name), {std::move(a), std::move(b)}};
        return comparison(inner);
    };
    MR_TRY(TypedExprPtr low, part(">=", call.args[0], call.args[1]));
    MR_TRY(TypedExprPtr high, part("<=", call.args[0], call.args[2]));
    const bool nullable = low->nullable || high->nullable;
    std::string text = fmt::format("between({}, {}, {})", call.args[0]->sql_text,
                                   call.args[1]->sql_text, call.args[2]->sql_text);
    return typed(plan::FunctionCall{"and", {std::move(low), std::move(high)}, mode(), {}},
                 DataType::boolean(), nullable, std::move(text), call.at.origin);
}

Result<TypedExprPtr> Analyzer::in_list(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.size() < 2) {
        return fail(
            wrong_count(call, {functions_named("in").begin(), functions_named("in").end()}));
    }
    std::vector<std::string> texts;
    for (std::size_t i = 1; i < call.args.size(); ++i) texts.push_back(call.args[i]->sql_text);
    std::string text = fmt::format("({} IN ({}))", call.args[0]->sql_text, fmt::join(texts, ", "));
    std::vector<DataType> types;
    for (const TypedExprPtr& arg : call.args) types.push_back(arg->type);
    std::optional<DataType> common = types[0];
    if (ansi_) {
        common = wider_type(types, ansi_);
    } else {
        for (std::size_t i = 1; i < types.size() && common; ++i) {
            common = wider_type(*common, types[i], ansi_);
        }
    }
    if (!common) {
        std::vector<std::string> names;
        for (const DataType& type : types) names.push_back(quoted_type(type));
        return fail(spark_error("DATATYPE_MISMATCH.DATA_DIFF_TYPES",
                                {{"sqlExpr", quoted_expr(text)},
                                 {"functionName", "`in`"},
                                 {"dataType", fmt::format("[{}]", fmt::join(names, ", "))}},
                                site(call.at)));
    }
    bool nullable = false;
    for (TypedExprPtr& arg : call.args) {
        arg = cast_to(arg, *common);
        nullable = nullable || arg->nullable;
    }
    return typed(plan::FunctionCall{"in", call.args, mode(), {}}, DataType::boolean(), nullable,
                 std::move(text), call.at.origin);
}

Result<TypedExprPtr> Analyzer::bitwise(Call& call) {
    MR_TRY_VOID(arguments(call));
    if (call.args.size() != 2) {
        return fail(wrong_count(
            call, {functions_named(call.name).begin(), functions_named(call.name).end()}));
    }
    TypedExprPtr left = call.args[0];
    TypedExprPtr right = call.args[1];
    std::string text = fmt::format("({} {} {})", left->sql_text, call.name, right->sql_text);
    const bool shift = call.name == "<<" || call.name == ">>" || call.name == ">>>";
    for (TypedExprPtr* side : {&left, &right}) {
        if ((*side)->type.is_string() || (*side)->type.is(TypeKind::kNull)) {
            const TypedExprPtr& other = side == &left ? right : left;
            *side = cast_to(*side,
                            other->type.is_integral() && !shift ? other->type : DataType::long_());
        }
    }
    if (!left->type.is_integral() || !right->type.is_integral()) {
        const bool different = !left->type.same_ignoring_nullability(right->type);
        return fail(wrong_operands(different, text, "\"INTEGRAL\"", left, right, site(call.at)));
    }
    DataType type = *wider_type(left->type, right->type, ansi_);
    std::string id = call.name;
    if (shift) {
        id = call.name == "<<"   ? "shiftleft"
             : call.name == ">>" ? "shiftright"
                                 : "shiftrightunsigned";
        type = left->type.is(TypeKind::kLong) ? DataType::long_() : DataType::integer();
        left = cast_to(left, type);
        right = cast_to(right, DataType::integer());
    } else {
        left = cast_to(left, type);
        right = cast_to(right, type);
    }
    const bool nullable = left->nullable || right->nullable;
    return typed(plan::FunctionCall{std::move(id), {std::move(left), std::move(right)}, mode(), {}},
                 std::move(type), nullable, std::move(text), call.at.origin);
}

}  // namespace millrace::sql
