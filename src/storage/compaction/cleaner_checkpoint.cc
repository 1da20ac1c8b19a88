#include "storage/compaction/cleaner_checkpoint.h"

#include <fmt/format.h>

#include <charconv>

#include "runtime/disk.h"

namespace millrace::storage {

using base::Code;
using base::fail;
using base::Result;

namespace {

std::string path_in(const std::string& folder) {
    return folder + "/cleaner-checkpoint";
}

bool take_offset(base::ByteView& text, char end, model::Offset& offset) {
    const auto [rest, code] = std::from_chars(text.data(), text.data() + text.size(), offset.value);
    if (code != std::errc() || rest == text.data() + text.size() || *rest != end) return false;
    text.remove_prefix(static_cast<std::size_t>(rest - text.data()) + 1);
    return offset >= model::Offset{0};
}

}  // namespace

Result<CleanerCheckpoint> CleanerCheckpoint::parse(base::ByteView text) {
    CleanerCheckpoint checkpoint;
    if (!text.starts_with("0\n")) return fail(Code::kCorrupt, "not a cleaner checkpoint");
    text.remove_prefix(2);
    if (!take_offset(text, ' ', checkpoint.compacted_to) ||
        !take_offset(text, '\n', checkpoint.first_dirty) || !text.empty() ||
        checkpoint.first_dirty > checkpoint.compacted_to) {
        return fail(Code::kCorrupt, "malformed cleaner checkpoint");
    }
    return checkpoint;
}

base::Bytes CleanerCheckpoint::format() const {
    return fmt::format("0\n{} {}\n", compacted_to, first_dirty);
}

Result<CleanerCheckpoint> CleanerCheckpoint::load(runtime::Disk& disk, const std::string& folder) {
    const std::string path = path_in(folder);
    if (!disk.exists(path)) return CleanerCheckpoint{};
    MR_TRY(const auto text, runtime::read_file(disk, path));
    auto checkpoint = parse(text);
    if (!checkpoint) return fail(checkpoint.error().with(path));
    return *checkpoint;
}

Result<void> CleanerCheckpoint::store(runtime::Disk& disk, const std::string& folder) const {
    return runtime::write_file_durably(disk, path_in(folder), format());
}

}  // namespace millrace::storage
