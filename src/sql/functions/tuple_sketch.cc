// Tuple sketches: theta sketches with a summary beside each key.
#include <array>

#include "sql/functions/tables.h"

namespace millrace::sql::functions {

namespace {

constexpr auto kAgg = FunctionKind::kAggregate;

constexpr std::array kRows = {
    FunctionRow{
        .id = "tuple_sketch_agg_double",
        .names = "tuple_sketch_agg_double",
        .signature =
            "(bigint, double, lit int=12, lit string='sum') -> binary; (double, double, lit "
            "int=12, lit string='sum') -> binary; (string, double, lit int=12, lit string='sum') "
            "-> binary; (binary, double, lit int=12, lit string='sum') -> binary",
        .lowering =
            "mr_tuple_agg_double(coalesce(list(mr_theta_hash({0})) FILTER (WHERE "
            "mr_theta_hash({0}) IS NOT NULL AND {1} IS NOT NULL), []), coalesce(list({1}) FILTER "
            "(WHERE mr_theta_hash({0}) IS NOT NULL AND {1} IS NOT NULL), []), {2}, {3})",
        .nulls = Nulls::kNever,
        .summary = "A tuple sketch of keys, each with a summary of its values.",
        .example = "SELECT tuple_sketch_estimate_double(tuple_sketch_agg_double(k, v)) FROM VALUES "
                   "(1, 1.0D), (2, 1.0D) tab(k, v)",
        .kind = kAgg},
    FunctionRow{
        .id = "tuple_union_agg_double",
        .names = "tuple_union_agg_double",
        .signature = "(binary, lit int=12, lit string='sum') -> binary",
        .lowering = "mr_tuple_union_agg_double(coalesce(list({0}) FILTER (WHERE {0} IS NOT NULL), "
                    "[]), {1}, {2})",
        .nulls = Nulls::kNever,
        .summary = "The union of tuple sketches.",
        .example = "SELECT tuple_sketch_estimate_double(tuple_union_agg_double(s)) FROM (SELECT "
                   "tuple_sketch_agg_double(k, v) AS s FROM VALUES (1, 1.0D), (2, 1.0D) tab(k, v))",
        .kind = kAgg},
    FunctionRow{
        .id = "tuple_intersection_agg_double",
        .names = "tuple_intersection_agg_double",
        .signature = "(binary, lit string='sum') -> binary",
        .lowering = "mr_tuple_intersection_agg_double(coalesce(list({0}) FILTER (WHERE {0} IS NOT "
                    "NULL), []), 12, {1})",
        .nulls = Nulls::kNever,
        .summary = "The intersection of tuple sketches.",
        .example =
            "SELECT tuple_sketch_estimate_double(tuple_intersection_agg_double(s)) FROM (SELECT "
            "tuple_sketch_agg_double(k, v) AS s FROM VALUES (1, 1.0D), (2, 1.0D) tab(k, v))",
        .kind = kAgg},
    FunctionRow{
        .id = "tuple_union_double",
        .names = "tuple_union_double",
        .signature = "(binary, binary, int=12, string='sum') -> binary",
        .lowering = "mr_tuple_union_double({0}, {1}, {2}, {3})",
        .nulls = Nulls::kIfAnyArgument,
        .summary = "The union of two tuple sketches.",
        .example =
            "SELECT tuple_sketch_estimate_double(tuple_union_double(tuple_sketch_agg_double(k, v), "
            "tuple_sketch_agg_double(k, v))) FROM VALUES (1, 1.0D), (2, 1.0D) tab(k, v)"},
    FunctionRow{
        .id = "tuple_intersection_double",
        .names = "tuple_intersection_double",
        .signature = "(binary, binary, string='sum') -> binary",
        .lowering = "mr_tuple_intersection_double({0}, {1}, 12, {2})",
        .nulls = Nulls::kIfAnyArgument,
        .summary = "The intersection of two tuple sketches.",
        .example =
            "SELECT "
            "tuple_sketch_estimate_double(tuple_intersection_double(tuple_sketch_agg_double(k, v), "
            "tuple_sketch_agg_double(k, v))) FROM VALUES (1, 1.0D), (2, 1.0D) tab(k, v)"},
    FunctionRow{
        .id = "tuple_difference_double",
        .names = "tuple_difference_double",
        .signature = "(binary, binary) -> binary",
        .lowering = "mr_tuple_difference_double({0}, {1}, 12, 'sum')",
        .nulls = Nulls::kIfAnyArgument,
        .summary = "What the first of two tuple sketches has and the second has not.",
        .example =
            "SELECT "
            "tuple_sketch_estimate_double(tuple_difference_double(tuple_sketch_agg_double(k, v), "
            "tuple_sketch_agg_double(k, v))) FROM VALUES (1, 1.0D), (2, 1.0D) tab(k, v)"},
    FunctionRow{
        .id = "tuple_union_theta_double",
        .names = "tuple_union_theta_double",
        .signature = "(binary, binary, int=12, string='sum') -> binary",
        .lowering = "mr_tuple_union_theta_double({0}, {1}, {2}, {3})",
        .nulls = Nulls::kIfAnyArgument,
        .summary = "The union of a tuple and a theta sketch.",
        .example = "SELECT "
                   "tuple_sketch_estimate_double(tuple_union_theta_double(tuple_sketch_agg_double("
                   "k, v), theta_sketch_agg(k))) FROM VALUES (1, 1.0D), (2, 1.0D) tab(k, v)"},
    FunctionRow{
        .id = "tuple_intersection_theta_double",
        .names = "tuple_intersection_theta_double",
        .signature = "(binary, binary, string='sum') -> binary",
        .lowering = "mr_tuple_intersection_theta_double({0}, {1}, 12, {2})",
        .nulls = Nulls::kIfAnyArgument,
        .summary = "The intersection of a tuple and a theta sketch.",
        .example =
            "SELECT "
            "tuple_sketch_estimate_double(tuple_intersection_theta_double(tuple_sketch_agg_double("
            "k, v), theta_sketch_agg(k))) FROM VALUES (1, 1.0D), (2, 1.0D) tab(k, v)"},
    FunctionRow{
        .id = "tuple_difference_theta_double",
        .names = "tuple_difference_theta_double",
        .signature = "(binary, binary) -> binary",
        .lowering = "mr_tuple_difference_theta_double({0}, {1}, 12, 'sum')",
        .nulls = Nulls::kIfAnyArgument,
        .summary = "What the first of a tuple and a theta sketch has and the second has not.",
        .example =
            "SELECT "
            "tuple_sketch_estimate_double(tuple_difference_theta_double(tuple_sketch_agg_double(k, "
            "v), theta_sketch_agg(k))) FROM VALUES (1, 1.0D), (2, 1.0D) tab(k, v)"},
    FunctionRow{.id = "tuple_sketch_estimate_double",
                .names = "tuple_sketch_estimate_double",
                .signature = "(binary) -> double",
                .lowering = "mr_tuple_estimate_double({0})",
                .nulls = Nulls::kIfAnyArgument,
                .summary = "The number of distinct keys in a tuple sketch.",
                .example = "SELECT tuple_sketch_estimate_double(tuple_sketch_agg_double(k, v)) "
                           "FROM VALUES (1, 1.0D), (2, 1.0D) tab(k, v)"},
    FunctionRow{.id = "tuple_sketch_theta_double",
                .names = "tuple_sketch_theta_double",
                .signature = "(binary) -> double",
                .lowering = "mr_tuple_theta_double({0})",
                .nulls = Nulls::kIfAnyArgument,
                .summary = "The share of keys that a tuple sketch keeps.",
                .example = "SELECT tuple_sketch_theta_double(tuple_sketch_agg_double(k, v)) FROM "
                           "VALUES (1, 1.0D), (2, 1.0D) tab(k, v)"},
    FunctionRow{.id = "tuple_sketch_summary_double",
                .names = "tuple_sketch_summary_double",
                .signature = "(binary, string='sum') -> double",
                .lowering = "mr_tuple_summary_double({0}, {1})",
                .nulls = Nulls::kIfAnyArgument,
                .summary = "The summaries of a tuple sketch as one.",
                .example = "SELECT tuple_sketch_summary_double(tuple_sketch_agg_double(k, v)) FROM "
                           "VALUES (1, 1.0D), (2, 1.0D) tab(k, v)"},
    FunctionRow{
        .id = "tuple_sketch_agg_integer",
        .names = "tuple_sketch_agg_integer",
        .signature =
            "(bigint, bigint, lit int=12, lit string='sum') -> binary; (double, bigint, lit "
            "int=12, lit string='sum') -> binary; (string, bigint, lit int=12, lit string='sum') "
            "-> binary; (binary, bigint, lit int=12, lit string='sum') -> binary",
        .lowering =
            "mr_tuple_agg_integer(coalesce(list(mr_theta_hash({0})) FILTER (WHERE "
            "mr_theta_hash({0}) IS NOT NULL AND {1} IS NOT NULL), []), coalesce(list({1}) FILTER "
            "(WHERE mr_theta_hash({0}) IS NOT NULL AND {1} IS NOT NULL), []), {2}, {3})",
        .nulls = Nulls::kNever,
        .summary = "A tuple sketch of keys, each with a summary of its values.",
        .example = "SELECT tuple_sketch_estimate_integer(tuple_sketch_agg_integer(k, v)) FROM "
                   "VALUES (1, 1), (2, 1) tab(k, v)",
        .kind = kAgg},
    FunctionRow{
        .id = "tuple_union_agg_integer",
        .names = "tuple_union_agg_integer",
        .signature = "(binary, lit int=12, lit string='sum') -> binary",
        .lowering = "mr_tuple_union_agg_integer(coalesce(list({0}) FILTER (WHERE {0} IS NOT NULL), "
                    "[]), {1}, {2})",
        .nulls = Nulls::kNever,
        .summary = "The union of tuple sketches.",
        .example = "SELECT tuple_sketch_estimate_integer(tuple_union_agg_integer(s)) FROM (SELECT "
                   "tuple_sketch_agg_integer(k, v) AS s FROM VALUES (1, 1), (2, 1) tab(k, v))",
        .kind = kAgg},
    FunctionRow{
        .id = "tuple_intersection_agg_integer",
        .names = "tuple_intersection_agg_integer",
        .signature = "(binary, lit string='sum') -> binary",
        .lowering = "mr_tuple_intersection_agg_integer(coalesce(list({0}) FILTER (WHERE {0} IS NOT "
                    "NULL), []), 12, {1})",
        .nulls = Nulls::kNever,
        .summary = "The intersection of tuple sketches.",
        .example =
            "SELECT tuple_sketch_estimate_integer(tuple_intersection_agg_integer(s)) FROM (SELECT "
            "tuple_sketch_agg_integer(k, v) AS s FROM VALUES (1, 1), (2, 1) tab(k, v))",
        .kind = kAgg},
    FunctionRow{
        .id = "tuple_union_integer",
        .names = "tuple_union_integer",
        .signature = "(binary, binary, int=12, string='sum') -> binary",
        .lowering = "mr_tuple_union_integer({0}, {1}, {2}, {3})",
        .nulls = Nulls::kIfAnyArgument,
        .summary = "The union of two tuple sketches.",
        .example =
            "SELECT tuple_sketch_estimate_integer(tuple_union_integer(tuple_sketch_agg_integer(k, "
            "v), tuple_sketch_agg_integer(k, v))) FROM VALUES (1, 1), (2, 1) tab(k, v)"},
    FunctionRow{
        .id = "tuple_intersection_integer",
        .names = "tuple_intersection_integer",
        .signature = "(binary, binary, string='sum') -> binary",
        .lowering = "mr_tuple_intersection_integer({0}, {1}, 12, {2})",
        .nulls = Nulls::kIfAnyArgument,
        .summary = "The intersection of two tuple sketches.",
        .example =
            "SELECT "
            "tuple_sketch_estimate_integer(tuple_intersection_integer(tuple_sketch_agg_integer(k, "
            "v), tuple_sketch_agg_integer(k, v))) FROM VALUES (1, 1), (2, 1) tab(k, v)"},
    FunctionRow{
        .id = "tuple_difference_integer",
        .names = "tuple_difference_integer",
        .signature = "(binary, binary) -> binary",
        .lowering = "mr_tuple_difference_integer({0}, {1}, 12, 'sum')",
        .nulls = Nulls::kIfAnyArgument,
        .summary = "What the first of two tuple sketches has and the second has not.",
        .example =
            "SELECT "
            "tuple_sketch_estimate_integer(tuple_difference_integer(tuple_sketch_agg_integer(k, "
            "v), tuple_sketch_agg_integer(k, v))) FROM VALUES (1, 1), (2, 1) tab(k, v)"},
    FunctionRow{
        .id = "tuple_union_theta_integer",
        .names = "tuple_union_theta_integer",
        .signature = "(binary, binary, int=12, string='sum') -> binary",
        .lowering = "mr_tuple_union_theta_integer({0}, {1}, {2}, {3})",
        .nulls = Nulls::kIfAnyArgument,
        .summary = "The union of a tuple and a theta sketch.",
        .example = "SELECT "
                   "tuple_sketch_estimate_integer(tuple_union_theta_integer(tuple_sketch_agg_"
                   "integer(k, v), theta_sketch_agg(k))) FROM VALUES (1, 1), (2, 1) tab(k, v)"},
    FunctionRow{
        .id = "tuple_intersection_theta_integer",
        .names = "tuple_intersection_theta_integer",
        .signature = "(binary, binary, string='sum') -> binary",
        .lowering = "mr_tuple_intersection_theta_integer({0}, {1}, 12, {2})",
        .nulls = Nulls::kIfAnyArgument,
        .summary = "The intersection of a tuple and a theta sketch.",
        .example = "SELECT "
                   "tuple_sketch_estimate_integer(tuple_intersection_theta_integer(tuple_sketch_"
                   "agg_integer(k, v), theta_sketch_agg(k))) FROM VALUES (1, 1), (2, 1) tab(k, v)"},
    FunctionRow{
        .id = "tuple_difference_theta_integer",
        .names = "tuple_difference_theta_integer",
        .signature = "(binary, binary) -> binary",
        .lowering = "mr_tuple_difference_theta_integer({0}, {1}, 12, 'sum')",
        .nulls = Nulls::kIfAnyArgument,
        .summary = "What the first of a tuple and a theta sketch has and the second has not.",
        .example = "SELECT "
                   "tuple_sketch_estimate_integer(tuple_difference_theta_integer(tuple_sketch_agg_"
                   "integer(k, v), theta_sketch_agg(k))) FROM VALUES (1, 1), (2, 1) tab(k, v)"},
    FunctionRow{.id = "tuple_sketch_estimate_integer",
                .names = "tuple_sketch_estimate_integer",
                .signature = "(binary) -> double",
                .lowering = "mr_tuple_estimate_integer({0})",
                .nulls = Nulls::kIfAnyArgument,
                .summary = "The number of distinct keys in a tuple sketch.",
                .example = "SELECT tuple_sketch_estimate_integer(tuple_sketch_agg_integer(k, v)) "
                           "FROM VALUES (1, 1), (2, 1) tab(k, v)"},
    FunctionRow{.id = "tuple_sketch_theta_integer",
                .names = "tuple_sketch_theta_integer",
                .signature = "(binary) -> double",
                .lowering = "mr_tuple_theta_integer({0})",
                .nulls = Nulls::kIfAnyArgument,
                .summary = "The share of keys that a tuple sketch keeps.",
                .example = "SELECT tuple_sketch_theta_integer(tuple_sketch_agg_integer(k, v)) FROM "
                           "VALUES (1, 1), (2, 1) tab(k, v)"},
    FunctionRow{.id = "tuple_sketch_summary_integer",
                .names = "tuple_sketch_summary_integer",
                .signature = "(binary, string='sum') -> bigint",
                .lowering = "mr_tuple_summary_integer({0}, {1})",
                .nulls = Nulls::kIfAnyArgument,
                .summary = "The summaries of a tuple sketch as one.",
                .example = "SELECT tuple_sketch_summary_integer(tuple_sketch_agg_integer(k, v)) "
                           "FROM VALUES (1, 1), (2, 1) tab(k, v)"},
};

}  // namespace

std::span<const FunctionRow> tuple_sketch_rows() {
    return kRows;
}

}  // namespace millrace::sql::functions
