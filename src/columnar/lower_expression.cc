#include <cmath>

#include "columnar/display_internal.h"
#include "columnar/lowering_internal.h"

namespace millrace::columnar {

using plan::DataType;
using plan::TypedExpr;
using plan::TypeKind;

namespace {

// DuckDB's own bound (max_expression_depth) is 1000 and counts the casts that we write too.
constexpr int kDeepestExpression = 450;

std::string decimal_text(const plan::DecimalValue& value, int scale) {
    std::string text;
    const auto unscaled = static_cast<__int128>(
        (static_cast<unsigned __int128>(static_cast<std::uint64_t>(value.high)) << 64) | value.low);
    append_decimal_text(text, unscaled, scale);
    return text;
}

std::string blob_text(std::string_view bytes) {
    constexpr char kHex[] = "0123456789ABCDEF";
    std::string text = "'";
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        text += "\\x";
        text.push_back(kHex[byte >> 4]);
        text.push_back(kHex[byte & 15]);
    }
    return text + "'::BLOB";
}

// Operands of a chain of one associative operator, left to right, without recursion.
void flatten(const std::string& name, const plan::FunctionCall& call,
             std::vector<plan::TypedExprPtr>& operands) {
    std::vector<plan::TypedExprPtr> waiting(call.args.rbegin(), call.args.rend());
    while (!waiting.empty()) {
        const plan::TypedExprPtr next = waiting.back();
        waiting.pop_back();
        const auto* inner = next->as<plan::FunctionCall>();
        if (inner != nullptr && inner->name == name) {
            waiting.insert(waiting.end(), inner->args.rbegin(), inner->args.rend());
        } else {
            operands.push_back(next);
        }
    }
}

}  // namespace

std::string raise(std::string_view condition) {
    return fmt::format("mr_raise({})", quoted(condition));
}

Result<std::string> Lowering::literal(const plan::Literal& literal) {
    const DataType& type = literal.type;
    if (literal.is_null()) return fmt::format("CAST(NULL AS {})", duck_type_name(type));
    const auto integer = [&] {
        const auto* value = std::get_if<std::int64_t>(&literal.value);
        return value == nullptr ? 0 : *value;
    };
    switch (type.kind()) {
        case TypeKind::kNull: return std::string("CAST(NULL AS INTEGER)");
        case TypeKind::kBoolean: {
            const auto* value = std::get_if<bool>(&literal.value);
            return std::string(value != nullptr && *value ? "true" : "false");
        }
        case TypeKind::kByte:
        case TypeKind::kShort:
        case TypeKind::kInteger:
        case TypeKind::kLong: return fmt::format("CAST({} AS {})", integer(), duck_type_name(type));
        case TypeKind::kFloat:
        case TypeKind::kDouble: {
            const auto* value = std::get_if<double>(&literal.value);
            const double number = value == nullptr ? 0 : *value;
            const std::string text = std::isnan(number)   ? "NaN"
                                     : std::isinf(number) ? (number < 0 ? "-Infinity" : "Infinity")
                                                          : fmt::format("{}", number);
            return fmt::format("CAST('{}' AS {})", text, duck_type_name(type));
        }
        case TypeKind::kDecimal: {
            const auto* value = std::get_if<plan::DecimalValue>(&literal.value);
            return fmt::format("CAST('{}' AS {})",
                               value == nullptr ? "0" : decimal_text(*value, type.scale()),
                               duck_type_name(type));
        }
        case TypeKind::kString:
        case TypeKind::kChar:
        case TypeKind::kVarchar: {
            const auto* value = std::get_if<std::string>(&literal.value);
            return fmt::format("CAST({} AS VARCHAR)", quoted(value == nullptr ? "" : *value));
        }
        case TypeKind::kBinary: {
            const auto* value = std::get_if<std::string>(&literal.value);
            return blob_text(value == nullptr ? "" : *value);
        }
        case TypeKind::kDate:
            return fmt::format("(DATE '1970-01-01' + CAST({} AS INTEGER))", integer());
        case TypeKind::kTimestamp:
            return fmt::format("make_timestamptz(CAST({} AS BIGINT))", integer());
        case TypeKind::kTimestampNtz:
            return fmt::format("make_timestamp(CAST({} AS BIGINT))", integer());
        case TypeKind::kTime:
            return fmt::format("CAST(make_timestamp(CAST({} AS BIGINT)) AS TIME)", integer());
        case TypeKind::kYearMonthInterval:
            return fmt::format("to_months(CAST({} AS INTEGER))", integer());
        case TypeKind::kDayTimeInterval:
            return fmt::format("to_microseconds(CAST({} AS BIGINT))", integer());
        case TypeKind::kCalendarInterval: {
            const auto* value = std::get_if<plan::IntervalValue>(&literal.value);
            if (value == nullptr) return std::string("to_days(0)");
            return fmt::format(
                "(to_months({}) + to_days({}) + to_microseconds(CAST({} AS BIGINT)))",
                value->months, value->days, value->microseconds);
        }
        case TypeKind::kArray:
        case TypeKind::kMap:
        case TypeKind::kStruct: break;
        case TypeKind::kVariant:
            return fail(Code::kUnsupported, "constants of type variant are not supported");
    }
    const auto* children = std::get_if<std::vector<plan::Literal>>(&literal.value);
    if (children == nullptr) return fail(Code::kInternal, "a constant without its children");
    std::string first;
    std::string second;
    for (std::size_t i = 0; i < children->size(); ++i) {
        MR_TRY(const std::string text, this->literal((*children)[i]));
        if (type.is(TypeKind::kStruct)) {
            first += fmt::format("{}f{} := {}", i == 0 ? "" : ", ", i, text);
        } else if (type.is(TypeKind::kMap) && i % 2 == 1) {
            second += (second.empty() ? "" : ", ") + text;
        } else {
            first += (first.empty() ? "" : ", ") + text;
        }
    }
    if (type.is(TypeKind::kStruct)) {
        if (first.empty()) first = "f0 := false";
        return fmt::format("CAST(struct_pack({}) AS {})", first, duck_type_name(type));
    }
    if (type.is(TypeKind::kMap)) {
        return fmt::format("CAST(map([{}], [{}]) AS {})", first, second, duck_type_name(type));
    }
    return fmt::format("CAST([{}] AS {})", first, duck_type_name(type));
}

