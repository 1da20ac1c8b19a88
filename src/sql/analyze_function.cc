// Function calls by the table: pick the row whose signature fits, cast the arguments, name and type
// the result. Calls with rules of their own go to the handlers of analyze_operator.cc and
// analyze_special.cc first.
#include <fmt/ranges.h>

#include <algorithm>

#include "sql/analyzer_internal.h"
#include "sql/parser_internal.h"
#include "sql/result_rules_internal.h"

namespace millrace::sql {

using base::Error;
using base::fail;
using plan::TypeKind;
using Kind = TypeClass::Kind;

namespace {

// How well an argument fits: the lower, the sooner a signature is taken.
enum Level { kExact = 0, kWidened = 1, kFromText = 2, kToText = 3, kNoFit = 9 };

constexpr const char* kOrdinals[] = {"first", "second",  "third",  "fourth", "fifth",
                                     "sixth", "seventh", "eighth", "ninth",  "tenth"};

std::string ordinal(std::size_t index) {
    return index < 10 ? kOrdinals[index] : fmt::format("{}th", index + 1);
}

// What a class is called in UNEXPECTED_INPUT_TYPE.
std::string class_text(const TypeClass& wanted) {
    switch (wanted.kind) {
        case Kind::kNumeric: return "\"NUMERIC\"";
        case Kind::kIntegral: return "\"INTEGRAL\"";
        case Kind::kFractional: return "\"FRACTIONAL\"";
        case Kind::kTemporal: return "(\"DATE\" or \"TIMESTAMP\")";
        case Kind::kTextual: return "(\"STRING\" or \"BINARY\")";
        case Kind::kDecimal: return "\"DECIMAL\"";
        case Kind::kArray: return "\"ARRAY\"";
        case Kind::kMap: return "\"MAP\"";
        case Kind::kStruct: return "\"STRUCT\"";
        case Kind::kExact: return quoted_type(wanted.type);
        default: return "\"ANY\"";
    }
}

int level_of(const DataType& from, const DataType& to, bool ansi) {
    if (from.same_ignoring_nullability(to)) return kExact;
    if (from.is(TypeKind::kNull)) return kExact;
    if (!can_pass(from, to, ansi)) return kNoFit;
    if (from.is_string() && to.is_string()) return kExact;
    if (from.is_string()) return kFromText;
    if (to.is_string()) return kToText;
    return kWidened;
}

// The type that an argument of `from` has to be cast to for a class without letters.
std::pair<int, DataType> fit(const DataType& from, const TypeClass& wanted, bool ansi) {
    const auto accept = [&](bool matches, const DataType& fallback) -> std::pair<int, DataType> {
        if (matches) return {kExact, from};
        if (from.is(TypeKind::kNull)) return {kExact, fallback};
        if (from.is_string() && !fallback.is_string()) return {kFromText, fallback};
        return {kNoFit, from};
    };
    switch (wanted.kind) {
        case Kind::kAny: return {kExact, from};
        case Kind::kNumeric: return accept(from.is_numeric(), DataType::double_());
        case Kind::kIntegral: return accept(from.is_integral(), DataType::long_());
        case Kind::kFractional:
            if (from.is_integral()) return {kWidened, DataType::double_()};
            return accept(from.is_numeric(), DataType::double_());
        case Kind::kOrderable: return {is_orderable(from) ? kExact : kNoFit, from};
        case Kind::kTemporal:
            if (from.is(TypeKind::kTime)) return {kExact, from};
            if (from.is(TypeKind::kDate)) return {kWidened, DataType::timestamp()};
            return accept(is_temporal(from), DataType::timestamp());
        case Kind::kTextual:
            if (from.is_string() || from.is(TypeKind::kBinary)) {
                return {kExact, from.is_string() ? DataType::string() : from};
            }
            if (from.is(TypeKind::kNull) || !from.is_nested()) return {kToText, DataType::string()};
            return {kNoFit, from};
        case Kind::kComplex: return {from.is_nested() ? kExact : kNoFit, from};
        case Kind::kAnyInterval: return {is_interval(from) ? kExact : kNoFit, from};
        case Kind::kDecimal:
            if (from.is(TypeKind::kDecimal)) return {kExact, from};
            if (from.is_integral()) return {kWidened, decimal_for(from)};
            return {kNoFit, from};
        case Kind::kStruct: return {from.is(TypeKind::kStruct) ? kExact : kNoFit, from};
        case Kind::kExact: {
            // An interval keeps its own units.
            if (is_interval(from) && from.kind() == wanted.type.kind()) return {kExact, from};
            return {level_of(from, wanted.type, ansi), wanted.type};
        }
        case Kind::kArray: {
            if (from.is(TypeKind::kNull)) {
                const auto [level, element] = fit(from, wanted.children[0], ansi);
                return {level, DataType::array(element)};
            }
            if (!from.is(TypeKind::kArray)) return {kNoFit, from};
            const auto [level, element] = fit(from.element(), wanted.children[0], ansi);
            return {level, DataType::array(element, from.contains_null())};
        }
        default: return {kNoFit, from};
    }
}

// Letters of a signature and the types they stand for.
using Letters = std::map<char, std::vector<DataType>>;

// Notes what the letters of `wanted` must hold so that `from` fits; false when the shape differs.
bool collect(const TypeClass& wanted, const DataType& from, Letters& letters) {
    switch (wanted.kind) {
        case Kind::kVariable: letters[wanted.letter].push_back(from); return true;
        case Kind::kArray:
            if (from.is(TypeKind::kNull)) return collect(wanted.children[0], from, letters);
            return from.is(TypeKind::kArray) &&
                   collect(wanted.children[0], from.element(), letters);
        case Kind::kMap:
            if (from.is(TypeKind::kNull)) {
                return collect(wanted.children[0], from, letters) &&
                       collect(wanted.children[1], from, letters);
            }
            return from.is(TypeKind::kMap) && collect(wanted.children[0], from.key(), letters) &&
                   collect(wanted.children[1], from.value(), letters);
        default: return true;
    }
}

bool has_letters(const TypeClass& wanted) {
    if (wanted.kind == Kind::kVariable) return true;
    return std::ranges::any_of(wanted.children, has_letters);
}

// May a lambda's parameter be null? As the array or map that its letter stands in says; a counter
// and a map's key never are.
bool part_may_be_null(const Signature& signature, const TypeClass& parameter,
                      const std::vector<TypedExprPtr>& args) {
    if (parameter.kind != Kind::kVariable) return false;
    const auto is_letter = [&](const TypeClass& part) {
        return part.kind == Kind::kVariable && part.letter == parameter.letter;
    };
    for (std::size_t i = 0; i < signature.arguments.size() && i < args.size(); ++i) {
        const TypeClass& argument = signature.arguments[i];
        if (!args[i]) continue;
        if (argument.kind == Kind::kArray && is_letter(argument.children[0])) {
            // zip functions fill the shorter side with nulls.
            return args[i]->type.contains_null() || signature.arguments.size() > 2;
        }
        if (argument.kind == Kind::kMap) {
            if (is_letter(argument.children[0])) return false;
            if (is_letter(argument.children[1])) {
                return args[i]->type.contains_null() || signature.arguments.size() > 2;
            }
        }
    }
    return true;
}

using Bound = std::map<char, DataType>;

// `wanted` with its letters filled in; nullability of parts as `from` has it.
DataType filled(const TypeClass& wanted, const Bound& bound, const DataType* from) {
    switch (wanted.kind) {
        case Kind::kVariable: {
            const auto found = bound.find(wanted.letter);
            return found == bound.end() ? DataType::null() : found->second;
        }
        case Kind::kArray: {
            const bool known = from != nullptr && from->is(TypeKind::kArray);
            return DataType::array(
                filled(wanted.children[0], bound, known ? &from->element() : nullptr),
                !known || from->contains_null());
        }
        case Kind::kMap: {
            const bool known = from != nullptr && from->is(TypeKind::kMap);
            return DataType::map(
                filled(wanted.children[0], bound, known ? &from->key() : nullptr),
                filled(wanted.children[1], bound, known ? &from->value() : nullptr),
                !known || from->contains_null());
        }
        case Kind::kExact: return wanted.type;
        default: return from != nullptr ? *from : DataType::null();
    }
}

}  // namespace

Result<TypedExprPtr> Analyzer::lambda_argument(const ExprPtr& expression, const Scope& scope,
                                               const std::vector<DataType>& types,
                                               const std::vector<bool>& nullable,
                                               const TypeClass& wanted) {
    const auto* lambda = expression->as<plan::LambdaExpr>();
    if (lambda == nullptr) {
        return fail(
            spark_error("INVALID_LAMBDA_FUNCTION_CALL.NUM_ARGS_MISMATCH",
                        {{"expectedNumArgs", std::to_string(types.size())}, {"actualNumArgs", "0"}},
                        site(*expression)));
    }
    const std::size_t most = types.size();
    const std::size_t least = most - static_cast<std::size_t>(wanted.optional_parameters);
    if (lambda->parameters.size() < least || lambda->parameters.size() > most) {
        return fail(spark_error("INVALID_LAMBDA_FUNCTION_CALL.NUM_ARGS_MISMATCH",
                                {{"expectedNumArgs", std::to_string(lambda->parameters.size())},
                                 {"actualNumArgs", std::to_string(most)}},
                                site(*expression)));
    }
    plan::TypedLambda result;
    std::vector<Attribute> visible;
    for (std::size_t i = 0; i < lambda->parameters.size(); ++i) {
        for (const Attribute& earlier : result.parameters) {
            if (same_name(earlier.name, lambda->parameters[i])) {
                return fail(
                    spark_error("INVALID_LAMBDA_FUNCTION_CALL.DUPLICATE_ARG_NAMES",
                                {{"args", fmt::format("{}", fmt::join(lambda->parameters, ", "))},
                                 {"caseSensitiveConfig", "\"spark.sql.caseSensitive\""}},
                                site(*expression)));
            }
        }
        result.parameters.push_back(attribute(lambda->parameters[i], types[i], nullable[i]));
    }
    const LambdaFrame frame{&result.parameters, scope.lambdas};
    Scope inner = scope;
    inner.lambdas = &frame;
    inner.pending = nullptr;
    MR_TRY(TypedExprPtr body, expr(lambda->body, inner));
    // Spark shows parameters without their names.
    std::string text = "lambdafunction(" + body->sql_text;
    for (std::size_t i = 0; i < result.parameters.size(); ++i) text += ", namedlambdavariable()";
    text += ")";
    const DataType type = body->type;
    const bool body_nullable = body->nullable;
    result.body = std::move(body);
    return typed(std::move(result), type, body_nullable, std::move(text), expression->origin);
}

Result<std::optional<Analyzer::Match>> Analyzer::match(Call& call, const FunctionRow& row,
                                                       const Signature& signature) {
    const std::size_t given = call.expr.args.empty()
                                  ? call.args.size()
                                  : std::max(call.args.size(), call.expr.args.size());
    if (given < signature.min_arguments() || given > signature.max_arguments()) {
        return std::optional<Match>();
    }
    Match result;
    result.row = &row;
    const auto class_at = [&](std::size_t i) -> const TypeClass& {
        return signature.arguments[std::min(i, signature.arguments.size() - 1)];
    };
    // First what needs no letters and what the letters must hold.
    Letters letters;
    for (std::size_t i = 0; i < given; ++i) {
        const TypeClass& wanted = class_at(i);
        if (wanted.kind == Kind::kLambda) {
            result.args.push_back(nullptr);
            continue;
        }
        const TypedExprPtr& arg = call.args[i];
        if (has_letters(wanted)) {
            if (!collect(wanted, arg->type, letters)) {
                // Text where an array is wanted is no match; a null is.
                return std::optional<Match>();
            }
            result.args.push_back(arg);
            continue;
        }
        const auto [level, type] = fit(arg->type, wanted, ansi_);
        if (level == kNoFit) return std::optional<Match>();
        result.level = std::max(result.level, level);
        result.args.push_back(cast_to(arg, type));
    }
    for (std::size_t i = given; i < signature.arguments.size(); ++i) {
        const TypeClass& wanted = signature.arguments[i];
        if (!wanted.default_value) break;
        TypedExprPtr value =
            typed(*wanted.default_value, wanted.default_value->type,
                  wanted.default_value->is_null(), literal_shown(*wanted.default_value));
        if (wanted.kind == Kind::kExact) value = cast_to(std::move(value), wanted.type);
        if (has_letters(wanted)) collect(wanted, value->type, letters);
        result.args.push_back(std::move(value));
    }
    Bound bound;
    for (const auto& [letter, types] : letters) {
        const auto common = wider_type(types, ansi_);
        if (!common) return std::optional<Match>();
        bound[letter] = *common;
    }
    for (std::size_t i = 0; i < result.args.size(); ++i) {
        const TypeClass& wanted = class_at(i);
        if (wanted.kind == Kind::kLambda || !has_letters(wanted)) continue;
        const DataType target = filled(wanted, bound, &result.args[i]->type);
        if (!result.args[i]->type.same_ignoring_nullability(target)) {
            if (!can_pass(result.args[i]->type, target, ansi_)) return std::optional<Match>();
            result.level = std::max<int>(result.level, kWidened);
        }
        result.args[i] = cast_to(result.args[i], target);
    }
    // Lambdas see what the letters have become, and may set more of them.
    for (std::size_t i = 0; i < given; ++i) {
        const TypeClass& wanted = class_at(i);
        if (wanted.kind != Kind::kLambda) continue;
        std::vector<DataType> types;
        std::vector<bool> may_be_null;
        for (std::size_t p = 0; p + 1 < wanted.children.size(); ++p) {
            types.push_back(filled(wanted.children[p], bound, nullptr));
            may_be_null.push_back(part_may_be_null(signature, wanted.children[p], result.args));
        }
        MR_TRY(TypedExprPtr lambda,
               lambda_argument(call.expr.args[i], call.scope, types, may_be_null, wanted));
        const TypeClass& outcome = wanted.children.back();
        if (outcome.kind == Kind::kVariable) {
            const auto known = bound.find(outcome.letter);
            if (known == bound.end()) {
                bound[outcome.letter] = lambda->type;
            } else if (!known->second.same_ignoring_nullability(lambda->type)) {
                // aggregate(): the start value takes the type that the merge function gives.
                const auto common = wider_type(known->second, lambda->type, ansi_);
                if (!common) return std::optional<Match>();
                if (!common->same_ignoring_nullability(known->second)) {
                    bound[outcome.letter] = *common;
                    for (std::size_t j = 0; j < i; ++j) {
                        if (class_at(j).kind == Kind::kVariable &&
                            class_at(j).letter == outcome.letter) {
                            result.args[j] = cast_to(result.args[j], *common);
                        }
                    }
                    types.clear();
                    for (std::size_t p = 0; p + 1 < wanted.children.size(); ++p) {
                        types.push_back(filled(wanted.children[p], bound, nullptr));
                    }
                    MR_TRY(lambda, lambda_argument(call.expr.args[i], call.scope, types,
                                                   may_be_null, wanted));
                }
            }
        }
        result.args[i] = std::move(lambda);
    }
    for (std::size_t i = 0; i < given && i < signature.arguments.size(); ++i) {
        if (!class_at(i).constant || is_foldable(result.args[i])) continue;
        return fail(spark_error("DATATYPE_MISMATCH.NON_FOLDABLE_INPUT",
                                {{"sqlExpr", quoted_expr(text_of(call, row, result.args))},
                                 {"inputName", quoted_id(fmt::format("arg{}", i + 1))},
                                 {"inputType", quoted_type(result.args[i]->type)},
                                 {"inputExpr", quoted_expr(result.args[i]->sql_text)}},
                                site(call.at)));
    }
    std::vector<DataType> types;
    std::vector<bool> nulls;
    for (const TypedExprPtr& arg : result.args) {
        types.push_back(arg->type);
        nulls.push_back(arg->nullable);
    }
    const TypeClass& outcome = signature.result;
    if (outcome.kind == Kind::kArgument) {
        result.type = types.at(static_cast<std::size_t>(outcome.index));
    } else if (outcome.kind == Kind::kRule) {
        const auto ruled = rule_type(row.id, types, nulls, result.args, ansi_);
        if (!ruled) return std::optional<Match>();
        result.type = *ruled;
    } else {
        result.type = filled(outcome, bound, nullptr);
        if (outcome.kind == Kind::kVariable && result.type.is_nested()) {
            // Parts are as nullable as the arguments' own.
            for (const DataType& type : types) {
                if (type.same_ignoring_nullability(result.type)) result.type = type;
            }
        }
    }
    return std::optional<Match>(std::move(result));
}

Error Analyzer::wrong_count(const Call& call, const std::vector<const FunctionRow*>& rows) const {
    std::vector<std::size_t> counts;
    std::string expected;
    for (const FunctionRow* row : rows) {
        for (const Signature& signature : signatures_of(*row)) {
            const std::size_t most = signature.max_arguments();
            if (most == std::string_view::npos) {
                expected = fmt::format("> {}", static_cast<long>(signature.min_arguments()) - 1);
                continue;
            }
            for (std::size_t n = signature.min_arguments(); n <= most; ++n) counts.push_back(n);
        }
    }
    std::ranges::sort(counts);
    const auto tail = std::ranges::unique(counts);
    counts.erase(tail.begin(), tail.end());
    if (expected.empty()) {
        expected = counts.size() == 1 ? std::to_string(counts[0])
                                      : fmt::format("[{}]", fmt::join(counts, ", "));
    }
    return spark_error("WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
                       {{"functionName", quoted_id(call.name)},
                        {"expectedNum", expected},
                        {"actualNum", std::to_string(call.expr.args.size())}},
                       site(call.at));
}

Error Analyzer::mismatch(Call& call, const std::vector<const FunctionRow*>& rows) {
    bool count_fits = false;
    for (const FunctionRow* row : rows) {
        for (const Signature& signature : signatures_of(*row)) {
            if (call.args.size() < signature.min_arguments() ||
                call.args.size() > signature.max_arguments()) {
                continue;
            }
            count_fits = true;
            for (std::size_t i = 0; i < call.args.size(); ++i) {
                const TypeClass& wanted =
                    signature.arguments[std::min(i, signature.arguments.size() - 1)];
                if (!call.args[i]) continue;
                const DataType& type = call.args[i]->type;
                Letters letters;
                const bool fits = has_letters(wanted) ? collect(wanted, type, letters)
                                                      : fit(type, wanted, ansi_).first != kNoFit;
                if (fits) continue;
                return spark_error("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                                   {{"sqlExpr", quoted_expr(text_of(call, *row, call.args))},
                                    {"paramIndex", ordinal(i)},
                                    {"requiredType", class_text(wanted)},
                                    {"inputSql", quoted_expr(call.args[i]->sql_text)},
                                    {"inputType", quoted_type(type)}},
                                   site(call.at));
            }
        }
    }
    if (!count_fits) return wrong_count(call, rows);
    std::vector<std::string> types;
    for (const TypedExprPtr& arg : call.args) {
        if (arg) types.push_back(quoted_type(arg->type));
    }
    const FunctionRow& row = *rows[0];
    const ErrorParameters parameters = {{"sqlExpr", quoted_expr(text_of(call, row, call.args))},
                                        {"functionName", quoted_id(call.name)},
                                        {"dataType", fmt::format("[{}]", fmt::join(types, ", "))},
                                        {"leftType", types.empty() ? "" : types[0]},
                                        {"rightType", types.size() < 2 ? "" : types[1]}};
    if (call.args.size() >= 2 && call.args[0] && call.args[0]->type.is(TypeKind::kArray)) {
        ErrorParameters more = parameters;
        const bool both = call.args[1] && call.args[1]->type.is(TypeKind::kArray);
        more["arrayType"] = "\"ARRAY\"";
        more["dataType"] = "\"ARRAY\"";
        return spark_error(both ? "DATATYPE_MISMATCH.BINARY_ARRAY_DIFF_TYPES"
                                : "DATATYPE_MISMATCH.ARRAY_FUNCTION_DIFF_TYPES",
                           more, site(call.at));
    }
    return spark_error("DATATYPE_MISMATCH.DATA_DIFF_TYPES", parameters, site(call.at));
}

}  // namespace millrace::sql
