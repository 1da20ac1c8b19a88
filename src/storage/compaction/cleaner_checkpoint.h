// CleanerCheckpoint: how far a log has been cleaned.
//
// File "cleaner-checkpoint" in the log's folder, replaced durably: "0", then the two offsets in one
// line. `compacted_to` rises before the first segment is replaced: segments below it may have gaps,
// and what was noted of them earlier (snapshots) is void. `first_dirty` rises after the last one:
// before it every key occurs once.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "model/types.h"

namespace millrace::runtime {
class Disk;
}

namespace millrace::storage {

struct CleanerCheckpoint {
    model::Offset compacted_to;
    model::Offset first_dirty;
    bool operator==(const CleanerCheckpoint&) const = default;

    static base::Result<CleanerCheckpoint> parse(base::ByteView text);
    base::Bytes format() const;

    // Both 0 when there is no file.
    static base::Result<CleanerCheckpoint> load(runtime::Disk& disk, const std::string& folder);
    base::Result<void> store(runtime::Disk& disk, const std::string& folder) const;
};

}  // namespace millrace::storage
