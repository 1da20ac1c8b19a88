// IndexFile: entries of a fixed size, the older ones in a file, the newest still in memory.
//
// append() costs no system call; flush() writes the tail to the page cache and lets go of it. The
// file is opened when it is first needed, so that thousands of idle partitions hold no descriptors.
// An index is never the truth: whoever uses an entry verifies it against the log it points into.
// Thread rule: that of its Segment; sync() of handle() may run elsewhere.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/error.h"

namespace millrace::runtime {
class Disk;
class File;
}  // namespace millrace::runtime

namespace millrace::storage {

class IndexFile {
public:
    // `flushed` entries of the file count; what lies after them is overwritten.
    IndexFile(runtime::Disk& disk, std::string path, std::size_t entry_bytes,
              std::uint64_t flushed);

    const std::string& path() const { return path_; }
    std::uint64_t entries() const { return flushed_ + tail_.size() / entry_bytes_; }
    std::size_t tail_bytes() const { return tail_.size(); }

    void append(base::ByteView entry);
    // Entry `index`, which must exist, into `into`.
    base::Result<void> read(std::uint64_t index, char* into) const;
    base::Result<void> flush();
    // Flushes, and cuts what an earlier run left behind the last entry.
    base::Result<void> finish();
    void clear();  // No entries; the file is overwritten from its start.

    // For sync() on a pool; null when nothing was ever flushed.
    std::shared_ptr<runtime::File> handle() const { return file_; }

private:
    base::Result<void> open() const;

    runtime::Disk* disk_;
    std::string path_;
    std::size_t entry_bytes_;
    std::uint64_t flushed_;
    base::Bytes tail_;
    mutable std::shared_ptr<runtime::File> file_;
};

}  // namespace millrace::storage
