#include "storage/compaction/segment_swap.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "base/log.h"
#include "runtime/disk.h"
#include "storage/segment.h"

namespace millrace::storage {

using base::Result;
using model::Offset;

namespace {

constexpr std::string_view kSwapSuffix = ".swap";
constexpr std::string_view kIndexSuffixes[] = {".index", ".timeindex"};
constexpr std::size_t kDigits = 20;

std::string swap_path(const std::string& folder, Offset base, Offset end) {
    return fmt::format("{}/{}.{:020}{}", folder, segment_file_name(base, ".log"), end.value,
                       kSwapSuffix);
}

// The end in "<20 digits>.log.<20 digits>.swap", and the base before it.
struct SwapName {
    Offset base;
    Offset end;
};
std::optional<SwapName> parse_swap_name(std::string_view name) {
    constexpr std::size_t kLogBytes = kDigits + 4;
    if (name.size() != kLogBytes + 1 + kDigits + kSwapSuffix.size() ||
        !name.ends_with(kSwapSuffix) || name[kLogBytes] != '.') {
        return std::nullopt;
    }
    const auto base = segment_base_of(name.substr(0, kLogBytes), ".log");
    Offset end;
    const char* const digits = name.data() + kLogBytes + 1;
    const auto [rest, code] = std::from_chars(digits, digits + kDigits, end.value);
    if (!base || code != std::errc() || rest != digits + kDigits || end <= *base) {
        return std::nullopt;
    }
    return SwapName{*base, end};
}

Result<void> remove_if_there(runtime::Disk& disk, const std::string& path) {
    if (!disk.exists(path)) return {};
    return disk.remove(path);
}

Result<void> remove_segment(runtime::Disk& disk, const std::string& folder, Offset base) {
    MR_TRY_VOID(remove_if_there(disk, folder + "/" + segment_file_name(base, ".log")));
    for (const std::string_view suffix : kIndexSuffixes) {
        MR_TRY_VOID(remove_if_there(disk, folder + "/" + segment_file_name(base, suffix)));
    }
    return {};
}

}  // namespace

Result<void> SegmentSwap::commit(runtime::Disk& disk) const {
    const std::string log = folder + "/" + segment_file_name(base, ".log");
    MR_TRY_VOID(disk.rename(log + std::string(kCleanedSuffix), swap_path(folder, base, end)));
    return disk.sync_directory(folder);
}

Result<void> SegmentSwap::finish(runtime::Disk& disk) const {
    for (const Offset old : replaced) {
        if (old != base) MR_TRY_VOID(remove_segment(disk, folder, old));
    }
    // The name that tells which segments are void goes only when they have gone.
    MR_TRY_VOID(disk.sync_directory(folder));
    MR_TRY_VOID(
        disk.rename(swap_path(folder, base, end), folder + "/" + segment_file_name(base, ".log")));
    for (const std::string_view suffix : kIndexSuffixes) {
        const std::string path = folder + "/" + segment_file_name(base, suffix);
        const std::string cleaned = path + std::string(kCleanedSuffix);
        if (disk.exists(cleaned)) MR_TRY_VOID(disk.rename(cleaned, path));
    }
    return disk.sync_directory(folder);
}

void SegmentSwap::abandon(runtime::Disk& disk) const {
    // What stays is removed when the log is opened next, or overwritten by the next round.
    for (const std::string_view suffix :
         {std::string_view(".log"), kIndexSuffixes[0], kIndexSuffixes[1]}) {
        const std::string path = folder + "/" + segment_file_name(base, suffix);
        static_cast<void>(remove_if_there(disk, path + std::string(kCleanedSuffix)));
    }
}

Result<void> SegmentSwap::recover(runtime::Disk& disk, const std::string& folder) {
    MR_TRY(const auto entries, disk.list(folder));
    for (const auto& entry : entries) {
        const auto name = parse_swap_name(entry.name);
        if (!name) continue;
        SegmentSwap swap{folder, name->base, name->end, {}};
        for (const auto& other : entries) {
            const auto base = segment_base_of(other.name, ".log");
            if (base && *base >= swap.base && *base < swap.end) swap.replaced.push_back(*base);
        }
        // The indexes of the segment whose name it takes speak of another file.
        for (const std::string_view suffix : kIndexSuffixes) {
            MR_TRY_VOID(remove_if_there(disk, folder + "/" + segment_file_name(swap.base, suffix)));
        }
        MR_TRY_VOID(swap.finish(disk));
        base::log_info("{}: finished putting the cleaned segment {} in its place", folder,
                       swap.base);
    }
    for (const auto& entry : entries) {
        if (!entry.name.ends_with(kCleanedSuffix)) continue;
        MR_TRY_VOID(remove_if_there(disk, folder + "/" + entry.name));
    }
    return {};
}

}  // namespace millrace::storage
