#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <map>
#include <mutex>

#include "runtime/disk.h"

namespace millrace::runtime {
namespace {

using base::ByteView;
using base::Code;
using base::fail;
using base::Result;

std::unexpected<base::Error> last_error(std::string_view what, const std::string& path) {
    const int error_number = errno;
    return fail(base::system_error(error_number, fmt::format("{} {}", what, path)));
}

// Repeats a system call that a signal has interrupted.
template <class Call>
auto uninterrupted(Call call) {
    while (true) {
        const auto outcome = call();
        if (outcome >= 0 || errno != EINTR) return outcome;
    }
}

class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    int get() const { return number_; }

private:
    int number_;
};

Result<Descriptor> open_descriptor(const std::string& path, int flags) {
    const int number = uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0644); });
    if (number < 0) return last_error("open", path);
    return Descriptor(number);
}

class SystemFile final : public File {
public:
    SystemFile(std::string path, Descriptor descriptor)
        : path_(std::move(path)), descriptor_(std::move(descriptor)) {}

    const std::string& path() const override { return path_; }
    int native_handle() const override { return descriptor_.get(); }

    Result<std::uint64_t> size_bytes() const override {
        struct stat status{};
        if (::fstat(descriptor_.get(), &status) != 0) return last_error("size of", path_);
        return static_cast<std::uint64_t>(status.st_size);
    }

    Result<std::size_t> read_at(std::uint64_t offset, char* into,
                                std::size_t length) const override {
        std::size_t done = 0;
        while (done < length) {
            const ssize_t count = uninterrupted([&] {
                return ::pread(descriptor_.get(), into + done, length - done,
                               static_cast<off_t>(offset + done));
            });
            if (count < 0) return last_error("read", path_);
            if (count == 0) break;
            done += static_cast<std::size_t>(count);
        }
        return done;
    }

    Result<void> write_at(std::uint64_t offset, ByteView bytes) override {
        while (!bytes.empty()) {
            const ssize_t count = uninterrupted([&] {
                return ::pwrite(descriptor_.get(), bytes.data(), bytes.size(),
                                static_cast<off_t>(offset));
            });
            if (count < 0) return last_error("write", path_);
            offset += static_cast<std::uint64_t>(count);
            bytes.remove_prefix(static_cast<std::size_t>(count));
        }
        return {};
    }

    Result<void> truncate(std::uint64_t size_bytes) override {
        const int outcome = uninterrupted(
            [&] { return ::ftruncate(descriptor_.get(), static_cast<off_t>(size_bytes)); });
        if (outcome != 0) return last_error("truncate", path_);
        return {};
    }

    Result<void> sync() override {
        // The kernel forgets a write-back error once it has told it, so a second fdatasync would
        // succeed over lost data. This file remembers.
        if (const int earlier = sync_error_.load(std::memory_order_relaxed)) {
            return fail(base::system_error(earlier, "an earlier sync failed: sync " + path_));
        }
        if (uninterrupted([&] { return ::fdatasync(descriptor_.get()); }) == 0) return {};
        sync_error_.store(errno, std::memory_order_relaxed);
        return last_error("sync", path_);
    }

private:
    std::string path_;
    Descriptor descriptor_;
    std::atomic<int> sync_error_ = 0;
};

