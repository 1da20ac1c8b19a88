// The file sink: exactly once. A batch's data files are made durable first, then the manifest
// `_spark_metadata/N` names them; a batch that is in the manifest already is not written again, and
// readers of the folder look at the files of the manifest alone.
#include <algorithm>
#include <map>

#include "columnar/engine.h"
#include "runtime/clock.h"
#include "runtime/disk.h"
#include "streaming/compact_log.h"
#include "streaming/json.h"
#include "streaming/sink.h"

namespace millrace::streaming {

using base::Code;
using base::fail;
using columnar::Batch;
using columnar::Batches;

namespace {

constexpr std::int64_t kBlockBytes = 134217728;  // What Spark's manifest says of local files.

// What follows the name of a file of this format.
std::string extension(const std::string& format) {
    if (format == "parquet") return ".snappy.parquet";
    return format == "text" ? ".txt" : "." + format;
}

// A partition value in a folder's name, as Hive escapes it.
std::string escape(const std::string& value) {
    std::string escaped;
    for (const char c : value) {
        if (static_cast<unsigned char>(c) < 0x20 ||
            std::string_view("\"#%'*/:=?\\\x7f{[]^").contains(c)) {
            escaped += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        } else {
            escaped.push_back(c);
        }
    }
    return escaped;
}

class FileSink final : public Sink {
public:
    FileSink(const SinkContext& context, std::string path)
        : services_(context.services),
          spec_(context.spec.sink),
          time_zone_(context.spec.time_zone),
          fields_(context.fields),
          path_(std::move(path)),
          format_(spec_.format.empty() ? "parquet" : spec_.format),
          manifest_(services_.disk, path_ + "/_spark_metadata") {}

    Result<void> prepare() {
        for (const std::string& name : spec_.partition_by) {
            const auto field = std::ranges::find(fields_, name, &plan::Field::name);
            if (field == fields_.end()) {
                return fail(Code::kAnalysis, "Partition column `{}` not found in schema", name);
            }
            partitions_.push_back(static_cast<std::size_t>(field - fields_.begin()));
        }
        if (!partitions_.empty() && partitions_.size() == fields_.size()) {
            return fail(Code::kAnalysis, "Cannot use all columns for partition columns.");
        }
        MR_TRY_VOID(runtime::make_directories_durably(services_.disk, path_));
        return manifest_.load();
    }

    std::string description() const override { return "FileSink[" + path_ + "]"; }

    Result<std::int64_t> write(std::int64_t batch_id, const Batches& rows) override {
        if (manifest_.latest() && batch_id <= *manifest_.latest()) return -1;
        std::vector<std::string> lines;
        MR_TRY(const auto parts, split(rows));
        int number = 0;
        for (const auto& [folder, batches] : parts) {
            MR_TRY(std::string line, write_file(folder, number++, batches));
            lines.push_back(std::move(line));
        }
        MR_TRY_VOID(manifest_.write(batch_id, lines));
        return -1;
    }

private:
    // Rows by the folder of their partition ("" without partitions).
    Result<std::map<std::string, Batches>> split(const Batches& rows) const {
        std::map<std::string, Batches> parts;
        if (partitions_.empty()) {
            if (columnar::total_rows(rows) > 0) parts[""] = rows;
            return parts;
        }
        std::vector<plan::Field> kept;
        std::vector<std::size_t> columns;
        for (std::size_t i = 0; i < fields_.size(); ++i) {
            if (std::ranges::find(partitions_, i) != partitions_.end()) continue;
            kept.push_back(fields_[i]);
            columns.push_back(i);
        }
        for (const Batch& batch : rows) {
            std::map<std::string, columnar::BatchBuilder> builders;
            for (std::int64_t row = 0; row < batch.rows(); ++row) {
                std::string folder;
                for (const std::size_t column : partitions_) {
                    const auto view = batch.column(column);
                    folder +=
                        "/" + escape(fields_[column].name) + "=" +
                        (view.is_null(row) ? "__HIVE_DEFAULT_PARTITION__"
                                           : escape(columnar::to_display(view, row, time_zone_)));
                }
                auto& builder = builders.try_emplace(folder, kept).first->second;
                for (std::size_t i = 0; i < columns.size(); ++i) {
                    builder.column(i).append_from(batch.column(columns[i]), row);
                }
            }
            for (auto& [folder, builder] : builders) {
                MR_TRY(Batch part, builder.finish());
                parts[folder].push_back(std::move(part));
            }
        }
        return parts;
    }

    Result<std::string> write_file(const std::string& folder, int number, const Batches& rows) {
        MR_TRY(const std::string content,
               columnar::encode_file(format_, rows, spec_.options, time_zone_));
        runtime::Disk& disk = services_.disk;
        const std::string name =
            fmt::format("{}{}/part-{:05}-{}-c000{}", path_, folder, number,
                        runtime::make_uuid(services_.random), extension(format_));
        if (!folder.empty()) MR_TRY_VOID(runtime::make_directories_durably(disk, path_ + folder));
        // The name is of this attempt alone, so that nothing needs to be written beside and
        // renamed.
        MR_TRY(const auto file, disk.open(name, runtime::OpenMode::kCreateFresh));
        MR_TRY_VOID(file->write_at(0, content));
        MR_TRY_VOID(file->sync());
        MR_TRY_VOID(disk.sync_directory(name.substr(0, name.rfind('/'))));
        return fmt::format(
            "{{\"path\":{},\"size\":{},\"isDir\":false,\"modificationTime\":{},"
            "\"blockReplication\":1,\"blockSize\":{},\"action\":\"add\"}}",
            json_quote("file://" + name), content.size(), services_.clock.wall_ms(), kBlockBytes);
    }

    const Services& services_;
    const SinkSpec spec_;
    const std::string time_zone_;
    const std::vector<plan::Field> fields_;
    const std::string path_;
    const std::string format_;
    CompactLog manifest_;
    std::vector<std::size_t> partitions_;
};

}  // namespace

Result<std::unique_ptr<Sink>> make_file_sink(const SinkContext& context) {
    const SinkSpec& sink = context.spec.sink;
    if (context.spec.mode != OutputMode::kAppend) {
        const std::string format = sink.format.empty() ? "parquet" : sink.format;
        return fail(base::Error(
            Code::kAnalysis, fmt::format("Data source {} does not support {} output mode", format,
                                         output_mode_name(context.spec.mode))));
    }
    const auto named = sink.options.find("path");
    const std::string path = !sink.path.empty()            ? sink.path
                             : named == sink.options.end() ? std::string()
                                                           : named->second;
    if (path.empty()) return fail(Code::kInvalidArgument, "'path' is not specified");
    auto made = std::make_unique<FileSink>(context, local_path(path));
    MR_TRY_VOID(made->prepare());
    return made;
}

}  // namespace millrace::streaming
