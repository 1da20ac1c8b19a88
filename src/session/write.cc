// df.write: batches into files, topics or nowhere.
//
// A folder of files is written beside (in _temporary) and moved in place when all of it is there;
// _SUCCESS comes last. File names are Spark's: part-00000-<uuid>-c000.snappy.parquet.
#include <algorithm>
#include <array>
#include <map>

#include "runtime/clock.h"
#include "runtime/disk.h"
#include "session/catalog.h"
#include "session/errors_internal.h"
#include "session/session.h"
#include "session/sources_internal.h"
#include "streaming/sources.h"

namespace millrace::session {

namespace {

// A part is encoded in memory: parts are ended before they grow beyond this.
constexpr std::size_t kPartBytes = 128 << 20;

// "_c=a%3Ab": characters that file systems or readers of the name would misread are escaped.
std::string escaped(std::string_view value) {
    static constexpr std::string_view kSpecial = "\"#%'*/:=?\\{[]^";
    std::string result;
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7F || kSpecial.find(c) != std::string_view::npos) {
            result += fmt::format("%{:02X}", byte);
        } else {
            result += c;
        }
    }
    return result;
}

std::string extension(const std::string& format, const plan::Options& options,
                      const SessionConf& conf) {
    const auto option = [&](const std::string& name) -> std::string {
        const auto found = options.find(name);
        return found == options.end() ? std::string() : lower(found->second);
    };
    std::string codec = option("compression");
    if (codec.empty()) codec = option("codec");
    const auto suffix = [&]() -> std::string {
        if (codec == "gzip") return ".gz";
        if (codec == "snappy") return ".snappy";
        if (codec == "zstd") return format == "parquet" ? ".zstd" : ".zst";
        if (codec == "lz4") return ".lz4";
        if (codec == "bzip2") return ".bz2";
        return "";
    };
    if (format == "parquet" || format == "orc") {
        if (codec.empty()) {
            codec = lower(conf.get("spark.sql.parquet.compression.codec").value_or("snappy"));
        }
        return suffix() + "." + format;
    }
    return "." + std::string(format == "text" ? "txt" : format) + suffix();
}

// Writes the parts of one save into folders by partition values.
class FolderWriter {
public:
    FolderWriter(Session& session, const plan::WriteCommand& command, std::string format,
                 std::string path)
        : session_(session),
          disk_(session.services().disk),
          command_(command),
          format_(std::move(format)),
          path_(std::move(path)),
          temporary_(path_ + "/_temporary/" + runtime::make_uuid(session.services().random)),
          job_(runtime::make_uuid(session.services().random)),
          zone_(session.conf().time_zone()) {}

    Result<void> begin(const std::vector<plan::Field>& fields) {
        fields_ = fields;
        for (const auto& name : command_.partition_by) {
            const auto found = std::ranges::find_if(fields_, [&](const plan::Field& field) {
                return lower(field.name) == lower(name);
            });
            if (found == fields_.end()) return missing(name);
            keys_.push_back(static_cast<std::size_t>(found - fields_.begin()));
        }
        if (!keys_.empty() && keys_.size() == fields_.size()) {
            return spark_error(Code::kAnalysis, "ALL_PARTITION_COLUMNS_NOT_ALLOWED", "KD005", {},
                               "Cannot use all columns for partition columns.");
        }
        for (std::size_t i = 0; i < fields_.size(); i++) {
            if (std::ranges::find(keys_, i) == keys_.end()) kept_.push_back(i);
        }
        return disk_.make_directories(temporary_);
    }

    Result<void> add(columnar::Batch batch) {
        if (keys_.empty()) return add_to("", std::move(batch));
        std::map<std::string, std::vector<std::int64_t>> rows_of;
        std::vector<columnar::ColumnView> columns;
        for (const std::size_t key : keys_) columns.push_back(batch.column(key));
        for (std::int64_t row = 0; row < batch.rows(); row++) {
            std::string folder;
            for (std::size_t k = 0; k < keys_.size(); k++) {
                const bool empty = columns[k].is_null(row) ||
                                   (columns[k].type.is_string() && columns[k].text(row).empty());
                folder +=
                    fmt::format("{}={}/", escaped(fields_[keys_[k]].name),
                                empty ? "__HIVE_DEFAULT_PARTITION__"
                                      : escaped(columnar::to_display(columns[k], row, zone_)));
            }
            rows_of[std::move(folder)].push_back(row);
        }
        for (const auto& [folder, rows] : rows_of) {
            std::vector<plan::Field> fields;
            for (const std::size_t i : kept_) fields.push_back(fields_[i]);
            columnar::BatchBuilder builder(std::move(fields));
            for (std::size_t i = 0; i < kept_.size(); i++) {
                const auto view = batch.column(kept_[i]);
                for (const std::int64_t row : rows) builder.column(i).append_from(view, row);
            }
            MR_TRY(auto part, builder.finish());
            MR_TRY_VOID(add_to(folder, std::move(part)));
        }
        return {};
    }

    // All parts in place, then the mark that says so.
    Result<void> commit() {
        for (auto& [folder, part] : parts_) MR_TRY_VOID(flush(folder, part));
        if (command_.mode == plan::SaveMode::kOverwrite) MR_TRY_VOID(clear());
        for (const auto& name : written_) {
            const auto slash = name.rfind('/');
            if (slash != std::string::npos) {
                MR_TRY_VOID(disk_.make_directories(path_ + "/" + name.substr(0, slash)));
            }
            MR_TRY_VOID(disk_.rename(temporary_ + "/" + name, path_ + "/" + name));
        }
        MR_TRY_VOID(disk_.remove_tree(path_ + "/_temporary"));
        return runtime::write_file_durably(disk_, path_ + "/_SUCCESS", "");
    }

