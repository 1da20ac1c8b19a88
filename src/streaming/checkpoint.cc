#include "streaming/checkpoint.h"

#include <algorithm>
#include <charconv>

#include "runtime/disk.h"
#include "streaming/json.h"

namespace millrace::streaming {

using base::Code;
using base::fail;

namespace {

constexpr std::string_view kVersionLine = "v1";
constexpr std::string_view kNoOffset = "-";

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        lines.push_back(text.substr(0, end));
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 1);
    }
    return lines;
}

Result<void> check_version(const std::vector<std::string_view>& lines) {
    if (lines.empty()) return fail(Code::kCorrupt, "Incomplete log file");
    if (lines[0] == kVersionLine) return {};
    return fail(Code::kCorrupt,
                "Log file was malformed: failed to read correct log version from {}.", lines[0]);
}

}  // namespace

NumberedLog::NumberedLog(runtime::Disk& disk, std::string directory)
    : disk_(disk), directory_(std::move(directory)) {}

std::string NumberedLog::path_of(std::int64_t number) const {
    return directory_ + "/" + std::to_string(number);
}

Result<void> NumberedLog::write(std::int64_t number, std::string_view content, bool sync) {
    if (!made_) {
        MR_TRY_VOID(runtime::make_directories_durably(disk_, directory_));
        made_ = true;
    }
    const std::string path = path_of(number);
    if (sync) return runtime::write_file_durably(disk_, path, content);
    // Hidden names are no part of the log, in Spark's eyes too.
    const std::string beside = directory_ + "/." + std::to_string(number) + ".tmp";
    {
        MR_TRY(const auto file, disk_.open(beside, runtime::OpenMode::kCreateFresh));
        MR_TRY_VOID(file->write_at(0, content));
    }
    return disk_.rename(beside, path);
}

Result<std::optional<std::string>> NumberedLog::read(std::int64_t number) const {
    auto content = runtime::read_file(disk_, path_of(number));
    if (content) return std::optional(std::move(*content));
    if (content.error().code() == Code::kNotFound) return std::nullopt;
    return fail(content.error());
}

Result<std::vector<std::int64_t>> NumberedLog::numbers() const {
    std::vector<std::int64_t> numbers;
    const auto entries = disk_.list(directory_);
    if (!entries) {
        if (entries.error().code() == Code::kNotFound) return numbers;
        return fail(entries.error());
    }
    for (const auto& entry : *entries) {
        std::int64_t number = 0;
        const char* end = entry.name.data() + entry.name.size();
        const auto [stop, problem] = std::from_chars(entry.name.data(), end, number);
        if (problem == std::errc() && stop == end) numbers.push_back(number);
    }
    std::ranges::sort(numbers);
    return numbers;
}

Result<void> NumberedLog::purge_below(std::int64_t number) {
    if (purged_below_ < 0) {  // The first time: whatever an earlier run left.
        MR_TRY(const auto there, numbers());
        purged_below_ = there.empty() ? number : std::min(there.front(), number);
    }
    for (; purged_below_ < number; ++purged_below_) {
        const std::string path = path_of(purged_below_);
        if (disk_.exists(path)) MR_TRY_VOID(disk_.remove(path));
    }
    return {};
}

std::string OffsetEntry::to_text() const {
    std::string text =
        fmt::format("{}\n{{\"batchWatermarkMs\":{},\"batchTimestampMs\":{},\"conf\":{{",
                    kVersionLine, batch_watermark_ms, batch_timestamp_ms);
    bool first = true;
    for (const auto& [key, value] : conf) {
        if (!first) text.push_back(',');
        first = false;
        text += json_quote(key) + ":" + json_quote(value);
    }
    text += "}}";
    for (const auto& offset : offsets) {
        text.push_back('\n');
        text += offset ? std::string_view(*offset) : kNoOffset;
    }
    return text;
}

Result<OffsetEntry> OffsetEntry::parse(std::string_view text) {
    const auto lines = lines_of(text);
    MR_TRY_VOID(check_version(lines));
    if (lines.size() < 2) return fail(Code::kCorrupt, "Incomplete log file");
    MR_TRY(const Json metadata, parse_json(lines[1]));
    OffsetEntry entry;
    if (const Json* value = metadata.member("batchWatermarkMs")) {
        entry.batch_watermark_ms = value->integer().value_or(0);
    }
    if (const Json* value = metadata.member("batchTimestampMs")) {
        entry.batch_timestamp_ms = value->integer().value_or(0);
    }
    if (const Json* conf = metadata.member("conf")) {
        for (const auto& [key, value] : conf->members) entry.conf[key] = value.text;
    }
    for (std::size_t i = 2; i < lines.size(); ++i) {
        if (lines[i] == kNoOffset) {
            entry.offsets.emplace_back();
        } else {
            entry.offsets.emplace_back(std::string(lines[i]));
        }
    }
    return entry;
}

