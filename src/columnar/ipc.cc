// Arrow IPC streams, and the ways from Arrow's many layouts to the canonical one and back.
#include <arrow/array/data.h>
#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include <algorithm>
#include <limits>

#include "columnar/batch_internal.h"

namespace millrace::columnar {

using plan::DataType;
using plan::TypeKind;

namespace {

// What decompressing an IPC stream may cost: a stream of a few bytes must not claim gigabytes.
constexpr std::int64_t kSmallestReadLimitBytes = std::int64_t{256} << 20;
constexpr std::int64_t kReadLimitFactor = 64;

template <class To, class From, class Convert>
std::shared_ptr<arrow::Buffer> convert_values(const arrow::ArrayData& array, std::int64_t count,
                                              Convert convert) {
    const From* from = reinterpret_cast<const From*>(array.buffers[1]->data());
    std::vector<To> to(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i) to[static_cast<std::size_t>(i)] = convert(from[i]);
    return arrow::Buffer::FromVector(std::move(to));
}

// Offsets of strings in the other width; null where they do not fit.
std::shared_ptr<arrow::Buffer> convert_offsets(const arrow::ArrayData& array, bool to_large) {
    const std::int64_t count = array.offset + array.length + 1;
    if (array.buffers[1] == nullptr || array.buffers[1]->size() == 0) {
        // Arrow allows an empty array to have no offsets.
        if (to_large) return arrow::Buffer::FromVector(std::vector<std::int64_t>(1, 0));
        return arrow::Buffer::FromVector(std::vector<std::int32_t>(1, 0));
    }
    if (to_large) {
        return convert_values<std::int64_t, std::int32_t>(
            array, count, [](std::int32_t offset) { return std::int64_t{offset}; });
    }
    const auto* from = reinterpret_cast<const std::int64_t*>(array.buffers[1]->data());
    if (from[count - 1] > std::numeric_limits<std::int32_t>::max()) return nullptr;
    return convert_values<std::int32_t, std::int64_t>(
        array, count, [](std::int64_t offset) { return static_cast<std::int32_t>(offset); });
}

bool is_large(const arrow::ArrayData& array) {
    return array.type->id() == arrow::Type::LARGE_STRING ||
           array.type->id() == arrow::Type::LARGE_BINARY;
}

bool is_text(const DataType& type) {
    return type.is_string() || type.is(TypeKind::kBinary);
}

// The array with the types that the options ask for; the values' memory is shared.
ArrayPtr with_options(const arrow::ArrayData& array, const DataType& type,
                      const IpcOptions& options) {
    ArrayPtr copy = array.Copy();
    copy->type = arrow_type(type, options.time_zone, options.large_var_types);
    if (is_text(type) && is_large(array) != options.large_var_types) {
        auto offsets = convert_offsets(array, options.large_var_types);
        if (offsets != nullptr) {
            copy->buffers[1] = std::move(offsets);
        } else {
            copy->type = array.type;
        }
    }
    if (type.is(TypeKind::kArray)) {
        copy->child_data = {with_options(*array.child_data[0], type.element(), options)};
        copy->type =
            arrow::list(arrow::field("element", copy->child_data[0]->type, type.contains_null()));
    } else if (type.is(TypeKind::kMap)) {
        ArrayPtr entries = array.child_data[0]->Copy();
        entries->child_data = {with_options(*entries->child_data[0], type.key(), options),
                               with_options(*entries->child_data[1], type.value(), options)};
        const auto map = std::make_shared<arrow::MapType>(
            arrow::field("key", entries->child_data[0]->type, false),
            arrow::field("value", entries->child_data[1]->type, type.contains_null()));
        entries->type = map->value_type();
        copy->type = map;
        copy->child_data = {std::move(entries)};
    } else if (type.is(TypeKind::kStruct)) {
        arrow::FieldVector fields;
        for (std::size_t i = 0; i < type.fields().size(); ++i) {
            const plan::Field& field = type.fields()[i];
            copy->child_data[i] = with_options(*array.child_data[i], field.type, options);
            fields.push_back(arrow::field(field.name, copy->child_data[i]->type, field.nullable));
        }
        copy->type = arrow::struct_(std::move(fields));
    }
    return copy;
}

// How many microseconds one unit is, or how many units a microsecond.
Result<std::shared_ptr<arrow::Buffer>> to_microseconds(const arrow::ArrayData& array,
                                                       arrow::TimeUnit::type unit) {
    const std::int64_t count = array.offset + array.length;
    const auto* from = reinterpret_cast<const std::int64_t*>(array.buffers[1]->data());
    std::vector<std::int64_t> to(static_cast<std::size_t>(count));
    const std::int64_t factor = unit == arrow::TimeUnit::SECOND ? 1'000'000 : 1'000;
    for (std::int64_t i = 0; i < count; ++i) {
        std::int64_t& value = to[static_cast<std::size_t>(i)];
        if (unit == arrow::TimeUnit::NANO) {
            // Floor, so that instants before 1970 stay in order.
            value = from[i] / 1000 - (from[i] % 1000 < 0 ? 1 : 0);
        } else if (__builtin_mul_overflow(from[i], factor, &value)) {
            if (i >= array.offset && array.IsValid(i - array.offset)) {
                return fail(Code::kOutOfRange, "{} is no time that microseconds can hold", from[i]);
            }
            value = 0;
        }
    }
    return arrow::Buffer::FromVector(std::move(to));
}

Result<ArrayPtr> canonical(const arrow::ArrayData& array, const DataType& type);

Result<std::shared_ptr<arrow::Buffer>> canonical_values(const arrow::ArrayData& array) {
    const std::int64_t count = array.offset + array.length;
    switch (array.type->id()) {
        case arrow::Type::UINT8:
            return convert_values<std::int16_t, std::uint8_t>(
                array, count, [](std::uint8_t value) { return std::int16_t{value}; });
        case arrow::Type::UINT16:
            return convert_values<std::int32_t, std::uint16_t>(
                array, count, [](std::uint16_t value) { return std::int32_t{value}; });
        case arrow::Type::UINT32:
            return convert_values<std::int64_t, std::uint32_t>(
                array, count, [](std::uint32_t value) { return std::int64_t{value}; });
        case arrow::Type::UINT64:
            return convert_values<unsigned __int128, std::uint64_t>(
                array, count,
                [](std::uint64_t value) { return static_cast<unsigned __int128>(value); });
        case arrow::Type::DATE64:
            return convert_values<std::int32_t, std::int64_t>(array, count, [](std::int64_t value) {
                constexpr std::int64_t kDay = 86'400'000;
                return static_cast<std::int32_t>(value / kDay - (value % kDay < 0 ? 1 : 0));
            });
        case arrow::Type::TIME32: {
            const auto unit = static_cast<const arrow::Time32Type&>(*array.type).unit();
            const std::int64_t factor = unit == arrow::TimeUnit::SECOND ? 1'000'000'000 : 1'000'000;
            return convert_values<std::int64_t, std::int32_t>(
                array, count, [factor](std::int32_t value) { return value * factor; });
        }
        case arrow::Type::TIME64: {
            const auto unit = static_cast<const arrow::Time64Type&>(*array.type).unit();
            if (unit == arrow::TimeUnit::NANO) return array.buffers[1];
            return convert_values<std::int64_t, std::int64_t>(array, count, [](std::int64_t value) {
                return static_cast<std::int64_t>(static_cast<std::uint64_t>(value) * 1000);
            });
        }
        case arrow::Type::TIMESTAMP: {
            const auto unit = static_cast<const arrow::TimestampType&>(*array.type).unit();
            if (unit == arrow::TimeUnit::MICRO) return array.buffers[1];
            return to_microseconds(array, unit);
        }
        case arrow::Type::DURATION: {
            const auto unit = static_cast<const arrow::DurationType&>(*array.type).unit();
            if (unit == arrow::TimeUnit::MICRO) return array.buffers[1];
            return to_microseconds(array, unit);
        }
        default: return array.buffers[1];
    }
}

Result<ArrayPtr> canonical_list(const arrow::ArrayData& array, const DataType& type) {
    ArrayPtr copy = array.Copy();
    copy->type = arrow_type(type, "UTC", false);
    if (array.buffers[1] == nullptr || array.buffers[1]->size() == 0) {
        copy->buffers[1] = arrow::Buffer::FromVector(std::vector<std::int32_t>(1, 0));
    } else if (array.type->id() == arrow::Type::LARGE_LIST) {
        copy->buffers[1] = convert_offsets(array, false);
        if (copy->buffers[1] == nullptr) {
            return fail(Code::kTooLarge, "an array column holds more than 2^31 elements");
        }
    }
    if (type.is(TypeKind::kArray)) {
        MR_TRY(copy->child_data[0], canonical(*array.child_data[0], type.element()));
        return copy;
    }
    ArrayPtr entries = array.child_data[0]->Copy();
    MR_TRY(entries->child_data[0], canonical(*entries->child_data[0], type.key()));
    MR_TRY(entries->child_data[1], canonical(*entries->child_data[1], type.value()));
    entries->type = copy->type->field(0)->type();
    copy->child_data[0] = std::move(entries);
    return copy;
}

Result<ArrayPtr> canonical(const arrow::ArrayData& array, const DataType& type) {
    if (type.is(TypeKind::kArray) || type.is(TypeKind::kMap)) return canonical_list(array, type);
    ArrayPtr copy = array.Copy();
    copy->type = arrow_type(type, "UTC", is_large(array));
    if (type.is(TypeKind::kStruct)) {
        for (std::size_t i = 0; i < type.fields().size(); ++i) {
            MR_TRY(copy->child_data[i], canonical(*array.child_data[i], type.fields()[i].type));
        }
        return copy;
    }
    if (array.type->id() == arrow::Type::FIXED_SIZE_BINARY) {
        const auto width = static_cast<const arrow::FixedSizeBinaryType&>(*array.type).byte_width();
        std::vector<std::int64_t> offsets;
        for (std::int64_t i = 0; i <= array.offset + array.length; ++i)
            offsets.push_back(i * width);
        copy->type = arrow::large_binary();
        copy->buffers = {array.buffers[0], arrow::Buffer::FromVector(std::move(offsets)),
                         array.buffers[1]};
        return copy;
    }
    if (is_text(type)) {
        if (array.buffers[1] == nullptr || array.buffers[1]->size() == 0) {
            copy->buffers[1] = convert_offsets(array, is_large(array));
        }
        return copy;
    }
    if (type.is(TypeKind::kNull) || array.length == 0 || array.buffers[1] == nullptr) return copy;
    MR_TRY(copy->buffers[1], canonical_values(array));
    return copy;
}

struct Reader {
    std::shared_ptr<arrow::MemoryPool> pool;
    std::shared_ptr<arrow::ipc::RecordBatchStreamReader> reader;
};

Result<Reader> open_stream(std::string_view stream) {
    Reader opened;
    const auto limit = std::max(kSmallestReadLimitBytes,
                                static_cast<std::int64_t>(stream.size()) * kReadLimitFactor);
    // The default pool counts what the whole process holds, so the cap is put above that.
    opened.pool = std::make_shared<arrow::CappedMemoryPool>(
        arrow::default_memory_pool(), arrow::default_memory_pool()->bytes_allocated() + limit);
    arrow::ipc::IpcReadOptions options;
    options.memory_pool = opened.pool.get();
    options.use_threads = false;
    auto input =
        std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(std::string(stream)));
    auto reader = arrow::ipc::RecordBatchStreamReader::Open(std::move(input), options);
    if (!reader.ok()) return fail(arrow_error(reader.status()).with("read Arrow data"));
    opened.reader = std::move(*reader);
    return opened;
}

Result<std::vector<plan::Field>> fields_of(const arrow::Schema& schema) {
    std::vector<plan::Field> fields;
    for (const auto& field : schema.fields()) {
        MR_TRY(DataType type, spark_type(*field->type()));
        fields.push_back(
            {.name = field->name(), .type = std::move(type), .nullable = field->nullable()});
    }
    return fields;
}

std::shared_ptr<arrow::Schema> schema_for(const std::vector<plan::Field>& fields,
                                          const std::vector<ArrayPtr>& columns) {
    arrow::FieldVector arrow_fields;
    for (std::size_t i = 0; i < fields.size(); ++i) {
        arrow_fields.push_back(arrow::field(fields[i].name, columns[i]->type, fields[i].nullable));
    }
    return arrow::schema(std::move(arrow_fields));
}

Result<std::string> write_stream(const std::shared_ptr<arrow::Schema>& schema,
                                 const arrow::RecordBatch* batch) {
    auto sink = arrow::io::BufferOutputStream::Create();
    if (!sink.ok()) return fail(arrow_error(sink.status()));
    auto writer = arrow::ipc::MakeStreamWriter(*sink, schema);
    if (!writer.ok()) return fail(arrow_error(writer.status()));
    if (batch != nullptr) {
        const auto status = (*writer)->WriteRecordBatch(*batch);
        if (!status.ok()) return fail(arrow_error(status));
    }
    const auto closed = (*writer)->Close();
    if (!closed.ok()) return fail(arrow_error(closed));
    auto buffer = (*sink)->Finish();
    if (!buffer.ok()) return fail(arrow_error(buffer.status()));
    return (*buffer)->ToString();
}

}  // namespace

