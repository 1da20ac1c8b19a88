// Checkpoint: the folder from which a query goes on after a stop or a crash, in Spark's own format.
//
//   metadata     {"id":"…"}: the query's id, which survives restarts
//   offsets/N    what batch N reads; durable before the batch runs
//   commits/N    batch N is done and the watermark that batch N + 1 uses
//   sources/i/N  what source i notes for itself;  state/  room state's
// A batch with offsets but no commit runs again with the very same offsets, watermark and time.
// Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace millrace::runtime {
class Disk;
}

namespace millrace::streaming {

using base::Result;

// Numbered files in one folder, each written whole (Spark's HDFSMetadataLog).
class NumberedLog {
public:
    NumberedLog(runtime::Disk& disk, std::string directory);
    // Durable when `sync`; else whole or absent, or empty, after a power cut.
    Result<void> write(std::int64_t number, std::string_view content, bool sync = true);
    // nullopt when there is no such file.
    Result<std::optional<std::string>> read(std::int64_t number) const;
    Result<std::vector<std::int64_t>> numbers() const;  // Sorted.
    // Remove files below `number`.
    Result<void> purge_below(std::int64_t number);
    const std::string& directory() const { return directory_; }

private:
    std::string path_of(std::int64_t number) const;
    runtime::Disk& disk_;
    const std::string directory_;
    bool made_ = false;
    std::int64_t purged_below_ = -1;
};

// One offsets/N file.
struct OffsetEntry {
    std::int64_t batch_watermark_ms = 0;
    std::int64_t batch_timestamp_ms = 0;
    std::map<std::string, std::string> conf;
    std::vector<std::optional<std::string>> offsets;  // One a source.

    std::string to_text() const;
    static Result<OffsetEntry> parse(std::string_view text);
};

class Checkpoint {
public:
    static constexpr int kBatchesToRetain = 100;

    Checkpoint(runtime::Disk& disk, std::string directory);

    const std::string& directory() const { return directory_; }
    // The query's id; `fresh` is kept when the folder has none.
    Result<std::string> query_id(const std::string& fresh);

    // The newest batch that was planned; nullopt before the first.
    Result<std::optional<std::int64_t>> latest_offsets() const;
    // The newest batch that was committed; a torn last file counts as not written.
    Result<std::optional<std::int64_t>> latest_commit() const;
    Result<OffsetEntry> offsets(std::int64_t batch_id) const;
    // What was committed with a batch: the watermark from then on; 0 in files of old releases.
    Result<std::int64_t> next_watermark_ms(std::int64_t batch_id) const;

    Result<void> write_offsets(std::int64_t batch_id, const OffsetEntry& entry);
    // Needs no sync of its own: offsets/N+1 exist only after batch N was whole, and say the same.
    Result<void> write_commit(std::int64_t batch_id, std::int64_t next_watermark_ms);
    // Keep the last kBatchesToRetain batches.
    Result<void> purge(std::int64_t batch_id);

    std::string source_directory(std::size_t source) const;
    std::string state_directory(std::int64_t operator_id) const;
    std::string state_root() const { return directory_ + "/state"; }

private:
    runtime::Disk& disk_;
    const std::string directory_;
    NumberedLog offsets_;
    NumberedLog commits_;
};

}  // namespace millrace::streaming
