#include <array>

#include "sql/functions/tables.h"

namespace millrace::sql::functions {

namespace {

constexpr std::array kRows = {
    FunctionRow{.id = "parse_json",
                .names = "parse_json",
                .signature = "(string) -> variant",
                .lowering = "mr_parse_json({0}, 'ansi')",
                .summary = "A variant from JSON text.",
                .example = "SELECT parse_json('{\"a\":1,\"b\":0.8}')"},
    FunctionRow{.id = "try_parse_json",
                .names = "try_parse_json",
                .signature = "(string) -> variant",
                .lowering = "mr_parse_json({0}, 'try')",
                .nulls = Nulls::kAlways,
                .summary = "A variant from JSON text; null when it is none.",
                .example = "SELECT try_parse_json('{\"a\":1,\"b\":0.8}')"},
    // The type, a constant, is consumed by the analyzer and becomes the call's type.
    FunctionRow{.id = "variant_get",
                .names = "variant_get",
                .signature = "(variant, string, string?) -> rule",
                .lowering = "",
                .nulls = Nulls::kAlways,
                .summary = "The part of a variant at a path, as a type.",
                .example = "SELECT variant_get(parse_json('{\"a\": 1}'), '$.a', 'int')"},
    FunctionRow{.id = "try_variant_get",
                .names = "try_variant_get",
                .signature = "(variant, string, string?) -> rule",
                .lowering = "",
                .nulls = Nulls::kAlways,
                .summary = "The part of a variant at a path, as a type; null when it is no such.",
                .example = "SELECT try_variant_get(parse_json('{\"a\": 1}'), '$.a', 'int')"},
    FunctionRow{.id = "to_variant_object",
                .names = "to_variant_object",
                .signature = "(any) -> variant",
                .lowering = "",
                .summary = "Structs, maps and arrays as a variant.",
                .example = "SELECT to_variant_object(named_struct('a', 1, 'b', 2))"},
    FunctionRow{.id = "is_variant_null",
                .names = "is_variant_null",
                .signature = "(variant) -> boolean",
                .lowering = "mr_is_variant_null({0})",
                .nulls = Nulls::kNever,
                .summary = "True for a variant that holds a null.",
                .example = "SELECT is_variant_null(parse_json('null'))"},
    FunctionRow{.id = "is_valid_variant",
                .names = "is_valid_variant",
                .signature = "(variant) -> boolean",
                .lowering = "mr_is_valid_variant({0})",
                .summary = "True when the bytes of a variant are well formed.",
                .example = "SELECT is_valid_variant(parse_json('[1]'))"},
    FunctionRow{.id = "schema_of_variant",
                .names = "schema_of_variant",
                .signature = "(variant) -> string",
                .lowering = "mr_schema_of_variant({0})",
                .summary = "The schema of a variant as DDL.",
                .example = "SELECT schema_of_variant(parse_json('{\"key\": 123}'))"},
    FunctionRow{.id = "schema_of_variant_agg",
                .names = "schema_of_variant_agg",
                .signature = "(variant) -> string",
                .lowering = "mr_schema_of_variants(list({0}))",
                .nulls = Nulls::kNever,
                .summary = "The schema that all variants of a group have in common.",
                .example = "SELECT schema_of_variant_agg(parse_json(j)) FROM VALUES ('1') AS t(j)",
                .kind = FunctionKind::kAggregate},
    FunctionRow{.id = "variant_entries",
                .signature = "(variant) -> rule",
                .lowering = "mr_variant_entries({0})"},
};

}  // namespace

std::span<const FunctionRow> variant_rows() {
    return kRows;
}

}  // namespace millrace::sql::functions
