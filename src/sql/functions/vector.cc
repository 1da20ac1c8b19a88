#include <array>

#include "sql/functions/tables.h"

namespace millrace::sql::functions {

namespace {

constexpr std::array kRows = {
    FunctionRow{.id = "vector_norm",
                .names = "vector_norm",
                .signature = "(array<float>, float=2.0F) -> float",
                .lowering = "mr_vector_norm({0}, {1})",
                .nulls = Nulls::kAlways,
                .summary = "The norm of a vector: of degree 1, 2 or infinity.",
                .example = "SELECT vector_norm(array(3.0F, 4.0F))"},
    FunctionRow{.id = "vector_normalize",
                .names = "vector_normalize",
                .signature = "(array<float>, float=2.0F) -> rule",
                .lowering = "mr_vector_normalize({0}, {1})",
                .nulls = Nulls::kAlways,
                .summary = "A vector over its norm; null when that is 0.",
                .example = "SELECT vector_normalize(array(3.0F, 4.0F))"},
    FunctionRow{.id = "vector_inner_product",
                .names = "vector_inner_product",
                .signature = "(array<float>, array<float>) -> float",
                .lowering = "mr_vector_inner_product({0}, {1})",
                .nulls = Nulls::kAlways,
                .summary = "The inner product of two vectors.",
                .example = "SELECT vector_inner_product(array(1.0F, 2.0F), array(3.0F, 4.0F))"},
    FunctionRow{.id = "vector_cosine_similarity",
                .names = "vector_cosine_similarity",
                .signature = "(array<float>, array<float>) -> float",
                .lowering = "mr_vector_cosine_similarity({0}, {1})",
                .nulls = Nulls::kAlways,
                .summary = "The cosine of the angle between two vectors.",
                .example = "SELECT vector_cosine_similarity(array(1.0F, 0.0F), array(0.0F, 1.0F))"},
    FunctionRow{.id = "vector_l2_distance",
                .names = "vector_l2_distance",
                .signature = "(array<float>, array<float>) -> float",
                .lowering = "mr_vector_l2_distance({0}, {1})",
                .nulls = Nulls::kAlways,
                .summary = "The Euclidean distance of two vectors.",
                .example = "SELECT vector_l2_distance(array(0.0F, 0.0F), array(3.0F, 4.0F))"},
    FunctionRow{.id = "vector_sum",
                .names = "vector_sum",
                .signature = "(array<float>) -> rule",
                .lowering = "mr_vector_sum(list({0}))",
                .nulls = Nulls::kAlways,
                .summary = "The sum of the vectors, by position.",
                .example = "SELECT vector_sum(v) FROM VALUES (array(1.0F)), (array(2.0F)) AS t(v)",
                .kind = FunctionKind::kAggregate},
    FunctionRow{.id = "vector_avg",
                .names = "vector_avg",
                .signature = "(array<float>) -> rule",
                .lowering = "mr_vector_avg(list({0}))",
                .nulls = Nulls::kAlways,
                .summary = "The mean of the vectors, by position.",
                .example = "SELECT vector_avg(v) FROM VALUES (array(1.0F)), (array(2.0F)) AS t(v)",
                .kind = FunctionKind::kAggregate},
};

}  // namespace

std::span<const FunctionRow> vector_rows() {
    return kRows;
}

}  // namespace millrace::sql::functions
