#include <arrow/buffer.h>
#include <arrow/io/compressed.h>
#include <arrow/io/memory.h>
#include <arrow/result.h>
#include <arrow/util/compression.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "columnar/files_internal.h"
#include "columnar/json_text_internal.h"

namespace millrace::columnar {

namespace {

constexpr int kDeepestFolder = 64;

std::string local_path(std::string path) {
    if (path.starts_with("file://")) {
        path.erase(0, 7);
    } else if (path.starts_with("file:")) {
        path.erase(0, 5);
    }
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    return path;
}

bool hidden(std::string_view name) {
    // Folders of partitions may begin with an underscore in their key.
    return name.starts_with('.') ||
           (name.starts_with('_') && name.find('=') == std::string_view::npos);
}

bool matches(std::string_view pattern, std::string_view name) {
    if (pattern.empty()) return name.empty();
    if (pattern[0] == '*') {
        for (std::size_t skip = 0; skip <= name.size(); ++skip) {
            if (matches(pattern.substr(1), name.substr(skip))) return true;
        }
        return false;
    }
    if (pattern[0] == '{') {
        const std::size_t close = pattern.find('}');
        if (close != std::string_view::npos) {
            std::string_view choices = pattern.substr(1, close - 1);
            while (true) {
                const std::string_view choice = choices.substr(0, choices.find(','));
                if (name.starts_with(choice) &&
                    matches(pattern.substr(close + 1), name.substr(choice.size()))) {
                    return true;
                }
                if (choice.size() == choices.size()) return false;
                choices.remove_prefix(choice.size() + 1);
            }
        }
    }
    return !name.empty() && (pattern[0] == '?' || pattern[0] == name[0]) &&
           matches(pattern.substr(1), name.substr(1));
}

std::string unescape(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() &&
            std::isxdigit(static_cast<unsigned char>(text[i + 1])) != 0 &&
            std::isxdigit(static_cast<unsigned char>(text[i + 2])) != 0) {
            int code = 0;
            std::from_chars(text.data() + i + 1, text.data() + i + 3, code, 16);
            result.push_back(static_cast<char>(code));
            i += 2;
        } else {
            result.push_back(text[i]);
        }
    }
    return result;
}

std::vector<std::pair<std::string, std::string>> partition_of(std::string_view relative) {
    std::vector<std::pair<std::string, std::string>> keys;
    while (true) {
        const std::size_t slash = relative.find('/');
        if (slash == std::string_view::npos) return keys;
        const std::string_view folder = relative.substr(0, slash);
        const std::size_t equals = folder.find('=');
        if (equals != std::string_view::npos && equals > 0) {
            keys.emplace_back(unescape(folder.substr(0, equals)),
                              unescape(folder.substr(equals + 1)));
        }
        relative.remove_prefix(slash + 1);
    }
}

// The file that a path names, as its folder lists it.
std::optional<runtime::Disk::Entry> entry_of(const runtime::Disk& disk, const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "."
                               : slash == 0               ? "/"
                                                          : path.substr(0, slash);
    const auto entries = disk.list(folder);
    if (!entries) return std::nullopt;
    const auto found =
        std::ranges::find(*entries, path.substr(slash + 1), &runtime::Disk::Entry::name);
    if (found == entries->end()) return std::nullopt;
    return *found;
}

Result<void> walk(const runtime::Disk& disk, const std::string& root, const std::string& folder,
                  int depth, std::vector<DataFile>& files) {
    if (depth > kDeepestFolder) return fail(Code::kTooLarge, "{}: folders nested too deep", root);
    MR_TRY(const auto entries, disk.list(folder));
    for (const auto& entry : entries) {
        if (hidden(entry.name)) continue;
        const std::string path = folder + "/" + entry.name;
        if (entry.is_directory) {
            MR_TRY_VOID(walk(disk, root, path, depth + 1, files));
        } else if (entry.size_bytes > 0) {
            files.push_back({path, partition_of(std::string_view(path).substr(root.size() + 1))});
        }
    }
    return {};
}

// The manifest of a streaming file sink: the latest compact file, then every later batch.
Result<std::vector<DataFile>> from_manifest(runtime::Disk& disk, const std::string& root) {
    const std::string folder = root + "/_spark_metadata";
    MR_TRY(const auto entries, disk.list(folder));
    std::set<std::int64_t> batches;
    std::int64_t compact = -1;
    for (const auto& entry : entries) {
        std::int64_t number = 0;
        const char* end = entry.name.data() + entry.name.size();
        const auto [at, error] = std::from_chars(entry.name.data(), end, number);
        if (error != std::errc()) continue;
        if (at == end) batches.insert(number);
        if (std::string_view(at, end) == ".compact") compact = std::max(compact, number);
    }
    std::vector<std::string> logs;
    if (compact >= 0) logs.push_back(fmt::format("{}/{}.compact", folder, compact));
    for (const std::int64_t batch : batches) {
        if (batch > compact) logs.push_back(fmt::format("{}/{}", folder, batch));
    }
    std::vector<DataFile> files;
    for (const std::string& log : logs) {
        MR_TRY(const std::string content, runtime::read_file(disk, log));
        bool first = true;
        for (const std::string_view line : split_lines(content)) {
            if (std::exchange(first, false) || line.empty()) continue;  // The first line is "v1".
            std::string path;
            std::string action;
            std::string buffer;
            JsonCursor json(line);
            const bool whole = json.kind() == JsonKind::kObject && json.object([&] {
                std::string_view text;
                if (!json.string(text, buffer)) return false;
                const std::string key(text);
                if (!json.colon()) return false;
                if (key != "path" && key != "action") return json.skip();
                if (!json.string(text, buffer)) return false;
                (key == "path" ? path : action) = text;
                return true;
            });
            if (!whole || path.empty()) {
                return fail(Code::kCorrupt, "{}: a line is no entry of a manifest", log);
            }
            if (action == "delete") continue;
            const std::string file = unescape(local_path(path));
            const std::string_view relative =
                file.starts_with(root + "/") ? std::string_view(file).substr(root.size() + 1) : "";
            files.push_back({file, partition_of(relative)});
        }
    }
    return files;
}

}  // namespace

