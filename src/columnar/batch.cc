#include "columnar/batch.h"

#include <arrow/array/data.h>
#include <arrow/buffer.h>
#include <arrow/util/byte_size.h>

#include "base/check.h"
#include "columnar/batch_internal.h"

namespace millrace::columnar {

using plan::DataType;
using plan::TypeKind;

namespace {

const std::shared_ptr<const Batch::Impl>& empty_impl() {
    static const std::shared_ptr<const Batch::Impl> impl = std::make_shared<Batch::Impl>();
    return impl;
}

const std::uint8_t* bytes_of(const arrow::ArrayData& array, std::size_t index) {
    if (index >= array.buffers.size() || array.buffers[index] == nullptr) return nullptr;
    return array.buffers[index]->data();
}

// Width of a fixed-width value; 0 for others.
std::int64_t value_width(const DataType& type) {
    switch (type.kind()) {
        case TypeKind::kByte: return 1;
        case TypeKind::kShort: return 2;
        case TypeKind::kInteger:
        case TypeKind::kFloat:
        case TypeKind::kDate:
        case TypeKind::kYearMonthInterval: return 4;
        case TypeKind::kLong:
        case TypeKind::kDouble:
        case TypeKind::kTimestamp:
        case TypeKind::kTimestampNtz:
        case TypeKind::kTime:
        case TypeKind::kDayTimeInterval: return 8;
        case TypeKind::kDecimal:
        case TypeKind::kCalendarInterval: return 16;
        default: return 0;
    }
}

// One view of rows [from, from + rows) of an array whose own offset has been added to `from`.
ColumnView make_view(const arrow::ArrayData& array, const DataType& type, std::int64_t from,
                     std::int64_t rows) {
    ColumnView view;
    view.type = type;
    view.rows = rows;
    view.validity = bytes_of(array, 0);
    view.bit_offset = from;
    switch (type.kind()) {
        case TypeKind::kNull: break;  // No buffers: is_null() knows by the type.
        case TypeKind::kBoolean: view.values = bytes_of(array, 1); break;
        case TypeKind::kString:
        case TypeKind::kChar:
        case TypeKind::kVarchar:
        case TypeKind::kBinary: {
            const bool large = array.type->id() == arrow::Type::LARGE_STRING ||
                               array.type->id() == arrow::Type::LARGE_BINARY;
            const auto* offsets = bytes_of(array, 1);
            if (large) {
                view.offsets64 = reinterpret_cast<const std::int64_t*>(offsets) + from;
            } else {
                view.offsets32 = reinterpret_cast<const std::int32_t*>(offsets) + from;
            }
            view.data = reinterpret_cast<const char*>(bytes_of(array, 2));
            break;
        }
        case TypeKind::kArray: {
            view.offsets32 = reinterpret_cast<const std::int32_t*>(bytes_of(array, 1)) + from;
            view.children.push_back(view_of(*array.child_data[0], type.element()));
            break;
        }
        case TypeKind::kMap: {
            view.offsets32 = reinterpret_cast<const std::int32_t*>(bytes_of(array, 1)) + from;
            const arrow::ArrayData& entries = *array.child_data[0];
            ColumnView pairs;
            pairs.type =
                DataType::structure({{.name = "key", .type = type.key(), .nullable = false},
                                     {.name = "value", .type = type.value()}});
            pairs.rows = entries.length;
            for (std::size_t i = 0; i < 2; ++i) {
                const arrow::ArrayData& child = *entries.child_data[i];
                pairs.children.push_back(make_view(child, i == 0 ? type.key() : type.value(),
                                                   child.offset + entries.offset, entries.length));
            }
            view.children.push_back(std::move(pairs));
            break;
        }
        case TypeKind::kStruct: {
            for (std::size_t i = 0; i < type.fields().size(); ++i) {
                const arrow::ArrayData& child = *array.child_data[i];
                view.children.push_back(
                    make_view(child, type.fields()[i].type, child.offset + from, rows));
            }
            break;
        }
        case TypeKind::kVariant: {
            for (std::size_t i = 0; i < 2; ++i) {
                const arrow::ArrayData& child = *array.child_data[i];
                view.children.push_back(
                    make_view(child, DataType::binary(), child.offset + from, rows));
            }
            break;
        }
        default: {
            const std::uint8_t* values = bytes_of(array, 1);
            if (values != nullptr) view.values = values + from * value_width(type);
            break;
        }
    }
    return view;
}

std::size_t memory_of(const arrow::ArrayData& array) {
    // A slice counts what it shows, not the whole memory that it keeps alive.
    const auto bytes = arrow::util::ReferencedBufferSize(array);
    return bytes.ok() ? static_cast<std::size_t>(*bytes)
                      : static_cast<std::size_t>(arrow::util::TotalBufferSize(array));
}

}  // namespace

ColumnView view_of(const arrow::ArrayData& array, const DataType& type) {
    return make_view(array, type, array.offset, array.length);
}

Batch make_batch(std::vector<plan::Field> fields, std::vector<ArrayPtr> columns, std::int64_t rows,
                 std::shared_ptr<void> keep_alive) {
    MR_CHECK(fields.size() == columns.size());
    auto impl = std::make_shared<Batch::Impl>();
    impl->fields = std::move(fields);
    impl->columns = std::move(columns);
    impl->rows = rows;
    impl->keep_alive = std::move(keep_alive);
    return Batch(std::move(impl));
}

Batch::Batch() : impl_(empty_impl()) {}
Batch::Batch(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

std::int64_t Batch::rows() const {
    return impl_->rows;
}
const std::vector<plan::Field>& Batch::fields() const {
    return impl_->fields;
}

ColumnView Batch::column(std::size_t index) const {
    MR_CHECK(index < impl_->columns.size());
    return view_of(*impl_->columns[index], impl_->fields[index].type);
}

Batch Batch::slice(std::int64_t from, std::int64_t rows) const {
    MR_CHECK(from >= 0 && rows >= 0 && from + rows <= impl_->rows);
    auto impl = std::make_shared<Impl>();
    impl->fields = impl_->fields;
    impl->rows = rows;
    impl->keep_alive = impl_->keep_alive;
    impl->columns.reserve(impl_->columns.size());
    for (const ArrayPtr& column : impl_->columns)
        impl->columns.push_back(column->Slice(from, rows));
    return Batch(std::move(impl));
}

std::size_t Batch::memory_bytes() const {
    std::size_t bytes = 0;
    for (const ArrayPtr& column : impl_->columns) bytes += memory_of(*column);
    return bytes;
}

std::int64_t total_rows(const Batches& batches) {
    std::int64_t rows = 0;
    for (const Batch& batch : batches) rows += batch.rows();
    return rows;
}

}  // namespace millrace::columnar
