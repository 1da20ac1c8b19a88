#include "streaming/file_source.h"

#include <algorithm>
#include <set>

#include "columnar/engine.h"
#include "runtime/disk.h"
#include "streaming/compact_log.h"
#include "streaming/json.h"
#include "streaming/topic_offsets.h"

namespace millrace::streaming {

using base::Code;
using base::fail;
using columnar::Batches;

namespace {

struct Seen {
    std::string path;
    std::int64_t modified_ms = 0;
    std::int64_t batch = 0;
    auto operator<=>(const Seen&) const = default;

    std::string line() const {
        return fmt::format("{{\"path\":{},\"timestamp\":{},\"batchId\":{}}}", json_quote(path),
                           modified_ms, batch);
    }
};

Result<Seen> parse_seen(const std::string& line) {
    MR_TRY(const Json json, parse_json(line));
    const Json* path = json.member("path");
    const Json* time = json.member("timestamp");
    const Json* batch = json.member("batchId");
    if (path == nullptr || time == nullptr || batch == nullptr) {
        return fail(Code::kCorrupt, "a line of the log of seen files is no such line: {}", line);
    }
    return Seen{path->text, time->integer().value_or(0), batch->integer().value_or(0)};
}

// "*" and "?" as in a shell; within one path component.
bool matches(std::string_view pattern, std::string_view name) {
    if (pattern.empty()) return name.empty();
    if (pattern[0] == '*') {
        for (std::size_t skip = 0; skip <= name.size(); ++skip) {
            if (matches(pattern.substr(1), name.substr(skip))) return true;
        }
        return false;
    }
    return !name.empty() && (pattern[0] == '?' || pattern[0] == name[0]) &&
           matches(pattern.substr(1), name.substr(1));
}

bool is_hidden(const std::string& name) {
    return name.starts_with('_') || name.starts_with('.');
}

class FileSource final : public MicroBatchSource {
public:
    FileSource(plan::ScanNode scan, columnar::Engine& engine, runtime::Disk& disk,
               runtime::Disk& checkpoint_disk, std::string directory, std::string time_zone)
        : scan_(std::move(scan)),
          engine_(engine),
          disk_(disk),
          log_(checkpoint_disk, std::move(directory)),
          time_zone_(std::move(time_zone)) {}

    Result<void> prepare() {
        const plan::Options& options = scan_.source.options;
        for (const std::string& path : scan_.source.paths) paths_.push_back(local_path(path));
        if (paths_.empty() && options.contains("path")) {
            paths_.push_back(local_path(options.at("path")));
        }
        if (paths_.empty()) return fail(Code::kInvalidArgument, "'path' is not specified");
        MR_TRY(max_files_, number_option(options, "maxfilespertrigger"));
        if (max_files_ && *max_files_ <= 0) {
            return fail(Code::kInvalidArgument,
                        "Invalid value '{}' for option 'maxFilesPerTrigger', must be a positive "
                        "integer",
                        *max_files_);
        }
        latest_first_ = option_or(options, "latestfirst", "false") == "true";
        MR_TRY_VOID(log_.load());
        for (const std::string& line : log_.lines()) {
            MR_TRY(Seen seen, parse_seen(line));
            seen_.insert(seen.path);
            taken_.push_back(std::move(seen));
        }
        return {};
    }

    std::string description() const override { return "FileStreamSource[file:" + paths_[0] + "]"; }

    Result<std::optional<std::string>> initial_offset() override { return std::nullopt; }

    Result<std::optional<std::string>> next_offset(const std::optional<std::string>& start,
                                                   const ReadLimit& limit) override {
        MR_TRY(auto found, unseen());
        if (max_files_ && !limit.unlimited &&
            found.size() > static_cast<std::size_t>(*max_files_)) {
            found.resize(static_cast<std::size_t>(*max_files_));
        }
        if (!found.empty()) {
            const std::int64_t number = log_.latest().value_or(-1) + 1;
            std::vector<std::string> lines;
            for (Seen& file : found) {
                file.batch = number;
                lines.push_back(file.line());
                seen_.insert(file.path);
                taken_.push_back(file);
            }
            MR_TRY_VOID(log_.write(number, lines));
        }
        if (!log_.latest()) return start;
        return std::optional(fmt::format("{{\"logOffset\":{}}}", *log_.latest()));
    }