bool is_file_format(const std::string& format) {
    return format == "parquet" || format == "csv" || format == "json" || format == "text";
}

Result<std::vector<DataFile>> list_data_files(runtime::Disk& disk,
                                              const plan::DataSourceRel& source) {
    std::vector<std::string> paths = source.paths;
    const auto option = source.options.find("path");
    if (paths.empty() && option != source.options.end()) paths.push_back(option->second);
    if (paths.empty()) return fail(Code::kInvalidArgument, "'path' is not specified");
    std::vector<DataFile> files;
    for (const std::string& written : paths) {
        const std::string path = local_path(written);
        std::vector<std::string> found;
        if (path.find_first_of("*?{") == std::string::npos) {
            found.push_back(path);
        } else {
            // Component by component, as a shell expands it.
            found.push_back(path.starts_with('/') ? "" : ".");
            std::string_view rest = path;
            while (!rest.empty()) {
                while (rest.starts_with('/')) rest.remove_prefix(1);
                const std::string_view component = rest.substr(0, rest.find('/'));
                rest.remove_prefix(component.size());
                std::vector<std::string> next;
                for (const std::string& folder : found) {
                    if (component.find_first_of("*?{") == std::string_view::npos) {
                        next.push_back(folder + "/" + std::string(component));
                        continue;
                    }
                    const auto entries = disk.list(folder.empty() ? "/" : folder);
                    if (!entries) continue;
                    for (const auto& entry : *entries) {
                        if (!hidden(entry.name) && matches(component, entry.name)) {
                            next.push_back(folder + "/" + entry.name);
                        }
                    }
                }
                found = std::move(next);
            }
        }
        bool any = false;
        for (const std::string& one : found) {
            const auto entry = entry_of(disk, one);
            const bool folder = entry ? entry->is_directory : disk.list(one).has_value();
            if (!entry && !folder) continue;
            any = true;
            if (!folder) {
                files.push_back({one, {}});
            } else if (disk.exists(one + "/_spark_metadata")) {
                MR_TRY(auto listed, from_manifest(disk, one));
                std::ranges::move(listed, std::back_inserter(files));
            } else {
                MR_TRY_VOID(walk(disk, one, one, 0, files));
            }
        }
        if (!any) {
            return fail(base::Error(
                Code::kAnalysis,
                fmt::format("[PATH_NOT_FOUND] Path does not exist: file:{}. SQLSTATE: 42K03", path),
                {.name = "PATH_NOT_FOUND",
                 .sql_state = "42K03",
                 .parameters = {{"path", "file:" + path}}}));
        }
    }
    return files;
}

Result<std::string> read_data_file(runtime::Disk& disk, const std::string& path) {
    MR_TRY(std::string content, runtime::read_file(disk, path));
    const auto kind = path.ends_with(".gz")    ? arrow::Compression::GZIP
                      : path.ends_with(".zst") ? arrow::Compression::ZSTD
                      : path.ends_with(".bz2") ? arrow::Compression::BZ2
                                               : arrow::Compression::UNCOMPRESSED;
    if (kind == arrow::Compression::UNCOMPRESSED) return content;
    auto codec = arrow::util::Codec::Create(kind);
    if (!codec.ok()) return fail(arrow_error(codec.status()).with(path));
    auto input = arrow::io::CompressedInputStream::Make(
        codec->get(),
        std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(std::move(content))));
    if (!input.ok()) return fail(arrow_error(input.status()).with(path));
    std::string plain;
    while (true) {
        constexpr std::int64_t kBlockBytes = 1 << 20;
        auto block = (*input)->Read(kBlockBytes);
        if (!block.ok()) return fail(arrow_error(block.status()).with(path));
        if ((*block)->size() == 0) return plain;
        plain.append(reinterpret_cast<const char*>((*block)->data()),
                     static_cast<std::size_t>((*block)->size()));
    }
}

std::vector<std::string_view> split_lines(std::string_view content) {
    std::vector<std::string_view> lines;
    std::size_t at = 0;
    while (at < content.size()) {
        const std::size_t end = content.find_first_of("\r\n", at);
        if (end == std::string_view::npos) {
            lines.push_back(content.substr(at));
            break;
        }
        lines.push_back(content.substr(at, end - at));
        at = end +
             (content[end] == '\r' && end + 1 < content.size() && content[end + 1] == '\n' ? 2 : 1);
    }
    return lines;
}

std::string FileOptions::text(const std::string& key, std::string otherwise) const {
    const auto found = options_.find(key);
    return found == options_.end() ? std::move(otherwise) : found->second;
}

bool FileOptions::flag(const std::string& key, bool otherwise) const {
    std::string value = text(key, otherwise ? "true" : "false");
    std::ranges::transform(value, value.begin(), [](unsigned char c) { return std::tolower(c); });
    return value == "true";
}

}  // namespace millrace::columnar
