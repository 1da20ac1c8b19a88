#include <array>

#include "sql/functions/tables.h"

namespace millrace::sql::functions {

namespace {

constexpr std::array kRows = {
    FunctionRow{.id = "parse_url",
                .names = "parse_url",
                .signature = "(string, string, string?) -> string",
                .lowering = "mr_parse_url({mode}, {*})",
                .nulls = Nulls::kAlways,
                .summary = "A part of a URL.",
                .example = "SELECT parse_url('http://spark.apache.org/path?query=1', 'HOST')"},
    FunctionRow{.id = "url_encode",
                .names = "url_encode",
                .signature = "(string) -> string",
                .lowering = "mr_url_encode({0})",
                .summary = "As in a URL's query.",
                .example = "SELECT url_encode('https://spark.apache.org')"},
    FunctionRow{.id = "url_decode",
                .names = "url_decode",
                .signature = "(string) -> string",
                .lowering = "mr_url_decode({0}, 'ansi')",
                .summary = "The reverse of url_encode.",
                .example = "SELECT url_decode('https%3A%2F%2Fspark.apache.org')"},
    FunctionRow{.id = "try_parse_url",
                .names = "try_parse_url",
                .signature = "(string, string, string?) -> string",
                .lowering = "mr_parse_url('try', {*})",
                .nulls = Nulls::kAlways,
                .summary = "A part of a URL; null when it is no URL.",
                .example = "SELECT try_parse_url('http://spark.apache.org/path?query=1', 'HOST')"},
    FunctionRow{.id = "try_url_decode",
                .names = "try_url_decode",
                .signature = "(string) -> string",
                .lowering = "mr_url_decode({0}, 'try')",
                .nulls = Nulls::kAlways,
                .summary = "The reverse of url_encode; null when it is no such text.",
                .example = "SELECT try_url_decode('https%3A%2F%2Fspark.apache.org')"},
};

}  // namespace

std::span<const FunctionRow> url_rows() {
    return kRows;
}

}  // namespace millrace::sql::functions
