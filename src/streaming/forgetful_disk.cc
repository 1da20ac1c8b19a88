#include "streaming/forgetful_disk.h"

#include <utility>

namespace millrace::streaming {

using base::ByteView;
using base::Code;
using base::fail;
using base::Result;

namespace {

class ForgetfulFile final : public runtime::File {
public:
    explicit ForgetfulFile(std::string path) : path_(std::move(path)) {}
    const std::string& path() const override { return path_; }
    Result<std::uint64_t> size_bytes() const override { return 0; }
    Result<std::size_t> read_at(std::uint64_t, char*, std::size_t) const override { return 0; }
    Result<void> write_at(std::uint64_t, ByteView) override { return {}; }
    Result<void> truncate(std::uint64_t) override { return {}; }
    Result<void> sync() override { return {}; }
    int native_handle() const override { return -1; }

private:
    const std::string path_;
};

class ForgetfulDisk final : public runtime::Disk {
public:
    Result<std::unique_ptr<runtime::File>> open(const std::string& path,
                                                runtime::OpenMode mode) override {
        if (mode == runtime::OpenMode::kRead || mode == runtime::OpenMode::kReadWrite) {
            return fail(Code::kNotFound, "{}: nothing is kept here", path);
        }
        return std::make_unique<ForgetfulFile>(path);
    }
    Result<std::vector<Entry>> list(const std::string& directory) const override {
        return fail(Code::kNotFound, "{}: nothing is kept here", directory);
    }
    bool exists(const std::string&) const override { return false; }
    Result<void> make_directories(const std::string&) override { return {}; }
    Result<void> rename(const std::string&, const std::string&) override { return {}; }
    Result<void> remove(const std::string&) override { return {}; }
    Result<void> remove_tree(const std::string&) override { return {}; }
    Result<void> sync_directory(const std::string&) override { return {}; }
    Result<void> sync_all(const std::string&) override { return {}; }
    Result<Space> space(const std::string&) const override { return Space{}; }
    Result<std::unique_ptr<runtime::File>> lock(const std::string& path) override {
        return std::make_unique<ForgetfulFile>(path);
    }
};

}  // namespace

std::unique_ptr<runtime::Disk> make_forgetful_disk() {
    return std::make_unique<ForgetfulDisk>();
}

}  // namespace millrace::streaming
