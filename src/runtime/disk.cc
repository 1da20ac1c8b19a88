#include "runtime/disk.h"

namespace millrace::runtime {

base::Result<base::Bytes> read_file(Disk& disk, const std::string& path) {
    MR_TRY(const auto file, disk.open(path, OpenMode::kRead));
    MR_TRY(const std::uint64_t size_bytes, file->size_bytes());
    base::Bytes content(size_bytes, '\0');
    MR_TRY(const std::size_t length, file->read_at(0, content.data(), content.size()));
    content.resize(length);
    return content;
}

base::Result<void> write_file_durably(Disk& disk, const std::string& path, base::ByteView content) {
    const std::string beside = path + ".tmp";
    {
        MR_TRY(const auto file, disk.open(beside, OpenMode::kCreateFresh));
        MR_TRY_VOID(file->write_at(0, content));
        MR_TRY_VOID(file->sync());
    }
    MR_TRY_VOID(disk.rename(beside, path));
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return disk.sync_directory(".");
    return disk.sync_directory(slash == 0 ? "/" : path.substr(0, slash));
}

base::Result<void> make_directories_durably(Disk& disk, const std::string& directory) {
    const auto parent_of = [](const std::string& path) -> std::string {
        const auto slash = path.rfind('/');
        if (slash == std::string::npos) return ".";
        return slash == 0 ? "/" : path.substr(0, slash);
    };
    std::vector<std::string> missing;  // Deepest first.
    std::string there = directory;
    for (; there != "/" && there != "." && !disk.exists(there); there = parent_of(there)) {
        missing.push_back(there);
    }
    // An earlier process may have died between making the last one and syncing its name. Whoever
    // may not read that one's parent has not made it.
    if (const auto synced = disk.sync_directory(parent_of(there));
        !synced && synced.error().code() != base::Code::kPermissionDenied) {
        return synced;
    }
    for (auto path = missing.rbegin(); path != missing.rend(); ++path) {
        MR_TRY_VOID(disk.make_directories(*path));
        MR_TRY_VOID(disk.sync_directory(parent_of(*path)));
    }
    return {};
}

}  // namespace millrace::runtime
