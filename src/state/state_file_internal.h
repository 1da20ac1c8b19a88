// The files of a store: writing and reading deltas and snapshots.
//
// On disk: docs/formats/state_delta.md. A file is a header, blocks of one bucket's entries each
// with a checksum, and a footer that proves it is whole. Readers believe no length before it was
// checked against the bytes that are there.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "runtime/disk.h"
#include "state/row.h"

namespace millrace::state {

using base::Result;

inline constexpr std::size_t kBlockBytes = 1 << 20;  // Blocks are closed when they pass this.

// One row of a file. `values` is empty for a removed key.
struct Entry {
    std::string_view key;
    bool removed = false;
    std::string_view values;
};

struct FileHeader {
    bool snapshot = false;
    std::int64_t version = 0;
    std::uint32_t buckets = 0;
    std::uint32_t schema_sum = 0;  // schema_checksum() of the store that wrote it.
};

// Changes with everything that changes the meaning of an entry's bytes.
std::uint32_t schema_checksum(const Schema& schema);

// Collects a file; small ones in memory until finish(), large ones block by block on disk.
class FileWriter {
public:
    FileWriter(runtime::Disk& disk, std::string path, const FileHeader& header);
    // Entries come bucket by bucket; `append_values` adds the value bytes to the string it is
    // given.
    Result<void> put(std::uint32_t bucket, std::string_view key,
                     const std::function<void(std::string&)>& append_values);
    Result<void> put_bytes(std::uint32_t bucket, std::string_view key, std::string_view values);
    Result<void> remove(std::uint32_t bucket, std::string_view key);
    // Durable under its name when this returns; its size.
    Result<std::uint64_t> finish();

private:
    Result<void> begin_entry(std::uint32_t bucket);
    Result<void> close_block();
    Result<void> flush();

    runtime::Disk& disk_;
    const std::string path_;
    std::string pending_;  // Closed blocks that are not written yet.
    std::string block_;
    std::string scratch_;
    std::uint32_t bucket_ = 0;
    std::uint32_t entries_ = 0;
    std::uint64_t total_entries_ = 0;
    std::uint64_t blocks_ = 0;
    std::uint64_t written_ = 0;
    std::unique_ptr<runtime::File> file_;
};

// Reads a whole file in order. The views given to `visit` live until it returns.
Result<void> read_state_file(
    runtime::Disk& disk, const std::string& path, const FileHeader& expected,
    const std::function<Result<void>(std::uint32_t bucket, const Entry&)>& visit);

}  // namespace millrace::state
