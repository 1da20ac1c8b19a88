#include <array>

#include "sql/functions/tables.h"

namespace millrace::sql::functions {

namespace {

constexpr std::array kRows = {
    FunctionRow{.id = "aes_encrypt",
                .names = "aes_encrypt",
                .signature = "(binary, binary, string='GCM', string='DEFAULT', binary='', "
                             "binary='') -> binary",
                .lowering = "mr_aes_encrypt({*})",
                .summary = "Bytes encrypted with AES: initialization vector, text and tag.",
                .example = "SELECT length(aes_encrypt('Spark', '0000111122223333'))"},
    FunctionRow{.id = "aes_decrypt",
                .names = "aes_decrypt",
                .signature = "(binary, binary, string='GCM', string='DEFAULT', binary='') -> "
                             "binary",
                .lowering = "mr_aes_decrypt({*}, 'ansi')",
                .summary = "The reverse of aes_encrypt.",
                .example = "SELECT CAST(aes_decrypt(aes_encrypt('Spark', '0000111122223333'), "
                           "'0000111122223333') AS STRING)"},
    FunctionRow{.id = "try_aes_decrypt",
                .names = "try_aes_decrypt",
                .signature = "(binary, binary, string='GCM', string='DEFAULT', binary='') -> "
                             "binary",
                .lowering = "mr_aes_decrypt({*}, 'try')",
                .nulls = Nulls::kAlways,
                .summary = "The reverse of aes_encrypt; null when that fails.",
                .example = "SELECT try_aes_decrypt('Spark', '0000111122223333')"},
};

}  // namespace

std::span<const FunctionRow> crypto_rows() {
    return kRows;
}

}  // namespace millrace::sql::functions
