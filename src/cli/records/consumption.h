// Consumption: which records a consumer still wants, and when it has them all.
//
// It knows ranges of partitions, a number of records, and whether the ends that were there are
// enough. State alone: whoever polls tells it what came. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "topic/topics.h"

namespace millrace::cli {

class Consumption {
public:
    struct Span {
        std::int64_t from = 0;
        std::optional<std::int64_t> to;  // Not read any more; none: without end.
        std::int64_t end = 0;            // Where the partition ended when it was asked.
    };
    // `until_end`: a partition is done at its end. `most` records in all, if any.
    Consumption(std::map<topic::TopicPartition, Span> spans, bool until_end,
                std::optional<std::uint64_t> most);

    // Note that a record came; whether it is wanted.
    bool take(const topic::TopicPartition& partition, std::int64_t offset);
    // Note that the partition was read up to its end, which is `end`.
    void note_end(const topic::TopicPartition& partition, std::int64_t end);

    bool is_done() const;
    std::uint64_t taken() const { return taken_; }
    // How many more may be polled at once.
    std::size_t room(std::size_t batch) const;
    // From 0 to 1; below 0 when there is no end in sight.
    double share() const;

private:
    struct Progress {
        Span span;
        std::int64_t position = 0;  // One past the last offset that is known of.
        bool at_end = false;
    };
    bool is_done(const Progress& progress) const;

    std::map<topic::TopicPartition, Progress> partitions_;
    const bool until_end_;
    const std::optional<std::uint64_t> most_;
    std::uint64_t taken_ = 0;
};

}  // namespace millrace::cli
