#include "streaming/compact_log.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "runtime/disk.h"
#include "streaming/json.h"

namespace millrace::streaming {

using base::Code;
using base::fail;

namespace {

constexpr std::string_view kCompactSuffix = ".compact";

std::optional<std::int64_t> number_of(std::string_view name) {
    if (name.ends_with(kCompactSuffix)) name.remove_suffix(kCompactSuffix.size());
    std::int64_t number = 0;
    const auto [stop, problem] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (problem != std::errc() || stop != name.data() + name.size()) return std::nullopt;
    return number;
}

}  // namespace

CompactLog::CompactLog(runtime::Disk& disk, std::string directory)
    : disk_(disk), directory_(std::move(directory)) {}

std::string CompactLog::path_of(std::int64_t number) const {
    return fmt::format("{}/{}{}", directory_, number, is_compact(number) ? kCompactSuffix : "");
}

Result<std::vector<std::string>> CompactLog::read(const std::string& path) const {
    MR_TRY(const std::string text, runtime::read_file(disk_, path));
    std::vector<std::string> lines;
    std::size_t from = 0;
    while (from < text.size()) {
        const std::size_t end = std::min(text.find('\n', from), text.size());
        lines.push_back(text.substr(from, end - from));
        from = end + 1;
    }
    if (lines.empty() || lines[0] != "v1") return fail(Code::kCorrupt, "{} is not a log", path);
    lines.erase(lines.begin());
    return lines;
}

Result<void> CompactLog::load() {
    lines_.clear();
    latest_.reset();
    const auto entries = disk_.list(directory_);
    if (!entries) {
        if (entries.error().code() == Code::kNotFound) return {};
        return fail(entries.error());
    }
    std::map<std::int64_t, std::string> files;
    std::int64_t compacted = -1;
    for (const auto& entry : *entries) {
        const auto number = number_of(entry.name);
        if (!number) continue;
        files[*number] = directory_ + "/" + entry.name;
        if (entry.name.ends_with(kCompactSuffix)) compacted = std::max(compacted, *number);
    }
    for (const auto& [number, path] : files) {
        if (number < compacted) continue;
        MR_TRY(auto lines, read(path));
        lines_before_latest_ = lines_.size();
        std::ranges::move(lines, std::back_inserter(lines_));
        latest_ = number;
    }
    return {};
}

Result<void> CompactLog::write(std::int64_t number, const std::vector<std::string>& lines) {
    MR_TRY_VOID(runtime::make_directories_durably(disk_, directory_));
    if (latest_ == number) lines_.resize(lines_before_latest_);
    lines_before_latest_ = lines_.size();
    lines_.insert(lines_.end(), lines.begin(), lines.end());
    std::string text = "v1";
    for (const std::string& line : is_compact(number) ? lines_ : lines) text += "\n" + line;
    MR_TRY_VOID(runtime::write_file_durably(disk_, path_of(number), text));
    latest_ = number;
    return {};
}

std::string local_path(std::string uri) {
    if (!uri.starts_with("file:")) return uri;
    uri.erase(0, 5);
    if (uri.starts_with("//")) uri.erase(0, uri.find('/', 2));
    return uri;
}

Result<std::optional<std::vector<std::string>>> manifest_files(runtime::Disk& disk,
                                                               const std::string& directory) {
    const std::string place = local_path(directory) + "/_spark_metadata";
    if (!disk.exists(place)) return std::nullopt;
    CompactLog log(disk, place);
    MR_TRY_VOID(log.load());
    std::vector<std::string> files;
    std::set<std::string> removed;
    for (const std::string& line : log.lines()) {
        MR_TRY(const Json entry, parse_json(line));
        const Json* path = entry.member("path");
        const Json* action = entry.member("action");
        if (path == nullptr) return fail(Code::kCorrupt, "{} holds a line without a path", place);
        if (action != nullptr && action->text == "delete") {
            removed.insert(path->text);
        } else {
            files.push_back(local_path(path->text));
        }
    }
    std::erase_if(files, [&](const std::string& file) { return removed.contains(file); });
    return files;
}

}  // namespace millrace::streaming
