// Expressions: names, literals, casts, windows, subqueries. Functions are in analyze_function.cc.
#include <fmt/ranges.h>

#include <algorithm>
#include <regex>

#include "sql/analyzer_internal.h"
#include "sql/parser.h"
#include "sql/parser_internal.h"
#include "sql/spark_text.h"

namespace millrace::sql {

using base::Code;
using base::Error;
using base::fail;
using plan::TypeKind;

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
    // current_date and the like may be written without parentheses.
    if (attribute.parts.size() == 1) {
        static constexpr std::string_view kBare[] = {
            "current_date", "current_timestamp", "current_user",    "user",
            "session_user", "localtimestamp",    "current_timezone"};
        for (const std::string_view name : kBare) {
            if (!same_word(attribute.parts[0], name)) continue;
            plan::FunctionExpr function;
            function.name = std::string(name);
            return node(function, at, scope);
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

Result<TypedExprPtr> Analyzer::node(const plan::CastExpr& cast, const Expr& at,
                                    const Scope& scope) {
    DataType target;
    if (cast.type) {
        target = *cast.type;
    } else {
        MR_TRY(target, parse_type(cast.type_text));
    }
    MR_TRY(TypedExprPtr child, expr(cast.child, scope));
    const EvalMode wanted = cast.mode == EvalMode::kDefault ? mode() : cast.mode;
    return explicit_cast(std::move(child), target, wanted, site(at));
}

TypedExprPtr Analyzer::cast_to(TypedExprPtr child, const DataType& type) const {
    if (child->type.same_ignoring_nullability(type)) return child;
    // A literal changes its type in place where nothing can be lost.
    if (const auto* literal = child->as<Literal>()) {
        if (literal->is_null()) {
            return typed(Literal::null(type), type, true, child->sql_text, child->origin);
        }
        const auto* number = std::get_if<std::int64_t>(&literal->value);
        if (number != nullptr && child->type.is_integral()) {
            if (type.is(TypeKind::kLong) ||
                (type.is(TypeKind::kInteger) && *number >= INT32_MIN && *number <= INT32_MAX)) {
                return typed(Literal{type, *number}, type, false, child->sql_text, child->origin);
            }
            if (type.is(TypeKind::kDouble)) {
                return typed(Literal::double_(static_cast<double>(*number)), type, false,
                             child->sql_text, child->origin);
            }
        }
    }
    const bool nullable = child->nullable || cast_may_be_null(child->type, type, ansi_);
    std::string text = child->sql_text;
    const plan::Origin origin = child->origin;
    plan::TypedCast cast;
    cast.child = std::move(child);
    cast.mode = mode();
    cast.session_time_zone = time_zone_;
    return typed(std::move(cast), type, nullable, std::move(text), origin);
}

Result<TypedExprPtr> Analyzer::explicit_cast(TypedExprPtr child, const DataType& type,
                                             EvalMode wanted, const Site& site) {
    const bool ansi = wanted != EvalMode::kLegacy;
    std::string text = fmt::format("{}({} AS {})", wanted == EvalMode::kTry ? "TRY_CAST" : "CAST",
                                   child->sql_text, type.sql());
    if (!can_cast(child->type, type, ansi)) {
        const ErrorParameters parameters = {{"sqlExpr", quoted_expr(text)},
                                            {"srcType", quoted_type(child->type)},
                                            {"targetType", quoted_type(type)}};
        if (ansi && can_cast(child->type, type, false) && wanted == EvalMode::kAnsi) {
            ErrorParameters more = parameters;
            more["config"] = "\"spark.sql.ansi.enabled\"";
            more["configVal"] = "'false'";
            return fail(spark_error("DATATYPE_MISMATCH.CAST_WITH_CONF_SUGGESTION", more, site));
        }
        return fail(spark_error("DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION", parameters, site));
    }
    if (child->type == type) {
        TypedExpr same = *child;
        same.sql_text = std::move(text);
        return std::make_shared<const TypedExpr>(std::move(same));
    }
    bool nullable =
        child->nullable || wanted == EvalMode::kTry || cast_may_be_null(child->type, type, ansi);
    if (const auto* literal = child->as<Literal>(); literal != nullptr && literal->is_null()) {
        return typed(Literal::null(type), type, true, std::move(text), site.origin);
    }
    plan::TypedCast cast;
    cast.child = std::move(child);
    cast.mode = wanted;
    cast.session_time_zone = time_zone_;
    return typed(std::move(cast), type, nullable, std::move(text), site.origin);
}

Result<TypedExprPtr> Analyzer::node(const plan::SortOrderExpr& order, const Expr&,
                                    const Scope& scope) {
    return expr(order.child, scope);
}

Result<plan::TypedOrder> Analyzer::order_of(const ExprPtr& expression, const Scope& scope) {
    plan::TypedOrder result;
    ExprPtr child = expression;
    if (const auto* order = expression->as<plan::SortOrderExpr>()) {
        child = order->child;
        result.ascending = order->ascending;
        result.nulls_first = order->nulls_first.value_or(order->ascending);
    }
    MR_TRY(result.expression, expr(child, scope));
    if (!is_orderable(result.expression->type)) {
        return fail(spark_error("DATATYPE_MISMATCH.INVALID_ORDERING_TYPE",
                                {{"sqlExpr", quoted_expr(order_text(result))},
                                 {"functionName", "`sortorder`"},
                                 {"dataType", quoted_type(result.expression->type)}},
                                site(*expression)));
    }
    return result;
}

Result<TypedExprPtr> Analyzer::node(const plan::WindowExpr& window, const Expr& at,
                                    const Scope& scope) {
    using Bound = plan::FrameBound::Kind;
    if (scope.pending == nullptr) {
        return fail(spark_error("UNSUPPORTED_EXPR_FOR_WINDOW", {{"sqlExpr", quoted_expr("window")}},
                                site(at)));
    }
    Scope inner = scope;
    inner.in_window = true;
    MR_TRY(TypedExprPtr function, expr(window.function, inner));
    const auto* call = function->as<plan::FunctionCall>();
    const FunctionRow* row = call != nullptr ? function_by_id(call->name) : nullptr;
    const bool ranking = row != nullptr && row->kind == FunctionKind::kWindow;
    const auto* aggregate = function->as<plan::AggregateCall>();
    if (!ranking && aggregate == nullptr) {
        return fail(spark_error("UNSUPPORTED_EXPR_FOR_WINDOW",
                                {{"sqlExpr", quoted_expr(function->sql_text)}}, site(at)));
    }
    if (aggregate != nullptr && aggregate->distinct) {
        return fail(spark_error("DISTINCT_WINDOW_FUNCTION_UNSUPPORTED",
                                {{"windowExpr", quoted_expr(function->sql_text)}}, site(at)));
    }
    Scope plain = scope;
    plain.in_aggregate = false;
    plan::WindowNode::Function result;
    for (const ExprPtr& key : window.partition_by) {
        MR_TRY(TypedExprPtr value, expr(key, plain));
        result.partition_by.push_back(std::move(value));
    }
    for (const ExprPtr& key : window.order_by) {
        MR_TRY(plan::TypedOrder order, order_of(key, plain));
        result.order_by.push_back(std::move(order));
    }
    const bool ordered = !result.order_by.empty();
    if (ranking && !ordered && row->id != "nth_value") {
        return fail(spark_error("WINDOW_FUNCTION_AND_FRAME_MISMATCH",
                                {{"funcName", quoted_expr(function->sql_text)},
                                 {"windowExpr", quoted_expr("(PARTITION BY …)")}},
                                site(at)));
    }
    // The frame: given, or the function's own, or Spark's default.
    auto& frame = result.frame;
    if (window.frame != plan::FrameKind::kUndefined) {
        frame.kind = window.frame;
        frame.lower_kind = window.lower.kind;
        frame.upper_kind = window.upper.kind;
        if (frame.lower_kind == Bound::kValue) {
            MR_TRY(frame.lower, expr(window.lower.value, plain));
        }
        if (frame.upper_kind == Bound::kValue) {
            MR_TRY(frame.upper, expr(window.upper.value, plain));
        }
        if (frame.kind == plan::FrameKind::kRange &&
            (frame.lower_kind == Bound::kValue || frame.upper_kind == Bound::kValue)) {
            const ErrorParameters parameters = {{"sqlExpr", quoted_expr(window_text(result))},
                                                {"orderSpec", ""}};
            if (!ordered) {
                return fail(spark_error("DATATYPE_MISMATCH.RANGE_FRAME_WITHOUT_ORDER", parameters,
                                        site(at)));
            }
            if (result.order_by.size() > 1) {
                return fail(
                    spark_error("DATATYPE_MISMATCH.RANGE_FRAME_MULTI_ORDER", parameters, site(at)));
            }
        }
    } else if (ranking && (row->id == "lag" || row->id == "lead")) {
        frame.kind = plan::FrameKind::kRows;
        frame.lower_kind = Bound::kValue;
        frame.upper_kind = Bound::kValue;
        TypedExprPtr offset = call->args[1];
        if (row->id == "lag") {
            const auto* literal = offset->as<Literal>();
            const auto* number =
                literal == nullptr ? nullptr : std::get_if<std::int64_t>(&literal->value);
            if (number != nullptr) {
                offset = typed(Literal{DataType::integer(), -*number}, DataType::integer(), false,
                               fmt::format("{}", -*number));
            }
        }
        frame.lower = offset;
        frame.upper = offset;
    } else if (ranking && row->id != "nth_value") {
        frame.kind = plan::FrameKind::kRows;
    } else if (!ordered) {
        frame.kind = plan::FrameKind::kRows;
        frame.upper_kind = Bound::kUnboundedFollowing;
    }
    const DataType type = function->type;
    const bool nullable = function->nullable;
    const std::string text = fmt::format("{} OVER {}", function->sql_text, window_text(result));
    result.call = std::move(function);
    result.output = attribute(text, type, nullable);
    TypedExpr output = *reference(result.output);
    output.sql_text = text;
    output.origin = at.origin;
    scope.pending->windows.push_back(std::move(result));
    return std::make_shared<const TypedExpr>(std::move(output));
}

// struct.field, array[index], map[key], array-of-struct.field.
Result<TypedExprPtr> Analyzer::extract(TypedExprPtr child, TypedExprPtr key, const Site& site) {
    const DataType type = child->type;
    const auto* literal = key->as<Literal>();
    const auto* name = literal == nullptr ? nullptr : std::get_if<std::string>(&literal->value);
    const bool over_structs =
        type.is(TypeKind::kArray) && type.element().is(TypeKind::kStruct) && name != nullptr;
    if (type.is(TypeKind::kStruct) || over_structs) {
        const auto& fields = over_structs ? type.element().fields() : type.fields();
        if (name == nullptr) {
            return fail(spark_error("INVALID_EXTRACT_FIELD_TYPE",
                                    {{"extraction", quoted_expr(key->sql_text)}}, site));
        }
        int index = -1;
        int matches = 0;
        for (std::size_t i = 0; i < fields.size(); ++i) {
            if (!same_name(fields[i].name, *name)) continue;
            index = static_cast<int>(i);
            ++matches;
        }
        if (matches > 1) {
            return fail(spark_error(
                "AMBIGUOUS_REFERENCE_TO_FIELDS",
                {{"field", quoted_id(*name)}, {"count", std::to_string(matches)}}, site));
        }
        if (index < 0) {
            std::vector<std::string> names;
            for (const plan::Field& field : fields) names.push_back(quoted_id(field.name));
            return fail(spark_error("FIELD_NOT_FOUND",
                                    {{"fieldName", quoted_id(*name)},
                                     {"fields", fmt::format("{}", fmt::join(names, ", "))}},
                                    site));
        }
        const plan::Field& field = fields[static_cast<std::size_t>(index)];
        std::string text = fmt::format("{}.{}", child->sql_text, *name);
        const bool nullable = child->nullable || field.nullable;
        if (over_structs) {
            const DataType result =
                DataType::array(field.type, type.contains_null() || field.nullable);
            TypedExprPtr position =
                typed(Literal::integer(index), DataType::integer(), false, std::to_string(index));
            const bool child_nullable = child->nullable;
            return function_call("get_array_field", {std::move(child), std::move(position)}, result,
                                 child_nullable, std::move(text));
        }
        plan::GetField get;
        get.child = std::move(child);
        get.index = index;
        return typed(std::move(get), field.type, nullable, std::move(text), site.origin);
    }
    std::string text = fmt::format("{}[{}]", child->sql_text, key->sql_text);
    if (type.is(TypeKind::kArray)) {
        if (!key->type.is_integral()) {
            return fail(spark_error("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                                    {{"sqlExpr", quoted_expr(text)},
                                     {"paramIndex", "second"},
                                     {"requiredType", "\"INTEGRAL\""},
                                     {"inputSql", quoted_expr(key->sql_text)},
                                     {"inputType", quoted_type(key->type)}},
                                    site));
        }
        return function_call("get_array_item",
                             {std::move(child), cast_to(std::move(key), DataType::integer())},
                             type.element(), true, std::move(text), mode());
    }
    if (type.is(TypeKind::kMap)) {
        if (!can_pass(key->type, type.key(), ansi_)) {
            return fail(spark_error("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                                    {{"sqlExpr", quoted_expr(text)},
                                     {"paramIndex", "second"},
                                     {"requiredType", quoted_type(type.key())},
                                     {"inputSql", quoted_expr(key->sql_text)},
                                     {"inputType", quoted_type(key->type)}},
                                    site));
        }
        return function_call("get_map_value",
                             {std::move(child), cast_to(std::move(key), type.key())}, type.value(),
                             true, std::move(text));
    }
    return fail(spark_error("INVALID_EXTRACT_BASE_FIELD_TYPE",
                            {{"base", quoted_expr(child->sql_text)}, {"other", quoted_type(type)}},
                            site));
}

Result<TypedExprPtr> Analyzer::node(const plan::ExtractValueExpr& extraction, const Expr& at,
                                    const Scope& scope) {
    MR_TRY(TypedExprPtr child, expr(extraction.child, scope));
    MR_TRY(TypedExprPtr key, expr(extraction.key, scope));
    return extract(std::move(child), std::move(key), site(at));
}

Result<TypedExprPtr> Analyzer::node(const plan::UpdateFieldsExpr& update, const Expr& at,
                                    const Scope& scope) {
    MR_TRY(TypedExprPtr child, expr(update.child, scope));
    MR_TRY(const std::vector<std::string> path, plan::split_name(update.field));
    TypedExprPtr value;
    if (update.value) {
        MR_TRY(value, expr(update.value, scope));
    }
    // Rebuilds the struct along the path: every other field is taken over.
    const std::function<Result<TypedExprPtr>(TypedExprPtr, std::size_t)> rebuild =
        [&](TypedExprPtr base, std::size_t depth) -> Result<TypedExprPtr> {
        if (!base->type.is(TypeKind::kStruct)) {
            return fail(spark_error(
                "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                {{"sqlExpr", quoted_expr(fmt::format("update_fields({})", base->sql_text))},
                 {"paramIndex", "first"},
                 {"requiredType", "\"STRUCT\""},
                 {"inputSql", quoted_expr(base->sql_text)},
                 {"inputType", quoted_type(base->type)}},
                site(at)));
        }
        const bool last = depth + 1 == path.size();
        std::vector<TypedExprPtr> args;
        std::vector<plan::Field> fields;
        bool found = false;
        const auto add = [&](const std::string& name, TypedExprPtr field) {
            fields.push_back({name, field->type, field->nullable, {}});
            args.push_back(literal_expr(Literal::string(name)));
            args.push_back(std::move(field));
        };
        for (std::size_t i = 0; i < base->type.fields().size(); ++i) {
            const plan::Field& field = base->type.fields()[i];
            plan::GetField get;
            get.child = base;
            get.index = static_cast<int>(i);
            TypedExprPtr current =
                typed(std::move(get), field.type, base->nullable || field.nullable, field.name);
            if (!same_name(field.name, path[depth])) {
                add(field.name, std::move(current));
                continue;
            }
            found = true;
            if (!last) {
                MR_TRY(TypedExprPtr inner, rebuild(std::move(current), depth + 1));
                add(field.name, std::move(inner));
            } else if (value) {
                add(path[depth], value);
            }
        }
        if (!found && value && last) add(path[depth], value);
        if (!found && !last) {
            return fail(spark_error("FIELD_NOT_FOUND",
                                    {{"fieldName", quoted_id(path[depth])}, {"fields", ""}},
                                    site(at)));
        }
        if (fields.empty()) {
            return fail(spark_error("DATATYPE_MISMATCH.CANNOT_DROP_ALL_FIELDS",
                                    {{"sqlExpr", quoted_expr(base->sql_text)}}, site(at)));
        }
        const DataType type = DataType::structure(std::move(fields));
        TypedExprPtr made =
            function_call("named_struct", std::move(args), type, false, base->sql_text);
        if (!base->nullable) return made;
        // A null struct stays null.
        TypedExprPtr is_null = function_call("isnull", {base}, DataType::boolean(), false, "");
        plan::CaseWhen branches;
        branches.branches.emplace_back(std::move(is_null), literal_expr(Literal::null(type)));
        branches.otherwise = std::move(made);
        return typed(std::move(branches), type, true, base->sql_text);
    };
    MR_TRY(TypedExprPtr result, rebuild(child, 0));
    TypedExpr named = *result;
    named.sql_text = update.value ? fmt::format("update_fields({}, WithField({}))", child->sql_text,
                                                value->sql_text)
                                  : fmt::format("update_fields({}, dropfield())", child->sql_text);
    return std::make_shared<const TypedExpr>(std::move(named));
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

Result<TypedExprPtr> Analyzer::node(const plan::SubqueryExpr& subquery, const Expr& at,
                                    const Scope& scope) {
    RelationPtr inner = subquery.relation;
    if (!inner && subquery.plan_id) {
        const auto found = references_.find(*subquery.plan_id);
        if (found != references_.end()) inner = found->second;
    }
    if (!inner) return fail(unsupported("a subquery without its relation.", site(at)));
    plan::TypedSubquery result;
    result.kind = subquery.kind;
    for (const ExprPtr& value : subquery.in_values) {
        MR_TRY(TypedExprPtr typed_value, expr(value, scope));
        result.in_values.push_back(std::move(typed_value));
    }
    const Scope* before = outer_;
    outer_ = &scope;
    std::vector<std::string> names_before = std::move(outer_names_);
    outer_names_.clear();
    auto analyzed = relation(inner);
    outer_ = before;
    const std::string outer_text = fmt::format("{}", fmt::join(outer_names_, ", "));
    outer_names_ = std::move(names_before);
    if (!analyzed) return fail(std::move(analyzed).error());
    const std::vector<Attribute> columns = output_of(*analyzed->plan);
    result.plan = analyzed->plan;
    DataType type = DataType::boolean();
    bool nullable = false;
    std::string text = fmt::format("exists({})", outer_text);
    if (subquery.kind == plan::SubqueryKind::kScalar) {
        if (columns.size() != 1) {
            return fail(spark_error(
                "INVALID_SUBQUERY_EXPRESSION.SCALAR_SUBQUERY_RETURN_MORE_THAN_ONE_OUTPUT_COLUMN",
                {{"number", std::to_string(columns.size())}}, site(at)));
        }
        type = columns[0].type;
        nullable = true;
        text = fmt::format("scalarsubquery({})", outer_text);
    } else if (subquery.kind == plan::SubqueryKind::kIn) {
        if (columns.size() != result.in_values.size()) {
            const auto list = [](const auto& items, auto&& text_of_item) {
                std::vector<std::string> texts;
                for (const auto& item : items) texts.push_back(quoted_expr(text_of_item(item)));
                return fmt::format("{}", fmt::join(texts, ", "));
            };
            return fail(spark_error(
                "DATATYPE_MISMATCH.IN_SUBQUERY_LENGTH_MISMATCH",
                {{"sqlExpr", quoted_expr("in")},
                 {"leftLength", std::to_string(result.in_values.size())},
                 {"leftColumns",
                  list(result.in_values, [](const TypedExprPtr& e) { return e->sql_text; })},
                 {"rightLength", std::to_string(columns.size())},
                 {"rightColumns", list(columns, [](const Attribute& a) { return a.name; })}},
                site(at)));
        }
        // Both sides are brought to one type: the subquery's by a projection above it.
        std::vector<NamedExpr> projected;
        bool changed = false;
        for (std::size_t i = 0; i < columns.size(); ++i) {
            const auto common = comparison_type(result.in_values[i]->type, columns[i].type, ansi_);
            if (!common) {
                return fail(spark_error("DATATYPE_MISMATCH.IN_SUBQUERY_DATA_TYPE_MISMATCH",
                                        {{"sqlExpr", quoted_expr("in")},
                                         {"mismatchedColumns", ""},
                                         {"leftType", quoted_type(result.in_values[i]->type)},
                                         {"rightType", quoted_type(columns[i].type)}},
                                        site(at)));
            }
            result.in_values[i] = cast_to(result.in_values[i], *common);
            TypedExprPtr value = cast_to(reference(columns[i]), *common);
            changed = changed || value->as<plan::AttributeRef>() == nullptr;
            projected.push_back(named(std::move(value), columns[i].name, nullptr));
            nullable = nullable || columns[i].nullable || result.in_values[i]->nullable;
        }
        if (changed) {
            result.plan = plan::make_logical(plan::ProjectNode{result.plan, std::move(projected)});
        }
        text = fmt::format("({} IN (listquery({})))", result.in_values[0]->sql_text, outer_text);
    }
    return typed(std::move(result), std::move(type), nullable, std::move(text), at.origin);
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
