// BatchScanner walks the batches of one segment file in order.
//
// It reads in large pieces, or jumps from header to header where batches are larger than those.
// Not thread-safe; the file must not shrink meanwhile.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"
#include "model/batch.h"

namespace millrace::runtime {
class File;
}

namespace millrace::storage {

class BatchScanner {
public:
    enum class Depth : std::uint8_t { kHeader, kWhole };

    // Walks [position_bytes, end_bytes) of `file`, reading about `piece_bytes` at a time.
    BatchScanner(const runtime::File& file, std::uint64_t position_bytes, std::uint64_t end_bytes,
                 std::size_t piece_bytes = std::size_t{256} << 10);

    // The batch at position(), valid until the next call; nullopt at the end. kOutOfRange when the
    // bytes end within it, else as RecordBatch::parse. After an error the scanner stays where it
    // is.
    base::Result<std::optional<model::RecordBatch>> next(Depth depth);
    // Where the next batch would begin.
    std::uint64_t position_bytes() const { return position_; }

private:
    // The bytes of the file from position_ on, at least `wanted` of them unless it ends before.
    base::Result<base::ByteView> window(std::size_t wanted);

    const runtime::File& file_;
    std::uint64_t position_;
    std::uint64_t end_;
    std::size_t piece_bytes_;
    base::Bytes buffer_;
    std::uint64_t buffer_start_ = 0;
};

}  // namespace millrace::storage
