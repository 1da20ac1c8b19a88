// SeekTarget: where `group seek --to` moves the offsets of a group.
//
//     start   end   current                      current: committed again as it is
//     47                                         that offset in every partition
//     +10   -10                                  so many records on or back from where it is
//     @MOMENT   -15m                             the first record at or after that moment
//
// The result stays within what the partition holds, as Kafka's own tool keeps it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "topic/topics.h"

namespace millrace::cli {

struct SeekTarget {
    enum class Kind : std::uint8_t { kStart, kEnd, kCurrent, kOffset, kShift, kMoment };
    Kind kind = Kind::kStart;
    std::int64_t value = 0;
    auto operator<=>(const SeekTarget&) const = default;
};

base::Result<SeekTarget> parse_seek_target(std::string_view text, std::int64_t now_ms);

// A partition before the seek.
struct SeekFrom {
    std::int64_t start = 0;
    std::int64_t end = 0;
    std::optional<std::int64_t> committed;
    std::int64_t at_moment = 0;  // For Kind::kMoment.
};
// The new offset; kNotFound when it counts from a commit that is not there.
base::Result<std::int64_t> resolve(const SeekTarget& target, const SeekFrom& from);

// Lines "<topic> <partition> <offset>", parted by spaces, tabs or commas; empty lines and lines
// that begin with # are passed over. kInvalidArgument names the line.
base::Result<std::map<topic::TopicPartition, std::int64_t>> parse_offset_lines(
    std::string_view text);

// "0,3,7" or "0-3" as numbers.
base::Result<std::vector<std::int32_t>> parse_partitions(std::string_view text);

// "weblog:0-3"; without numbers all of the topic are meant.
struct ChosenPartitions {
    std::string topic;
    std::vector<std::int32_t> partitions;  // Empty: all.
};
base::Result<ChosenPartitions> parse_chosen_partitions(std::string_view text);

}  // namespace millrace::cli
