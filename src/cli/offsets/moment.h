// Moments and durations as people type them.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"

namespace millrace::cli {

// "250ms", "90s", "15m", "2h", "1d", "1h30m" in milliseconds; a number without a unit is refused.
base::Result<std::int64_t> parse_duration_ms(std::string_view text);

// A moment as milliseconds since the Unix epoch:
//     2024-05-31T18:00:00Z, 2024-05-31T18:00:00.5+02:00, 2024-05-31 18:00 (UTC), 2024-05-31
//     1717171717171 (13 digits: milliseconds), 1717171717 (9 or 10 digits: seconds)
//     -1h30m (that long ago), now
base::Result<std::int64_t> parse_moment_ms(std::string_view text, std::int64_t now_ms);

}  // namespace millrace::cli
