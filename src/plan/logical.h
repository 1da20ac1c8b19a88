// LogicalPlan: an analyzed query. Every name is resolved to an attribute id, every expression has a
// type, and what Spark leaves to the analyzer (casts, defaults, star expansion, aliases) is
// explicit.
//
// Made by room sql; read by columnar (which runs it) and streaming (which splits it into what is
// done per batch and what needs state). Normal forms that both may rely on:
// - Aggregates stand only directly in AggregateNode::aggregates, window functions only in
//   WindowNode::functions, generators only in GenerateNode; a ProjectNode above computes the rest.
// - window(ts, …) used for grouping is a TimeWindowNode below the aggregate.
// - Each node's output attributes have ids that are unique in the whole plan.
// Immutable and shared.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "plan/relation.h"

namespace millrace::plan {

using AttributeId = std::uint64_t;

struct Attribute {
    AttributeId id = 0;
    std::string name;
    DataType type;
    bool nullable = true;
    std::vector<std::string> qualifier;
    std::string metadata_json;
    // Set on event-time columns below a watermark (Spark's spark.watermarkDelayMs).
    std::optional<std::int64_t> watermark_delay_ms;
};

struct TypedExpr;
using TypedExprPtr = std::shared_ptr<const TypedExpr>;
struct LogicalNode;
using LogicalPtr = std::shared_ptr<const LogicalNode>;

struct AttributeRef {
    AttributeId id = 0;
};
// A row of the function table (room sql), by its canonical lower-case name; arguments are already
// cast to what the row wants. `ansi` is the session's spark.sql.ansi.enabled when it was analyzed,
// or the try_ / legacy form that the function implies.
struct FunctionCall {
    std::string name;
    std::vector<TypedExprPtr> args;
    EvalMode mode = EvalMode::kAnsi;
    std::string session_time_zone;  // Only for functions whose result depends on it.
};
struct AggregateCall {
    std::string name;
    std::vector<TypedExprPtr> args;
    bool distinct = false;
    bool ignore_nulls = false;
    TypedExprPtr filter;
    std::vector<std::pair<TypedExprPtr, SortOrderExpr>>
        order_by;  // The child of SortOrderExpr is null.
    EvalMode mode = EvalMode::kAnsi;
};
struct TypedCast {
    TypedExprPtr child;
    EvalMode mode = EvalMode::kAnsi;
    std::string session_time_zone;
};
// CASE WHEN c1 THEN v1 … ELSE e END; children c1, v1, …; `otherwise` null for no ELSE.
struct CaseWhen {
    std::vector<std::pair<TypedExprPtr, TypedExprPtr>> branches;
    TypedExprPtr otherwise;
};
// child.field by position in the struct.
struct GetField {
    TypedExprPtr child;
    int index = 0;
};
struct TypedLambda {
    std::vector<Attribute> parameters;  // Referred to by AttributeRef in the body.
    TypedExprPtr body;
};
struct WindowFrame {
    FrameKind kind = FrameKind::kRange;
    FrameBound::Kind lower_kind = FrameBound::Kind::kUnboundedPreceding;
    FrameBound::Kind upper_kind = FrameBound::Kind::kCurrentRow;
    TypedExprPtr lower;
    TypedExprPtr upper;
};
// A subquery used as a value. Columns of the outer query appear in `plan` as AttributeRefs to ids
// that `plan` itself does not produce.
struct TypedSubquery {
    SubqueryKind kind = SubqueryKind::kScalar;
    LogicalPtr plan;
    std::vector<TypedExprPtr> in_values;
};
struct PythonCall {
    std::shared_ptr<const PythonFunctionExpr> function;
    std::vector<TypedExprPtr> args;
};

struct TypedExpr {
    using Node = std::variant<Literal, AttributeRef, FunctionCall, AggregateCall, TypedCast,
                              CaseWhen, GetField, TypedLambda, TypedSubquery, PythonCall>;
    Node node;
    DataType type;
    bool nullable = true;
    // The text that error messages quote, and its place in the query (context of ANSI errors).
    Origin origin;
    std::string sql_text;

