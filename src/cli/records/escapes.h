// Backslashes in formats and delimiters, as kcat reads them: \n \r \t, \xHH, \NNN (octal with a
// leading 0, else decimal); any other character behind a backslash is itself.
#pragma once

#include <string>
#include <string_view>

namespace millrace::cli {

std::string unescape(std::string_view text);

}  // namespace millrace::cli
