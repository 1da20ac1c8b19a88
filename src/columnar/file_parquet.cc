// Parquet by Arrow's reader and writer, with Spark's schema beside Parquet's own.
#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/arrow/writer.h>
#include <parquet/exception.h>
#include <parquet/metadata.h>

#include <algorithm>

#include "columnar/files_internal.h"

namespace millrace::columnar {

namespace {

constexpr std::string_view kSparkSchema = "org.apache.spark.sql.parquet.row.metadata";
constexpr std::int64_t kReadRows = 65536;

bool same_name(std::string_view a, std::string_view b) {
    return std::ranges::equal(
        a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

Result<std::unique_ptr<parquet::arrow::FileReader>> open(std::string content) {
    auto input =
        std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(std::move(content)));
    parquet::ArrowReaderProperties properties;
    properties.set_batch_size(kReadRows);
    properties.set_coerce_int96_timestamp_unit(arrow::TimeUnit::MICRO);
    parquet::arrow::FileReaderBuilder builder;
    const auto opened = builder.Open(std::move(input));
    if (!opened.ok()) return fail(arrow_error(opened));
    std::unique_ptr<parquet::arrow::FileReader> reader;
    builder.properties(properties);
    const auto built = builder.Build(&reader);
    if (!built.ok()) return fail(arrow_error(built));
    return reader;
}

// Parquet's library reports broken files by exceptions: they end here.
template <class Work>
auto guarded(Work work) -> decltype(work()) {
    try {
        return work();
    } catch (const parquet::ParquetException& error) {
        return fail(Code::kCorrupt, "Parquet: {}", error.what());
    } catch (const std::exception& error) {
        return fail(Code::kRuntime, "Parquet: {}", error.what());
    }
}

std::vector<plan::Field> nullable(std::vector<plan::Field> fields) {
    for (plan::Field& field : fields) field.nullable = true;
    return fields;
}

}  // namespace

Result<std::vector<plan::Field>> parquet_schema(std::string_view content) {
    return guarded([&]() -> Result<std::vector<plan::Field>> {
        MR_TRY(const auto reader, open(std::string(content)));
        const auto metadata = reader->parquet_reader()->metadata()->key_value_metadata();
        if (metadata != nullptr) {
            const auto text = metadata->Get(std::string(kSparkSchema));
            if (text.ok()) {
                const auto type = plan::type_from_json(*text);
                if (type && type->is(plan::TypeKind::kStruct)) return nullable(type->fields());
            }
        }
        std::shared_ptr<arrow::Schema> schema;
        const auto status = reader->GetSchema(&schema);
        if (!status.ok()) return fail(arrow_error(status));
        std::vector<plan::Field> fields;
        for (const auto& field : schema->fields()) {
            MR_TRY(plan::DataType type, spark_type(*field->type()));
            fields.push_back({.name = field->name(), .type = std::move(type)});
        }
        return fields;
    });
}

Result<Batches> read_parquet(std::string content, const std::vector<std::string>& columns) {
    return guarded([&]() -> Result<Batches> {
        MR_TRY(const auto reader, open(std::move(content)));
        std::shared_ptr<arrow::Schema> schema;
        auto status = reader->GetSchema(&schema);
        if (!status.ok()) return fail(arrow_error(status));
        // Arrow wants leaf columns; those of a top-level field lie together.
        std::vector<int> leaves;
        const auto& manifest = reader->manifest();
        const auto add = [&](const auto& self, const parquet::arrow::SchemaField& field) -> void {
            if (field.is_leaf()) leaves.push_back(field.column_index);
            for (const auto& child : field.children) self(self, child);
        };
        for (const std::string& name : columns) {
            for (const auto& field : manifest.schema_fields) {
                if (same_name(field.field->name(), name)) {
                    add(add, field);
                    break;
                }
            }
        }
        std::vector<int> groups(static_cast<std::size_t>(reader->num_row_groups()));
        for (std::size_t i = 0; i < groups.size(); ++i) groups[i] = static_cast<int>(i);
        auto batches = reader->GetRecordBatchReader(groups, leaves);
        if (!batches.ok()) return fail(arrow_error(batches.status()));
        Batches result;
        while (true) {
            std::shared_ptr<arrow::RecordBatch> next;
            status = (*batches)->ReadNext(&next);
            if (!status.ok()) return fail(arrow_error(status));
            if (next == nullptr) return result;
            MR_TRY(Batch batch, from_arrow(*next));
            result.push_back(std::move(batch));
        }
    });
}

Result<std::string> write_parquet(const Batches& batches, const FileOptions& options) {
    return guarded([&]() -> Result<std::string> {
        const std::string codec = options.text("compression", "snappy");
        const auto compression = codec == "none" || codec == "uncompressed"
                                     ? parquet::Compression::UNCOMPRESSED
                                 : codec == "gzip"                      ? parquet::Compression::GZIP
                                 : codec == "zstd"                      ? parquet::Compression::ZSTD
                                 : codec == "lz4" || codec == "lz4_raw" ? parquet::Compression::LZ4
                                 : codec == "brotli" ? parquet::Compression::BROTLI
                                                     : parquet::Compression::SNAPPY;
        if (batches.empty())
            return fail(Code::kInternal, "a Parquet file needs a batch for its schema");
        std::vector<std::shared_ptr<arrow::RecordBatch>> rows;
        for (const Batch& batch : batches) {
            MR_TRY(auto converted, to_arrow(batch, {.time_zone = "UTC"}));
            rows.push_back(std::move(converted));
        }
        const plan::DataType row_type = plan::DataType::structure(nullable(batches[0].fields()));
        const auto schema = rows[0]->schema()->WithMetadata(arrow::key_value_metadata(
            {std::string(kSparkSchema), "org.apache.spark.version"}, {row_type.json(), "4.2.0"}));
        auto table = arrow::Table::FromRecordBatches(rows[0]->schema(), rows);
        if (!table.ok()) return fail(arrow_error(table.status()));
        auto sink = arrow::io::BufferOutputStream::Create();
        if (!sink.ok()) return fail(arrow_error(sink.status()));
        const auto properties =
            parquet::WriterProperties::Builder().compression(compression)->build();
        auto arrow_properties = parquet::ArrowWriterProperties::Builder().build();
        auto writer = parquet::arrow::FileWriter::Open(*schema, arrow::default_memory_pool(), *sink,
                                                       properties, arrow_properties);
        if (!writer.ok()) return fail(arrow_error(writer.status()));
        auto status = (*writer)->AddKeyValueMetadata(schema->metadata());
        if (status.ok()) status = (*writer)->WriteTable(**table, 1 << 20);
        if (status.ok()) status = (*writer)->Close();
        if (!status.ok()) return fail(arrow_error(status));
        auto buffer = (*sink)->Finish();
        if (!buffer.ok()) return fail(arrow_error(buffer.status()));
        return (*buffer)->ToString();
    });
}

}  // namespace millrace::columnar
