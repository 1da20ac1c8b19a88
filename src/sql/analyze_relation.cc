// Relations that read, filter, join, combine and order. Frames' conveniences: analyze_frame.cc.
#include <fmt/ranges.h>

#include <algorithm>

#include "sql/analyzer_internal.h"
#include "sql/parser.h"
#include "sql/parser_internal.h"

namespace millrace::sql {

using base::fail;
using plan::make_logical;
using plan::ProjectNode;
using plan::TypeKind;

Analyzed Analyzer::over(LogicalPtr plan, Analyzed input) const {
    input.plan = std::move(plan);
    return input;
}

Analyzed Analyzer::leaf(LogicalPtr plan) const {
    Analyzed result;
    result.columns = output_of(*plan);
    result.plan = std::move(plan);
    return result;
}

// A plan that was analyzed before (a view, a cached frame), made ready to stand in this one.
Analyzed Analyzer::reuse(const LogicalPtr& plan) {
    Analyzed result = leaf(with_fresh_ids(plan, ids_));
    for (Attribute& column : result.columns) column.qualifier.clear();
    return result;
}

Analyzed Analyzer::projected(Analyzed input, std::vector<NamedExpr> columns) {
    Analyzed result;
    for (const NamedExpr& column : columns) result.columns.push_back(column.output);
    result.plan_ids = std::move(input.plan_ids);
    result.plan = make_logical(ProjectNode{std::move(input.plan), std::move(columns)});
    return result;
}

std::vector<const Attribute*> Analyzer::columns_named(const Analyzed& input,
                                                      const std::string& name) {
    std::vector<const Attribute*> result;
    for (const Attribute& column : input.columns) {
        if (same_name(column.name, name)) result.push_back(&column);
    }
    return result;
}

Result<const Attribute*> Analyzer::column_named(const Analyzed& input, const std::string& name) {
    const auto found = columns_named(input, name);
    const Scope scope{.input = &input};
    if (found.empty()) return fail(unresolved({name}, scope, {}));
    if (found.size() > 1) {
        std::vector<std::string> names;
        for (const Attribute* column : found) {
            std::vector<std::string> full = column->qualifier;
            full.push_back(column->name);
            names.push_back(quoted_id(full));
        }
        return fail(spark_error("AMBIGUOUS_REFERENCE",
                                {{"name", quoted_id(name)},
                                 {"referenceNames", fmt::format("[{}]", fmt::join(names, ", "))}}));
    }
    return found[0];
}

Result<Analyzed> Analyzer::rel(const plan::NamedTableRel& table, const plan::Relation& at) {
    if (table.parts.size() == 1) {
        for (std::size_t i = views_.size(); i-- > 0;) {
            if (!same_name(views_[i].first, table.parts[0])) continue;
            // A WITH view sees only what stands before it.
            std::vector<std::pair<std::string, RelationPtr>> hidden(
                std::make_move_iterator(views_.begin() + static_cast<long>(i)),
                std::make_move_iterator(views_.end()));
            views_.resize(i);
            const RelationPtr body = hidden[0].second;
            auto result = relation(body);
            for (auto& view : hidden) views_.push_back(std::move(view));
            return result;
        }
    }
    if (LogicalPtr view = context_.catalog.temp_view(table.parts)) {
        Analyzed result = reuse(view);
        for (Attribute& column : result.columns) column.qualifier = {table.parts.back()};
        return result;
    }
    if (auto scan = context_.catalog.table(table.parts)) {
        plan::ScanNode node = std::move(*scan);
        node.scan_id = static_cast<std::int64_t>(ids_.next());
        node.is_streaming = node.is_streaming || table.is_streaming;
        for (const auto& [key, value] : table.options) node.source.options[key] = value;
        for (Attribute& column : node.output) column.id = ids_.next();
        Analyzed result = leaf(make_logical(std::move(node)));
        for (Attribute& column : result.columns) column.qualifier = table.parts;
        return result;
    }
    return fail(spark_error("TABLE_OR_VIEW_NOT_FOUND",
                            {{"relationName", quoted_id(table.parts)},
                             {"searchPath",
                              "[`system`.`builtin`, `system`.`session`, "
                              "`spark_catalog`.`default`]"}},
                            site(Expr{plan::StarExpr{}, at.origin, {}, {}})));
}

Result<Analyzed> Analyzer::rel(const plan::DataSourceRel& source, const plan::Relation&) {
    plan::ScanNode scan;
    scan.source = source;
    for (char& c : scan.source.format) {
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    scan.is_streaming = source.is_streaming;
    scan.scan_id = static_cast<std::int64_t>(ids_.next());
    std::optional<DataType> given;
    if (!source.schema.empty()) {
        MR_TRY(given, parse_schema(source.schema));
    }
    MR_TRY(const std::vector<plan::Field> fields, context_.sources.schema_of(scan.source, given));
    for (const plan::Field& field : fields) {
        Attribute column = attribute(field.name, field.type, field.nullable);
        column.metadata_json = field.metadata_json;
        scan.output.push_back(std::move(column));
    }
    return leaf(make_logical(std::move(scan)));
}

Result<Analyzed> Analyzer::rel(const plan::FilterRel& filter, const plan::Relation&) {
    if (filter.is_having && filter.input != nullptr) {
        if (filter.input->as<plan::AggregateRel>() != nullptr ||
            filter.input->as<plan::ProjectRel>() != nullptr) {
            MR_TRY(Block block, block_of(*filter.input));
            MR_TRY_VOID(add_having(block, filter.condition));
            return build(std::move(block));
        }
    }
    MR_TRY(Analyzed input, relation(filter.input));
    const Scope scope{.input = &input, .outer = outer_};
    auto resolved = expr(filter.condition, scope);
    if (!resolved && filter.input != nullptr && filter.input->as<plan::ProjectRel>() != nullptr &&
        text_.empty()) {
        // df.select("a").filter(df.b > 1): the condition may use what the select left out.
        auto block = block_of(*filter.input);
        if (block && add_having(*block, filter.condition)) {
            MR_TRY(Analyzed result, build(std::move(*block)));
            if (filter.input->plan_id) {
                result.plan_ids.emplace_back(*filter.input->plan_id, result.columns);
            }
            return result;
        }
    }
    MR_TRY(TypedExprPtr condition, std::move(resolved));
    if (contains(condition,
                 [](const TypedExpr& node) { return node.as<plan::AggregateCall>() != nullptr; })) {
        return fail(spark_error("INVALID_WHERE_CONDITION",
                                {{"condition", quoted_expr(condition->sql_text)},
                                 {"expressionList", condition->sql_text}},
                                site(*filter.condition)));
    }
    if (condition->type.is_string() || condition->type.is(TypeKind::kNull)) {
        condition = cast_to(std::move(condition), DataType::boolean());
    }
    if (!condition->type.is(TypeKind::kBoolean)) {
        return fail(spark_error("DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN",
                                {{"sqlExpr", quoted_expr(condition->sql_text)},
                                 {"filter", quoted_expr(condition->sql_text)},
                                 {"type", quoted_type(condition->type)}},
                                site(*filter.condition)));
    }
    LogicalPtr plan = make_logical(plan::LogicalFilter{input.plan, std::move(condition)});
    return over(std::move(plan), std::move(input));
}

Result<std::int64_t> Analyzer::constant_limit(const ExprPtr& expression, std::string_view name) {
    const Analyzed nothing;
    const Scope scope{.input = &nothing};
    MR_TRY(const TypedExprPtr value, expr(expression, scope));
    const auto* literal = value->as<Literal>();
    const ErrorParameters parameters = {{"name", std::string(name)},
                                        {"expr", quoted_expr(value->sql_text)}};
    if (!is_foldable(value) || literal == nullptr) {
        // 1 + 1 is a constant too; sums of literals are all that is worth folding here.
        const auto* call = value->as<plan::FunctionCall>();
        if (call != nullptr && call->name == "+" && call->args.size() == 2) {
            const auto* a = call->args[0]->as<Literal>();
            const auto* b = call->args[1]->as<Literal>();
            if (a != nullptr && b != nullptr && !a->is_null() && !b->is_null()) {
                return std::get<std::int64_t>(a->value) + std::get<std::int64_t>(b->value);
            }
        }
        return fail(spark_error("INVALID_LIMIT_LIKE_EXPRESSION.IS_UNFOLDABLE", parameters,
                                site(*expression)));
    }
    if (literal->is_null()) {
        return fail(
            spark_error("INVALID_LIMIT_LIKE_EXPRESSION.IS_NULL", parameters, site(*expression)));
    }
    const auto* number = std::get_if<std::int64_t>(&literal->value);
    if (number == nullptr || !value->type.is_integral()) {
        ErrorParameters more = parameters;
        more["dataType"] = quoted_type(value->type);
        return fail(
            spark_error("INVALID_LIMIT_LIKE_EXPRESSION.DATA_TYPE", more, site(*expression)));
    }
    if (*number < 0) {
        ErrorParameters more = parameters;
        more["v"] = std::to_string(*number);
        return fail(
            spark_error("INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE", more, site(*expression)));
    }
    return *number;
}

Result<Analyzed> Analyzer::rel(const plan::LimitRel& limit, const plan::Relation&) {
    MR_TRY(Analyzed input, relation(limit.input));
    MR_TRY(const std::int64_t rows, constant_limit(limit.limit, "limit"));
    const auto* below = input.plan->as<plan::LogicalLimit>();
    // LIMIT over OFFSET is one node.
    if (below != nullptr && below->limit < 0 && !below->from_end) {
        LogicalPtr plan =
            make_logical(plan::LogicalLimit{below->input, rows, below->offset, false});
        return over(std::move(plan), std::move(input));
    }
    LogicalPtr plan = make_logical(plan::LogicalLimit{input.plan, rows, 0, false});
    return over(std::move(plan), std::move(input));
}

Result<Analyzed> Analyzer::rel(const plan::OffsetRel& offset, const plan::Relation&) {
    MR_TRY(Analyzed input, relation(offset.input));
    MR_TRY(const std::int64_t rows, constant_limit(offset.offset, "offset"));
    LogicalPtr plan = make_logical(plan::LogicalLimit{input.plan, -1, rows, false});
    return over(std::move(plan), std::move(input));
}

Result<Analyzed> Analyzer::rel(const plan::TailRel& tail, const plan::Relation&) {
    MR_TRY(Analyzed input, relation(tail.input));
    LogicalPtr plan = make_logical(plan::LogicalLimit{input.plan, tail.limit, 0, true});
    return over(std::move(plan), std::move(input));
}

Result<Analyzed> Analyzer::rel(const plan::SqlRel& sql, const plan::Relation&) {
    MR_TRY(plan::Statement statement, parse_statement(sql.text));
    const auto* query = std::get_if<RelationPtr>(&statement);
    if (query == nullptr) {
        return fail(unsupported("a statement that is no query, used as a relation."));
    }
    const std::string_view before = text_;
    const std::size_t views = views_.size();
    for (const RelationPtr& view : sql.views) {
        const auto* alias = view->as<plan::SubqueryAliasRel>();
        if (alias != nullptr) views_.emplace_back(alias->alias, view);
    }
    text_ = sql.text;
    parameters_.push_back(&sql);
    auto result = relation(*query);
    parameters_.pop_back();
    text_ = before;
    views_.resize(views);
    return result;
}

Result<Analyzed> Analyzer::rel(const plan::LocalRel& local, const plan::Relation& at) {
    plan::LocalDataNode node;
    const Site here{text_, at.origin};
    if (local.rows.empty()) {
        node.arrow_ipc = local.arrow_ipc;
        std::vector<plan::Field> fields;
        std::optional<DataType> given;
        if (!local.schema.empty()) {
            MR_TRY(given, parse_schema(local.schema));
        }
        if (given && given->is(TypeKind::kStruct)) {
            fields = given->fields();
        } else {
            // What the data itself says is the sources' to read.
            plan::DataSourceRel source;
            source.format = "arrow";
            source.options["data"] = local.arrow_ipc;
            MR_TRY(fields, context_.sources.schema_of(source, given));
        }
        for (const plan::Field& field : fields) {
            Attribute column = attribute(field.name, field.type, field.nullable);
            column.metadata_json = field.metadata_json;
            node.output.push_back(std::move(column));
        }
        return leaf(make_logical(std::move(node)));
    }
    const Analyzed nothing;
    const Scope scope{.input = &nothing, .outer = outer_};
    const std::size_t width = local.rows[0].size();
    std::vector<std::vector<DataType>> types(width);
    std::vector<bool> nullable(width, false);
    std::vector<std::string> names(width);
    for (const auto& row : local.rows) {
        if (row.size() != width) {
            return fail(spark_error("INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH",
                                    {{"expectedNumCols", std::to_string(width)},
                                     {"actualNumCols", std::to_string(row.size())},
                                     {"rowIndex", std::to_string(node.rows.size())}},
                                    here));
        }
        std::vector<TypedExprPtr> values;
        for (std::size_t i = 0; i < width; ++i) {
            ExprPtr inner = row[i];
            if (const auto* alias = inner->as<plan::AliasExpr>(); alias != nullptr) {
                if (node.rows.empty()) names[i] = alias->names[0];
                inner = alias->child;
            }
            MR_TRY(TypedExprPtr value, expr(inner, scope));
            types[i].push_back(value->type);
            nullable[i] = nullable[i] || value->nullable;
            values.push_back(std::move(value));
        }
        node.rows.push_back(std::move(values));
    }
    for (std::size_t i = 0; i < width; ++i) {
        const auto common = wider_type(types[i], ansi_);
        if (!common) {
            return fail(spark_error("INVALID_INLINE_TABLE.INCOMPATIBLE_TYPES_IN_INLINE_TABLE",
                                    {{"colName", quoted_id(fmt::format("col{}", i + 1))}}, here));
        }
        for (auto& row : node.rows) row[i] = cast_to(row[i], *common);
        node.output.push_back(attribute(names[i].empty() ? fmt::format("col{}", i + 1) : names[i],
                                        *common, nullable[i]));
    }
    return leaf(make_logical(std::move(node)));
}

Result<Analyzed> Analyzer::rel(const plan::RangeRel& range, const plan::Relation&) {
    if (range.step == 0) {
        return fail(base::Code::kInvalidArgument, "step of a range must not be 0");
    }
    return leaf(make_logical(plan::RangeNode{range.start, range.end, range.step,
                                             attribute("id", DataType::long_(), false)}));
}

Result<Analyzed> Analyzer::rel(const plan::SubqueryAliasRel& alias, const plan::Relation& at) {
    MR_TRY(Analyzed input, relation(alias.input));
    std::vector<std::string> qualifier = alias.qualifier;
    qualifier.push_back(alias.alias);
    for (Attribute& column : input.columns) column.qualifier = qualifier;
    if (alias.column_names.empty()) {
        // df.alias() keeps what the frame's hidden keys are called; SQL's AS hides them.
        input.hidden.clear();
        return input;
    }
    if (alias.column_names.size() != input.columns.size()) {
        return fail(spark_error("ASSIGNMENT_ARITY_MISMATCH",
                                {{"numTarget", std::to_string(alias.column_names.size())},
                                 {"numExpr", std::to_string(input.columns.size())}},
                                {text_, at.origin}));
    }
    std::vector<NamedExpr> columns;
    for (std::size_t i = 0; i < input.columns.size(); ++i) {
        NamedExpr column = named(reference(input.columns[i]), alias.column_names[i], &input);
        column.output.qualifier = qualifier;
        columns.push_back(std::move(column));
    }
    return projected(std::move(input), std::move(columns));
}

Result<Analyzed> Analyzer::rel(const plan::WithRel& with, const plan::Relation&) {
    if (with.recursive) {
        return fail(unsupported("recursive common table expressions.", {text_, {}}));
    }
    const std::size_t before = views_.size();
    for (const auto& [name, view] : with.views) views_.emplace_back(name, view);
    auto result = relation(with.input);
    views_.resize(before);
    return result;
}

Result<Analyzed> Analyzer::rel(const plan::WithReferencesRel& with, const plan::Relation&) {
    for (const RelationPtr& reference : with.references) {
        if (reference->plan_id) references_[*reference->plan_id] = reference;
        // A SQL text's views come as references under an alias.
        if (const auto* alias = reference->as<plan::SubqueryAliasRel>()) {
            views_.emplace_back(alias->alias, reference);
        }
    }
    return relation(with.input);
}

Result<Analyzed> Analyzer::rel(const plan::CachedRel& cached, const plan::Relation&) {
    LogicalPtr plan = context_.catalog.cached(cached.id);
    if (!plan) {
        return fail(base::Code::kNotFound, "no DataFrame is kept under the id {}", cached.id);
    }
    return reuse(plan);
}

Result<Analyzed> Analyzer::rel(const plan::CatalogRel& question, const plan::Relation&) {
    MR_TRY(const LogicalPtr plan, context_.catalog.answer(question));
    return reuse(plan);
}

Result<Analyzed> Analyzer::rel(const plan::UnsupportedRel& what, const plan::Relation&) {
    return fail(unsupported(what.what));
}

Result<Analyzed> Analyzer::rel(const plan::GenerateRel& generate, const plan::Relation& at) {
    Analyzed input;
    if (generate.input) {
        MR_TRY(input, relation(generate.input));
    }
    Pending pending;
    const Scope scope{.input = &input, .outer = outer_, .pending = &pending};
    MR_TRY(const TypedExprPtr value, expr(generate.generator, scope));
    if (pending.generators.size() != 1) {
        const auto* function = generate.generator->as<plan::FunctionExpr>();
        const std::string name = function == nullptr ? "expression" : function->name;
        if (!generate.input) {
            return fail(spark_error("NOT_A_TABLE_FUNCTION", {{"functionName", quoted_id(name)}},
                                    site(*generate.generator)));
        }
        return fail(spark_error("UNSUPPORTED_GENERATOR.NOT_GENERATOR",
                                {{"functionName", quoted_id(name)}, {"classCanonicalName", name}},
                                site(*generate.generator)));
    }
    plan::GenerateNode node;
    node.input = input.plan;
    node.generator = pending.generators[0].call;
    node.outer = pending.generators[0].outer || generate.outer;
    node.output = pending.generators[0].output;
    if (!generate.column_aliases.empty()) {
        if (generate.column_aliases.size() != node.output.size()) {
            return fail(spark_error(
                "UDTF_ALIAS_NUMBER_MISMATCH",
                {{"aliasesSize", std::to_string(node.output.size())},
                 {"aliasesNames", fmt::format("{}", fmt::join(generate.column_aliases, ","))}},
                {text_, at.origin}));
        }
        for (std::size_t i = 0; i < node.output.size(); ++i) {
            node.output[i].name = generate.column_aliases[i];
        }
    }
    for (Attribute& column : node.output) {
        if (node.outer) column.nullable = true;
        if (!generate.table_alias.empty()) column.qualifier = {generate.table_alias};
        input.columns.push_back(column);
    }
    LogicalPtr plan = make_logical(std::move(node));
    return over(std::move(plan), std::move(input));
}

}  // namespace millrace::sql
