#include <array>

#include "sql/functions/tables.h"

namespace millrace::sql::functions {

namespace {

constexpr auto kGen = FunctionKind::kGenerator;

// They stand in GenerateNode; columnar knows them by id. The _outer forms set GenerateNode::outer
// and keep the plain id.
constexpr std::array kRows = {
    FunctionRow{.id = "explode",
                .names = "explode explode_outer",
                .signature = "(any) -> rule",
                .lowering = "",
                .summary = "One row for each element or entry.",
                .example = "SELECT explode(array(10, 20))",
                .kind = kGen},
    FunctionRow{.id = "posexplode",
                .names = "posexplode posexplode_outer",
                .signature = "(any) -> rule",
                .lowering = "",
                .summary = "One row for each element, with its position.",
                .example = "SELECT posexplode(array(10, 20))",
                .kind = kGen},
    FunctionRow{.id = "inline",
                .names = "inline inline_outer",
                .signature = "(any) -> rule",
                .lowering = "",
                .summary = "An array of structs as rows.",
                .example = "SELECT inline(array(struct(1, 'a'), struct(2, 'b')))",
                .kind = kGen},
    FunctionRow{.id = "variant_explode",
                .names = "variant_explode variant_explode_outer",
                .signature = "(variant) -> rule",
                .lowering = "",
                .summary = "The members of an object or an array as rows.",
                .example = "SELECT variant_explode(parse_json('[\"hello\", \"world\"]'))",
                .kind = kGen},
    FunctionRow{.id = "stack",
                .names = "stack",
                .signature = "(lit int, any...) -> rule",
                .lowering = "",
                .summary = "The arguments dealt into so many rows.",
                .example = "SELECT stack(2, 1, 2, 3)",
                .kind = kGen},
    FunctionRow{.id = "json_tuple",
                .names = "json_tuple",
                .signature = "(string, string...) -> rule",
                .lowering = "",
                .summary = "Several top-level fields of a JSON text at once.",
                .example = "SELECT json_tuple('{\"a\":1, \"b\":2}', 'a', 'b')",
                .kind = kGen},
};

}  // namespace

std::span<const FunctionRow> generator_rows() {
    return kRows;
}

}  // namespace millrace::sql::functions
