// Expressions: names, literals, casts, windows, subqueries. Functions are in analyze_function.cc.
#include <fmt/ranges.h>

#include <algorithm>

#include "sql/analyzer_internal.h"
#include "sql/parser.h"
#include "sql/parser_internal.h"
#include "sql/spark_text.h"

namespace millrace::sql {

using base::Error;
using base::fail;

bool Analyzer::same_name(std::string_view left, std::string_view right) const {
    return case_sensitive_ ? left == right : same_word(left, right);
}

Result<TypedExprPtr> Analyzer::expr(const ExprPtr& expression, const Scope& scope) {
    const Deeper deeper(*this);
    if (deeper.too_deep()) return fail(too_deep());
    auto result = expr_node(*expression, scope);
    if (result && (*result)->origin.start < 0 && expression->origin.start >= 0) {
        TypedExpr located = **result;
        located.origin = expression->origin;
        return std::make_shared<const TypedExpr>(std::move(located));
    }
    return result;
}

Result<TypedExprPtr> Analyzer::expr_node(const Expr& expression, const Scope& scope) {
    return std::visit([&](const auto& held) { return node(held, expression, scope); },
                      expression.node);
}

Result<TypedExprPtr> Analyzer::node(const Literal& literal, const Expr& at, const Scope&) {
    return typed(literal, literal.type, literal.is_null(), literal_text(literal, time_zone_),
                 at.origin);
}

namespace {

// Spark shows a lambda's parameters without their names.
TypedExprPtr lambda_variable(const TypedExprPtr& found, std::size_t parts) {
    TypedExpr copy = *found;
    const std::size_t dot = copy.sql_text.find('.');
    copy.sql_text = "namedlambdavariable()" +
                    (parts > 1 && dot != std::string::npos ? copy.sql_text.substr(dot) : "");
    return std::make_shared<const TypedExpr>(std::move(copy));
}

}  // namespace

Result<std::optional<TypedExprPtr>> Analyzer::find_name(const std::vector<std::string>& parts,
                                                        const std::vector<Attribute>& columns,
                                                        const Site& site) {
    struct Candidate {
        const Attribute* attribute;
        std::size_t used;  // Parts that name the column; what follows are fields.
    };
    std::vector<Candidate> found;
    // A qualifier in front wins over a column with fields behind.
    for (const Attribute& column : columns) {
        const std::size_t depth = column.qualifier.size();
        for (std::size_t take = depth; take >= 1 && found.size() < 64; --take) {
            if (parts.size() <= take) continue;
            bool matches = same_name(parts[take], column.name);
            for (std::size_t i = 0; i < take && matches; ++i) {
                matches = same_name(parts[i], column.qualifier[depth - take + i]);
            }
            if (matches) {
                found.push_back({&column, take + 1});
                break;
            }
        }
    }
    if (found.empty()) {
        for (const Attribute& column : columns) {
            if (same_name(parts[0], column.name)) found.push_back({&column, 1});
        }
    }
    if (found.empty()) return std::optional<TypedExprPtr>();
    for (const Candidate& other : found) {
        if (other.attribute->id == found[0].attribute->id) continue;
        std::vector<std::string> names;
        for (const Candidate& candidate : found) {
            std::vector<std::string> full = candidate.attribute->qualifier;
            full.push_back(candidate.attribute->name);
            names.push_back(quoted_id(full));
        }
        return fail(spark_error("AMBIGUOUS_REFERENCE",
                                {{"name", quoted_id(parts)},
                                 {"referenceNames", fmt::format("[{}]", fmt::join(names, ", "))}},
                                site));
    }
    TypedExpr base = *reference(*found[0].attribute);
    base.sql_text = parts[found[0].used - 1];
    base.origin = site.origin;
    TypedExprPtr result = std::make_shared<const TypedExpr>(std::move(base));
    for (std::size_t i = found[0].used; i < parts.size(); ++i) {
        TypedExpr field;
        field.node = Literal::string(parts[i]);
        field.type = DataType::string();
        field.nullable = false;
        field.sql_text = parts[i];
        MR_TRY(result, extract(result, std::make_shared<const TypedExpr>(std::move(field)), site));
    }
    return std::optional<TypedExprPtr>(std::move(result));
}

Error Analyzer::unresolved(const std::vector<std::string>& parts, const Scope& scope,
                           const Site& site) const {
    std::vector<std::vector<std::string>> candidates;
    if (scope.input != nullptr) {
        // Qualifiers are shown when the columns come from several relations.
        bool several = false;
        for (const Attribute& column : scope.input->columns) {
            several = several || column.qualifier != scope.input->columns[0].qualifier;
        }
        for (const Attribute& column : scope.input->columns) {
            std::vector<std::string> name;
            if (several || parts.size() > 1) name = column.qualifier;
            name.push_back(column.name);
            candidates.push_back(std::move(name));
        }
    }
    std::string plain;
    for (const std::string& part : parts) plain += (plain.empty() ? "" : ".") + part;
    if (candidates.empty()) {
        return spark_error("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION",
                           {{"objectName", quoted_id(parts)}}, site);
    }
    return spark_error(
        "UNRESOLVED_COLUMN.WITH_SUGGESTION",
        {{"objectName", quoted_id(parts)}, {"proposal", proposals(plain, candidates)}}, site);
}

Result<TypedExprPtr> Analyzer::by_plan_id(const std::vector<std::string>& parts,
                                          std::int64_t plan_id, const Scope& scope,
                                          const Site& site) {
    std::optional<TypedExprPtr> found;
    bool known = false;
    if (scope.input != nullptr) {
        for (const auto& [id, columns] : scope.input->plan_ids) {
            if (id != plan_id) continue;
            known = true;
            MR_TRY(auto match, find_name(parts, columns, site));
            if (!match) continue;
            // Only what the operator's input still holds counts.
            const auto ids = references_of(*match);
            const bool visible = std::ranges::all_of(ids, [&](AttributeId wanted) {
                return std::ranges::any_of(
                           scope.input->columns,
                           [&](const Attribute& column) { return column.id == wanted; }) ||
                       std::ranges::any_of(scope.input->hidden, [&](const Attribute& column) {
                           return column.id == wanted;
                       });
            });
            if (!visible) continue;
            if (found && !same_expr(**found, **match)) {
                return fail(
                    spark_error("AMBIGUOUS_COLUMN_REFERENCE", {{"name", quoted_id(parts)}}, site));
            }
            found = std::move(match);
        }
    }
    if (found) return *found;
    if (scope.outputs != nullptr) {
        std::vector<Attribute> outputs;
        for (const NamedExpr& item : *scope.outputs) outputs.push_back(item.output);
        MR_TRY(auto match, find_name(parts, outputs, site));
        if (match) return *match;
    }
    if (scope.outer != nullptr) return by_plan_id(parts, plan_id, *scope.outer, site);
    // The DataFrame is in the plan, but a later step replaced its column: the name decides.
    if (scope.input != nullptr) {
        MR_TRY(auto match, find_name(parts, scope.input->columns, site));
        if (match) return *match;
    }
    if (known) return fail(unresolved(parts, scope, site));
    return fail(spark_error("CANNOT_RESOLVE_DATAFRAME_COLUMN", {{"name", quoted_id(parts)}}, site));
}

bool is_bare_function(std::string_view name) {
    static constexpr std::string_view kNames[] = {"current_date", "current_timestamp",
                                                  "current_time", "current_user",
                                                  "user",         "session_user"};
    return std::ranges::any_of(kNames, [&](auto known) { return same_word(name, known); });
}

Result<TypedExprPtr> Analyzer::node(const plan::AttributeExpr& attribute, const Expr& at,
                                    const Scope& scope) {
    const Site here = site(at);
    if (attribute.parts.empty()) return fail(unresolved(attribute.parts, scope, here));
    if (attribute.plan_id) return by_plan_id(attribute.parts, *attribute.plan_id, scope, here);
    for (const LambdaFrame* frame = scope.lambdas; frame != nullptr; frame = frame->outer) {
        MR_TRY(auto found, find_name(attribute.parts, *frame->parameters, here));
        if (found) return lambda_variable(*found, attribute.parts.size());
    }
    const auto in_outputs = [&]() -> Result<std::optional<TypedExprPtr>> {
        if (scope.outputs == nullptr) return std::optional<TypedExprPtr>();
        std::vector<Attribute> outputs;
        for (const NamedExpr& item : *scope.outputs) {
            // A column that the list repeats means the same wherever it stands.
            const bool repeated = std::ranges::any_of(outputs, [&](const Attribute& seen) {
                return same_name(seen.name, item.output.name) && seen.id == item.output.id;
            });
            if (!repeated) outputs.push_back(item.output);
        }
        return find_name(attribute.parts, outputs, here);
    };
    // HAVING and ORDER BY: the select list first, but arguments of aggregates mean the input.
    if (!scope.in_aggregate) {
        MR_TRY(auto found, in_outputs());
        if (found) return *found;
    }
    if (scope.input != nullptr) {
        MR_TRY(auto found, find_name(attribute.parts, scope.input->columns, here));
        if (found) return *found;
        MR_TRY(found, find_name(attribute.parts, scope.input->hidden, here));
        if (found) return *found;
    }
    if (scope.in_aggregate) {
        MR_TRY(auto found, in_outputs());
        if (found) return *found;
    }
    // Before aliases of the same list and columns of outer queries, as in Spark.
    if (attribute.parts.size() == 1 && is_bare_function(attribute.parts[0])) {
        plan::FunctionExpr function;
        function.name = attribute.parts[0];
        const bool user = same_word(function.name, "user");
        if (user || same_word(function.name, "session_user")) function.name = "current_user";
        return node(function, at, scope);
    }
    // An alias further left in the same list stands for its expression.
    if (scope.earlier != nullptr) {
        const NamedExpr* alias = nullptr;
        for (const NamedExpr& item : *scope.earlier) {
            if (same_name(item.output.name, attribute.parts[0])) alias = &item;
        }
        if (alias != nullptr) {
            TypedExpr copy = *alias->expression;
            copy.sql_text = fmt::format("lateralAliasReference({})", attribute.parts[0]);
            TypedExprPtr result = std::make_shared<const TypedExpr>(std::move(copy));
            for (std::size_t i = 1; i < attribute.parts.size(); ++i) {
                MR_TRY(result,
                       extract(result, literal_expr(Literal::string(attribute.parts[i])), here));
            }
            return result;
        }
    }
    for (const Scope* outer = scope.outer; outer != nullptr; outer = outer->outer) {
        if (outer->input == nullptr) continue;
        MR_TRY(auto found, find_name(attribute.parts, outer->input->columns, here));
        if (found) {
            outer_names_.push_back((*found)->sql_text);
            return *found;
        }
    }
    return fail(unresolved(attribute.parts, scope, here));
}

Result<TypedExprPtr> Analyzer::node(const plan::StarExpr&, const Expr& at, const Scope&) {
    return fail(spark_error("INVALID_USAGE_OF_STAR_OR_REGEX",
                            {{"elem", "'*'"}, {"prettyName", "expression"}}, site(at)));
}

Result<TypedExprPtr> Analyzer::node(const plan::RegexExpr&, const Expr& at, const Scope&) {
    return fail(spark_error("INVALID_USAGE_OF_STAR_OR_REGEX",
                            {{"elem", "regular expression"}, {"prettyName", "expression"}},
                            site(at)));
}

Result<TypedExprPtr> Analyzer::node(const plan::AliasExpr& alias, const Expr& at,
                                    const Scope& scope) {
    // Inside an expression a name changes nothing but what struct() and map() read from it.
    if (alias.names.size() != 1) {
        return fail(spark_error(
            "MULTI_ALIAS_WITHOUT_GENERATOR",
            {{"expr", quoted_expr("")}, {"names", fmt::format("{}", fmt::join(alias.names, ", "))}},
            site(at)));
    }
    MR_TRY(TypedExprPtr child, expr(alias.child, scope));
    TypedExpr renamed = *child;
    renamed.sql_text = fmt::format("{} AS {}", child->sql_text, alias.names[0]);
    return std::make_shared<const TypedExpr>(std::move(renamed));
}

Result<TypedExprPtr> Analyzer::node(const plan::LambdaExpr&, const Expr& at, const Scope&) {
    return fail(spark_error("INVALID_LAMBDA_FUNCTION_CALL.NON_HIGHER_ORDER_FUNCTION",
                            {{"class", "expression"}}, site(at)));
}

Result<TypedExprPtr> Analyzer::node(const plan::LambdaVariableExpr& variable, const Expr& at,
                                    const Scope& scope) {
    for (const LambdaFrame* frame = scope.lambdas; frame != nullptr; frame = frame->outer) {
        MR_TRY(auto found, find_name(variable.parts, *frame->parameters, site(at)));
        if (found) return lambda_variable(*found, variable.parts.size());
    }
    return fail(unresolved(variable.parts, scope, site(at)));
}

Result<TypedExprPtr> Analyzer::node(const plan::TextExpr& text, const Expr&, const Scope& scope) {
    MR_TRY(const ExprPtr parsed, parse_expression(text.text));
    const std::string_view before = text_;
    text_ = text.text;
    auto result = expr(parsed, scope);
    text_ = before;
    return result;
}

Result<TypedExprPtr> Analyzer::node(const plan::NamedArgumentExpr& named, const Expr& at,
                                    const Scope&) {
    return fail(spark_error("NAMED_PARAMETERS_NOT_SUPPORTED",
                            {{"functionName", quoted_id(named.name)}}, site(at)));
}

Result<TypedExprPtr> Analyzer::node(const plan::PythonFunctionExpr& function, const Expr& at,
                                    const Scope& scope) {
    plan::PythonCall call;
    call.function = std::make_shared<const plan::PythonFunctionExpr>(function);
    std::vector<std::string> texts;
    for (const ExprPtr& arg : function.args) {
        MR_TRY(TypedExprPtr value, expr(arg, scope));
        texts.push_back(value->sql_text);
        call.args.push_back(std::move(value));
    }
    std::string text = fmt::format("{}({})", function.name, fmt::join(texts, ", "));
    return typed(std::move(call), function.output_type, true, std::move(text), at.origin);
}

Result<TypedExprPtr> Analyzer::node(const plan::ParameterExpr& parameter, const Expr& at,
                                    const Scope& scope) {
    for (auto sql = parameters_.rbegin(); sql != parameters_.rend(); ++sql) {
        if (parameter.name.empty()) {
            const auto index = static_cast<std::size_t>(parameter.position);
            if (index < (*sql)->positional_arguments.size()) {
                return expr((*sql)->positional_arguments[index], scope);
            }
        }
        for (const auto& [name, value] : (*sql)->named_arguments) {
            if (!parameter.name.empty() && name == parameter.name) return expr(value, scope);
        }
        break;
    }
    const std::string shown =
        parameter.name.empty() ? fmt::format("_{}", at.origin.start) : parameter.name;
    return fail(spark_error("UNBOUND_SQL_PARAMETER", {{"name", shown}}, site(at)));
}

}  // namespace millrace::sql
