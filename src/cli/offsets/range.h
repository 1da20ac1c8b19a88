// Range: which offsets of a partition to consume, as `consume -o` is told.
//
//     start, beginning, earliest   end, latest        both ends of what is there
//     47   +10   -10                                  an offset; after the start; before the end
//     @MOMENT                                         the first record at or after a moment
//     FROM:TO   FROM:   :TO                           TO is not read any more
//     @MOMENT:MOMENT   @MOMENT:DURATION               the same for moments
//     s@MOMENT   e@MOMENT                             kcat's words for @MOMENT: and @:MOMENT
//
// A range is resolved for each partition against what the server tells of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"

namespace millrace::cli {

struct Edge {
    enum class Kind : std::uint8_t {
        kStart,
        kEnd,
        kOffset,
        kAfterStart,  // So many records after the start.
        kBeforeEnd,   // So many before the end.
        kMoment,      // Milliseconds since the epoch.
    };
    Kind kind = Kind::kStart;
    std::int64_t value = 0;
    auto operator<=>(const Edge&) const = default;
};

struct Range {
    std::optional<Edge> from;
    std::optional<Edge> to;
    bool operator==(const Range&) const = default;
};

base::Result<Range> parse_range(std::string_view text, std::int64_t now_ms);
// What both say together; kInvalidArgument where both name the same edge.
base::Result<Range> merge(const Range& a, const Range& b);

// A partition as the server tells of it. `at_moment` is the offset for the edge's own moment.
struct PartitionOffsets {
    std::int64_t start = 0;
    std::int64_t end = 0;
};
// Where an edge is. Relative ones stay within start and end; an offset is taken as it is.
std::int64_t resolve(const Edge& edge, const PartitionOffsets& offsets, std::int64_t at_moment);

}  // namespace millrace::cli
