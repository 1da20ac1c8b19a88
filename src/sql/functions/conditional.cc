#include <array>

#include "sql/functions/tables.h"

namespace millrace::sql::functions {

namespace {

constexpr std::array kRows = {
    FunctionRow{.id = "coalesce",
                .names = "coalesce",
                .signature = "(T, T...) -> T",
                .lowering = "coalesce({*})",
                .nulls = Nulls::kIfAllArguments,
                .summary = "The first argument that is not null.",
                .example = "SELECT coalesce(NULL, 1, NULL)"},
    FunctionRow{.id = "ifnull",
                .names = "ifnull nvl",
                .signature = "(T, T) -> T",
                .lowering = "coalesce({0}, {1})",
                .nulls = Nulls::kIfAllArguments,
                .summary = "The second when the first is null.",
                .example = "SELECT ifnull(NULL, array('2'))"},
    FunctionRow{.id = "nvl2",
                .names = "nvl2",
                .signature = "(any, T, T) -> T",
                .lowering = "CASE WHEN {0} IS NOT NULL THEN {1} ELSE {2} END",
                .summary = "The second when the first is not null, else the third.",
                .example = "SELECT nvl2(NULL, 2, 1)"},
    FunctionRow{.id = "nullif",
                .names = "nullif",
                .signature = "(T, T) -> T",
                .lowering = "nullif({0}, {1})",
                .nulls = Nulls::kAlways,
                .summary = "Null when both are equal, else the first.",
                .example = "SELECT nullif(2, 2)"},
    FunctionRow{.id = "nullifzero",
                .names = "nullifzero",
                .signature = "(numeric) -> 0",
                .lowering = "nullif({0}, 0)",
                .nulls = Nulls::kAlways,
                .summary = "Null when zero.",
                .example = "SELECT nullifzero(0)"},
    FunctionRow{.id = "zeroifnull",
                .names = "zeroifnull",
                .signature = "(int) -> int; (numeric) -> 0",
                .lowering = "coalesce({0}, 0)",
                .nulls = Nulls::kNever,
                .summary = "Zero when null.",
                .example = "SELECT zeroifnull(NULL)"},
    FunctionRow{.id = "if",
                .names = "if iff",
                .signature = "(boolean, any, any) -> rule",
                .lowering = "",
                .summary = "The second when the condition holds, else the third.",
                .example = "SELECT if(1 < 2, 'a', 'b')"},
    FunctionRow{.id = "when",
                .names = "when",
                .signature = "(any, any, any...) -> rule",
                .lowering = "",
                .summary = "CASE WHEN.",
                .example = "SELECT CASE WHEN 1 > 0 THEN 1 WHEN 2 > 0 THEN 2.0 ELSE 1.2 END"},
    FunctionRow{.id = "isnull",
                .names = "isnull",
                .signature = "(any) -> boolean",
                .lowering = "({0} IS NULL)",
                .nulls = Nulls::kNever,
                .summary = "True when null.",
                .example = "SELECT isnull(1)",
                .shown_as = "({0} IS NULL)"},
    FunctionRow{.id = "isnotnull",
                .names = "isnotnull",
                .signature = "(any) -> boolean",
                .lowering = "({0} IS NOT NULL)",
                .nulls = Nulls::kNever,
                .summary = "True when not null.",
                .example = "SELECT isnotnull(1)",
                .shown_as = "({0} IS NOT NULL)"},
    FunctionRow{.id = "isnan",
                .names = "isnan",
                .signature = "(double) -> boolean",
                .lowering = "coalesce(isnan({0}), false)",
                .nulls = Nulls::kNever,
                .summary = "True when not a number.",
                .example = "SELECT isnan(cast('NaN' as double))"},
};

}  // namespace

std::span<const FunctionRow> conditional_rows() {
    return kRows;
}

}  // namespace millrace::sql::functions