Result<std::vector<std::string>> Lowering::arguments(const std::vector<plan::TypedExprPtr>& args) {
    std::vector<std::string> texts;
    texts.reserve(args.size());
    for (const auto& arg : args) {
        MR_TRY(std::string text, expression(*arg));
        texts.push_back(std::move(text));
    }
    return texts;
}

Result<std::string> Lowering::expression(const TypedExpr& expression) {
    struct Deeper {
        int& depth;
        explicit Deeper(int& counter) : depth(counter) { ++depth; }
        ~Deeper() { --depth; }
    } const deeper(depth_);
    if (depth_ > kDeepestExpression) {
        return fail(Code::kTooLarge, "an expression is nested more than {} levels deep",
                    kDeepestExpression);
    }
    if (const auto* constant = expression.as<plan::Literal>()) return literal(*constant);
    if (const auto* reference = expression.as<plan::AttributeRef>())
        return column_name(reference->id);
    if (const auto* call = expression.as<plan::FunctionCall>()) {
        if (call->name == "and" || call->name == "or") {
            std::vector<plan::TypedExprPtr> operands;
            flatten(call->name, *call, operands);
            MR_TRY(const auto texts, arguments(operands));
            std::string chain;
            for (const std::string& text : texts) {
                chain += chain.empty() ? "(" : (call->name == "and" ? " AND " : " OR ");
                chain += text;
            }
            return chain + ")";
        }
        return function(*call, expression);
    }
    if (const auto* typed = expression.as<plan::TypedCast>()) {
        MR_TRY(const std::string value, this->expression(*typed->child));
        return cast(value, typed->child->type, expression.type, typed->mode,
                    typed->session_time_zone);
    }
    if (const auto* choice = expression.as<plan::CaseWhen>()) {
        const Hoisting none(hoisted_, nullptr);
        std::string text = "CASE";
        for (const auto& [condition, value] : choice->branches) {
            MR_TRY(const std::string when, this->expression(*condition));
            MR_TRY(const std::string then, this->expression(*value));
            text += fmt::format(" WHEN {} THEN {}", when, then);
        }
        if (choice->otherwise != nullptr) {
            MR_TRY(const std::string otherwise, this->expression(*choice->otherwise));
            text += " ELSE " + otherwise;
        }
        return fmt::format("CAST({} END AS {})", text, duck_type_name(expression.type));
    }
    if (const auto* field = expression.as<plan::GetField>()) {
        MR_TRY(const std::string value, this->expression(*field->child));
        return fmt::format("struct_extract({}, 'f{}')", value, field->index);
    }
    if (const auto* lambda = expression.as<plan::TypedLambda>()) {
        std::string parameters;
        for (const plan::Attribute& parameter : lambda->parameters) {
            parameters += (parameters.empty() ? "" : ", ") + column_name(parameter.id);
        }
        const Hoisting none(hoisted_, nullptr);
        MR_TRY(const std::string body, this->expression(*lambda->body));
        return fmt::format("lambda {}: {}", parameters, body);
    }
    if (const auto* nested = expression.as<plan::TypedSubquery>()) return subquery(*nested);
    if (expression.as<plan::PythonCall>() != nullptr) {
        return fail(base::Error(
            Code::kUnsupported,
            "[UNSUPPORTED_FEATURE.PYTHON_UDF] The feature is not supported: Python functions. "
            "SQLSTATE: 0A000",
            {.name = "UNSUPPORTED_FEATURE.PYTHON_UDF", .sql_state = "0A000"}));
    }
    return fail(Code::kInternal, "no lowering for {}", plan::to_text(expression));
}

Result<std::string> Lowering::subquery(const plan::TypedSubquery& subquery) {
    // What comes from the query around it comes through a join.
    const auto around = std::exchange(scanned_, {});
    MR_TRY(const std::string query, node(*subquery.plan));
    scanned_ = around;
    switch (subquery.kind) {
        case plan::SubqueryKind::kExists: return fmt::format("EXISTS ({})", query);
        case plan::SubqueryKind::kScalar:
        case plan::SubqueryKind::kTableArgument: return fmt::format("({})", query);
        case plan::SubqueryKind::kIn: break;
    }
    MR_TRY(const auto values, arguments(subquery.in_values));
    if (values.size() == 1) return fmt::format("({} IN ({}))", values[0], query);
    std::string left;
    for (const std::string& value : values) left += (left.empty() ? "" : ", ") + value;
    std::string columns;
    for (const plan::Attribute& attribute : plan::output_of(*subquery.plan)) {
        columns += (columns.empty() ? "" : ", ") + column_name(attribute.id);
    }
    return fmt::format("(row({}) IN (SELECT row({}) FROM ({})))", left, columns, query);
}

}  // namespace millrace::columnar
