#include <array>

#include "sql/functions/tables.h"

namespace millrace::sql::functions {

namespace {

// from_json's schema argument is consumed by the analyzer and becomes the call's type; what is left
// are the text and, where given, the options: a map of constant strings.
constexpr std::array kRows = {
    FunctionRow{.id = "from_json",
                .names = "from_json",
                .signature = "(string, any, any?) -> rule",
                .lowering = "mr_from_json({0}, {ddl}{if1:, {1*}})",
                .nulls = Nulls::kAlways,
                .summary = "A value from JSON text; what does not fit is null.",
                .example = "SELECT from_json('{\"a\":1, \"b\":0.8}', 'a INT, b DOUBLE')"},
    FunctionRow{.id = "to_json",
                .names = "to_json",
                .signature = "(any, any?) -> string",
                .lowering = "mr_to_json({0}, {ddl0}{if1:, {1*}})",
                .summary = "A value as JSON text, null fields left out.",
                .example = "SELECT to_json(named_struct('a', 1, 'b', 2))"},
    FunctionRow{.id = "get_json_object",
                .names = "get_json_object",
                .signature = "(string, string) -> string",
                .lowering = "mr_get_json_object({0}, {1})",
                .nulls = Nulls::kAlways,
                .summary = "The value at a path of a JSON text.",
                .example = "SELECT get_json_object('{\"a\":\"b\"}', '$.a')"},
    FunctionRow{.id = "json_array_length",
                .names = "json_array_length",
                .signature = "(string) -> int",
                .lowering = "mr_json_array_length({0})",
                .nulls = Nulls::kAlways,
                .summary = "Number of elements of a JSON array.",
                .example = "SELECT json_array_length('[1,2,3,4]')"},
    FunctionRow{.id = "json_object_keys",
                .names = "json_object_keys",
                .signature = "(string) -> array<string>",
                .lowering = "mr_json_object_keys({0})",
                .nulls = Nulls::kAlways,
                .summary = "Keys of a JSON object.",
                .example = "SELECT json_object_keys('{\"key\": \"value\"}')"},
    FunctionRow{.id = "schema_of_json",
                .names = "schema_of_json",
                .signature = "(lit string, any?) -> string",
                .lowering = "mr_schema_of_json({0})",
                .nulls = Nulls::kNever,
                .summary = "The schema of a JSON text as DDL.",
                .example = "SELECT schema_of_json('[{\"col\":0}]')"},
    FunctionRow{.id = "from_csv",
                .names = "from_csv",
                .signature = "(string, any, any?) -> rule",
                .lowering = "mr_from_csv({0}, {ddl}{if1:, {1*}})",
                .nulls = Nulls::kAlways,
                .summary = "A struct from a CSV line.",
                .example = "SELECT from_csv('1, 0.8', 'a INT, b DOUBLE')"},
    FunctionRow{.id = "schema_of_csv",
                .names = "schema_of_csv",
                .signature = "(lit string, any?) -> string",
                .lowering = "",
                .nulls = Nulls::kNever,
                .summary = "The schema of a CSV record as DDL.",
                .example = "SELECT schema_of_csv('1,abc')"},
    FunctionRow{.id = "to_csv",
                .names = "to_csv",
                .signature = "(struct, any?) -> string",
                .lowering = "mr_to_csv({0}, {ddl0}{if1:, {1*}})",
                .summary = "A struct as a CSV line.",
                .example = "SELECT to_csv(named_struct('a', 1, 'b', 2))"},
};

}  // namespace

std::span<const FunctionRow> json_rows() {
    return kRows;
}

}  // namespace millrace::sql::functions
