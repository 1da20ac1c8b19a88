// Disk and File: every byte that Millrace keeps goes through these two.
//
// Calls are synchronous: writes go to the page cache and return at once; what may block for long
// (sync, sync_all) belongs on a Pool, never on a loop. The real disk is make_system_disk(); sim/
// has one in memory that can tear or lose whatever was not synced, refuse with EIO or ENOSPC, and
// drop directory entries whose folder was not synced.
// Thread rule: a Disk is thread-safe. A File may be written by one thread while others read and
// sync it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace millrace::runtime {

class File {
public:
    virtual ~File() = default;  // Closes; never syncs.
    virtual const std::string& path() const = 0;
    virtual base::Result<std::uint64_t> size_bytes() const = 0;
    // Read up to `length` bytes at `offset` into `into`; fewer only at the end of the file.
    virtual base::Result<std::size_t> read_at(std::uint64_t offset, char* into,
                                              std::size_t length) const = 0;
    // Write all of `bytes` at `offset`. On error the range may hold any part of them.
    virtual base::Result<void> write_at(std::uint64_t offset, base::ByteView bytes) = 0;
    virtual base::Result<void> truncate(std::uint64_t size_bytes) = 0;
    // fdatasync: what was written before the call survives a power cut when it returns. After a
    // failure nothing is known of what was written since the last success, and every later sync of
    // this File fails too; another File of the same path would be told that all is well.
    virtual base::Result<void> sync() = 0;
    // The descriptor for sendfile, or -1 where there is none (simulation).
    virtual int native_handle() const = 0;
};

enum class OpenMode : std::uint8_t {
    kRead,         // Must exist.
    kReadWrite,    // Must exist.
    kCreate,       // Read and write; made when missing, content kept.
    kCreateFresh,  // Read and write; content dropped.
};

class Disk {
public:
    struct Entry {
        std::string name;
        bool is_directory = false;
        std::uint64_t size_bytes = 0;
        std::int64_t modified_ms = 0;
    };
    struct Space {
        std::uint64_t total_bytes = 0;
        std::uint64_t available_bytes = 0;
    };
    virtual ~Disk() = default;

    virtual base::Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
    // Sorted by name; kNotFound when there is no such directory.
    virtual base::Result<std::vector<Entry>> list(const std::string& directory) const = 0;
    virtual bool exists(const std::string& path) const = 0;
    // Makes missing parents too; a directory that exists is no error.
    virtual base::Result<void> make_directories(const std::string& directory) = 0;
    // Atomic replacement within one file system; durable after sync_directory of the parent.
    virtual base::Result<void> rename(const std::string& from, const std::string& to) = 0;
    // A file, or an empty directory.
    virtual base::Result<void> remove(const std::string& path) = 0;
    virtual base::Result<void> remove_tree(const std::string& path) = 0;
    // Names created, renamed or removed in `directory` before the call survive a power cut.
    virtual base::Result<void> sync_directory(const std::string& directory) = 0;
    // syncfs of the file system that holds `path`: cheaper than many File::sync calls. A failure is
    // told once, and does not say which files lost bytes; File::sync of each does.
    virtual base::Result<void> sync_all(const std::string& path) = 0;
    virtual base::Result<Space> space(const std::string& path) const = 0;
    // Exclusive advisory lock, held until the returned object dies or the process ends; kConflict
    // names the holder's pid where it is known.
    virtual base::Result<std::unique_ptr<File>> lock(const std::string& path) = 0;
};

std::unique_ptr<Disk> make_system_disk();
// Where programs put what they do not keep: TMPDIR, or the system's own place.
std::string system_temporary_directory();
// `path`, as seen from the folder this process works in.
std::string absolute_path(const std::string& path);

// Whole-file helpers on any Disk.
base::Result<base::Bytes> read_file(Disk& disk, const std::string& path);
// Write beside, sync, rename over, sync the directory: after success the file is whole and durable,
// after a crash it is either the old one or the new one.
base::Result<void> write_file_durably(Disk& disk, const std::string& path, base::ByteView content);
// make_directories(), and every directory that it made survives a power cut.
base::Result<void> make_directories_durably(Disk& disk, const std::string& directory);

}  // namespace millrace::runtime