class SystemDisk final : public Disk {
public:
    Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
        int flags = O_RDWR;
        if (mode == OpenMode::kRead) flags = O_RDONLY;
        if (mode == OpenMode::kCreate) flags |= O_CREAT;
        if (mode == OpenMode::kCreateFresh) flags |= O_CREAT | O_TRUNC;
        MR_TRY(Descriptor descriptor, open_descriptor(path, flags));
        struct stat status{};
        if (::fstat(descriptor.get(), &status) != 0) return last_error("open", path);
        if (S_ISDIR(status.st_mode)) {
            return fail(Code::kInvalidArgument, "open {}: it is a directory", path);
        }
        return std::make_unique<SystemFile>(path, std::move(descriptor));
    }

    Result<std::vector<Entry>> list(const std::string& directory) const override {
        const std::unique_ptr<DIR, int (*)(DIR*)> opened(::opendir(directory.c_str()), ::closedir);
        if (opened == nullptr) return last_error("list", directory);
        std::vector<Entry> entries;
        while (true) {
            errno = 0;
            const dirent* const found = ::readdir(opened.get());
            if (found == nullptr && errno != 0) return last_error("list", directory);
            if (found == nullptr) break;
            const std::string_view name = found->d_name;
            if (name == "." || name == "..") continue;
            struct stat status{};
            if (::fstatat(::dirfd(opened.get()), found->d_name, &status, 0) != 0) {
                if (errno == ENOENT) continue;  // Removed meanwhile, or a link to nothing.
                return last_error("list", directory);
            }
            entries.push_back(
                {.name = std::string(name),
                 .is_directory = S_ISDIR(status.st_mode),
                 .size_bytes = static_cast<std::uint64_t>(status.st_size),
                 .modified_ms = static_cast<std::int64_t>(status.st_mtim.tv_sec) * 1000 +
                                status.st_mtim.tv_nsec / 1'000'000});
        }
        std::ranges::sort(entries, {}, &Entry::name);
        return entries;
    }

    bool exists(const std::string& path) const override {
        return ::access(path.c_str(), F_OK) == 0;
    }

    Result<void> make_directories(const std::string& directory) override {
        std::error_code error;
        std::filesystem::create_directories(directory, error);
        if (error) return fail(base::system_error(error.value(), "make directory " + directory));
        return {};
    }

    Result<void> rename(const std::string& from, const std::string& to) override {
        if (::rename(from.c_str(), to.c_str()) != 0) return last_error("rename to", to);
        return {};
    }

    Result<void> remove(const std::string& path) override {
        if (::remove(path.c_str()) != 0) return last_error("remove", path);
        return {};
    }

    Result<void> remove_tree(const std::string& path) override {
        std::error_code error;
        const auto removed = std::filesystem::remove_all(path, error);
        if (error) return fail(base::system_error(error.value(), "remove " + path));
        if (removed == 0) return fail(Code::kNotFound, "remove {}: there is no such file", path);
        return {};
    }

    Result<void> sync_directory(const std::string& directory) override {
        MR_TRY(const Descriptor opened, open_descriptor(directory, O_RDONLY | O_DIRECTORY));
        if (uninterrupted([&] { return ::fsync(opened.get()); }) != 0) {
            return last_error("sync directory", directory);
        }
        return {};
    }

    Result<void> sync_all(const std::string& path) override {
        // syncfs tells of write-back errors since its descriptor was opened, so one descriptor
        // stays open per path.
        int descriptor = -1;
        {
            const std::lock_guard lock(mutex_);
            auto at = file_systems_.find(path);
            if (at == file_systems_.end()) {
                MR_TRY(Descriptor opened, open_descriptor(path, O_RDONLY));
                at = file_systems_.emplace(path, std::move(opened)).first;
            }
            descriptor = at->second.get();
        }
        if (::syncfs(descriptor) != 0) return last_error("sync the file system of", path);
        return {};
    }

    Result<Space> space(const std::string& path) const override {
        struct statvfs status{};
        if (uninterrupted([&] { return ::statvfs(path.c_str(), &status); }) != 0) {
            return last_error("space of", path);
        }
        return Space{.total_bytes = status.f_blocks * status.f_frsize,
                     .available_bytes = status.f_bavail * status.f_frsize};
    }

    Result<std::unique_ptr<File>> lock(const std::string& path) override {
        MR_TRY(auto file, open(path, OpenMode::kCreate));
        if (uninterrupted([&] { return ::flock(file->native_handle(), LOCK_EX | LOCK_NB); }) != 0) {
            if (errno != EWOULDBLOCK) return last_error("lock", path);
            char pid[16] = {};
            const std::size_t length = file->read_at(0, pid, sizeof(pid)).value_or(0);
            const std::string_view holder(
                pid, std::min(length, std::string_view(pid, length).find('\n')));
            return fail(Code::kConflict, "{} is held by {}", path,
                        holder.empty() ? "another process" : fmt::format("process {}", holder));
        }
        MR_TRY_VOID(file->truncate(0));
        MR_TRY_VOID(file->write_at(0, fmt::format("{}\n", ::getpid())));
        return file;
    }

private:
    std::mutex mutex_;
    std::map<std::string, Descriptor> file_systems_;  // Guarded by mutex_.
};

}  // namespace

std::string absolute_path(const std::string& path) {
    std::error_code error;
    const std::filesystem::path absolute = std::filesystem::absolute(path, error);
    return error ? path : absolute.lexically_normal().string();
}

std::string system_temporary_directory() {
    std::error_code error;
    const std::filesystem::path path = std::filesystem::temp_directory_path(error);
    return error ? "/tmp" : path.string();
}

std::unique_ptr<Disk> make_system_disk() {
    return std::make_unique<SystemDisk>();
}

}  // namespace millrace::runtime
