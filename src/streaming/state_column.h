// StateColumn: one column of an operator's state: how it lies in a row, how it takes in the values
// of a later batch, and how it is given out again.
//
// The merge rules are those of the function table (sql/function_table.h): null means "nothing
// seen".
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "columnar/batch.h"
#include "plan/expression.h"
#include "sql/function_table.h"
#include "state/row.h"
#include "streaming/sources.h"

namespace millrace::streaming {

struct StateColumn {
    std::string name;
    plan::DataType type;
    sql::Combine combine = sql::Combine::kSum;
    bool ignore_nulls = false;                    // first, last
    plan::EvalMode mode = plan::EvalMode::kAnsi;  // What a sum that overflows does.
};

// Where a column's values lie in a row.
state::CellKind cell_kind(const plan::DataType& type);
// kUnsupported, in words, when rows of this kind cannot be merged incrementally.
Result<void> check_mergeable(const StateColumn& column);

// The rows of a batch and the state rows that take them in: row sources[i] of the batch goes into
// rows[i]; inserted[i] when this made the row.
struct MergeTarget {
    const state::Layout& layout;
    std::span<state::Row* const> rows;
    std::span<const std::int64_t> sources;
    std::span<const std::uint8_t> inserted;
};

// Merge the values of columns[index] (and, for rules over several columns, of those beside it) from
// `views`, which are the same columns of the batch. Called for each index in order.
Result<void> merge_column(std::span<const StateColumn> columns, std::size_t index,
                          std::span<const columnar::ColumnView> views, const MergeTarget& target);

// Append column `index` of the rows to `to`.
Result<void> append_column(const StateColumn& column, std::size_t index,
                           const state::Layout& layout, std::span<state::Row* const> rows,
                           columnar::BatchBuilder::Column& to);

}  // namespace millrace::streaming
