// LineReader: the lines of a file, plain or gzip (told by its first bytes, not by its name).
//
// Memory is bounded by one chunk and the longest line. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/error.h"

namespace millrace::runtime {
class Disk;
class File;
}  // namespace millrace::runtime

namespace millrace::cli {

class LineReader {
public:
    static constexpr std::size_t kMaxLineBytes = 1024 * 1024;

    static base::Result<std::unique_ptr<LineReader>> open(runtime::Disk& disk,
                                                          const std::string& path);
    ~LineReader();

    // The next line without its end; nullopt after the last one. kCorrupt for damaged gzip,
    // kTooLarge for a line beyond kMaxLineBytes.
    base::Result<std::optional<std::string>> next();
    // The share of the file's bytes that was read, 0 to 1.
    double progress() const;

private:
    class Gzip;
    LineReader(std::unique_ptr<runtime::File> file, std::uint64_t size_bytes);
    // Add bytes to text_; false at the end of the file.
    base::Result<bool> read_more();

    std::unique_ptr<runtime::File> file_;
    std::uint64_t size_bytes_;
    std::uint64_t position_ = 0;
    std::unique_ptr<Gzip> gzip_;  // Null for a plain file.
    base::Bytes text_;
    std::size_t taken_ = 0;     // Of text_, by lines already given.
    std::size_t searched_ = 0;  // Of text_, without a line's end.
};

}  // namespace millrace::cli