Result<std::shared_ptr<arrow::RecordBatch>> to_arrow(const Batch& batch,
                                                     const IpcOptions& options) {
    std::vector<ArrayPtr> columns;
    for (std::size_t i = 0; i < batch.fields().size(); ++i) {
        columns.push_back(with_options(*batch.impl()->columns[i], batch.fields()[i].type, options));
    }
    auto schema = schema_for(batch.fields(), columns);
    return arrow::RecordBatch::Make(std::move(schema), batch.rows(), std::move(columns));
}

Result<Batch> from_arrow(const arrow::RecordBatch& batch, std::shared_ptr<void> keep_alive) {
    MR_TRY(auto fields, fields_of(*batch.schema()));
    std::vector<ArrayPtr> columns;
    for (int i = 0; i < batch.num_columns(); ++i) {
        MR_TRY(ArrayPtr column,
               canonical(*batch.column_data(i), fields[static_cast<std::size_t>(i)].type));
        columns.push_back(std::move(column));
    }
    return make_batch(std::move(fields), std::move(columns), batch.num_rows(),
                      std::move(keep_alive));
}

Result<std::string> to_ipc(const Batch& batch, const IpcOptions& options) {
    MR_TRY(const auto arrow_batch, to_arrow(batch, options));
    return write_stream(arrow_batch->schema(), arrow_batch.get());
}

