#include <algorithm>

#include "columnar/display_internal.h"
#include "columnar/engine.h"
#include "columnar/files_internal.h"
#include "columnar/json_internal.h"
#include "columnar/time_format_internal.h"

namespace millrace::columnar {

using plan::DataType;
using plan::Field;
using plan::TypeKind;

namespace {

// Rows that inference looks at.
constexpr std::size_t kInferenceRows = 100'000;
constexpr std::int64_t kRawBatchRows = 65536;
constexpr std::string_view kDefaultPartition = "__HIVE_DEFAULT_PARTITION__";

bool same_name(std::string_view a, std::string_view b) {
    return std::ranges::equal(
        a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

const std::string* partition_value(const DataFile& file, std::string_view name) {
    for (const auto& [key, value] : file.partition) {
        if (same_name(key, name)) return &value;
    }
    return nullptr;
}

std::string corrupt_name(const FileOptions& options) {
    return options.text("columnnameofcorruptrecord", "_corrupt_record");
}

// The keys of the folders, with the types that their values allow.
std::vector<Field> partition_fields(const std::vector<DataFile>& files,
                                    const FileOptions& options) {
    std::vector<Field> fields;
    if (files.empty()) return fields;
    for (const auto& [key, value] : files[0].partition) {
        std::vector<std::string_view> values;
        for (const DataFile& file : files) {
            const std::string* of_file = partition_value(file, key);
            if (of_file != nullptr && *of_file != kDefaultPartition) values.push_back(*of_file);
        }
        fields.push_back({.name = key, .type = infer_text_type(values, options)});
    }
    return fields;
}

// Rows of strings, cut into batches.
class RawRows {
public:
    RawRows(std::size_t columns, std::size_t partitions) {
        std::vector<Field> fields;
        for (std::size_t i = 0; i < columns + partitions; ++i) {
            fields.push_back({.name = fmt::format("d{}", i), .type = DataType::string()});
        }
        builder_ = std::make_unique<BatchBuilder>(std::move(fields));
    }
    BatchBuilder::Column& column(std::size_t index) { return builder_->column(index); }
    Result<void> end_row() {
        if (++rows_ < kRawBatchRows) return {};
        return flush();
    }
    Result<Batches> finish() {
        if (rows_ > 0) MR_TRY_VOID(flush());
        return std::move(batches_);
    }

private:
    Result<void> flush() {
        MR_TRY(Batch batch, builder_->finish());
        batches_.push_back(std::move(batch));
        rows_ = 0;
        return {};
    }
    std::unique_ptr<BatchBuilder> builder_;
    std::int64_t rows_ = 0;
    Batches batches_;
};

void append_partition(RawRows& rows, std::size_t first, const DataFile& file,
                      const std::vector<std::string>& keys) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const std::string* value = partition_value(file, keys[i]);
        if (value == nullptr || *value == kDefaultPartition) {
            rows.column(first + i).append_null();
        } else {
            rows.column(first + i).append_text(*value);
        }
    }
}

// Which of the output's columns come from folders.
std::vector<std::string> partition_keys(const plan::ScanNode& scan,
                                        const std::vector<DataFile>& files) {
    std::vector<std::string> keys;
    if (files.empty()) return keys;
    for (const plan::Attribute& attribute : scan.output) {
        if (partition_value(files[0], attribute.name) != nullptr) keys.push_back(attribute.name);
    }
    return keys;
}

Result<Batches> csv_rows(runtime::Disk& disk, const std::vector<DataFile>& files,
                         const FileOptions& options, const std::vector<std::string>& names,
                         bool with_record, const std::vector<std::string>& keys) {
    const bool header = options.flag("header", false);
    RawRows rows(names.size() + 2, keys.size());
    for (const DataFile& file : files) {
        MR_TRY(const std::string content, read_data_file(disk, file.path));
        MR_TRY(const auto records, read_csv(content, options));
        for (std::size_t r = header ? 1 : 0; r < records.size(); ++r) {
            const CsvRecord& record = records[r];
            for (std::size_t i = 0; i < names.size(); ++i) {
                if (i < record.fields.size() && record.fields[i]) {
                    rows.column(i).append_text(*record.fields[i]);
                } else {
                    rows.column(i).append_null();
                }
            }
            if (with_record) {
                rows.column(names.size()).append_text(record.raw);
            } else {
                rows.column(names.size()).append_null();
            }
            if (record.fields.size() == names.size()) {
                rows.column(names.size() + 1).append_null();
            } else {
                rows.column(names.size() + 1).append_text("");
            }
            append_partition(rows, names.size() + 2, file, keys);
            MR_TRY_VOID(rows.end_row());
        }
    }
    return rows.finish();
}

Result<Batches> line_rows(runtime::Disk& disk, const std::vector<DataFile>& files,
                          const FileOptions& options, bool skip_blank,
                          const std::vector<std::string>& keys) {
    const bool whole = options.flag("wholetext", false) || options.flag("multiline", false);
    const std::string line_end = options.text("linesep", "");
    RawRows rows(1, keys.size());
    for (const DataFile& file : files) {
        MR_TRY(const std::string content, read_data_file(disk, file.path));
        std::vector<std::string_view> lines;
        if (whole) {
            lines.emplace_back(content);
        } else if (line_end.empty()) {
            lines = split_lines(content);
        } else {
            std::string_view rest = content;
            while (!rest.empty()) {
                const std::size_t end = rest.find(line_end);
                lines.push_back(rest.substr(0, end));
                if (end == std::string_view::npos) break;
                rest.remove_prefix(end + line_end.size());
            }
        }
        for (const std::string_view line : lines) {
            if (skip_blank && line.find_first_not_of(" \t\r\n") == std::string_view::npos) continue;
            rows.column(0).append_text(line);
            append_partition(rows, 1, file, keys);
            MR_TRY_VOID(rows.end_row());
        }
    }
    return rows.finish();
}

// Parquet: the output's columns that the file has, by name; the others are null.
Result<RawScan> parquet_scan(runtime::Disk& disk, const plan::ScanNode& scan,
                             const std::vector<DataFile>& files,
                             const std::vector<std::string>& keys) {
    RawScan raw;
    std::vector<std::string> wanted;
    for (const plan::Attribute& attribute : scan.output) {
        raw.names.push_back(attribute.name);
        const bool from_folder = std::ranges::find(keys, attribute.name) != keys.end();
        raw.types.push_back(from_folder ? DataType::string() : attribute.type);
        if (!from_folder) wanted.push_back(attribute.name);
    }
    for (const DataFile& file : files) {
        MR_TRY(std::string content, runtime::read_file(disk, file.path));
        auto read = read_parquet(std::move(content), wanted);
        if (!read) return fail(read.error().with(file.path));
        for (const Batch& batch : *read) {
            std::vector<Field> fields;
            std::vector<ArrayPtr> columns;
            for (std::size_t i = 0; i < raw.names.size(); ++i) {
                const auto found = std::ranges::find_if(batch.fields(), [&](const Field& field) {
                    return same_name(field.name, raw.names[i]);
                });
                if (found != batch.fields().end() &&
                    raw.types[i].same_ignoring_nullability(found->type)) {
                    fields.push_back({.name = raw.names[i], .type = raw.types[i]});
                    columns.push_back(
                        batch.impl()
                            ->columns[static_cast<std::size_t>(found - batch.fields().begin())]);
                    continue;
                }
                BatchBuilder builder({{.name = raw.names[i], .type = raw.types[i]}});
                const std::string* value = partition_value(file, raw.names[i]);
                if (found != batch.fields().end()) {
                    // Widened as Spark widens: int to long, float to double.
                    const ColumnView view =
                        batch.column(static_cast<std::size_t>(found - batch.fields().begin()));
                    const bool integers = view.type.is_integral() && raw.types[i].is_integral();
                    const bool text =
                        (view.type.is_string() || view.type.is(TypeKind::kBinary)) &&
                        (raw.types[i].is_string() || raw.types[i].is(TypeKind::kBinary));
                    const bool times = (view.type.is(TypeKind::kTimestamp) ||
                                        view.type.is(TypeKind::kTimestampNtz)) &&
                                       (raw.types[i].is(TypeKind::kTimestamp) ||
                                        raw.types[i].is(TypeKind::kTimestampNtz));
                    const bool reals =
                        view.type.is(TypeKind::kFloat) && raw.types[i].is(TypeKind::kDouble);
                    if (!integers && !text && !reals && !times) {
                        return fail(Code::kRuntime, "{}: column {} is {}, not {}", file.path,
                                    raw.names[i], view.type.simple_string(),
                                    raw.types[i].simple_string());
                    }
                    for (std::int64_t row = 0; row < batch.rows(); ++row) {
                        if (view.is_null(row)) {
                            builder.column(0).append_null();
                        } else if (text) {
                            builder.column(0).append_text(view.text(row));
                        } else if (reals) {
                            builder.column(0).append_double(
                                static_cast<double>(view.value<float>(row)));
                        } else {
                            builder.column(0).append_int(
                                view.type.is(TypeKind::kByte)      ? view.value<std::int8_t>(row)
                                : view.type.is(TypeKind::kShort)   ? view.value<std::int16_t>(row)
                                : view.type.is(TypeKind::kInteger) ? view.value<std::int32_t>(row)
                                                                   : view.value<std::int64_t>(row));
                        }
                    }
                } else {
                    for (std::int64_t row = 0; row < batch.rows(); ++row) {
                        if (value == nullptr || *value == kDefaultPartition) {
                            builder.column(0).append_null();
                        } else {
                            builder.column(0).append_text(*value);
                        }
                    }
                }
                MR_TRY(const Batch made, builder.finish());
                fields.push_back(made.fields()[0]);
                columns.push_back(made.impl()->columns[0]);
            }
            raw.batches.push_back(make_batch(std::move(fields), std::move(columns), batch.rows()));
        }
    }
    return raw;
}

Result<std::vector<Field>> csv_schema(runtime::Disk& disk, const std::vector<DataFile>& files,
                                      const FileOptions& options) {
    std::vector<Field> fields;
    std::vector<std::vector<std::string>> values;
    for (const DataFile& file : files) {
        MR_TRY(const std::string content, read_data_file(disk, file.path));
        MR_TRY(const auto records, read_csv(content, options));
        if (records.empty()) continue;
        const bool header = options.flag("header", false);
        if (fields.empty()) {
            for (std::size_t i = 0; i < records[0].fields.size(); ++i) {
                std::string name = fmt::format("_c{}", i);
                if (header && records[0].fields[i]) name = *records[0].fields[i];
                fields.push_back({.name = std::move(name), .type = DataType::string()});
            }
            // Spark tells equal names apart by their places.
            for (std::size_t i = 0; i < fields.size(); ++i) {
                const auto same = [&](const Field& field) {
                    return same_name(field.name, fields[i].name);
                };
                if (std::ranges::count_if(fields, same) < 2) continue;
                const std::string shared = fields[i].name;
                for (std::size_t j = 0; j < fields.size(); ++j) {
                    if (same_name(fields[j].name, shared)) fields[j].name += std::to_string(j);
                }
            }
            values.resize(fields.size());
        }
        if (!options.flag("inferschema", false)) break;
        for (std::size_t r = header ? 1 : 0;
             r < records.size() && values[0].size() < kInferenceRows; ++r) {
            for (std::size_t i = 0; i < fields.size() && i < records[r].fields.size(); ++i) {
                if (records[r].fields[i]) values[i].push_back(*records[r].fields[i]);
            }
        }
    }
    if (options.flag("inferschema", false)) {
        for (std::size_t i = 0; i < fields.size(); ++i) {
            fields[i].type = infer_text_type({values[i].begin(), values[i].end()}, options);
        }
    }
    return fields;
}

void append_csv_field(std::string& to, std::string_view text, bool is_null,
                      const FileOptions& options) {
    const std::string separator = options.text("sep", options.text("delimiter", ","));
    if (is_null) {
        to += options.text("nullvalue", "");
        return;
    }
    if (text.empty()) {
        to += options.text("emptyvalue", "\"\"");
        return;
    }
    const std::string quote = options.text("quote", "\"");
    const std::string escape = options.text("escape", "\\");
    const bool special = text.find(separator) != std::string_view::npos ||
                         text.find_first_of("\r\n") != std::string_view::npos ||
                         (!quote.empty() && text.find(quote[0]) != std::string_view::npos) ||
                         text.front() == ' ' || text.back() == ' ';
    if (quote.empty() || (!special && !options.flag("quoteall", false))) {
        to += text;
        return;
    }
    to += quote[0];
    for (const char c : text) {
        if (c == quote[0] || (!escape.empty() && c == escape[0])) to += escape;
        to += c;
    }
    to += quote[0];
}

Result<std::string> write_csv(const Batches& batches, const FileOptions& options,
                              const std::string& time_zone) {
    MR_TRY(Zone zone, Zone::find(options.text("timezone", time_zone)));
    const std::string separator = options.text("sep", options.text("delimiter", ","));
    MR_TRY(const TimeFormat instant,
           TimeFormat::make(options.text("timestampformat", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX")));
    MR_TRY(const TimeFormat local,
           TimeFormat::make(options.text("timestampntzformat", "yyyy-MM-dd'T'HH:mm:ss.SSS")));
    MR_TRY(const TimeFormat date, TimeFormat::make(options.text("dateformat", "yyyy-MM-dd")));
    std::string text;
    if (options.flag("header", false) && !batches.empty()) {
        for (std::size_t i = 0; i < batches[0].fields().size(); ++i) {
            if (i > 0) text += separator;
            append_csv_field(text, batches[0].fields()[i].name, false, options);
        }
        text += '\n';
    }
    for (const Batch& batch : batches) {
        std::vector<ColumnView> columns;
        for (std::size_t i = 0; i < batch.fields().size(); ++i) {
            columns.push_back(batch.column(i));
            if (columns.back().type.is_nested()) {
                return fail(base::Error(
                    Code::kAnalysis,
                    fmt::format(
                        "[UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE] The CSV datasource doesn't support "
                        "the column `{}` of the type \"{}\". SQLSTATE: 0A000",
                        batch.fields()[i].name, columns.back().type.sql()),
                    {.name = "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE", .sql_state = "0A000"}));
            }
        }
        for (std::int64_t row = 0; row < batch.rows(); ++row) {
            for (std::size_t i = 0; i < columns.size(); ++i) {
                if (i > 0) text += separator;
                const ColumnView& column = columns[i];
                std::string value;
                if (column.is_null(row)) {
                    append_csv_field(text, value, true, options);
                    continue;
                }
                if (column.type.is(TypeKind::kTimestamp)) {
                    const auto us = column.value<std::int64_t>(row);
                    instant.append(value, us + zone.offset_at(us), zone.offset_at(us), time_zone);
                } else if (column.type.is(TypeKind::kTimestampNtz)) {
                    local.append(value, column.value<std::int64_t>(row), 0, "UTC");
                } else if (column.type.is(TypeKind::kDate)) {
                    date.append(value,
                                column.value<std::int32_t>(row) * std::int64_t{86'400'000'000}, 0,
                                "UTC");
                } else {
                    append_display(value, column, row, {.pretty_binary = false});
                }
                append_csv_field(text, value, false, options);
            }
            text += '\n';
        }
    }
    return text;
}

}  // namespace

Result<RawScan> scan_files(const plan::ScanNode& scan) {
    const auto disk = runtime::make_system_disk();
    const FileOptions options(scan.source.options);
    MR_TRY(const auto files, list_data_files(*disk, scan.source));
    const std::vector<std::string> keys = partition_keys(scan, files);
    if (scan.source.format == "parquet") return parquet_scan(*disk, scan, files, keys);
    RawScan raw;
    if (scan.source.format == "csv") {
        for (const plan::Attribute& attribute : scan.output) {
            const bool from_folder = std::ranges::find(keys, attribute.name) != keys.end();
            if (from_folder) continue;
            if (attribute.name == corrupt_name(options)) {
                raw.record = 0;
            } else {
                raw.names.push_back(attribute.name);
            }
        }
        const bool with_record = raw.record.has_value();
        MR_TRY(raw.batches, csv_rows(*disk, files, options, raw.names, with_record, keys));
        if (with_record) raw.record = raw.names.size();
        raw.names.push_back(corrupt_name(options));
        raw.mismatch = raw.names.size();
        raw.names.emplace_back(1, '\0');  // Nothing has this name.
    } else {
        MR_TRY(raw.batches, line_rows(*disk, files, options, scan.source.format == "json", keys));
        raw.names.emplace_back("value");
    }
    raw.names.insert(raw.names.end(), keys.begin(), keys.end());
    raw.types.assign(raw.names.size(), DataType::string());
    return raw;
}

Result<std::vector<Field>> file_schema(Engine&, const plan::DataSourceRel& source) {
    const auto disk = runtime::make_system_disk();
    const FileOptions options(source.options);
    if (!is_file_format(source.format)) {
        return fail(base::Error(
            Code::kAnalysis,
            fmt::format(
                "[DATA_SOURCE_NOT_FOUND] Failed to find the data source: {}. Make sure the "
                "provider "
                "name is correct and the package is properly registered and compatible with your "
                "Spark version. SQLSTATE: 42K02",
                source.format),
            {.name = "DATA_SOURCE_NOT_FOUND",
             .sql_state = "42K02",
             .parameters = {{"provider", source.format}}}));
    }
    MR_TRY(const auto files, list_data_files(*disk, source));
    std::vector<Field> fields;
    if (source.format == "text") {
        fields.push_back({.name = "value", .type = DataType::string()});
    } else if (files.empty()) {
        return fail(base::Error(Code::kAnalysis,
                                fmt::format("[UNABLE_TO_INFER_SCHEMA] Unable to infer schema for "
                                            "{}. It must be specified manually. "
                                            "SQLSTATE: 42KD9",
                                            source.format),
                                {.name = "UNABLE_TO_INFER_SCHEMA",
                                 .sql_state = "42KD9",
                                 .parameters = {{"format", source.format}}}));
    } else if (source.format == "parquet") {
        MR_TRY(const std::string content, runtime::read_file(*disk, files.front().path));
        auto found = parquet_schema(content);
        if (!found) return fail(found.error().with(files.front().path));
        fields = std::move(*found);
    } else if (source.format == "csv") {
        MR_TRY(fields, csv_schema(*disk, files, options));
    } else {
        std::vector<std::string> contents;
        std::vector<std::string_view> lines;
        for (const DataFile& file : files) {
            MR_TRY(std::string content, read_data_file(*disk, file.path));
            contents.push_back(std::move(content));
        }
        for (const std::string& content : contents) {
            if (options.flag("multiline", false)) {
                lines.emplace_back(content);
            } else {
                std::ranges::copy(split_lines(content), std::back_inserter(lines));
            }
        }
        MR_TRY(const DataType type, infer_json(lines));
        fields = type.fields();
    }
    for (Field& key : partition_fields(files, options)) {
        const auto same = [&](const Field& field) { return same_name(field.name, key.name); };
        if (std::ranges::none_of(fields, same)) fields.push_back(std::move(key));
    }
    return fields;
}

Result<std::string> encode_file(const std::string& format, const Batches& batches,
                                const plan::Options& given, const std::string& time_zone) {
    const FileOptions options(given);
    if (format == "parquet") return write_parquet(batches, options);
    if (format == "csv") return write_csv(batches, options, time_zone);
    std::string text;
    if (format == "json") {
        for (const Batch& batch : batches) {
            const DataType row_type = DataType::structure(batch.fields());
            MR_TRY(const auto writer, JsonWriter::make(row_type, given, time_zone));
            ColumnView row_view;
            row_view.type = row_type;
            row_view.rows = batch.rows();
            for (std::size_t i = 0; i < batch.fields().size(); ++i)
                row_view.children.push_back(batch.column(i));
            for (std::int64_t row = 0; row < batch.rows(); ++row) {
                append_json(text, *writer, row_view, row);
                text += '\n';
            }
        }
        return text;
    }
    if (format == "text") {
        for (const Batch& batch : batches) {
            if (batch.fields().size() != 1 || !batch.fields()[0].type.is_string()) {
                return fail(Code::kAnalysis,
                            "Text data source supports only a single column of type string, and "
                            "you have {} columns.",
                            batch.fields().size());
            }
            const ColumnView column = batch.column(0);
            for (std::int64_t row = 0; row < batch.rows(); ++row) {
                if (!column.is_null(row)) text += column.text(row);
                text += options.text("linesep", "\n");
            }
        }
        return text;
    }
    return fail(Code::kUnsupported, "files of format {} cannot be written", format);
}

}  // namespace millrace::columnar
