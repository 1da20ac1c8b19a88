// Expressions as front ends write them: unresolved, untyped, exactly what the user said.
//
// The Connect door, the SQL parser and the C++ API all build these, and the analyzer (room sql)
// alone gives them meaning. Nodes are immutable and shared (ExprPtr), so that a plan can be used
// twice without a copy. Operators are Functions named as in Spark Connect: "+", "==", "and", "not",
// "isNull", "when" ...
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "plan/literal.h"
#include "plan/type.h"

namespace millrace::plan {

struct Expr;
using ExprPtr = std::shared_ptr<const Expr>;
struct Relation;
using RelationPtr = std::shared_ptr<const Relation>;

// A column by name. `parts` is the name split at dots outside back-ticks. `plan_id` is set for
// df["x"]: the column of that very DataFrame.
struct AttributeExpr {
    std::vector<std::string> parts;
    std::optional<std::int64_t> plan_id;
    bool is_metadata_column = false;
};

// *, or qualifier.*; `except` holds EXCEPT (…) columns.
struct StarExpr {
    std::vector<std::string> qualifier;
    std::optional<std::int64_t> plan_id;
    std::vector<std::vector<std::string>> except;
};

// Columns whose name matches a regular expression: df.colRegex.
struct RegexExpr {
    std::string pattern;
    std::optional<std::int64_t> plan_id;
};

struct FunctionExpr {
    std::string name;  // As written; matched without regard to case. May be qualified ("a.b.f").
    std::vector<ExprPtr> args;
    bool distinct = false;
    bool is_internal = false;
    ExprPtr filter;                 // FILTER (WHERE …), or null.
    bool ignore_nulls = false;      // IGNORE NULLS
    std::vector<ExprPtr> order_by;  // WITHIN GROUP (ORDER BY …): SortOrderExprs.
};

struct AliasExpr {
    ExprPtr child;
    std::vector<std::string> names;  // Several for generators: explode(m) AS (k, v).
    std::string metadata_json;
};

enum class EvalMode : std::uint8_t { kDefault, kLegacy, kAnsi, kTry };

struct CastExpr {
    ExprPtr child;
    std::optional<DataType> type;  // Else type_text holds its DDL.
    std::string type_text;
    EvalMode mode = EvalMode::kDefault;
};

struct SortOrderExpr {
    ExprPtr child;
    bool ascending = true;
    std::optional<bool> nulls_first;  // Unset: first when ascending, last when descending.
};

enum class FrameKind : std::uint8_t { kUndefined, kRows, kRange };
struct FrameBound {
    enum class Kind : std::uint8_t {
        kUnboundedPreceding,
        kUnboundedFollowing,
        kCurrentRow,
        kValue
    };
    Kind kind = Kind::kCurrentRow;
    ExprPtr value;  // kValue: negative is preceding.
};
struct WindowExpr {
    ExprPtr function;
    std::vector<ExprPtr> partition_by;
    std::vector<ExprPtr> order_by;  // SortOrderExprs.
    FrameKind frame = FrameKind::kUndefined;
    FrameBound lower;
    FrameBound upper;
};

// col[key], struct.field, map[key]: which one it is shows only in analysis.
struct ExtractValueExpr {
    ExprPtr child;
    ExprPtr key;
};

// withField / dropFields. A null value drops the field.
struct UpdateFieldsExpr {
    ExprPtr child;
    std::string field;
    ExprPtr value;
};

struct LambdaExpr {
    ExprPtr body;
    std::vector<std::string> parameters;
};
struct LambdaVariableExpr {
    std::vector<std::string> parts;
};

// Text to be parsed as an expression: df.selectExpr, F.expr.
struct TextExpr {
    std::string text;
};

struct NamedArgumentExpr {
    std::string name;
    ExprPtr value;
};

enum class SubqueryKind : std::uint8_t { kScalar, kExists, kIn, kTableArgument };
struct SubqueryExpr {
    SubqueryKind kind = SubqueryKind::kScalar;
    RelationPtr relation;  // From the SQL parser; else plan_id names a reference that
    std::optional<std::int64_t> plan_id;  // WithRelations carries.
    std::vector<ExprPtr> in_values;       // kIn: the left side.
};

// A Python function sent by the client. `command` is its pickled form.
struct PythonFunctionExpr {
    std::string name;
    std::vector<ExprPtr> args;
    bool deterministic = true;
    DataType output_type;
    int eval_type = 0;
    std::string command;
    std::string python_version;
};

// A parameter of a SQL text: :name or ?.
struct ParameterExpr {
    std::string name;  // Empty: positional, `position` counts from 0.
    int position = 0;
};

// Where in the query text an expression stands, for error positions; -1: not from text.
struct Origin {
    int start = -1;
    int stop = -1;
    int line = -1;
    int column = -1;
};

struct Expr {
    using Node = std::variant<Literal, AttributeExpr, StarExpr, RegexExpr, FunctionExpr, AliasExpr,
                              CastExpr, SortOrderExpr, WindowExpr, ExtractValueExpr,
                              UpdateFieldsExpr, LambdaExpr, LambdaVariableExpr, TextExpr,
                              NamedArgumentExpr, SubqueryExpr, PythonFunctionExpr, ParameterExpr>;
    Node node;
    Origin origin;
    // The client's call site for DataFrame errors, e.g. "df.select" and "app.py:12"; often empty.
    std::string fragment;
    std::string call_site;

    template <class T>
    const T* as() const {
        return std::get_if<T>(&node);
    }
};

template <class Node>
ExprPtr make_expr(Node node, Origin origin = {}) {
    return std::make_shared<const Expr>(Expr{std::move(node), origin, {}, {}});
}

// Shorthands that keep builders readable.
ExprPtr column(std::vector<std::string> parts);
ExprPtr literal(Literal value);
ExprPtr call(std::string name, std::vector<ExprPtr> args);
ExprPtr alias(ExprPtr child, std::string name);

// Split "a.`b.c`.d" at dots outside back-ticks; kParse for unbalanced back-ticks.
base::Result<std::vector<std::string>> split_name(std::string_view name);
// Back-ticks where needed: the reverse of split_name.
std::string quote_name(const std::vector<std::string>& parts);

}  // namespace millrace::plan
