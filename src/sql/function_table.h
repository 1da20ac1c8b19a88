// The function table: every function and operator of Spark SQL as a row of data.
//
// One row = one typed meaning: its names, signature, result type and nullability (analyzer), its
// lowering (columnar), its merge rule (streaming), its documentation (SHOW and DESCRIBE FUNCTION,
// docs). A user-visible name may stand in several rows ("+" adds numbers, decimals, dates ...); the
// analyzer takes the first row whose signature fits, and FunctionCall/AggregateCall::name holds
// that row's `id`, so whoever runs the call finds exactly one meaning by id.
//
// Signature: "(class, class?, class...) -> result", several joined by "; ".
//   Classes:  any, numeric, integral, fractional, orderable, temporal (date or timestamp), textual
//             (string or binary), complex, a type's DDL name (int, bigint, string, timestamp ...),
//             T, U, K, V (arguments that share a letter are cast to one common type), array<…>,
//             map<…,…>, struct, fn(T,int?)->U (a lambda), and "lit " before a class: a constant.
//             "?" after a class: may be absent. "=x": absent means the literal x, which is then
//             passed and shown. "...": zero or more of it; last only.
//   Result:   a DDL name, a letter, array<T>, map<K,V>, "0" … "9" (type of that argument), or
//             "rule" (a rule in code of the analyzer, by the row's id).
//
// Lowering: a DuckDB expression over arguments that are already cast as the signature says.
//   {0} {1} …   an argument              {*} all, comma-separated    {1*} all from the second on
//   {type}      DuckDB's name of the result type                     {tz} session zone as a literal
//   {ddl}       result type in Spark's JSON form, as a literal       {ddl0} type of an argument
//   {if1:text}  `text` only when argument 1 is given; `text` may hold {1} but no other braces
//   {mode}      'ansi', 'try' or 'legacy', as a literal
// Functions named mr_… are columnar's own. The caller casts the outcome to the call's type.
// An empty lowering: the analyzer replaces the call by others, or columnar knows the row by its id.
//
// Immutable after the first use; thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plan/expression.h"

namespace millrace::sql {

enum class FunctionKind : std::uint8_t { kScalar, kAggregate, kWindow, kGenerator };

// When the result may be null.
enum class Nulls : std::uint8_t {
    kIfAnyArgument,   // Null exactly when an argument may be null.
    kNever,           //
    kAlways,          // May be null whatever the arguments are.
    kIfAllArguments,  // coalesce, greatest: null only when all are.
    kIfFirst,         // As the first argument.
    kUnlessAnsi,      // Under ANSI as the arguments, else always: casts, division ...
};

struct FunctionRow {
    std::string_view id;     // Unique: what FunctionCall::name holds.
    std::string_view names;  // What users write, lower case, separated by spaces.
    std::string_view signature;
    std::string_view lowering;  // ANSI, and the other modes where they do not differ.
    Nulls nulls = Nulls::kIfAnyArgument;
    std::string_view summary = {};
    std::string_view example = {};  // A query without a table, e.g. "SELECT abs(-1)".
    std::string_view lowering_legacy = {};
    std::string_view lowering_try = {};
    FunctionKind kind = FunctionKind::kScalar;
    // How streaming keeps it: see merge_rule(). Empty: not incremental.
    std::string_view merge = {};
    bool deterministic = true;
    // The name in the column's automatic alias where it is not the one the user wrote: "{0} + {1}".
    std::string_view shown_as = {};
    std::string_view group = {};  // math, string, datetime, aggregate ... (set by the table).
};

// How one column of an aggregate's state takes in the same column of a later batch. Null means
// "nothing seen" and is the identity of every rule.
enum class Combine : std::uint8_t {
    kSum,
    kMin,
    kMax,
    kFirst,  // Keep what is there, null values of seen rows included: needs `seen`.
    kLast,   // Take the later one.
    kAnd,    // bit_and, bit_or, bit_xor
    kOr,
    kXor,
    kAppend,   // Arrays: concatenate.
    kUnion,    // Arrays: add what is missing, in order of arrival.
    kMoments,  // With its left neighbours count, mean (, m2 …): Chan's formulas. See MergeRule.
    kByOrder,  // max_by/min_by: replaced together with the ordering column on its right.
    kSketch,   // Opaque binary, merged by columnar's mr_sketch_union.
};

// An incremental aggregate: each batch computes `partial` aggregates over its rows (rows of this
// table, by id, over the same arguments, filter included), merges them into the state column by
// column, and `finish` (the id of a scalar row; empty: the first column itself) gives the result
// from the state columns, in order.
struct MergeRule {
    struct Column {
        std::string_view name;
        std::string_view
            partial;  // Id of the aggregate row that computes it; empty: the call's own.
        Combine combine = Combine::kSum;
        // Which argument of the call the partial takes, as a digit; empty: all of them.
        std::string_view arguments = {};
    };
    std::string_view id;
    std::vector<Column> state;
    std::string_view finish;
};

// Rows that answer to a user-visible name (any case), in the order to be tried; empty: unknown.
std::span<const FunctionRow* const> functions_named(std::string_view name);
// The row with that id, or null.
const FunctionRow* function_by_id(std::string_view id);
// Every row, grouped by topic as the tables list them.
std::span<const FunctionRow* const> all_functions();
// User-visible names, sorted; operators included.
const std::vector<std::string>& function_names();

// The merge rule of an aggregate row; null when it cannot be kept incrementally.
const MergeRule* merge_rule(const FunctionRow& row);
// The result type of an aggregate or scalar row for arguments that fit it already: what streaming
// needs for partials. kInternal when they do not fit.
base::Result<plan::DataType> result_type(const FunctionRow& row,
                                         std::span<const plan::DataType> arguments);

// The template to use in a mode.
std::string_view lowering_of(const FunctionRow& row, plan::EvalMode mode);

struct LoweringArguments {
    std::span<const std::string> texts;     // DuckDB text of each argument.
    std::span<const plan::DataType> types;  // Their Spark types.
    plan::DataType result;
    plan::EvalMode mode = plan::EvalMode::kAnsi;
    std::string_view time_zone;
    std::function<std::string(const plan::DataType&)> duckdb_type;  // For {type}.
};
// Fill in a template.
std::string expand_lowering(std::string_view pattern, const LoweringArguments& arguments);

}  // namespace millrace::sql
