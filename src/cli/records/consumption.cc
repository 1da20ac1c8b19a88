#include "cli/records/consumption.h"

#include <algorithm>

namespace millrace::cli {

Consumption::Consumption(std::map<topic::TopicPartition, Span> spans, bool until_end,
                         std::optional<std::uint64_t> most)
    : until_end_(until_end), most_(most) {
    for (const auto& [partition, span] : spans) {
        partitions_[partition] = {.span = span, .position = span.from};
    }
}

bool Consumption::take(const topic::TopicPartition& partition, std::int64_t offset) {
    const auto found = partitions_.find(partition);
    if (found != partitions_.end()) {
        Progress& progress = found->second;
        progress.at_end = false;
        progress.position = std::max(progress.position, offset + 1);
        if (offset < progress.span.from) return false;
        if (progress.span.to && offset >= *progress.span.to) return false;
    }
    if (most_ && taken_ >= *most_) return false;
    ++taken_;
    return true;
}

void Consumption::note_end(const topic::TopicPartition& partition, std::int64_t end) {
    const auto found = partitions_.find(partition);
    if (found == partitions_.end()) return;
    // Records may be missing before the end: compacted away, aborted, or marks of transactions.
    found->second.position = std::max(found->second.position, end);
    found->second.at_end = true;
}

bool Consumption::is_done(const Progress& progress) const {
    if (progress.span.to && progress.position >= *progress.span.to) return true;
    return until_end_ && progress.at_end;
}

bool Consumption::is_done() const {
    if (most_ && taken_ >= *most_) return true;
    return !partitions_.empty() && std::ranges::all_of(partitions_, [&](const auto& entry) {
        return is_done(entry.second);
    });
}

std::size_t Consumption::room(std::size_t batch) const {
    if (!most_) return batch;
    return static_cast<std::size_t>(
        std::min<std::uint64_t>(batch, *most_ - std::min(taken_, *most_)));
}

double Consumption::share() const {
    const double by_count =
        most_ && *most_ > 0 ? static_cast<double>(taken_) / static_cast<double>(*most_) : -1;
    double wanted = 0;
    double had = 0;
    for (const auto& [partition, progress] : partitions_) {
        if (!progress.span.to && !until_end_) return by_count;
        const std::int64_t to = progress.span.to.value_or(progress.span.end);
        const std::int64_t length = std::max<std::int64_t>(to - progress.span.from, 0);
        wanted += static_cast<double>(length);
        had += static_cast<double>(
            std::clamp<std::int64_t>(progress.position - progress.span.from, 0, length));
    }
    return wanted > 0 ? std::max(had / wanted, by_count) : by_count;
}

}  // namespace millrace::cli