Result<std::string> schema_to_ipc(const std::vector<plan::Field>& fields,
                                  const IpcOptions& options) {
    arrow::FieldVector arrow_fields;
    for (const plan::Field& field : fields) {
        arrow_fields.push_back(arrow::field(
            field.name, arrow_type(field.type, options.time_zone, options.large_var_types),
            field.nullable));
    }
    return write_stream(arrow::schema(std::move(arrow_fields)), nullptr);
}

Result<Batches> from_ipc(std::string_view stream) {
    MR_TRY(Reader opened, open_stream(stream));
    Batches batches;
    while (true) {
        auto next = opened.reader->ReadNext();
        if (!next.ok()) return fail(arrow_error(next.status()).with("read Arrow data"));
        if (next->batch == nullptr) return batches;
        const auto valid = next->batch->ValidateFull();
        if (!valid.ok()) return fail(arrow_error(valid).with("read Arrow data"));
        MR_TRY(Batch batch, from_arrow(*next->batch, opened.pool));
        batches.push_back(std::move(batch));
    }
}

Result<std::vector<plan::Field>> schema_from_ipc(std::string_view stream) {
    MR_TRY(const Reader opened, open_stream(stream));
    return fields_of(*opened.reader->schema());
}

}  // namespace millrace::columnar
