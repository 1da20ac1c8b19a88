#include <array>

#include "sql/functions/tables.h"

namespace millrace::sql::functions {

namespace {

constexpr std::array kRows = {
    FunctionRow{.id = "typeof",
                .names = "typeof",
                .signature = "(any) -> string",
                .lowering = "",
                .nulls = Nulls::kNever,
                .summary = "The type as DDL.",
                .example = "SELECT typeof(1)"},
    FunctionRow{.id = "version",
                .names = "version",
                .signature = "() -> string",
                .lowering = "",
                .nulls = Nulls::kNever,
                .summary = "The version of the language served.",
                .example = "SELECT version()"},
    FunctionRow{.id = "current_user",
                .names = "current_user user session_user",
                .signature = "() -> string",
                .lowering = "",
                .nulls = Nulls::kNever,
                .summary = "The session's user.",
                .example = "SELECT current_user()"},
    FunctionRow{.id = "current_database",
                .names = "current_database current_schema",
                .signature = "() -> string",
                .lowering = "",
                .nulls = Nulls::kNever,
                .summary = "The session's database.",
                .example = "SELECT current_database()"},
    FunctionRow{.id = "current_catalog",
                .names = "current_catalog",
                .signature = "() -> string",
                .lowering = "",
                .nulls = Nulls::kNever,
                .summary = "The session's catalog.",
                .example = "SELECT current_catalog()"},
    FunctionRow{.id = "uuid",
                .names = "uuid",
                .signature = "(lit bigint?) -> string",
                .lowering = "mr_uuid()",
                .nulls = Nulls::kNever,
                .summary = "A random UUID.",
                .example = "SELECT length(uuid())",
                .deterministic = false},
    FunctionRow{.id = "raise_error",
                .names = "raise_error",
                .signature = "(string) -> rule",
                .lowering = "mr_raise_error({0})",
                .nulls = Nulls::kAlways,
                .summary = "Stop with a message.",
                .example = "SELECT if(true, 1, raise_error('custom error message'))",
                .deterministic = false},
    FunctionRow{.id = "assert_true",
                .names = "assert_true",
                .signature = "(boolean, string?) -> rule",
                .lowering = "CASE WHEN {0} THEN NULL ELSE mr_raise_error({1}) END",
                .nulls = Nulls::kAlways,
                .summary = "Stop unless the condition holds.",
                .example = "SELECT assert_true(0 < 1)",
                .deterministic = false},
    FunctionRow{.id = "input_file_name",
                .names = "input_file_name",
                .signature = "() -> string",
                .lowering = "''",
                .nulls = Nulls::kNever,
                .summary = "The file being read.",
                .example = "SELECT input_file_name()",
                .deterministic = false},
};

}  // namespace

std::span<const FunctionRow> misc_rows() {
    return kRows;
}

}  // namespace millrace::sql::functions
