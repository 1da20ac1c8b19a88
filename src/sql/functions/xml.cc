#include <array>

#include "sql/functions/tables.h"

namespace millrace::sql::functions {

namespace {

constexpr auto kAlways = Nulls::kAlways;

constexpr std::array kRows = {
    FunctionRow{.id = "xpath",
                .names = "xpath",
                .signature = "(string, lit string) -> array<string>",
                .lowering = "mr_xpath({0}, {1})",
                .nulls = kAlways,
                .summary = "The texts of the nodes that an expression of XPath finds.",
                .example = "SELECT xpath('<a><b>b1</b><b>b2</b></a>', 'a/b/text()')"},
    FunctionRow{.id = "xpath_string",
                .names = "xpath_string",
                .signature = "(string, lit string) -> string",
                .lowering = "mr_xpath_string({0}, {1})",
                .nulls = kAlways,
                .summary = "The text of the first node that an expression of XPath finds.",
                .example = "SELECT xpath_string('<a><b>b</b><c>cc</c></a>', 'a/c')"},
    FunctionRow{.id = "xpath_boolean",
                .names = "xpath_boolean",
                .signature = "(string, lit string) -> boolean",
                .lowering = "mr_xpath_boolean({0}, {1})",
                .nulls = kAlways,
                .summary = "True when an expression of XPath is, or finds a node.",
                .example = "SELECT xpath_boolean('<a><b>1</b></a>', 'a/b')"},
    FunctionRow{.id = "xpath_double",
                .names = "xpath_double xpath_number",
                .signature = "(string, lit string) -> double",
                .lowering = "mr_xpath_double({0}, {1})",
                .nulls = kAlways,
                .summary = "The number that an expression of XPath gives; NaN for none.",
                .example = "SELECT xpath_double('<a><b>1</b><b>2</b></a>', 'sum(a/b)')"},
    FunctionRow{.id = "xpath_float",
                .names = "xpath_float",
                .signature = "(string, lit string) -> float",
                .lowering = "mr_xpath_float({0}, {1})",
                .nulls = kAlways,
                .summary = "The number that an expression of XPath gives; NaN for none.",
                .example = "SELECT xpath_float('<a><b>1</b><b>2</b></a>', 'sum(a/b)')"},
    FunctionRow{.id = "xpath_long",
                .names = "xpath_long",
                .signature = "(string, lit string) -> bigint",
                .lowering = "mr_xpath_long({0}, {1})",
                .nulls = kAlways,
                .summary = "The whole number that an expression of XPath gives; 0 for none.",
                .example = "SELECT xpath_long('<a><b>1</b><b>2</b></a>', 'sum(a/b)')"},
    FunctionRow{.id = "xpath_int",
                .names = "xpath_int",
                .signature = "(string, lit string) -> int",
                .lowering = "mr_xpath_int({0}, {1})",
                .nulls = kAlways,
                .summary = "The whole number that an expression of XPath gives; 0 for none.",
                .example = "SELECT xpath_int('<a><b>1</b><b>2</b></a>', 'sum(a/b)')"},
    FunctionRow{.id = "xpath_short",
                .names = "xpath_short",
                .signature = "(string, lit string) -> smallint",
                .lowering = "mr_xpath_short({0}, {1})",
                .nulls = kAlways,
                .summary = "The whole number that an expression of XPath gives; 0 for none.",
                .example = "SELECT xpath_short('<a><b>1</b><b>2</b></a>', 'sum(a/b)')"},
    FunctionRow{.id = "to_xml",
                .names = "to_xml",
                .signature = "(struct, any?) -> string",
                .lowering = "",
                .summary = "A struct as XML text.",
                .example = "SELECT to_xml(named_struct('a', 1, 'b', 2))"},
};

}  // namespace

std::span<const FunctionRow> xml_rows() {
    return kRows;
}

}  // namespace millrace::sql::functions
