// KLL sketches: quantiles of a stream of numbers.
#include <array>

#include "sql/functions/tables.h"

namespace millrace::sql::functions {

namespace {

constexpr auto kAgg = FunctionKind::kAggregate;

constexpr std::array kRows = {
    FunctionRow{.id = "kll_sketch_agg_bigint",
                .names = "kll_sketch_agg_bigint",
                .signature = "(bigint) -> binary",
                .lowering = "mr_kll_agg_bigint(coalesce(list(CAST({0} AS BIGINT)) FILTER (WHERE "
                            "{0} IS NOT NULL), []), 200)",
                .nulls = Nulls::kNever,
                .summary = "A KLL sketch of the values.",
                .example = "SELECT kll_sketch_get_n_bigint(kll_sketch_agg_bigint(col)) FROM VALUES "
                           "(1), (1) tab(col)",
                .kind = kAgg},
    FunctionRow{.id = "kll_sketch_agg_bigint_sized",
                .names = "kll_sketch_agg_bigint",
                .signature = "(bigint, lit int) -> binary",
                .lowering = "mr_kll_agg_bigint(coalesce(list(CAST({0} AS BIGINT)) FILTER (WHERE "
                            "{0} IS NOT NULL), []), {1})",
                .nulls = Nulls::kNever,
                .kind = kAgg},
    FunctionRow{
        .id = "kll_merge_agg_bigint",
        .names = "kll_merge_agg_bigint",
        .signature = "(binary) -> binary",
        .lowering =
            "mr_kll_merge_agg_bigint(coalesce(list({0}) FILTER (WHERE {0} IS NOT NULL), []), 200)",
        .nulls = Nulls::kNever,
        .summary = "KLL sketches as one.",
        .example = "SELECT kll_sketch_get_n_bigint(kll_merge_agg_bigint(s)) FROM (SELECT "
                   "kll_sketch_agg_bigint(col) AS s FROM VALUES (1), (1) tab(col))",
        .kind = kAgg},
    FunctionRow{
        .id = "kll_merge_agg_bigint_sized",
        .names = "kll_merge_agg_bigint",
        .signature = "(binary, lit int) -> binary",
        .lowering =
            "mr_kll_merge_agg_bigint(coalesce(list({0}) FILTER (WHERE {0} IS NOT NULL), []), {1})",
        .nulls = Nulls::kNever,
        .kind = kAgg},
    FunctionRow{
        .id = "kll_sketch_merge_bigint",
        .names = "kll_sketch_merge_bigint",
        .signature = "(binary, binary) -> binary",
        .lowering = "mr_kll_merge_bigint({0}, {1})",
        .nulls = Nulls::kIfAnyArgument,
        .summary = "Two KLL sketches as one.",
        .example =
            "SELECT kll_sketch_get_n_bigint(kll_sketch_merge_bigint(kll_sketch_agg_bigint(col), "
            "kll_sketch_agg_bigint(col))) FROM VALUES (1), (1) tab(col)"},
    FunctionRow{.id = "kll_sketch_get_n_bigint",
                .names = "kll_sketch_get_n_bigint",
                .signature = "(binary) -> bigint",
                .lowering = "mr_kll_n_bigint({0})",
                .nulls = Nulls::kIfAnyArgument,
                .summary = "How many values a KLL sketch has seen.",
                .example = "SELECT kll_sketch_get_n_bigint(kll_sketch_agg_bigint(col)) FROM VALUES "
                           "(1), (1) tab(col)"},
    FunctionRow{.id = "kll_sketch_to_string_bigint",
                .names = "kll_sketch_to_string_bigint",
                .signature = "(binary) -> string",
                .lowering = "mr_kll_to_string_bigint({0})",
                .nulls = Nulls::kIfAnyArgument,
                .summary = "A KLL sketch in words.",
                .example = "SELECT kll_sketch_to_string_bigint(kll_sketch_agg_bigint(col)) FROM "
                           "VALUES (1), (1) tab(col)"},
    FunctionRow{.id = "kll_sketch_get_quantile_bigint",
                .names = "kll_sketch_get_quantile_bigint",
                .signature = "(binary, double) -> bigint",
                .lowering = "mr_kll_quantile_bigint({0}, {1})",
                .nulls = Nulls::kAlways,
                .summary = "The value at a quantile of a KLL sketch.",
                .example = "SELECT kll_sketch_get_quantile_bigint(kll_sketch_agg_bigint(col), 0.5) "
                           "FROM VALUES (1), (1) tab(col)"},
    FunctionRow{.id = "kll_sketch_get_quantile_bigint_many",
                .names = "kll_sketch_get_quantile_bigint",
                .signature = "(binary, array<double>) -> array<bigint>",
                .lowering = "list_transform({1}, lambda mr_x: mr_kll_quantile_bigint({0}, mr_x))",
                .nulls = Nulls::kAlways},
    FunctionRow{.id = "kll_sketch_get_rank_bigint",
                .names = "kll_sketch_get_rank_bigint",
                .signature = "(binary, bigint) -> double",
                .lowering = "mr_kll_rank_bigint({0}, CAST({1} AS BIGINT))",
                .nulls = Nulls::kAlways,
                .summary = "The share of values that are not greater.",
                .example = "SELECT kll_sketch_get_rank_bigint(kll_sketch_agg_bigint(col), 1) FROM "
                           "VALUES (1), (1) tab(col)"},
    FunctionRow{
        .id = "kll_sketch_get_rank_bigint_many",
        .names = "kll_sketch_get_rank_bigint",
        .signature = "(binary, array<bigint>) -> array<double>",
        .lowering =
            "list_transform({1}, lambda mr_x: mr_kll_rank_bigint({0}, CAST(mr_x AS BIGINT)))",
        .nulls = Nulls::kAlways},
    FunctionRow{.id = "kll_sketch_agg_float",
                .names = "kll_sketch_agg_float",
                .signature = "(float) -> binary",
                .lowering = "mr_kll_agg_float(coalesce(list(CAST({0} AS DOUBLE)) FILTER (WHERE {0} "
                            "IS NOT NULL), []), 200)",
                .nulls = Nulls::kNever,
                .summary = "A KLL sketch of the values.",
                .example = "SELECT kll_sketch_get_n_float(kll_sketch_agg_float(col)) FROM VALUES "
                           "(1.0F), (1.0F) tab(col)",
                .kind = kAgg},
    FunctionRow{.id = "kll_sketch_agg_float_sized",
                .names = "kll_sketch_agg_float",
                .signature = "(float, lit int) -> binary",
                .lowering = "mr_kll_agg_float(coalesce(list(CAST({0} AS DOUBLE)) FILTER (WHERE {0} "
                            "IS NOT NULL), []), {1})",
                .nulls = Nulls::kNever,
                .kind = kAgg},
    FunctionRow{
        .id = "kll_merge_agg_float",
        .names = "kll_merge_agg_float",
        .signature = "(binary) -> binary",
        .lowering =
            "mr_kll_merge_agg_float(coalesce(list({0}) FILTER (WHERE {0} IS NOT NULL), []), 200)",
        .nulls = Nulls::kNever,
        .summary = "KLL sketches as one.",
        .example = "SELECT kll_sketch_get_n_float(kll_merge_agg_float(s)) FROM (SELECT "
                   "kll_sketch_agg_float(col) AS s FROM VALUES (1.0F), (1.0F) tab(col))",
        .kind = kAgg},
    FunctionRow{
        .id = "kll_merge_agg_float_sized",
        .names = "kll_merge_agg_float",
        .signature = "(binary, lit int) -> binary",
        .lowering =
            "mr_kll_merge_agg_float(coalesce(list({0}) FILTER (WHERE {0} IS NOT NULL), []), {1})",
        .nulls = Nulls::kNever,
        .kind = kAgg},
    FunctionRow{
        .id = "kll_sketch_merge_float",
        .names = "kll_sketch_merge_float",
        .signature = "(binary, binary) -> binary",
        .lowering = "mr_kll_merge_float({0}, {1})",
        .nulls = Nulls::kIfAnyArgument,
        .summary = "Two KLL sketches as one.",
        .example =
            "SELECT kll_sketch_get_n_float(kll_sketch_merge_float(kll_sketch_agg_float(col), "
            "kll_sketch_agg_float(col))) FROM VALUES (1.0F), (1.0F) tab(col)"},
    FunctionRow{.id = "kll_sketch_get_n_float",
                .names = "kll_sketch_get_n_float",
                .signature = "(binary) -> bigint",
                .lowering = "mr_kll_n_float({0})",
                .nulls = Nulls::kIfAnyArgument,
                .summary = "How many values a KLL sketch has seen.",
                .example = "SELECT kll_sketch_get_n_float(kll_sketch_agg_float(col)) FROM VALUES "
                           "(1.0F), (1.0F) tab(col)"},
    FunctionRow{.id = "kll_sketch_to_string_float",
                .names = "kll_sketch_to_string_float",
                .signature = "(binary) -> string",
                .lowering = "mr_kll_to_string_float({0})",
                .nulls = Nulls::kIfAnyArgument,
                .summary = "A KLL sketch in words.",
                .example = "SELECT kll_sketch_to_string_float(kll_sketch_agg_float(col)) FROM "
                           "VALUES (1.0F), (1.0F) tab(col)"},
    FunctionRow{.id = "kll_sketch_get_quantile_float",
                .names = "kll_sketch_get_quantile_float",
                .signature = "(binary, double) -> float",
                .lowering = "mr_kll_quantile_float({0}, {1})",
                .nulls = Nulls::kAlways,
                .summary = "The value at a quantile of a KLL sketch.",
                .example = "SELECT kll_sketch_get_quantile_float(kll_sketch_agg_float(col), 0.5) "
                           "FROM VALUES (1.0F), (1.0F) tab(col)"},
    FunctionRow{.id = "kll_sketch_get_quantile_float_many",
                .names = "kll_sketch_get_quantile_float",
                .signature = "(binary, array<double>) -> array<float>",
                .lowering = "list_transform({1}, lambda mr_x: mr_kll_quantile_float({0}, mr_x))",
                .nulls = Nulls::kAlways},
    FunctionRow{.id = "kll_sketch_get_rank_float",
                .names = "kll_sketch_get_rank_float",
                .signature = "(binary, float) -> double",
                .lowering = "mr_kll_rank_float({0}, CAST({1} AS DOUBLE))",
                .nulls = Nulls::kAlways,
                .summary = "The share of values that are not greater.",
                .example = "SELECT kll_sketch_get_rank_float(kll_sketch_agg_float(col), 1.0F) FROM "
                           "VALUES (1.0F), (1.0F) tab(col)"},
    FunctionRow{
        .id = "kll_sketch_get_rank_float_many",
        .names = "kll_sketch_get_rank_float",
        .signature = "(binary, array<float>) -> array<double>",
        .lowering =
            "list_transform({1}, lambda mr_x: mr_kll_rank_float({0}, CAST(mr_x AS DOUBLE)))",
        .nulls = Nulls::kAlways},
    FunctionRow{.id = "kll_sketch_agg_double",
                .names = "kll_sketch_agg_double",
                .signature = "(double) -> binary",
                .lowering = "mr_kll_agg_double(coalesce(list(CAST({0} AS DOUBLE)) FILTER (WHERE "
                            "{0} IS NOT NULL), []), 200)",
                .nulls = Nulls::kNever,
                .summary = "A KLL sketch of the values.",
                .example = "SELECT kll_sketch_get_n_double(kll_sketch_agg_double(col)) FROM VALUES "
                           "(1.0D), (1.0D) tab(col)",
                .kind = kAgg},
    FunctionRow{.id = "kll_sketch_agg_double_sized",
                .names = "kll_sketch_agg_double",
                .signature = "(double, lit int) -> binary",
                .lowering = "mr_kll_agg_double(coalesce(list(CAST({0} AS DOUBLE)) FILTER (WHERE "
                            "{0} IS NOT NULL), []), {1})",
                .nulls = Nulls::kNever,
                .kind = kAgg},
    FunctionRow{
        .id = "kll_merge_agg_double",
        .names = "kll_merge_agg_double",
        .signature = "(binary) -> binary",
        .lowering =
            "mr_kll_merge_agg_double(coalesce(list({0}) FILTER (WHERE {0} IS NOT NULL), []), 200)",
        .nulls = Nulls::kNever,
        .summary = "KLL sketches as one.",
        .example = "SELECT kll_sketch_get_n_double(kll_merge_agg_double(s)) FROM (SELECT "
                   "kll_sketch_agg_double(col) AS s FROM VALUES (1.0D), (1.0D) tab(col))",
        .kind = kAgg},
    FunctionRow{
        .id = "kll_merge_agg_double_sized",
        .names = "kll_merge_agg_double",
        .signature = "(binary, lit int) -> binary",
        .lowering =
            "mr_kll_merge_agg_double(coalesce(list({0}) FILTER (WHERE {0} IS NOT NULL), []), {1})",
        .nulls = Nulls::kNever,
        .kind = kAgg},
    FunctionRow{
        .id = "kll_sketch_merge_double",
        .names = "kll_sketch_merge_double",
        .signature = "(binary, binary) -> binary",
        .lowering = "mr_kll_merge_double({0}, {1})",
        .nulls = Nulls::kIfAnyArgument,
        .summary = "Two KLL sketches as one.",
        .example =
            "SELECT kll_sketch_get_n_double(kll_sketch_merge_double(kll_sketch_agg_double(col), "
            "kll_sketch_agg_double(col))) FROM VALUES (1.0D), (1.0D) tab(col)"},
    FunctionRow{.id = "kll_sketch_get_n_double",
                .names = "kll_sketch_get_n_double",
                .signature = "(binary) -> bigint",
                .lowering = "mr_kll_n_double({0})",
                .nulls = Nulls::kIfAnyArgument,
                .summary = "How many values a KLL sketch has seen.",
                .example = "SELECT kll_sketch_get_n_double(kll_sketch_agg_double(col)) FROM VALUES "
                           "(1.0D), (1.0D) tab(col)"},
    FunctionRow{.id = "kll_sketch_to_string_double",
                .names = "kll_sketch_to_string_double",
                .signature = "(binary) -> string",
                .lowering = "mr_kll_to_string_double({0})",
                .nulls = Nulls::kIfAnyArgument,
                .summary = "A KLL sketch in words.",
                .example = "SELECT kll_sketch_to_string_double(kll_sketch_agg_double(col)) FROM "
                           "VALUES (1.0D), (1.0D) tab(col)"},
    FunctionRow{.id = "kll_sketch_get_quantile_double",
                .names = "kll_sketch_get_quantile_double",
                .signature = "(binary, double) -> double",
                .lowering = "mr_kll_quantile_double({0}, {1})",
                .nulls = Nulls::kAlways,
                .summary = "The value at a quantile of a KLL sketch.",
                .example = "SELECT kll_sketch_get_quantile_double(kll_sketch_agg_double(col), 0.5) "
                           "FROM VALUES (1.0D), (1.0D) tab(col)"},
    FunctionRow{.id = "kll_sketch_get_quantile_double_many",
                .names = "kll_sketch_get_quantile_double",
                .signature = "(binary, array<double>) -> array<double>",
                .lowering = "list_transform({1}, lambda mr_x: mr_kll_quantile_double({0}, mr_x))",
                .nulls = Nulls::kAlways},
    FunctionRow{.id = "kll_sketch_get_rank_double",
                .names = "kll_sketch_get_rank_double",
                .signature = "(binary, double) -> double",
                .lowering = "mr_kll_rank_double({0}, CAST({1} AS DOUBLE))",
                .nulls = Nulls::kAlways,
                .summary = "The share of values that are not greater.",
                .example = "SELECT kll_sketch_get_rank_double(kll_sketch_agg_double(col), 1.0D) "
                           "FROM VALUES (1.0D), (1.0D) tab(col)"},
    FunctionRow{
        .id = "kll_sketch_get_rank_double_many",
        .names = "kll_sketch_get_rank_double",
        .signature = "(binary, array<double>) -> array<double>",
        .lowering =
            "list_transform({1}, lambda mr_x: mr_kll_rank_double({0}, CAST(mr_x AS DOUBLE)))",
        .nulls = Nulls::kAlways},
};

}  // namespace

std::span<const FunctionRow> quantile_sketch_rows() {
    return kRows;
}

}  // namespace millrace::sql::functions
