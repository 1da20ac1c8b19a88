#include "storage/batch_scanner.h"

#include <algorithm>

#include "runtime/disk.h"

namespace millrace::storage {

using base::Code;
using base::fail;
using base::Result;

BatchScanner::BatchScanner(const runtime::File& file, std::uint64_t position_bytes,
                           std::uint64_t end_bytes, std::size_t piece_bytes)
    : file_(file), position_(position_bytes), end_(end_bytes), piece_bytes_(piece_bytes) {}

Result<base::ByteView> BatchScanner::window(std::size_t wanted) {
    const std::uint64_t left = end_ - position_;
    const auto least = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, left));
    const std::uint64_t buffered_end = buffer_start_ + buffer_.size();
    if (position_ < buffer_start_ || position_ + least > buffered_end) {
        const auto length =
            static_cast<std::size_t>(std::min<std::uint64_t>(std::max(least, piece_bytes_), left));
        // Overwritten at once, so not filled first. The captured length counts: the library may
        // offer a larger one.
        buffer_.resize_and_overwrite(length, [=](char*, std::size_t) { return length; });
        buffer_start_ = position_;
        MR_TRY(const std::size_t got, file_.read_at(position_, buffer_.data(), length));
        buffer_.resize(got);
    }
    return base::ByteView(buffer_).substr(static_cast<std::size_t>(position_ - buffer_start_));
}

Result<std::optional<model::RecordBatch>> BatchScanner::next(Depth depth) {
    if (position_ >= end_) return std::nullopt;
    MR_TRY(const auto head, window(model::kBatchHeaderBytes));
    MR_TRY(const auto header, model::RecordBatch::parse_header(head));
    const std::size_t size = header.size_bytes();
    if (size > end_ - position_) {
        return fail(Code::kOutOfRange, "batch of {} bytes is cut off after {}", size,
                    end_ - position_);
    }
    if (depth == Depth::kHeader) {
        position_ += size;
        return header;
    }
    MR_TRY(const auto whole, window(size));
    MR_TRY(const auto batch, model::RecordBatch::parse(whole));
    position_ += size;
    return batch;
}

}  // namespace millrace::storage
