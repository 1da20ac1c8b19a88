// RecoveryPoints: how far each log is known to be durable.
//
// One file for the data folder, a slot of 64 bytes a log, so that a group commit over a thousand
// logs costs one small write. The file is rewritten in place and synced only now and then: after a
// process dies its content is exact, after a power cut it may be older, which only means that more
// is looked at again. A slot holds two records that are written in turn, so that a torn write
// leaves the other. On disk: docs/formats/recovery_points.md.  Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "model/types.h"

namespace millrace::runtime {
class Disk;
class File;
}  // namespace millrace::runtime

namespace millrace::storage {

class RecoveryPoints {
public:
    using Slot = std::size_t;

    // Opens or makes the file; slots that fail their checksum are dropped.
    static base::Result<std::unique_ptr<RecoveryPoints>> open(runtime::Disk& disk,
                                                              const std::string& path);
    ~RecoveryPoints();

    // The slot of the log `name`, a free one when it has none.
    Slot acquire(std::string_view name);
    // nullopt when nothing is known of the log.
    std::optional<model::Offset> durable_end(Slot slot) const;
    void set_durable_end(Slot slot, model::Offset end);
    // The log is gone; the slot is free again.
    void release(std::string_view name);
    // Releases the slots of all logs but these.
    void retain_only(const std::vector<std::string>& names);

    // Writes what has changed to the page cache; sync() also to the disk.
    base::Result<void> write();
    base::Result<void> sync();

private:
    struct Record {
        std::uint64_t name_hash = 0;  // 0: free.
        model::Offset durable_end;
        std::uint64_t turn = 0;  // Counts the writes; an even one goes to the first place.
        bool known = false;
    };

    explicit RecoveryPoints(std::unique_ptr<runtime::File> file);
    void load(base::ByteView bytes);
    void touch(Slot slot);

    mutable std::mutex mutex_;
    std::unique_ptr<runtime::File> file_;
    std::vector<Record> records_;
    base::Bytes image_;  // Of the file.
    std::unordered_map<std::uint64_t, Slot> by_name_;
    std::vector<Slot> free_;
    Slot dirty_from_ = 0;  // [dirty_from_, dirty_to_) has changed.
    Slot dirty_to_ = 0;
};

}  // namespace millrace::storage
