// Relations as front ends write them: unresolved operators over unresolved expressions.
//
// The same vocabulary as Spark Connect's relations.proto, so that the Connect door, the SQL parser
// and the C++ API meet here and nothing behind them knows which one spoke. Immutable and shared.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "plan/expression.h"

namespace millrace::plan {

using Options = std::map<std::string, std::string>;  // Keys in lower case.

struct NamedTableRel {
    std::vector<std::string> parts;
    Options options;
    bool is_streaming = false;
};
// spark.read / spark.readStream: format, schema (DDL or JSON text, empty when not given), options.
struct DataSourceRel {
    std::string format;
    std::string schema;
    Options options;
    std::vector<std::string> paths;
    std::vector<std::string> predicates;
    bool is_streaming = false;
};
struct ProjectRel {
    RelationPtr input;  // Null: a single row without columns (SELECT 1).
    std::vector<ExprPtr> expressions;
};
struct FilterRel {
    RelationPtr input;
    ExprPtr condition;
    bool is_having = false;  // SQL HAVING: may use aggregates of the query below.
};
enum class JoinType : std::uint8_t {
    kInner,
    kFullOuter,
    kLeftOuter,
    kRightOuter,
    kLeftAnti,
    kLeftSemi,
    kCross
};
struct JoinRel {
    RelationPtr left;
    RelationPtr right;
    ExprPtr condition;  // Or null.
    JoinType type = JoinType::kInner;
    std::vector<std::string> using_columns;
    bool natural = false;
    bool lateral = false;
};
enum class SetOpType : std::uint8_t { kUnion, kIntersect, kExcept };
struct SetOpRel {
    RelationPtr left;
    RelationPtr right;
    SetOpType type = SetOpType::kUnion;
    bool all = false;
    bool by_name = false;
    bool allow_missing_columns = false;
};
struct SortRel {
    RelationPtr input;
    std::vector<ExprPtr> orders;  // SortOrderExprs.
    bool global = true;
};
struct LimitRel {
    RelationPtr input;
    ExprPtr limit;
};
struct OffsetRel {
    RelationPtr input;
    ExprPtr offset;
};
struct TailRel {
    RelationPtr input;
    std::int64_t limit = 0;
};
enum class GroupType : std::uint8_t { kGroupBy, kRollup, kCube, kPivot, kGroupingSets };
struct AggregateRel {
    RelationPtr input;
    GroupType group_type = GroupType::kGroupBy;
    std::vector<ExprPtr> grouping;
    // DataFrame: the aggregates only (output = grouping, then these). SQL: the whole select list,
    // see `select_list_is_output`.
    std::vector<ExprPtr> aggregates;
    bool select_list_is_output = false;
    ExprPtr pivot_column;
    std::vector<ExprPtr> pivot_values;  // Empty: found from the data.
    std::vector<std::vector<ExprPtr>> grouping_sets;
};
struct SqlRel {
    std::string text;
    std::vector<std::pair<std::string, ExprPtr>> named_arguments;
    std::vector<ExprPtr> positional_arguments;
    // SubqueryAlias-wrapped relations that the text may name (spark.sql with DataFrames).
    std::vector<RelationPtr> views;
};
// An Arrow IPC stream, or rows given in SQL text as `rows` (VALUES lists).
struct LocalRel {
    std::string arrow_ipc;
    std::string schema;  // DDL or JSON text to cast to; empty: as the data says.
    std::vector<std::vector<ExprPtr>> rows;
};
struct RangeRel {
    std::int64_t start = 0;
    std::int64_t end = 0;
    std::int64_t step = 1;
    std::optional<std::int32_t> partitions;
};
struct SubqueryAliasRel {
    RelationPtr input;
    std::string alias;
    std::vector<std::string> qualifier;
    std::vector<std::string> column_names;  // AS t(a, b); empty: keep.
};
struct ToDfRel {
    RelationPtr input;
    std::vector<std::string> names;
};
struct WithColumnsRel {
    RelationPtr input;
    std::vector<ExprPtr> columns;  // AliasExprs.
};
struct WithColumnsRenamedRel {
    RelationPtr input;
    std::vector<std::pair<std::string, std::string>> renames;
};
struct DropRel {
    RelationPtr input;
    std::vector<ExprPtr> columns;
    std::vector<std::string> names;
};
struct DeduplicateRel {
    RelationPtr input;
    std::vector<std::string> columns;
    bool all_columns = false;
    bool within_watermark = false;
};
struct WithWatermarkRel {
    RelationPtr input;
    std::string event_time;
    std::string delay;  // Interval text, "10 minutes".
};
struct ShowStringRel {
    RelationPtr input;
    int rows = 20;
    int truncate = 20;
    bool vertical = false;
};
struct HtmlStringRel {
    RelationPtr input;
    int rows = 20;
    int truncate = 20;
};
struct SampleRel {
    RelationPtr input;
    double lower = 0;
    double upper = 0;
    bool with_replacement = false;
    std::optional<std::int64_t> seed;
};
struct RepartitionRel {  // Also by expression: says how rows are spread, never what they are.
    RelationPtr input;
};
struct HintRel {
    RelationPtr input;
    std::string name;
    std::vector<ExprPtr> parameters;
};
struct ToSchemaRel {
    RelationPtr input;
    DataType schema;
};
struct UnpivotRel {
    RelationPtr input;
    std::vector<ExprPtr> ids;
    std::optional<std::vector<ExprPtr>> values;
    std::string variable_column;
    std::string value_column;
};
struct NaFillRel {
    RelationPtr input;
    std::vector<std::string> columns;
    std::vector<Literal> values;
};
struct NaDropRel {
    RelationPtr input;
    std::vector<std::string> columns;
    std::optional<int> min_non_nulls;
};
struct NaReplaceRel {
    RelationPtr input;
    std::vector<std::string> columns;
    std::vector<std::pair<Literal, Literal>> replacements;
};
struct DescribeRel {  // df.describe(columns) and df.summary(statistics)
    RelationPtr input;
    std::vector<std::string> columns;
    std::vector<std::string> statistics;
    bool is_summary = false;
};
// Something that the session holds under an id: foreachBatch's frame, a checkpoint.
struct CachedRel {
    std::string id;
};
// SQL WITH: each view is visible to the later ones and to the input.
struct WithRel {
    RelationPtr input;
    std::vector<std::pair<std::string, RelationPtr>> views;
    bool recursive = false;
};
// Relations that SubqueryExpr::plan_id refers to.
struct WithReferencesRel {
    RelationPtr input;
    std::vector<RelationPtr> references;
};
// LATERAL VIEW [OUTER] generator(args) table AS columns, and table-valued functions in FROM.
struct GenerateRel {
    RelationPtr input;  // Null for a table-valued function that stands alone.
    ExprPtr generator;
    bool outer = false;
    std::string table_alias;
    std::vector<std::string> column_aliases;
};
struct ObserveRel {
    RelationPtr input;
    std::string name;
    std::vector<ExprPtr> metrics;
};
// A catalog question (spark.catalog.*): the operation's name and arguments, answered as rows.
struct CatalogRel {
    std::string operation;  // "listTables", "tableExists", "dropTempView" ...
    std::map<std::string, std::string> arguments;
};
// What a door met and has no node for: analysis answers Spark's error for unsupported features.
struct UnsupportedRel {
    std::string what;
};

struct Relation {
    using Node =
        std::variant<NamedTableRel, DataSourceRel, ProjectRel, FilterRel, JoinRel, SetOpRel,
                     SortRel, LimitRel, OffsetRel, TailRel, AggregateRel, SqlRel, LocalRel,
                     RangeRel, SubqueryAliasRel, ToDfRel, WithColumnsRel, WithColumnsRenamedRel,
                     DropRel, DeduplicateRel, WithWatermarkRel, ShowStringRel, HtmlStringRel,
                     SampleRel, RepartitionRel, HintRel, ToSchemaRel, UnpivotRel, NaFillRel,
                     NaDropRel, NaReplaceRel, DescribeRel, CachedRel, WithRel, WithReferencesRel,
                     GenerateRel, ObserveRel, CatalogRel, UnsupportedRel>;
    Node node;
    std::optional<std::int64_t> plan_id;  // What AttributeExpr::plan_id refers to.
    Origin origin;

    template <class T>
    const T* as() const {
        return std::get_if<T>(&node);
    }
};

template <class Node>
RelationPtr make_relation(Node node, std::optional<std::int64_t> plan_id = std::nullopt) {
    return std::make_shared<const Relation>(Relation{std::move(node), plan_id, {}});
}

}  // namespace millrace::plan
