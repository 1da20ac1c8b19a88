// Files as tables: what lies under a path, and its rows before types are given to them.
//
// Text formats come as raw columns of strings; the lowering casts them in SQL, so that a CSV field
// and CAST(… AS INT) obey one rule. Parquet comes typed.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "columnar/batch_internal.h"
#include "plan/logical.h"
#include "runtime/disk.h"

namespace millrace::columnar {

struct DataFile {
    std::string path;
    std::vector<std::pair<std::string, std::string>> partition;  // From folders called key=value.
};

bool is_file_format(const std::string& format);
// The data files of a source, sorted: of each path the file itself, or what lies below the folder
// but for hidden names; where `_spark_metadata` stands, only what it lists.
Result<std::vector<DataFile>> list_data_files(runtime::Disk& disk,
                                              const plan::DataSourceRel& source);
// The content, decompressed when the name says so (.gz, .zst).
Result<std::string> read_data_file(runtime::Disk& disk, const std::string& path);

// Spark's options with defaults; keys in lower case.
class FileOptions {
public:
    explicit FileOptions(const plan::Options& options) : options_(options) {}
    std::string text(const std::string& key, std::string otherwise) const;
    bool flag(const std::string& key, bool otherwise) const;
    const plan::Options& all() const { return options_; }

private:
    const plan::Options& options_;
};

// Records of a CSV text: fields with null where Spark reads null. `wanted`: fields a row gets.
struct CsvRecord {
    std::vector<std::optional<std::string>> fields;
    std::string raw;
};
Result<std::vector<CsvRecord>> read_csv(std::string_view content, const FileOptions& options);

// A column that is in a scan's output: where its values are in the raw batches.
struct RawScan {
    Batches batches;
    std::vector<std::string> names;
    std::vector<plan::DataType> types;
    // CSV: which column says that a record has more or fewer fields than the schema (null: as
    // many), and which has the record's text, where the output wants it.
    std::optional<std::size_t> mismatch;
    std::optional<std::size_t> record;
};
// CSV: one VARCHAR column a field of the data schema, then `record` and `mismatch`. JSON and text:
// one VARCHAR column with the lines. Parquet: the columns of the output that the files have, typed.
// Then one VARCHAR column for each partition key of the output.
Result<RawScan> scan_files(const plan::ScanNode& scan);

Result<std::vector<plan::Field>> parquet_schema(std::string_view content);
Result<Batches> read_parquet(std::string content, const std::vector<std::string>& columns);
Result<std::string> write_parquet(const Batches& batches, const FileOptions& options);

// Spark's inference from JSON lines and from columns of CSV text.
// One JSON value's type; kCorrupt for a text that is none.
Result<plan::DataType> infer_json_value(std::string_view text);
Result<plan::DataType> infer_json(const std::vector<std::string_view>& lines);
plan::DataType infer_text_type(const std::vector<std::string_view>& values,
                               const FileOptions& options);
// Lines of a text, without their ends (\n, \r\n, \r); the last may lack one.
std::vector<std::string_view> split_lines(std::string_view content);

}  // namespace millrace::columnar
