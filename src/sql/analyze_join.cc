// Joins and set operations.
#include <fmt/ranges.h>

#include <algorithm>

#include "sql/analyzer_internal.h"
#include "sql/parser.h"
#include "sql/parser_internal.h"
#include "sql/result_rules_internal.h"
#include "sql/spark_text.h"

namespace millrace::sql {

using base::fail;
using plan::make_logical;
using plan::ProjectNode;
using plan::TypeKind;

Result<Analyzed> Analyzer::rel(const plan::JoinRel& join, const plan::Relation&) {
    using plan::JoinType;
    MR_TRY(Analyzed left, relation(join.left));
    Analyzed right;
    if (join.lateral) {
        const Scope outer{.input = &left, .outer = outer_};
        const Scope* before = outer_;
        outer_ = &outer;
        auto result = relation(join.right);
        outer_ = before;
        if (!result) return result;
        right = std::move(*result);
    } else {
        MR_TRY(right, relation(join.right));
    }
    std::vector<std::string> keys = join.using_columns;
    if (join.natural) {
        for (const Attribute& column : left.columns) {
            if (!columns_named(right, column.name).empty()) keys.push_back(column.name);
        }
    }
    Analyzed both;
    both.columns = left.columns;
    both.columns.insert(both.columns.end(), right.columns.begin(), right.columns.end());
    both.hidden = left.hidden;
    both.hidden.insert(both.hidden.end(), right.hidden.begin(), right.hidden.end());
    both.plan_ids = std::move(left.plan_ids);
    both.plan_ids.insert(both.plan_ids.end(), std::make_move_iterator(right.plan_ids.begin()),
                         std::make_move_iterator(right.plan_ids.end()));
    plan::JoinNode node;
    node.left = left.plan;
    node.right = right.plan;
    node.type = join.type;
    node.lateral = join.lateral;
    std::vector<std::pair<Attribute, Attribute>> pairs;
    for (const std::string& key : keys) {
        std::pair<Attribute, Attribute> pair;
        for (const bool is_left : {true, false}) {
            const Analyzed& side = is_left ? left : right;
            const auto found = columns_named(side, key);
            if (found.empty()) {
                std::vector<std::string> names;
                for (const Attribute& column : side.columns)
                    names.push_back(quoted_id(column.name));
                std::ranges::sort(names);
                return fail(
                    spark_error("UNRESOLVED_USING_COLUMN_FOR_JOIN",
                                {{"colName", quoted_id(key)},
                                 {"side", is_left ? "left" : "right"},
                                 {"suggestion", fmt::format("{}", fmt::join(names, ", "))}}));
            }
            MR_TRY(const Attribute* one, column_named(side, key));
            (is_left ? pair.first : pair.second) = *one;
        }
        const auto common = comparison_type(pair.first.type, pair.second.type, ansi_);
        if (!common) {
            return fail(spark_error("DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES",
                                    {{"sqlExpr", quoted_expr(fmt::format("({} = {})", key, key))},
                                     {"left", quoted_type(pair.first.type)},
                                     {"right", quoted_type(pair.second.type)}}));
        }
        TypedExprPtr equal = function_call(
            "==",
            {cast_to(reference(pair.first), *common), cast_to(reference(pair.second), *common)},
            DataType::boolean(), pair.first.nullable || pair.second.nullable,
            fmt::format("({} = {})", key, key));
        node.condition = node.condition == nullptr
                             ? std::move(equal)
                             : function_call("and", {node.condition, std::move(equal)},
                                             DataType::boolean(), true, "");
        pairs.push_back(std::move(pair));
    }
    if (join.condition) {
        const Scope scope{.input = &both, .outer = outer_};
        MR_TRY(node.condition, expr(join.condition, scope));
        if (node.condition->type.is(TypeKind::kNull)) {
            node.condition = cast_to(node.condition, DataType::boolean());
        }
        if (!node.condition->type.is(TypeKind::kBoolean)) {
            return fail(spark_error("DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN",
                                    {{"sqlExpr", quoted_expr(node.condition->sql_text)},
                                     {"filter", quoted_expr(node.condition->sql_text)},
                                     {"type", quoted_type(node.condition->type)}},
                                    site(*join.condition)));
        }
    }
    const bool left_only = join.type == JoinType::kLeftSemi || join.type == JoinType::kLeftAnti;
    const bool null_left = join.type == JoinType::kRightOuter || join.type == JoinType::kFullOuter;
    const bool null_right = join.type == JoinType::kLeftOuter || join.type == JoinType::kFullOuter;
    if (left_only) {
        both.columns.resize(left.columns.size());
        both.hidden = left.hidden;
    }
    const auto nullable = [&](std::vector<Attribute>& columns) {
        for (Attribute& column : columns) {
            const auto in = [&](const Analyzed& side) {
                const auto has = [&](const std::vector<Attribute>& list) {
                    return std::ranges::any_of(
                        list, [&](const Attribute& other) { return other.id == column.id; });
                };
                return has(side.columns) || has(side.hidden);
            };
            if ((null_left && in(left)) || (null_right && in(right))) column.nullable = true;
        }
    };
    nullable(both.columns);
    nullable(both.hidden);
    // The node puts out all that its inputs do, in their order; names are the scope's business.
    node.output = output_of(*left.plan);
    if (!left_only) {
        const std::vector<Attribute> rest = output_of(*right.plan);
        for (Attribute column : rest) {
            column.nullable = column.nullable || null_right;
            node.output.push_back(std::move(column));
        }
        if (null_left) {
            for (std::size_t i = 0; i < node.output.size() - rest.size(); ++i) {
                node.output[i].nullable = true;
            }
        }
    }
    LogicalPtr plan = make_logical(std::move(node));
    if (pairs.empty()) return over(std::move(plan), std::move(both));

    // USING: each key once, in front; a full outer join's key is whichever side has it.
    std::vector<NamedExpr> columns;
    std::vector<Attribute> hidden;
    const auto is_key = [&](const Attribute& column) {
        return std::ranges::any_of(pairs, [&](const auto& pair) {
            return pair.first.id == column.id || pair.second.id == column.id;
        });
    };
    for (const auto& [first, second] : pairs) {
        if (join.type == JoinType::kFullOuter) {
            Attribute a = first;
            Attribute b = second;
            a.nullable = b.nullable = true;
            const DataType type = *comparison_type(a.type, b.type, ansi_);
            TypedExprPtr either = function_call(
                "coalesce", {cast_to(reference(a), type), cast_to(reference(b), type)}, type,
                first.nullable || second.nullable, fmt::format("coalesce({}, {})", a.name, b.name));
            columns.push_back(named(std::move(either), first.name, nullptr));
            hidden.push_back(a);
            hidden.push_back(b);
        } else {
            const bool use_right = join.type == JoinType::kRightOuter;
            Attribute kept = use_right ? second : first;
            Attribute other = use_right ? first : second;
            if (use_right) kept.name = first.name;
            columns.push_back({kept, reference(kept)});
            if (!left_only) {
                other.nullable = other.nullable || null_left || null_right;
                hidden.push_back(other);
            }
        }
    }
    for (const Attribute& column : both.columns) {
        if (!is_key(column)) columns.push_back({column, reference(column)});
    }
    Analyzed result;
    for (const NamedExpr& column : columns) result.columns.push_back(column.output);
    result.plan_ids = std::move(both.plan_ids);
    result.hidden = both.hidden;
    // The other side's key stays reachable by its qualifier, below the names of the result.
    for (const Attribute& column : hidden) {
        columns.push_back({column, reference(column)});
        result.hidden.push_back(column);
    }
    plan = make_logical(ProjectNode{std::move(plan), columns});
    if (hidden.empty()) {
        result.plan = std::move(plan);
        return result;
    }
    result.plan = std::move(plan);
    return result;
}

Result<Analyzed> Analyzer::with_types(Analyzed input, const std::vector<DataType>& types) {
    bool changed = false;
    std::vector<NamedExpr> columns;
    for (std::size_t i = 0; i < input.columns.size(); ++i) {
        TypedExprPtr value = cast_to(reference(input.columns[i]), types[i]);
        if (value->as<plan::AttributeRef>() != nullptr) {
            columns.push_back({input.columns[i], value});
        } else {
            changed = true;
            columns.push_back(named(std::move(value), input.columns[i].name, &input));
        }
    }
    // Hidden columns of a join are no part of a set operation.
    if (!changed && output_of(*input.plan).size() == input.columns.size()) return input;
    return projected(std::move(input), std::move(columns));
}

Result<Analyzed> Analyzer::rel(const plan::SetOpRel& set_op, const plan::Relation& at) {
    using plan::SetOpType;
    MR_TRY(Analyzed left, relation(set_op.left));
    MR_TRY(Analyzed right, relation(set_op.right));
    const char* name = set_op.type == SetOpType::kUnion       ? "UNION"
                       : set_op.type == SetOpType::kIntersect ? "INTERSECT"
                                                              : "EXCEPT";
    const Site here{text_, at.origin};
    if (set_op.by_name) {
        // The right side in the left's order; what is missing is null where that is allowed.
        const auto fill =
            [&](Analyzed& side,
                const std::vector<Attribute>& wanted) -> Result<std::vector<NamedExpr>> {
            std::vector<NamedExpr> columns;
            for (const Attribute& column : wanted) {
                const auto found = columns_named(side, column.name);
                if (!found.empty()) {
                    columns.push_back({*found[0], reference(*found[0])});
                } else if (set_op.allow_missing_columns) {
                    columns.push_back(
                        named(literal_expr(Literal::null(column.type)), column.name, nullptr));
                } else {
                    const Scope scope{.input = &side};
                    return fail(unresolved({column.name}, scope, here));
                }
            }
            return columns;
        };
        std::vector<Attribute> wanted = left.columns;
        for (const Attribute& column : right.columns) {
            if (columns_named(left, column.name).empty()) {
                if (!set_op.allow_missing_columns) {
                    if (left.columns.size() != right.columns.size()) break;
                    const Scope scope{.input = &right};
                    return fail(unresolved({column.name}, scope, here));
                }
                wanted.push_back(column);
            }
        }
        if (wanted.size() != left.columns.size()) {
            MR_TRY(std::vector<NamedExpr> columns, fill(left, wanted));
            left = projected(std::move(left), std::move(columns));
        }
        if (set_op.allow_missing_columns || left.columns.size() == right.columns.size()) {
            MR_TRY(std::vector<NamedExpr> columns, fill(right, wanted));
            right = projected(std::move(right), std::move(columns));
        }
    }
    if (left.columns.size() != right.columns.size()) {
        return fail(spark_error("NUM_COLUMNS_MISMATCH",
                                {{"operator", name},
                                 {"firstNumColumns", std::to_string(left.columns.size())},
                                 {"invalidOrdinalNum", "second"},
                                 {"invalidNumColumns", std::to_string(right.columns.size())}},
                                here));
    }
    std::vector<DataType> types;
    plan::SetOpNode node;
    node.type = set_op.type;
    node.all = set_op.all;
    for (std::size_t i = 0; i < left.columns.size(); ++i) {
        const Attribute& a = left.columns[i];
        const Attribute& b = right.columns[i];
        if (set_op.type != SetOpType::kUnion || !set_op.all) {
            if (a.type.is(TypeKind::kMap)) {
                return fail(spark_error(
                    "UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE",
                    {{"colName", quoted_id(a.name)}, {"dataType", quoted_type(a.type)}}, here));
            }
        }
        const auto common = wider_type(a.type, b.type, ansi_);
        if (!common) {
            static constexpr const char* kOrdinals[] = {"first", "second", "third",   "fourth",
                                                        "fifth", "sixth",  "seventh", "eighth",
                                                        "ninth", "tenth"};
            return fail(spark_error(
                "INCOMPATIBLE_COLUMN_TYPE",
                {{"operator", name},
                 {"columnOrdinalNumber", i < 10 ? kOrdinals[i] : fmt::format("{}th", i + 1)},
                 {"tableOrdinalNumber", "second"},
                 {"dataType1", quoted_type(b.type)},
                 {"dataType2", quoted_type(a.type)},
                 {"hint", ""}},
                here));
        }
        types.push_back(*common);
        Attribute output =
            attribute(a.name, *common,
                      set_op.type == SetOpType::kUnion ? a.nullable || b.nullable : a.nullable);
        output.watermark_delay_ms = a.watermark_delay_ms;
        output.metadata_json = a.metadata_json;
        node.output.push_back(std::move(output));
    }
    MR_TRY(left, with_types(std::move(left), types));
    MR_TRY(right, with_types(std::move(right), types));
    const auto add = [&](const Analyzed& side) {
        const auto* below = side.plan->as<plan::SetOpNode>();
        // UNION ALL of UNION ALL is one union of all inputs.
        if (node.type == SetOpType::kUnion && node.all && below != nullptr &&
            below->type == SetOpType::kUnion && below->all && node.inputs.empty()) {
            node.inputs = below->inputs;
        } else {
            node.inputs.push_back(side.plan);
        }
    };
    add(left);
    add(right);
    Analyzed result = leaf(make_logical(std::move(node)));
    result.plan_ids = std::move(left.plan_ids);
    return result;
}

}  // namespace millrace::sql
