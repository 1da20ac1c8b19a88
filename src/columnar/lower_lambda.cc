// Higher-order functions: transform, filter, aggregate … as DuckDB's lambdas.
#include "columnar/lowering_internal.h"

namespace millrace::columnar {

using plan::TypedExpr;

Result<std::string> Lowering::lambda_function(const plan::FunctionCall& call,
                                              const TypedExpr& whole) {
    const std::string& name = call.name;
    const Hoisting none(hoisted_, nullptr);
    std::vector<std::string> values;
    std::vector<const plan::TypedLambda*> lambdas;
    for (const auto& arg : call.args) {
        if (const auto* lambda = arg->as<plan::TypedLambda>()) {
            lambdas.push_back(lambda);
        } else {
            MR_TRY(std::string value, expression(*arg));
            values.push_back(std::move(value));
        }
    }
    if (lambdas.empty() || values.empty()) return std::string();
    // `lambda a, i: body`, where Spark's index counts from 0 and DuckDB's from 1.
    const auto indexed = [&](const plan::TypedLambda& lambda) -> Result<std::string> {
        MR_TRY(std::string body, expression(*lambda.body));
        const std::string first = column_name(lambda.parameters.at(0).id);
        if (lambda.parameters.size() < 2) return fmt::format("lambda {}: {}", first, body);
        const std::string second = column_name(lambda.parameters[1].id);
        // A lambda of one element binds the moved index: DuckDB has no let.
        std::string moved;
        const std::string renamed = fresh("i");
        std::size_t at = 0;
        while (at < body.size()) {
            const std::size_t found = body.find(second, at);
            if (found == std::string::npos) {
                moved += body.substr(at);
                break;
            }
            const std::size_t end = found + second.size();
            const auto word = [](char c) {
                return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
            };
            const bool whole_name =
                (found == 0 || !word(body[found - 1])) && (end == body.size() || !word(body[end]));
            moved += body.substr(at, found - at);
            moved += whole_name ? fmt::format("CAST({} - 1 AS INTEGER)", renamed) : second;
            at = end;
        }
        return fmt::format("lambda {}, {}: {}", first, renamed, moved);
    };
    const std::string type = duck_type_name(whole.type);
    // Bodies over two lists or maps see a struct of both.
    const auto with_pair = [&](const plan::TypedLambda& lambda, const std::string& a,
                               const std::string& b,
                               const std::string& pair) -> Result<std::string> {
        // list_transform over positions: the parameters become list elements at a position.
        MR_TRY(const std::string body, expression(*lambda.body));
        return fmt::format(
            "list_transform([{}], lambda {}: list_transform([{}], lambda {}: {})[1])[1]",
            fmt::format("{}[{}]", a, pair), column_name(lambda.parameters.at(0).id),
            fmt::format("{}[{}]", b, pair), column_name(lambda.parameters.at(1).id), body);
    };
    if (name == "transform") {
        MR_TRY(const std::string body, indexed(*lambdas[0]));
        return fmt::format("CAST(list_transform({}, {}) AS {})", values[0], body, type);
    }
    if (name == "filter") {
        MR_TRY(const std::string body, indexed(*lambdas[0]));
        return fmt::format("CAST(list_filter({}, {}) AS {})", values[0], body, type);
    }
    if (name == "exists" || name == "forall") {
        MR_TRY(const std::string body, indexed(*lambdas[0]));
        // Three-valued: true when some is, else null when some is unknown, else false.
        return fmt::format(
            "CASE WHEN {0} IS NULL THEN NULL WHEN len({0}) = 0 THEN {3} ELSE "
            "{1}(list_transform({0}, {2})) END",
            values[0], name == "exists" ? "mr_any" : "mr_all", body,
            name == "exists" ? "false" : "true");
    }
    if (name == "aggregate") {
        if (values.size() < 2) return std::string();
        MR_TRY(const std::string body, expression(*lambdas[0]->body));
        const std::string state = duck_type_name(call.args[1]->type);
        std::string folded = fmt::format(
            "CASE WHEN {0} IS NULL THEN NULL ELSE list_reduce(list_prepend(struct_pack(a := "
            "CAST({1} AS {2}), x := NULL), "
            "list_transform({0}, lambda mr_y: struct_pack(a := CAST(NULL AS {2}), x := mr_y))), "
            "lambda mr_p, mr_q: struct_pack(a := CAST(list_transform([mr_p.a], lambda {3}: "
            "list_transform([mr_q.x], lambda {4}: {5})[1])[1] AS {2}), x := mr_q.x)).a END",
            values[0], values[1], state, column_name(lambdas[0]->parameters.at(0).id),
            column_name(lambdas[0]->parameters.at(1).id), body);
        if (lambdas.size() > 1) {
            MR_TRY(const std::string finish, expression(*lambdas[1]->body));
            folded = fmt::format(
                "CASE WHEN {} IS NULL THEN NULL ELSE list_transform([{}], lambda {}: {})[1] END",
                values[0], folded, column_name(lambdas[1]->parameters.at(0).id), finish);
        }
        return fmt::format("CAST({} AS {})", folded, type);
    }
    if (name == "zip_with" && values.size() == 2) {
        const std::string index = fresh("i");
        MR_TRY(const std::string body, with_pair(*lambdas[0], values[0], values[1], index));
        return fmt::format(
            "CAST(CASE WHEN {0} IS NULL OR {1} IS NULL THEN NULL ELSE "
            "list_transform(range(1, greatest(len({0}), len({1})) + 1), lambda {2}: {3}) END AS "
            "{4})",
            values[0], values[1], index, body, type);
    }
    if (name == "map_filter" || name == "transform_keys" || name == "transform_values") {
        const std::string index = fresh("i");
        const std::string keys = fmt::format("map_keys({})", values[0]);
        const std::string items = fmt::format("map_values({})", values[0]);
        MR_TRY(const std::string body, with_pair(*lambdas[0], keys, items, index));
        const std::string positions = fmt::format("range(1, len({}) + 1)", keys);
        if (name == "map_filter") {
            return fmt::format(
                "CAST(CASE WHEN {0} IS NULL THEN NULL ELSE "
                "map_from_entries(list_transform(list_filter({1}, "
                "lambda {2}: {3}), lambda {2}: map_entries({0})[{2}])) END AS {4})",
                values[0], positions, index, body, type);
        }
        const std::string made =
            fmt::format("list_transform({}, lambda {}: {})", positions, index, body);
        return fmt::format("CAST(CASE WHEN {} IS NULL THEN NULL ELSE map({}, {}) END AS {})",
                           values[0], name == "transform_keys" ? made : keys,
                           name == "transform_keys" ? items : made, type);
    }
    if (name == "map_zip_with" && values.size() == 2) {
        // The values under each key of either map.
        const std::string key = column_name(lambdas[0]->parameters.at(0).id);
        MR_TRY(const std::string body, expression(*lambdas[0]->body));
        return fmt::format(
            "CAST(CASE WHEN {0} IS NULL OR {1} IS NULL THEN NULL ELSE "
            "map_from_entries(list_transform(mr_array_distinct(list_concat(map_keys({0}), "
            "map_keys({1}))), lambda {2}: struct_pack(k := {2}, v := list_transform([{0}[{2}]], "
            "lambda {3}: list_transform([{1}[{2}]], lambda {4}: {5})[1])[1]))) END AS {6})",
            values[0], values[1], key, column_name(lambdas[0]->parameters.at(1).id),
            column_name(lambdas[0]->parameters.at(2).id), body, type);
    }
    if (name == "array_sort" && lambdas[0]->parameters.size() == 2) {
        // Each element is put behind those that are not greater: the state is the sorted part.
        MR_TRY(const std::string body, expression(*lambdas[0]->body));
        const std::string least = column_name(lambdas[0]->parameters[0].id);
        const std::string added = column_name(lambdas[0]->parameters[1].id);
        const std::string compared = fmt::format(
            "list_transform([mr_q.x], lambda {0}: coalesce({1}, "
            "mr_raise('COMPARATOR_RETURNS_NULL')))[1]",
            added, body);
        return fmt::format(
            "CAST(CASE WHEN {0} IS NULL THEN NULL ELSE "
            "list_reduce(list_prepend(struct_pack(a := CAST([] AS {1}), x := NULL), "
            "list_transform({0}, lambda mr_y: struct_pack(a := CAST(NULL AS {1}), x := mr_y))), "
            "lambda mr_p, mr_q: struct_pack(a := list_concat(list_concat(list_filter(mr_p.a, "
            "lambda {2}: {3} <= 0), [mr_q.x]), list_filter(mr_p.a, lambda {2}: {3} > 0)), "
            "x := mr_q.x)).a END AS {1})",
            values[0], type, least, compared);
    }
    return std::string();
}

}  // namespace millrace::columnar
