// HyperLogLog and theta sketches: estimates of how many values differ.
#include <array>

#include "sql/functions/tables.h"

namespace millrace::sql::functions {

namespace {

constexpr auto kAgg = FunctionKind::kAggregate;

constexpr std::array kRows = {
    FunctionRow{
        .id = "hll_sketch_agg",
        .names = "hll_sketch_agg",
        .signature = "(bigint, lit int=12) -> binary; (string, lit int=12) -> binary; (binary, lit "
                     "int=12) -> binary",
        .lowering = "mr_hll_agg(coalesce(list(mr_hll_coupon({0})) FILTER (WHERE mr_hll_coupon({0}) "
                    "IS NOT NULL), []), {1})",
        .nulls = Nulls::kNever,
        .summary = "A HyperLogLog sketch of the values.",
        .example =
            "SELECT hll_sketch_estimate(hll_sketch_agg(col)) FROM VALUES (1), (1), (2) tab(col)",
        .kind = kAgg},
    FunctionRow{
        .id = "hll_union_agg",
        .names = "hll_union_agg",
        .signature = "(binary, lit boolean=false) -> binary",
        .lowering = "mr_hll_union_agg(coalesce(list({0}) FILTER (WHERE {0} IS NOT NULL), []), {1})",
        .nulls = Nulls::kNever,
        .summary = "The union of HyperLogLog sketches.",
        .example = "SELECT hll_sketch_estimate(hll_union_agg(s)) FROM (SELECT hll_sketch_agg(col) "
                   "AS s FROM VALUES (1), (2) tab(col))",
        .kind = kAgg},
    FunctionRow{.id = "hll_union",
                .names = "hll_union",
                .signature = "(binary, binary, boolean=false) -> binary",
                .lowering = "mr_hll_union({0}, {1}, {2})",
                .nulls = Nulls::kIfAnyArgument,
                .summary = "The union of two HyperLogLog sketches.",
                .example = "SELECT hll_sketch_estimate(hll_union(hll_sketch_agg(a), "
                           "hll_sketch_agg(b))) FROM VALUES (1, 4), (2, 4) tab(a, b)"},
    FunctionRow{
        .id = "hll_sketch_estimate",
        .names = "hll_sketch_estimate",
        .signature = "(binary) -> bigint",
        .lowering = "mr_hll_estimate({0})",
        .nulls = Nulls::kIfAnyArgument,
        .summary = "The number of distinct values in a HyperLogLog sketch.",
        .example =
            "SELECT hll_sketch_estimate(hll_sketch_agg(col)) FROM VALUES (1), (1), (2) tab(col)"},
    FunctionRow{.id = "theta_sketch_agg",
                .names = "theta_sketch_agg",
                .signature = "(bigint, lit int=12) -> binary; (double, lit int=12) -> binary; "
                             "(string, lit int=12) -> binary; (binary, lit int=12) -> binary",
                .lowering = "mr_theta_agg(coalesce(list(mr_theta_hash({0})) FILTER (WHERE "
                            "mr_theta_hash({0}) IS NOT NULL), []), {1})",
                .nulls = Nulls::kNever,
                .summary = "A theta sketch of the values.",
                .example = "SELECT theta_sketch_estimate(theta_sketch_agg(col)) FROM VALUES (1), "
                           "(1), (2) tab(col)",
                .kind = kAgg},
    FunctionRow{.id = "theta_union_agg",
                .names = "theta_union_agg",
                .signature = "(binary, lit int=12) -> binary",
                .lowering = "mr_theta_union_agg(coalesce(list({0}) FILTER (WHERE {0} IS NOT NULL), "
                            "[]), {1}, 'sum')",
                .nulls = Nulls::kNever,
                .summary = "The union of theta sketches.",
                .example = "SELECT theta_sketch_estimate(theta_union_agg(s)) FROM (SELECT "
                           "theta_sketch_agg(col) AS s FROM VALUES (1), (2) tab(col))",
                .kind = kAgg},
    FunctionRow{.id = "theta_intersection_agg",
                .names = "theta_intersection_agg",
                .signature = "(binary) -> binary",
                .lowering = "mr_theta_intersection_agg(coalesce(list({0}) FILTER (WHERE {0} IS NOT "
                            "NULL), []), 12, 'sum')",
                .nulls = Nulls::kNever,
                .summary = "The intersection of theta sketches.",
                .example = "SELECT theta_sketch_estimate(theta_intersection_agg(s)) FROM (SELECT "
                           "theta_sketch_agg(col) AS s FROM VALUES (1), (2) tab(col))",
                .kind = kAgg},
    FunctionRow{.id = "theta_union",
                .names = "theta_union",
                .signature = "(binary, binary, int=12) -> binary",
                .lowering = "mr_theta_union({0}, {1}, {2}, 'sum')",
                .nulls = Nulls::kIfAnyArgument,
                .summary = "The union of two theta sketches.",
                .example = "SELECT theta_sketch_estimate(theta_union(theta_sketch_agg(a), "
                           "theta_sketch_agg(b))) FROM VALUES (1, 4), (2, 2) tab(a, b)"},
    FunctionRow{.id = "theta_intersection",
                .names = "theta_intersection",
                .signature = "(binary, binary) -> binary",
                .lowering = "mr_theta_intersection({0}, {1}, 12, 'sum')",
                .nulls = Nulls::kIfAnyArgument,
                .summary = "The intersection of two theta sketches.",
                .example = "SELECT theta_sketch_estimate(theta_intersection(theta_sketch_agg(a), "
                           "theta_sketch_agg(b))) FROM VALUES (1, 4), (2, 2) tab(a, b)"},
    FunctionRow{.id = "theta_difference",
                .names = "theta_difference",
                .signature = "(binary, binary) -> binary",
                .lowering = "mr_theta_difference({0}, {1}, 12, 'sum')",
                .nulls = Nulls::kIfAnyArgument,
                .summary = "What the first theta sketch has and the second has not.",
                .example = "SELECT theta_sketch_estimate(theta_difference(theta_sketch_agg(a), "
                           "theta_sketch_agg(b))) FROM VALUES (1, 4), (2, 2) tab(a, b)"},
    FunctionRow{.id = "theta_sketch_estimate",
                .names = "theta_sketch_estimate",
                .signature = "(binary) -> bigint",
                .lowering = "mr_theta_estimate({0})",
                .nulls = Nulls::kIfAnyArgument,
                .summary = "The number of distinct values in a theta sketch.",
                .example = "SELECT theta_sketch_estimate(theta_sketch_agg(col)) FROM VALUES (1), "
                           "(1), (2) tab(col)"},
};

}  // namespace

std::span<const FunctionRow> distinct_sketch_rows() {
    return kRows;
}

}  // namespace millrace::sql::functions
