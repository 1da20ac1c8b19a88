// OffsetIndex maps record offsets to byte positions in one segment file.
//
// The index is sparse: the segment notes one batch per index.interval.bytes of log. find() returns
// the entry at or before the offset, and the segment scans forward from there.
// On disk: docs/formats/offset_index.md.  Not thread-safe: owned by its Segment, on one loop.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "model/types.h"
#include "storage/index_file.h"

namespace millrace::storage {

class OffsetIndex {
public:
    static constexpr std::size_t kEntryBytes = 8;
    struct Entry {
        model::Offset offset;
        std::uint32_t position_bytes = 0;
        bool operator==(const Entry&) const = default;
    };

    OffsetIndex(runtime::Disk& disk, std::string path, model::Offset base, std::uint64_t entries)
        : base_(base), file_(disk, std::move(path), kEntryBytes, entries) {}

    // The batch that begins with `offset` lies at `position_bytes`. Offsets must grow.
    void note(model::Offset offset, std::uint32_t position_bytes);
    // The last entry at or before `offset`; the segment's own start when there is none.
    base::Result<Entry> find(model::Offset offset) const;
    // The first entry at or after a position; nullopt when there is none.
    base::Result<std::optional<Entry>> find_position(std::uint64_t position_bytes) const;

    IndexFile& file() { return file_; }
    const IndexFile& file() const { return file_; }

private:
    base::Result<Entry> at(std::uint64_t index) const;
    model::Offset base_;
    IndexFile file_;
};

}  // namespace millrace::storage
