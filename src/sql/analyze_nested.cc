// Parts of structs, arrays and maps; subqueries.
#include <fmt/ranges.h>

#include <algorithm>

#include "sql/analyzer_internal.h"
#include "sql/parser.h"
#include "sql/parser_internal.h"
#include "sql/result_rules_internal.h"
#include "sql/spark_text.h"

namespace millrace::sql {

using base::fail;
using plan::TypeKind;

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

}  // namespace millrace::sql
