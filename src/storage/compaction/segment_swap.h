// SegmentSwap: one cleaned segment takes the place of the segments it was made from.
//
// The cleaned files are "<base>.log.cleaned" and so on, synced. commit() renames the log to
// "<base>.log.<end>.swap" and makes that durable: from here on the new segment counts, whatever
// happens. finish() removes the old segments in [base, end), and gives the new one its name.
// recover() does at a start what a crash has left undone. An index is a hint, so it needs no order.
// Thread-safe: blocks, for a pool.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/types.h"

namespace millrace::runtime {
class Disk;
}

namespace millrace::storage {

struct SegmentSwap {
    static constexpr std::string_view kCleanedSuffix = ".cleaned";

    std::string folder;
    model::Offset base;                   // Of the new segment, and of the first old one.
    model::Offset end;                    // Where the last old one ended.
    std::vector<model::Offset> replaced;  // Bases of the old ones, in order.

    base::Result<void> commit(runtime::Disk& disk) const;
    base::Result<void> finish(runtime::Disk& disk) const;
    // Instead of commit(): the cleaned files go.
    void abandon(runtime::Disk& disk) const;

    static base::Result<void> recover(runtime::Disk& disk, const std::string& folder);
};

}  // namespace millrace::storage
