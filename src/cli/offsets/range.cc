#include "cli/offsets/range.h"

#include <algorithm>

#include "base/strings.h"
#include "cli/offsets/moment.h"

namespace millrace::cli {

using base::Code;
using base::fail;
using base::Result;

namespace {

Result<Edge> parse_edge(std::string_view text) {
    using Kind = Edge::Kind;
    if (text == "start" || text == "beginning" || text == "earliest") return Edge{Kind::kStart};
    if (text == "end" || text == "latest") return Edge{Kind::kEnd};
    if (text.starts_with('+')) {
        MR_TRY(const std::int64_t count, base::parse_int64(text.substr(1), 0));
        return Edge{Kind::kAfterStart, count};
    }
    if (text.starts_with('-')) {
        MR_TRY(const std::int64_t count, base::parse_int64(text.substr(1), 0));
        return Edge{Kind::kBeforeEnd, count};
    }
    MR_TRY(const std::int64_t offset, base::parse_int64(text, 0));
    return Edge{Kind::kOffset, offset};
}

Result<Edge> parse_moment_edge(std::string_view text, std::int64_t now_ms) {
    MR_TRY(const std::int64_t moment_ms, parse_moment_ms(text, now_ms));
    return Edge{Edge::Kind::kMoment, moment_ms};
}

// The right side of "@MOMENT:...".
Result<Edge> parse_moment_end(std::string_view text, const std::optional<Edge>& from,
                              std::int64_t now_ms) {
    if (text == "end") return Edge{Edge::Kind::kEnd};
    const auto duration_ms = parse_duration_ms(text);
    if (from && duration_ms) return Edge{Edge::Kind::kMoment, from->value + *duration_ms};
    return parse_moment_edge(text, now_ms);
}

// Moments hold colons themselves: the one that parts them is where both sides make sense.
Result<Range> parse_moments(std::string_view text, std::int64_t now_ms) {
    const auto whole = parse_moment_edge(text, now_ms);
    if (whole) return Range{.from = *whole, .to = {}};
    for (auto at = text.find(':'); at != std::string_view::npos; at = text.find(':', at + 1)) {
        const std::string_view left = text.substr(0, at);
        const std::string_view right = text.substr(at + 1);
        Range range;
        if (!left.empty()) {
            const auto from = parse_moment_edge(left, now_ms);
            if (!from) continue;
            range.from = *from;
        }
        if (!right.empty()) {
            const auto to = parse_moment_end(right, range.from, now_ms);
            if (!to) continue;
            range.to = *to;
        }
        if (range.from || range.to) return range;
    }
    return fail(whole.error());
}

Result<Range> parse_offsets(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) {
        MR_TRY(const Edge from, parse_edge(text));
        return Range{.from = from, .to = {}};
    }
    Range range;
    if (colon > 0) {
        MR_TRY(range.from, parse_edge(text.substr(0, colon)));
    }
    if (colon + 1 < text.size()) {
        MR_TRY(range.to, parse_edge(text.substr(colon + 1)));
    }
    if (!range.from && !range.to) return fail(Code::kInvalidArgument, "neither side is there");
    return range;
}

}  // namespace

Result<Range> parse_range(std::string_view text, std::int64_t now_ms) {
    if (text.starts_with("s@")) {
        MR_TRY(const Edge from, parse_moment_edge(text.substr(2), now_ms));
        return Range{.from = from, .to = {}};
    }
    if (text.starts_with("e@")) {
        MR_TRY(const Edge to, parse_moment_edge(text.substr(2), now_ms));
        return Range{.from = {}, .to = to};
    }
    if (text.starts_with('@')) return parse_moments(text.substr(1), now_ms);
    auto range = parse_offsets(text);
    if (range) return range;
    return fail(Code::kInvalidArgument,
                "'{}' is no offset or range ({}): write it like start, end, 47, -10, 10:20, :end, "
                "@2024-05-31, @-15m or @-2h:1h",
                text, range.error().message());
}

Result<Range> merge(const Range& a, const Range& b) {
    if ((a.from && b.from) || (a.to && b.to)) {
        return fail(Code::kInvalidArgument, "where to {} is told twice",
                    a.from && b.from ? "start" : "stop");
    }
    return Range{.from = a.from ? a.from : b.from, .to = a.to ? a.to : b.to};
}

std::int64_t resolve(const Edge& edge, const PartitionOffsets& offsets, std::int64_t at_moment) {
    switch (edge.kind) {
        case Edge::Kind::kStart: return offsets.start;
        case Edge::Kind::kEnd: return offsets.end;
        case Edge::Kind::kOffset: return edge.value;
        case Edge::Kind::kAfterStart:
            return offsets.start + std::min(edge.value, offsets.end - offsets.start);
        case Edge::Kind::kBeforeEnd:
            return offsets.end - std::min(edge.value, offsets.end - offsets.start);
        case Edge::Kind::kMoment: return at_moment;
    }
    return offsets.start;
}

}  // namespace millrace::cli
