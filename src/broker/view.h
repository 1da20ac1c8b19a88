// What console and metrics show of the broker: plain numbers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace millrace::broker {

struct BrokerView {
    std::size_t topics = 0;
    std::size_t partitions = 0;
    std::int64_t connections = 0;
    std::int64_t connections_total = 0;
    // Of the log, since start.
    std::uint64_t appended_bytes = 0;
    std::uint64_t appended_batches = 0;
    std::uint64_t commits = 0;
    std::uint64_t commit_ns = 0;
    std::uint64_t failed_syncs = 0;
    std::uint64_t refused_appends_no_space = 0;
    std::uint64_t deleted_segments = 0;
    // Of compaction, since start; the last two as they were when it looked last.
    std::uint64_t cleaner_rounds = 0;
    std::uint64_t cleaner_failures = 0;
    std::uint64_t cleaner_bytes_read = 0;
    std::uint64_t cleaner_bytes_written = 0;
    std::uint64_t cleaner_records_read = 0;
    std::uint64_t cleaner_records_kept = 0;
    std::int64_t cleaner_max_dirty_percent = 0;
    std::int64_t uncleanable_partitions = 0;
};

}  // namespace millrace::broker
