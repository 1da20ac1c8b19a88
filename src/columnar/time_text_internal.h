// Dates and times out of text, as Spark casts strings: lenient in digits, strict in everything
// else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "columnar/time_zone_internal.h"

namespace millrace::columnar {

// White space and control characters off both ends, as Spark's trimAll.
std::string_view trim_all(std::string_view text);

// "2024-1-2", "2024", "+12024-01-02", with anything after a blank or T: days since the epoch.
std::optional<std::int32_t> parse_date(std::string_view text);

struct ParsedTime {
    std::int64_t local_us = 0;
    bool has_zone = false;
    std::string_view zone;  // As written: "Z", "+02:00", "Europe/Berlin".
};
std::optional<ParsedTime> parse_local_time(std::string_view text);
// With the zone in the text, else in `zone`: the instant.
std::optional<std::int64_t> parse_timestamp(std::string_view text, Zone& zone);

// This thread's Zone of that name: found once, then remembered. Null for a name that is none.
Zone* thread_zone(std::string_view name);

}  // namespace millrace::columnar