    Result<Batches> read(const std::optional<std::string>& start, const std::string& end) override {
        MR_TRY(const std::int64_t from, number_of(start));
        MR_TRY(const std::int64_t to, number_of(end));
        plan::ScanNode scan = scan_;
        scan.is_streaming = false;
        scan.source.is_streaming = false;
        scan.source.options.erase("path");
        scan.source.paths.clear();
        for (const Seen& file : taken_) {
            if (file.batch > from && file.batch <= to) {
                scan.source.paths.push_back(local_path(file.path));
            }
        }
        malformed_records_ = 0;
        if (scan.source.paths.empty()) return Batches();
        return columnar::collect(
            engine_, *plan::make_logical(std::move(scan)), {},
            {.time_zone = time_zone_, .malformed_records = &malformed_records_});
    }

    std::int64_t malformed_records() const override { return malformed_records_; }

    Result<void> prepare_for_available_now() override {
        MR_TRY(const auto found, unseen());
        std::set<std::string> names;
        for (const Seen& file : found) names.insert(file.path);
        fixed_ = std::move(names);
        return {};
    }

private:
    static Result<std::int64_t> number_of(const std::optional<std::string>& offset) {
        if (!offset) return -1;
        MR_TRY(const Json json, parse_json(*offset));
        const Json* number = json.kind == Json::Kind::kNumber ? &json : json.member("logOffset");
        if (number == nullptr || !number->integer()) {
            return fail(Code::kCorrupt, "{} is no offset of a file source", *offset);
        }
        return *number->integer();
    }

    Result<std::vector<Seen>> unseen() {
        std::vector<Seen> found;
        for (const std::string& path : paths_) MR_TRY_VOID(look(path, found));
        std::ranges::sort(found, [this](const Seen& a, const Seen& b) {
            if (a.modified_ms != b.modified_ms) {
                return latest_first_ ? a.modified_ms > b.modified_ms
                                     : a.modified_ms < b.modified_ms;
            }
            return a.path < b.path;
        });
        return found;
    }

    Result<void> look(const std::string& path, std::vector<Seen>& found) {
        const std::size_t star = path.find_first_of("*?");
        if (star != std::string::npos) {
            const std::size_t from = path.rfind('/', star) + 1;
            const std::size_t to = std::min(path.find('/', star), path.size());
            const auto entries = disk_.list(path.substr(0, from));
            if (!entries) return {};
            for (const auto& entry : *entries) {
                if (is_hidden(entry.name)) continue;
                if (!matches(std::string_view(path).substr(from, to - from), entry.name)) continue;
                const std::string whole = path.substr(0, from) + entry.name + path.substr(to);
                if (entry.is_directory || to < path.size()) {
                    MR_TRY_VOID(look(whole, found));
                } else {
                    note(whole, entry.modified_ms, found);
                }
            }
            return {};
        }
        const auto listed = manifest_files(disk_, path);
        if (!listed) return fail(listed.error());
        if (*listed) {
            for (const std::string& file : **listed) note(file, 0, found);
            return {};
        }
        const auto entries = disk_.list(path);
        if (!entries) {
            if (entries.error().code() == Code::kNotFound) return {};
            return fail(entries.error());
        }
        for (const auto& entry : *entries) {
            if (is_hidden(entry.name)) continue;
            if (entry.is_directory) {
                MR_TRY_VOID(look(path + "/" + entry.name, found));
            } else {
                note(path + "/" + entry.name, entry.modified_ms, found);
            }
        }
        return {};
    }

    void note(const std::string& path, std::int64_t modified_ms, std::vector<Seen>& found) {
        const std::string uri = "file://" + path;
        if (seen_.contains(uri) || (fixed_ && !fixed_->contains(uri))) return;
        found.push_back({uri, modified_ms, 0});
    }

    const plan::ScanNode scan_;
    columnar::Engine& engine_;
    runtime::Disk& disk_;
    CompactLog log_;
    const std::string time_zone_;
    std::vector<std::string> paths_;
    std::optional<std::int64_t> max_files_;
    bool latest_first_ = false;
    std::set<std::string> seen_;
    std::vector<Seen> taken_;
    std::int64_t malformed_records_ = 0;
    std::optional<std::set<std::string>> fixed_;
};

}  // namespace

bool is_file_format(const std::string& format) {
    static const std::set<std::string> formats = {"parquet", "json", "csv", "text", "orc"};
    return formats.contains(format);
}

Result<std::unique_ptr<MicroBatchSource>> make_file_source(
    const plan::ScanNode& scan, columnar::Engine& engine, runtime::Disk& disk,
    runtime::Disk& checkpoint_disk, std::string directory, std::string time_zone) {
    auto source = std::make_unique<FileSource>(scan, engine, disk, checkpoint_disk,
                                               std::move(directory), std::move(time_zone));
    MR_TRY_VOID(source->prepare());
    return source;
}

}  // namespace millrace::streaming