    template <class T>
    const T* as() const {
        return std::get_if<T>(&node);
    }
};

struct NamedExpr {
    Attribute output;
    TypedExprPtr expression;
};
struct TypedOrder {
    TypedExprPtr expression;
    bool ascending = true;
    bool nulls_first = true;
};

// Rows from outside: a data source, a table of the session, a topic. `scan_id` is unique in a plan;
// whoever runs the plan may bind batches to it (streaming does so for each micro-batch).
struct ScanNode {
    std::int64_t scan_id = 0;
    DataSourceRel source;            // Format in lower case; options with lower-case keys.
    std::vector<std::string> table;  // For a named table: its resolved name.
    std::vector<Attribute> output;
    bool is_streaming = false;
};
struct LocalDataNode {  // Arrow IPC whose columns are cast to `output` by position; or literal
                        // rows.
    std::string arrow_ipc;
    std::vector<std::vector<TypedExprPtr>> rows;
    std::vector<Attribute> output;
};
struct RangeNode {
    std::int64_t start = 0;
    std::int64_t end = 0;
    std::int64_t step = 1;
    Attribute output;
};
struct ProjectNode {
    LogicalPtr input;  // Null: one row without columns.
    std::vector<NamedExpr> columns;
};
struct LogicalFilter {
    LogicalPtr input;
    TypedExprPtr condition;
};
struct JoinNode {
    LogicalPtr left;
    LogicalPtr right;
    JoinType type = JoinType::kInner;
    TypedExprPtr condition;  // Or null.
    bool lateral = false;
    // Semi and anti: the left's attributes. Others: left then right, made nullable as the type
    // asks.
    std::vector<Attribute> output;
};
struct AggregateNode {
    LogicalPtr input;
    std::vector<NamedExpr> keys;        // Output first.
    std::vector<NamedExpr> aggregates;  // Each an AggregateCall.
    // Indexes into keys, one list a set; empty: one set of all keys. With sets, `grouping_id` is an
    // output that holds Spark's grouping_id.
    std::vector<std::vector<int>> grouping_sets;
    std::optional<Attribute> grouping_id;
};
struct WindowNode {
    struct Function {
        Attribute output;
        TypedExprPtr call;  // AggregateCall or FunctionCall of a window function.
        std::vector<TypedExprPtr> partition_by;
        std::vector<TypedOrder> order_by;
        WindowFrame frame;
    };
    LogicalPtr input;
    std::vector<Function> functions;  // Output: the input's attributes, then these.
};
// Puts each row into every window that holds its time: [start, start + duration). Rows with a null
// time are dropped. Output: the input's attributes, then `window` (struct<start, end>).
struct TimeWindowNode {
    LogicalPtr input;
    TypedExprPtr time;
    std::int64_t duration_us = 0;
    std::int64_t slide_us = 0;
    std::int64_t start_us = 0;
    Attribute window;
};
struct SessionWindowNode {  // session_window(ts, gap): merged during aggregation.
    LogicalPtr input;
    TypedExprPtr time;
    TypedExprPtr gap;
    Attribute window;
};
struct LogicalSort {
    LogicalPtr input;
    std::vector<TypedOrder> orders;
};
struct LogicalLimit {  // Skip `offset` rows, then at most `limit` (-1: all). `from_end`: tail.
    LogicalPtr input;
    std::int64_t limit = -1;
    std::int64_t offset = 0;
    bool from_end = false;
};
struct SetOpNode {
    std::vector<LogicalPtr> inputs;  // Two, or more for a union; columns already cast alike.
    SetOpType type = SetOpType::kUnion;
    bool all = true;
    std::vector<Attribute> output;
};
struct DeduplicateNode {
    LogicalPtr input;
    std::vector<AttributeId> keys;
    bool within_watermark = false;
};
struct GenerateNode {        // Output: the input's attributes, then `output`.
    LogicalPtr input;        // Null: the generator stands alone.
    TypedExprPtr generator;  // FunctionCall: explode, posexplode, inline, stack, json_tuple ...
    bool outer = false;
    std::vector<Attribute> output;
};
struct WatermarkNode {
    LogicalPtr input;
    AttributeId event_time = 0;
    std::int64_t delay_ms = 0;
    std::vector<Attribute> output;  // As the input's, the event-time column marked.
};
struct SampleNode {
    LogicalPtr input;
    double lower = 0;
    double upper = 0;
    bool with_replacement = false;
    std::int64_t seed = 0;
};
struct ObserveNode {
    LogicalPtr input;
    std::string name;
    std::vector<NamedExpr> metrics;
};

struct LogicalNode {
    using Node =
        std::variant<ScanNode, LocalDataNode, RangeNode, ProjectNode, LogicalFilter, JoinNode,
                     AggregateNode, WindowNode, TimeWindowNode, SessionWindowNode, LogicalSort,
                     LogicalLimit, SetOpNode, DeduplicateNode, GenerateNode, WatermarkNode,
                     SampleNode, ObserveNode>;
    Node node;

    template <class T>
    const T* as() const {
        return std::get_if<T>(&node);
    }
};

template <class Node>
LogicalPtr make_logical(Node node) {
    return std::make_shared<const LogicalNode>(LogicalNode{std::move(node)});
}

// The attributes that a node puts out, in order.
std::vector<Attribute> output_of(const LogicalNode& node);
// The children of a node, left to right.
std::vector<LogicalPtr> inputs_of(const LogicalNode& node);
// The same node over other children (as many as inputs_of gives).
LogicalPtr with_inputs(const LogicalNode& node, std::vector<LogicalPtr> inputs);
// True when a streaming scan lies below.
bool is_streaming(const LogicalNode& node);
// The output as a struct type: what df.schema shows.
DataType schema_of(const LogicalNode& node);
// Spark-like indented text of the plan, for EXPLAIN and tests.
std::string to_text(const LogicalNode& node);
std::string to_text(const TypedExpr& expression);

}  // namespace millrace::plan