    void abandon() { static_cast<void>(disk_.remove_tree(path_ + "/_temporary")); }

private:
    struct Part {
        columnar::Batches rows;
        std::size_t bytes = 0;
        int number = 0;
    };

    std::unexpected<base::Error> missing(const std::string& name) const {
        std::string known;
        for (const auto& field : fields_) {
            known += fmt::format("{}`{}`", known.empty() ? "" : ", ", field.name);
        }
        return spark_error(Code::kAnalysis, "COLUMN_NOT_FOUND", "42703",
                           {{"colName", fmt::format("`{}`", name)},
                            {"caseSensitiveConfig", "\"spark.sql.caseSensitive\""}},
                           fmt::format("The column `{}` cannot be found in ({}). Verify the "
                                       "spelling and correctness of the column name according to "
                                       "the SQL config \"spark.sql.caseSensitive\".",
                                       name, known));
    }

    Result<void> add_to(const std::string& folder, columnar::Batch batch) {
        Part& part = parts_[folder];
        part.bytes += batch.memory_bytes();
        part.rows.push_back(std::move(batch));
        if (part.bytes < kPartBytes) return {};
        return flush(folder, part);
    }

    Result<void> flush(const std::string& folder, Part& part) {
        if (part.rows.empty()) return {};
        // Spark writes one file even for no rows at all, so that the schema is kept.
        const bool any = columnar::total_rows(part.rows) > 0;
        if (!any && (part.number > 0 || format_ != "parquet")) return {};
        MR_TRY(const auto content,
               columnar::encode_file(format_, part.rows, command_.options, zone_));
        const std::string name = fmt::format("{}part-{:05d}-{}-c000{}", folder, part.number++, job_,
                                             extension(format_, command_.options, session_.conf()));
        const std::string file = temporary_ + "/" + name;
        MR_TRY_VOID(disk_.make_directories(file.substr(0, file.rfind('/'))));
        MR_TRY_VOID(runtime::write_file_durably(disk_, file, content));
        written_.push_back(name);
        part.rows.clear();
        part.bytes = 0;
        return {};
    }

    // Everything that was in the folder, but not what this save has just written.
    Result<void> clear() {
        MR_TRY(const auto entries, disk_.list(path_));
        for (const auto& entry : entries) {
            if (entry.name == "_temporary") continue;
            const std::string inside = path_ + "/" + entry.name;
            if (entry.is_directory) {
                MR_TRY_VOID(disk_.remove_tree(inside));
            } else {
                MR_TRY_VOID(disk_.remove(inside));
            }
        }
        return {};
    }

    Session& session_;
    runtime::Disk& disk_;
    const plan::WriteCommand& command_;
    const std::string format_;
    const std::string path_;
    const std::string temporary_;
    const std::string job_;
    const std::string zone_;
    std::vector<plan::Field> fields_;
    std::vector<std::size_t> keys_;
    std::vector<std::size_t> kept_;
    std::map<std::string, Part> parts_;
    std::vector<std::string> written_;
};

bool has_files(runtime::Disk& disk, const std::string& path) {
    const auto entries = disk.list(path);
    return entries && !entries->empty();
}

}  // namespace

Result<Outcome> Session::write(const plan::WriteCommand& command, const Cancelled* cancelled) {
    const Outcome nothing{plan::DataType::structure({}), {}, nullptr};
    if (!command.table.empty()) return unsupported("tables: saveAsTable and insertInto");
    const std::string format = resolved_format(command.format, conf_);
    MR_TRY(const auto query, prepare(command.input));
    if (format == "noop") {
        MR_TRY_VOID(run(query, cancelled, [](columnar::Batch) -> Result<void> { return {}; }));
        return nothing;
    }
    if (format == "kafka") {
        MR_TRY_VOID(run(query, cancelled, [&](columnar::Batch batch) -> Result<void> {
            if (batch.rows() == 0) return {};
            return streaming::write_topics({std::move(batch)}, command.options, services_.topics);
        }));
        return nothing;
    }
    static constexpr std::array<std::string_view, 5> kFiles = {"parquet", "csv", "json", "text",
                                                               "orc"};
    if (std::ranges::find(kFiles, format) == kFiles.end()) return unknown_format(command.format);
    if (command.path.empty()) {
        return spark_error(Code::kInvalidArgument, "_LEGACY_ERROR_TEMP_2047", "XXKST", {},
                           "'path' is not specified.",
                           "org.apache.spark.SparkIllegalArgumentException");
    }
    MR_TRY(auto path, local_path(command.path));
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    const bool exists = services_.disk.exists(path);
    if (exists && command.mode == plan::SaveMode::kIgnore) return nothing;
    if (exists && command.mode == plan::SaveMode::kErrorIfExists &&
        has_files(services_.disk, path)) {
        return spark_error(Code::kAlreadyExists, "PATH_ALREADY_EXISTS", "42K04",
                           {{"outputPath", "file:" + path}},
                           fmt::format("Path file:{} already exists. Set mode as \"overwrite\" to "
                                       "overwrite the existing path.",
                                       path),
                           "org.apache.spark.sql.AnalysisException");
    }
    FolderWriter writer(*this, command, format, path);
    const auto written = [&]() -> Result<void> {
        MR_TRY_VOID(writer.begin(query.schema.fields()));
        MR_TRY_VOID(run(query, cancelled, [&](columnar::Batch batch) -> Result<void> {
            return writer.add(std::move(batch));
        }));
        return writer.commit();
    }();
    if (!written) {
        writer.abandon();
        return fail(written.error());
    }
    return nothing;
}

}  // namespace millrace::session
