#include "streaming/unsynced_disk.h"

#include <utility>

namespace millrace::streaming {

using base::ByteView;
using base::Result;

namespace {

class UnsyncedFile final : public runtime::File {
public:
    explicit UnsyncedFile(std::unique_ptr<runtime::File> file) : file_(std::move(file)) {}
    const std::string& path() const override { return file_->path(); }
    Result<std::uint64_t> size_bytes() const override { return file_->size_bytes(); }
    Result<std::size_t> read_at(std::uint64_t offset, char* into,
                                std::size_t length) const override {
        return file_->read_at(offset, into, length);
    }
    Result<void> write_at(std::uint64_t offset, ByteView bytes) override {
        return file_->write_at(offset, bytes);
    }
    Result<void> truncate(std::uint64_t size_bytes) override { return file_->truncate(size_bytes); }
    Result<void> sync() override { return {}; }
    int native_handle() const override { return file_->native_handle(); }

private:
    const std::unique_ptr<runtime::File> file_;
};

class UnsyncedDisk final : public runtime::Disk {
public:
    explicit UnsyncedDisk(runtime::Disk& disk) : disk_(disk) {}
    Result<std::unique_ptr<runtime::File>> open(const std::string& path,
                                                runtime::OpenMode mode) override {
        MR_TRY(auto file, disk_.open(path, mode));
        return std::make_unique<UnsyncedFile>(std::move(file));
    }
    Result<std::vector<Entry>> list(const std::string& directory) const override {
        return disk_.list(directory);
    }
    bool exists(const std::string& path) const override { return disk_.exists(path); }
    Result<void> make_directories(const std::string& directory) override {
        return disk_.make_directories(directory);
    }
    Result<void> rename(const std::string& from, const std::string& to) override {
        return disk_.rename(from, to);
    }
    Result<void> remove(const std::string& path) override { return disk_.remove(path); }
    Result<void> remove_tree(const std::string& path) override { return disk_.remove_tree(path); }
    Result<void> sync_directory(const std::string&) override { return {}; }
    Result<void> sync_all(const std::string&) override { return {}; }
    Result<Space> space(const std::string& path) const override { return disk_.space(path); }
    Result<std::unique_ptr<runtime::File>> lock(const std::string& path) override {
        return disk_.lock(path);
    }

private:
    runtime::Disk& disk_;
};

}  // namespace

std::unique_ptr<runtime::Disk> make_unsynced_disk(runtime::Disk& disk) {
    return std::make_unique<UnsyncedDisk>(disk);
}

}  // namespace millrace::streaming
