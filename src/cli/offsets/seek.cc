#include "cli/offsets/seek.h"

#include <algorithm>
#include <limits>

#include "base/strings.h"
#include "cli/offsets/moment.h"

namespace millrace::cli {

using base::Code;
using base::fail;
using base::Result;

Result<SeekTarget> parse_seek_target(std::string_view text, std::int64_t now_ms) {
    using Kind = SeekTarget::Kind;
    if (text == "start" || text == "beginning" || text == "earliest")
        return SeekTarget{Kind::kStart};
    if (text == "end" || text == "latest") return SeekTarget{Kind::kEnd};
    if (text == "current") return SeekTarget{Kind::kCurrent};
    if (text.starts_with('@')) {
        MR_TRY(const std::int64_t moment_ms, parse_moment_ms(text.substr(1), now_ms));
        return SeekTarget{Kind::kMoment, moment_ms};
    }
    if (text.starts_with('+')) {
        const auto records = base::parse_int64(text.substr(1), 0);
        if (records) return SeekTarget{Kind::kShift, *records};
    } else if (text.starts_with('-')) {
        // A number alone is records; with a unit it is time.
        const auto records = base::parse_int64(text.substr(1), 0);
        if (records) return SeekTarget{Kind::kShift, -*records};
        const auto ago_ms = parse_duration_ms(text.substr(1));
        if (ago_ms) return SeekTarget{Kind::kMoment, now_ms - *ago_ms};
    } else {
        const auto offset = base::parse_int64(text, 0);
        if (offset) return SeekTarget{Kind::kOffset, *offset};
    }
    return fail(Code::kInvalidArgument,
                "'{}' is nothing to seek to: write start, end, an offset like 47, a shift like +10 "
                "or -10, a moment like @2024-05-31T18:00:00Z, or -15m (ago)",
                text);
}

Result<std::int64_t> resolve(const SeekTarget& target, const SeekFrom& from) {
    const auto within = [&](std::int64_t offset) {
        return std::clamp(offset, from.start, std::max(from.start, from.end));
    };
    switch (target.kind) {
        case SeekTarget::Kind::kStart: return from.start;
        case SeekTarget::Kind::kEnd: return from.end;
        case SeekTarget::Kind::kOffset: return within(target.value);
        case SeekTarget::Kind::kMoment: return within(from.at_moment);
        case SeekTarget::Kind::kCurrent:
        case SeekTarget::Kind::kShift: break;
    }
    if (!from.committed) return fail(Code::kNotFound, "no offset is committed to count from");
    if (target.kind == SeekTarget::Kind::kCurrent) return within(*from.committed);
    // Sums that leave the numbers are beyond any end.
    std::int64_t shifted = 0;
    if (__builtin_add_overflow(*from.committed, target.value, &shifted)) {
        return target.value > 0 ? from.end : from.start;
    }
    return within(shifted);
}

Result<std::map<topic::TopicPartition, std::int64_t>> parse_offset_lines(std::string_view text) {
    std::map<topic::TopicPartition, std::int64_t> offsets;
    for (int number = 1; !text.empty(); ++number) {
        const auto end = text.find('\n');
        std::string line(base::trim(text.substr(0, end)));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.empty() || line[0] == '#') continue;
        std::ranges::replace_if(line, [](char c) { return c == ',' || c == '\t'; }, ' ');
        std::vector<std::string_view> words = base::split(line, ' ');
        std::erase_if(words, [](std::string_view word) { return word.empty(); });
        if (words.size() != 3) {
            return fail(Code::kInvalidArgument, "line {}: write <topic> <partition> <offset>",
                        number);
        }
        const auto partition =
            base::parse_int64(words[1], 0, std::numeric_limits<std::int32_t>::max());
        const auto offset = base::parse_int64(words[2], 0);
        if (!partition) return fail(partition.error().with(fmt::format("line {}", number)));
        if (!offset) return fail(offset.error().with(fmt::format("line {}", number)));
        const topic::TopicPartition key{std::string(words[0]),
                                        static_cast<std::int32_t>(*partition)};
        if (!offsets.emplace(key, *offset).second) {
            return fail(Code::kInvalidArgument, "line {}: {}-{} stands there twice", number,
                        key.topic, key.partition);
        }
    }
    return offsets;
}

Result<std::vector<std::int32_t>> parse_partitions(std::string_view text) {
    constexpr std::int64_t kMost = 1'000'000;
    std::vector<std::int32_t> partitions;
    for (const std::string_view part : base::split(text, ',')) {
        const auto dash = part.find('-', part.empty() ? 0 : 1);
        const auto first = base::parse_int64(part.substr(0, dash), 0, kMost);
        if (!first) return fail(first.error().with("partitions"));
        std::int64_t last = *first;
        if (dash != std::string_view::npos) {
            const auto parsed = base::parse_int64(part.substr(dash + 1), *first, kMost);
            if (!parsed) return fail(parsed.error().with("partitions"));
            last = *parsed;
        }
        for (std::int64_t i = *first; i <= last; ++i) {
            partitions.push_back(static_cast<std::int32_t>(i));
        }
    }
    std::ranges::sort(partitions);
    partitions.erase(std::ranges::unique(partitions).begin(), partitions.end());
    return partitions;
}

Result<ChosenPartitions> parse_chosen_partitions(std::string_view text) {
    const auto colon = text.find(':');
    ChosenPartitions chosen{.topic = std::string(text.substr(0, colon)), .partitions = {}};
    if (chosen.topic.empty()) {
        return fail(Code::kInvalidArgument, "'{}' names no topic", text);
    }
    if (colon != std::string_view::npos) {
        MR_TRY(chosen.partitions, parse_partitions(text.substr(colon + 1)));
    }
    return chosen;
}

}  // namespace millrace::cli