Checkpoint::Checkpoint(runtime::Disk& disk, std::string directory)
    : disk_(disk),
      directory_(std::move(directory)),
      offsets_(disk, directory_ + "/offsets"),
      commits_(disk, directory_ + "/commits") {}

Result<std::string> Checkpoint::query_id(const std::string& fresh) {
    const std::string path = directory_ + "/metadata";
    if (!disk_.exists(path)) {
        MR_TRY_VOID(runtime::make_directories_durably(disk_, directory_));
        MR_TRY_VOID(runtime::write_file_durably(disk_, path, "{\"id\":" + json_quote(fresh) + "}"));
        return fresh;
    }
    MR_TRY(const std::string text, runtime::read_file(disk_, path));
    const auto metadata = parse_json(text);
    const Json* id = metadata ? metadata->member("id") : nullptr;
    if (id == nullptr || id->kind != Json::Kind::kString) {
        return fail(Code::kCorrupt, "Error reading stream metadata from {}: it holds no query id",
                    path);
    }
    return id->text;
}

Result<std::optional<std::int64_t>> Checkpoint::latest_offsets() const {
    MR_TRY(const auto numbers, offsets_.numbers());
    if (numbers.empty()) return std::nullopt;
    return std::optional(numbers.back());
}

Result<std::optional<std::int64_t>> Checkpoint::latest_commit() const {
    MR_TRY(const auto numbers, commits_.numbers());
    for (auto number = numbers.rbegin(); number != numbers.rend(); ++number) {
        MR_TRY(const auto content, commits_.read(*number));
        // Written without a sync of its own, so that a power cut may leave it empty or cut short.
        if (content && content->starts_with("v1\n") && content->ends_with("}")) {
            return std::optional(*number);
        }
    }
    return std::nullopt;
}

Result<OffsetEntry> Checkpoint::offsets(std::int64_t batch_id) const {
    MR_TRY(const auto content, offsets_.read(batch_id));
    if (!content) {
        return fail(Code::kNotFound, "batch {} doesn't exist in {}", batch_id,
                    offsets_.directory());
    }
    auto entry = OffsetEntry::parse(*content);
    if (!entry) {
        return fail(entry.error().with(fmt::format("read {}/{}", offsets_.directory(), batch_id)));
    }
    return entry;
}

Result<std::int64_t> Checkpoint::next_watermark_ms(std::int64_t batch_id) const {
    MR_TRY(const auto content, commits_.read(batch_id));
    if (!content) return 0;
    const auto lines = lines_of(*content);
    MR_TRY_VOID(check_version(lines));
    if (lines.size() < 2) return fail(Code::kCorrupt, "Incomplete log file");
    MR_TRY(const Json commit, parse_json(lines[1]));
    const Json* watermark = commit.member("nextBatchWatermarkMs");
    return watermark == nullptr ? 0 : watermark->integer().value_or(0);
}

Result<void> Checkpoint::write_offsets(std::int64_t batch_id, const OffsetEntry& entry) {
    return offsets_.write(batch_id, entry.to_text());
}

Result<void> Checkpoint::write_commit(std::int64_t batch_id, std::int64_t next_watermark_ms) {
    return commits_.write(
        batch_id, fmt::format("v1\n{{\"nextBatchWatermarkMs\":{}}}", next_watermark_ms), false);
}

Result<void> Checkpoint::purge(std::int64_t batch_id) {
    MR_TRY_VOID(offsets_.purge_below(batch_id - kBatchesToRetain));
    return commits_.purge_below(batch_id - kBatchesToRetain);
}

std::string Checkpoint::source_directory(std::size_t source) const {
    return fmt::format("{}/sources/{}", directory_, source);
}
std::string Checkpoint::state_directory(std::int64_t operator_id) const {
    return fmt::format("{}/state/{}", directory_, operator_id);
}

}  // namespace millrace::streaming
