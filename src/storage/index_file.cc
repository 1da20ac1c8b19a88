#include "storage/index_file.h"

#include "base/check.h"
#include "runtime/disk.h"

namespace millrace::storage {

using base::Code;
using base::fail;
using base::Result;

IndexFile::IndexFile(runtime::Disk& disk, std::string path, std::size_t entry_bytes,
                     std::uint64_t flushed)
    : disk_(&disk), path_(std::move(path)), entry_bytes_(entry_bytes), flushed_(flushed) {}

void IndexFile::append(base::ByteView entry) {
    MR_CHECK(entry.size() == entry_bytes_);
    tail_.append(entry);
}

Result<void> IndexFile::open() const {
    if (file_ != nullptr) return {};
    MR_TRY(file_, disk_->open(path_, runtime::OpenMode::kCreate));
    return {};
}

Result<void> IndexFile::read(std::uint64_t index, char* into) const {
    MR_CHECK(index < entries());
    if (index >= flushed_) {
        std::memcpy(into, tail_.data() + (index - flushed_) * entry_bytes_, entry_bytes_);
        return {};
    }
    MR_TRY_VOID(open());
    MR_TRY(const std::size_t got, file_->read_at(index * entry_bytes_, into, entry_bytes_));
    if (got != entry_bytes_) return fail(Code::kCorrupt, "{} ends too soon", path_);
    return {};
}

Result<void> IndexFile::flush() {
    if (tail_.empty()) return {};
    MR_TRY_VOID(open());
    MR_TRY_VOID(file_->write_at(flushed_ * entry_bytes_, tail_));
    flushed_ += tail_.size() / entry_bytes_;
    tail_.clear();
    tail_.shrink_to_fit();
    return {};
}

Result<void> IndexFile::finish() {
    MR_TRY_VOID(flush());
    MR_TRY_VOID(open());
    return file_->truncate(flushed_ * entry_bytes_);
}

void IndexFile::clear() {
    flushed_ = 0;
    tail_.clear();
}

}  // namespace millrace::storage
