// Aggregates that look at the order or the frequency of values: percentiles, modes, joined texts.
#include <array>

#include "sql/functions/tables.h"

namespace millrace::sql::functions {

namespace {

constexpr auto kAgg = FunctionKind::kAggregate;

constexpr std::array kRows = {
    FunctionRow{.id = "mode",
                .names = "mode",
                .signature = "(any) -> 0",
                .lowering = "mode({0})",
                .nulls = Nulls::kAlways,
                .summary = "The most frequent value.",
                .example = "SELECT mode(col) FROM VALUES (0), (10), (10) AS tab(col)",
                .kind = kAgg},
    FunctionRow{.id = "mode_least",
                .names = "mode",
                .signature = "(any, lit boolean) -> 0",
                .lowering = "mode({0} ORDER BY {0})",
                .nulls = Nulls::kAlways,
                .kind = kAgg},
    FunctionRow{.id = "median",
                .names = "median",
                .signature = "(double) -> double; (dt) -> dt; (ym) -> ym",
                .lowering = "quantile_cont({0}, 0.5)",
                .nulls = Nulls::kAlways,
                .summary = "The middle value, interpolated.",
                .example = "SELECT median(col) FROM VALUES (0), (10) AS tab(col)",
                .kind = kAgg},
    // Lowered by its id: intervals are interpolated as numbers, frequencies repeat values.
    FunctionRow{.id = "percentile",
                .names = "percentile",
                .signature = "(double, lit double, bigint=1) -> double; "
                             "(double, lit array<double>, bigint=1) -> rule; "
                             "(dt, lit double, bigint=1) -> dt; "
                             "(ym, lit double, bigint=1) -> ym; "
                             "(dt, lit array<double>, bigint=1) -> rule; "
                             "(ym, lit array<double>, bigint=1) -> rule",
                .lowering = "",
                .nulls = Nulls::kAlways,
                .summary = "The exact percentile, interpolated.",
                .example = "SELECT percentile(col, 0.3) FROM VALUES (0), (10) AS tab(col)",
                .kind = kAgg},
    // WITHIN GROUP (ORDER BY x): the analyzer puts x before the percentage.
    FunctionRow{.id = "percentile_cont",
                .names = "percentile_cont",
                .signature = "(double, lit double) -> double; (dt, lit double) -> dt; "
                             "(ym, lit double) -> ym",
                .lowering = "",
                .nulls = Nulls::kAlways,
                .summary = "The percentile of an ordered group, interpolated.",
                .example = "SELECT percentile_cont(0.25) WITHIN GROUP (ORDER BY col) FROM VALUES "
                           "(0), (10) AS tab(col)",
                .kind = kAgg},
    FunctionRow{.id = "percentile_disc",
                .names = "percentile_disc",
                .signature = "(double, lit double) -> double; (dt, lit double) -> dt; "
                             "(ym, lit double) -> ym",
                .lowering = "",
                .nulls = Nulls::kAlways,
                .summary = "The first value of an ordered group that reaches a percentage.",
                .example = "SELECT percentile_disc(0.25) WITHIN GROUP (ORDER BY col) FROM VALUES "
                           "(0), (10) AS tab(col)",
                .kind = kAgg},
    FunctionRow{
        .id = "percentile_approx",
        .names = "percentile_approx approx_percentile",
        .signature = "(numeric, lit double, lit int=10000) -> 0; "
                     "(numeric, lit array<double>, lit int=10000) -> rule; "
                     "(date, lit double, lit int=10000) -> 0; "
                     "(date, lit array<double>, lit int=10000) -> rule; "
                     "(timestamp, lit double, lit int=10000) -> 0; "
                     "(timestamp, lit array<double>, lit int=10000) -> rule; "
                     "(timestamp_ntz, lit double, lit int=10000) -> 0; "
                     "(timestamp_ntz, lit array<double>, lit int=10000) -> rule; "
                     "(dt, lit double, lit int=10000) -> 0; "
                     "(dt, lit array<double>, lit int=10000) -> rule; "
                     "(ym, lit double, lit int=10000) -> 0; "
                     "(ym, lit array<double>, lit int=10000) -> rule",
        .lowering = "quantile_disc({0}, {1})",
        .nulls = Nulls::kAlways,
        .summary = "An element near the percentile.",
        .example = "SELECT percentile_approx(col, 0.5) FROM VALUES (0), (6), (7) AS tab(col)",
        .kind = kAgg},
    FunctionRow{.id = "max_by_many",
                .names = "max_by",
                .signature = "(any, orderable, lit int) -> rule",
                .lowering = "(list({0} ORDER BY {1} DESC) FILTER (WHERE {1} IS NOT NULL))[1:{2}]",
                .nulls = Nulls::kAlways,
                .kind = kAgg},
    FunctionRow{.id = "min_by_many",
                .names = "min_by",
                .signature = "(any, orderable, lit int) -> rule",
                .lowering = "(list({0} ORDER BY {1} ASC) FILTER (WHERE {1} IS NOT NULL))[1:{2}]",
                .nulls = Nulls::kAlways,
                .kind = kAgg},
    FunctionRow{.id = "approx_top_k",
                .names = "approx_top_k",
                .signature = "(any, lit int=5, lit int=10000) -> rule",
                .lowering = "mr_top_k(histogram({0}), count(*) - count({0}), {1})",
                .nulls = Nulls::kNever,
                .summary = "The most frequent values with their counts.",
                .example = "SELECT approx_top_k(col, 2) FROM VALUES 'a', 'b', 'a' AS tab(col)",
                .kind = kAgg},
    FunctionRow{.id = "product",
                .names = "product",
                .signature = "(double) -> double",
                .lowering = "product({0})",
                .nulls = Nulls::kAlways,
                .summary = "The product of the values that are not null.",
                .example = "SELECT product(col) FROM VALUES (2), (3) AS tab(col)",
                .kind = kAgg},
    FunctionRow{.id = "listagg",
                .names = "listagg string_agg",
                .signature = "(string, lit string=NULL) -> string",
                .lowering = "string_agg({0}, coalesce({1}, ''))",
                .nulls = Nulls::kAlways,
                .summary = "The texts joined with a delimiter.",
                .example = "SELECT listagg(col, ', ') FROM VALUES ('a'), ('b') AS tab(col)",
                .kind = kAgg},
};

}  // namespace

std::span<const FunctionRow> ordered_aggregate_rows() {
    return kRows;
}

}  // namespace millrace::sql::functions
