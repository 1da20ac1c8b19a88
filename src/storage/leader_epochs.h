// LeaderEpochs: which leader epoch began at which offset of a log.
//
// File "leader-epoch-checkpoint", Kafka's own text layout, replaced durably at every change.
// Not thread-safe: owned by its Log, on one loop.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "model/types.h"

namespace millrace::runtime {
class Disk;
}

namespace millrace::storage {

class LeaderEpochs {
public:
    struct Entry {
        model::LeaderEpoch epoch;
        model::Offset start;
        bool operator==(const Entry&) const = default;
    };

    // Reads the file in `folder`; a missing one means epoch 0 from the beginning.
    static base::Result<LeaderEpochs> load(runtime::Disk& disk, const std::string& folder);

    model::LeaderEpoch latest() const { return entries_.back().epoch; }
    // kFenced when `epoch` is older than the latest; nothing to do when it is the same.
    base::Result<void> begin(model::LeaderEpoch epoch, model::Offset start);
    // The largest epoch at or before `epoch` and where it ended: the start of the next, or
    // `log_end`. nullopt when `epoch` precedes all.
    std::optional<Entry> end_of(model::LeaderEpoch epoch, model::Offset log_end) const;

    static base::Result<std::vector<Entry>> parse(base::ByteView text);
    static base::Bytes format(const std::vector<Entry>& entries);

private:
    LeaderEpochs(runtime::Disk& disk, std::string path, std::vector<Entry> entries)
        : disk_(&disk), path_(std::move(path)), entries_(std::move(entries)) {}

    runtime::Disk* disk_;
    std::string path_;
    std::vector<Entry> entries_;  // Never empty; both fields grow.
};

}  // namespace millrace::storage
