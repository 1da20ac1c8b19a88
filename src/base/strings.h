// Small text helpers: trim, split, strict numbers, and "did you mean".
//
// Case is ASCII case: names of options, functions and formats. Text of users goes through ICU.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace millrace::base {

// Without the spaces, tabs and line ends around it.
std::string_view trim(std::string_view text);
// The parts between separators, empty ones too: "a,,b" has three, "" has one.
std::vector<std::string_view> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);
bool equals_ignore_case(std::string_view a, std::string_view b);

// The whole text as a decimal number, with one '-' at most; kInvalidArgument names the text and
// what was wrong with it, kOutOfRange the limits.
Result<std::int64_t> parse_int64(std::string_view text,
                                 std::int64_t least = std::numeric_limits<std::int64_t>::min(),
                                 std::int64_t most = std::numeric_limits<std::int64_t>::max());
// A finite number in any usual form; no "nan", "inf" or hexadecimal.
Result<double> parse_double(std::string_view text);

// Insertions, deletions and replacements that turn `a` into `b`.
std::size_t edit_distance(std::string_view a, std::string_view b);
// The candidates close enough to `typed` to be what was meant, nearest first, at most `limit`.
std::vector<std::string> did_you_mean(std::string_view typed,
                                      const std::vector<std::string>& candidates,
                                      std::size_t limit = 3);

// Whether the bytes are well-formed UTF-8 (no surrogates, no overlong forms).
bool is_valid_utf8(std::string_view text);

}  // namespace millrace::base
