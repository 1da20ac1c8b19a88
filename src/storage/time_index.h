// TimeIndex maps timestamps to offsets in one segment.
//
// An entry {T, O} says: no record before O has a timestamp above T, and the batch at O has T. Both
// grow from entry to entry, so that the last one has the segment's largest timestamp.
// On disk: docs/formats/time_index.md.  Not thread-safe: owned by its Segment, on one loop.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "model/types.h"
#include "storage/index_file.h"

namespace millrace::storage {

class TimeIndex {
public:
    static constexpr std::size_t kEntryBytes = 12;
    struct Entry {
        model::Timestamp timestamp;
        model::Offset offset;  // Base offset of the batch that has it.
        bool operator==(const Entry&) const = default;
    };

    TimeIndex(runtime::Disk& disk, std::string path, model::Offset base, std::uint64_t entries)
        : base_(base), file_(disk, std::move(path), kEntryBytes, entries) {}

    void note(const Entry& entry);
    // The last entry with a timestamp below `timestamp`: a record at or after that time cannot lie
    // before its offset. nullopt when the search must begin at the segment's start.
    base::Result<std::optional<Entry>> find_before(model::Timestamp timestamp) const;
    base::Result<std::optional<Entry>> last() const;

    IndexFile& file() { return file_; }
    const IndexFile& file() const { return file_; }

private:
    base::Result<Entry> at(std::uint64_t index) const;
    model::Offset base_;
    IndexFile file_;
};

}  // namespace millrace::storage
