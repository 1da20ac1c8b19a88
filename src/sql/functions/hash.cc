#include <array>

#include "sql/functions/tables.h"

namespace millrace::sql::functions {

namespace {

constexpr std::array kRows = {
    FunctionRow{.id = "hash",
                .names = "hash",
                .signature = "(any...) -> int",
                .lowering = "mr_hash({*})",
                .nulls = Nulls::kNever,
                .summary = "Murmur3 with seed 42.",
                .example = "SELECT hash('Spark', 2)"},
    FunctionRow{.id = "xxhash64",
                .names = "xxhash64",
                .signature = "(any...) -> bigint",
                .lowering = "mr_xxhash64({*})",
                .nulls = Nulls::kNever,
                .summary = "xxHash64 with seed 42.",
                .example = "SELECT xxhash64('Spark', 2)"},
    FunctionRow{.id = "crc32",
                .names = "crc32",
                .signature = "(binary) -> bigint",
                .lowering = "mr_crc32({0})",
                .summary = "Cyclic redundancy check.",
                .example = "SELECT crc32('Spark')"},
    FunctionRow{.id = "md5",
                .names = "md5",
                .signature = "(binary) -> string",
                .lowering = "mr_md5({0})",
                .summary = "MD5 in hexadecimal digits.",
                .example = "SELECT md5('Spark')"},
    FunctionRow{.id = "sha1",
                .names = "sha sha1",
                .signature = "(binary) -> string",
                .lowering = "mr_sha1({0})",
                .summary = "SHA-1 in hexadecimal digits.",
                .example = "SELECT sha('Spark')"},
    FunctionRow{.id = "sha2",
                .names = "sha2",
                .signature = "(binary, int) -> string",
                .lowering = "mr_sha2({0}, {1})",
                .nulls = Nulls::kAlways,
                .summary = "SHA-2 of so many bits.",
                .example = "SELECT sha2('Spark', 256)"},
};

}  // namespace

std::span<const FunctionRow> hash_rows() {
    return kRows;
}

}  // namespace millrace::sql::functions
