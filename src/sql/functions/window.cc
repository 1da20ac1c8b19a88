#include <array>

#include "sql/functions/tables.h"

namespace millrace::sql::functions {

namespace {

constexpr auto kWin = FunctionKind::kWindow;

constexpr std::array kRows = {
    FunctionRow{.id = "row_number",
                .names = "row_number",
                .signature = "() -> int",
                .lowering = "row_number()",
                .nulls = Nulls::kNever,
                .summary = "Number of the row in its partition, from 1.",
                .example = "SELECT row_number() OVER (ORDER BY a) FROM VALUES (1), (2) AS t(a)",
                .kind = kWin},
    FunctionRow{.id = "rank",
                .names = "rank",
                .signature = "(any...) -> int",
                .lowering = "rank()",
                .nulls = Nulls::kNever,
                .summary = "Rank with gaps.",
                .example = "SELECT rank() OVER (ORDER BY a) FROM VALUES (1), (2) AS t(a)",
                .kind = kWin,
                .shown_as = "RANK"},
    FunctionRow{.id = "dense_rank",
                .names = "dense_rank",
                .signature = "(any...) -> int",
                .lowering = "dense_rank()",
                .nulls = Nulls::kNever,
                .summary = "Rank without gaps.",
                .example = "SELECT dense_rank() OVER (ORDER BY a) FROM VALUES (1), (2) AS t(a)",
                .kind = kWin,
                .shown_as = "DENSE_RANK"},
    FunctionRow{.id = "percent_rank",
                .names = "percent_rank",
                .signature = "(any...) -> double",
                .lowering = "percent_rank()",
                .nulls = Nulls::kNever,
                .summary = "(rank - 1) / (rows - 1).",
                .example = "SELECT percent_rank() OVER (ORDER BY a) FROM VALUES (1), (2) AS t(a)",
                .kind = kWin,
                .shown_as = "PERCENT_RANK"},
    FunctionRow{.id = "cume_dist",
                .names = "cume_dist",
                .signature = "() -> double",
                .lowering = "cume_dist()",
                .nulls = Nulls::kNever,
                .summary = "Share of rows at or before this one.",
                .example = "SELECT cume_dist() OVER (ORDER BY a) FROM VALUES (1), (2) AS t(a)",
                .kind = kWin},
    FunctionRow{.id = "ntile",
                .names = "ntile",
                .signature = "(lit int=1) -> int",
                .lowering = "ntile({0})",
                .nulls = Nulls::kNever,
                .summary = "Number of the bucket when rows are dealt into so many.",
                .example = "SELECT ntile(2) OVER (ORDER BY a) FROM VALUES (1), (2) AS t(a)",
                .kind = kWin},
    FunctionRow{.id = "lag",
                .names = "lag",
                .signature = "(T, lit int=1, T=NULL) -> T",
                .lowering = "lag({0}, {1}, {2})",
                .nulls = Nulls::kAlways,
                .summary = "The value so many rows before.",
                .example = "SELECT lag(a) OVER (ORDER BY a) FROM VALUES (1), (2) AS t(a)",
                .kind = kWin},
    FunctionRow{.id = "lead",
                .names = "lead",
                .signature = "(T, lit int=1, T=NULL) -> T",
                .lowering = "lead({0}, {1}, {2})",
                .nulls = Nulls::kAlways,
                .summary = "The value so many rows after.",
                .example = "SELECT lead(a) OVER (ORDER BY a) FROM VALUES (1), (2) AS t(a)",
                .kind = kWin},
    FunctionRow{.id = "nth_value",
                .names = "nth_value",
                .signature = "(any, lit int) -> 0",
                .lowering = "nth_value({0}, {1})",
                .nulls = Nulls::kAlways,
                .summary = "The value in the frame's n-th row.",
                .example = "SELECT nth_value(a, 2) OVER (ORDER BY a) FROM VALUES (1), (2) AS t(a)",
                .kind = kWin},
};

}  // namespace

std::span<const FunctionRow> window_rows() {
    return kRows;
}

}  // namespace millrace::sql::functions
