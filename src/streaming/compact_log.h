// CompactLog: numbered files of JSON lines of which every tenth holds all lines so far (N.compact).
//
// Spark's CompactibleFileStreamLog: the log of files that a file source has seen, and the manifest
// of a file sink (`_spark_metadata`). The first line of a file is "v1". Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace millrace::runtime {
class Disk;
}

namespace millrace::streaming {

using base::Result;

class CompactLog {
public:
    CompactLog(runtime::Disk& disk, std::string directory);
    // Reads what is there; nothing when the folder does not exist.
    Result<void> load();
    std::optional<std::int64_t> latest() const { return latest_; }
    // Every line so far.
    const std::vector<std::string>& lines() const { return lines_; }
    // Durable when it returns. Numbers grow by one; `number` again replaces what was written.
    Result<void> write(std::int64_t number, const std::vector<std::string>& lines);

private:
    static constexpr std::int64_t kCompactInterval = 10;
    static bool is_compact(std::int64_t number) { return (number + 1) % kCompactInterval == 0; }
    std::string path_of(std::int64_t number) const;
    Result<std::vector<std::string>> read(const std::string& path) const;

    runtime::Disk& disk_;
    const std::string directory_;
    std::optional<std::int64_t> latest_;
    std::vector<std::string> lines_;
    std::size_t lines_before_latest_ = 0;
};

// The files that a folder written by a file sink holds: the paths in its manifest. nullopt when it
// has none, so that all its files count.
Result<std::optional<std::vector<std::string>>> manifest_files(runtime::Disk& disk,
                                                               const std::string& directory);

// "file:/a/b" and "file:///a/b" as a plain path; any other text as it is.
std::string local_path(std::string uri);

}  // namespace millrace::streaming
