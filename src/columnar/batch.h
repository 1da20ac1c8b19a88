// Batch: an immutable set of rows in columns (Arrow's memory layout), with Spark's types.
//
// The engine's currency: sources make them, plans consume and give them, sinks and doors write them
// out. Arrow itself stays inside this room; others see a column through ColumnView. Copying a Batch
// copies a pointer. Thread-safe as any immutable value.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "plan/type.h"

namespace millrace::columnar {

// Raw access to one column of a batch, valid while the batch lives. `offset` has been applied to
// all pointers except the bit-packed ones (validity, boolean values), where bit `bit_offset + row`
// is row's. Strings and binary: offsets32 or offsets64 and data. Struct: children. List: offsets32
// and one child. Map: as a list of struct<key, value>.
struct ColumnView {
    plan::DataType type;
    std::int64_t rows = 0;
    const std::uint8_t* validity = nullptr;  // Null: no row is null.
    std::int64_t bit_offset = 0;
    const void* values = nullptr;  // Fixed-width values, little-endian.
    const std::int32_t* offsets32 = nullptr;
    const std::int64_t* offsets64 = nullptr;
    const char* data = nullptr;
    std::vector<ColumnView> children;

    bool is_null(std::int64_t row) const {
        if (validity == nullptr) return type.is(plan::TypeKind::kNull);
        const std::int64_t bit = bit_offset + row;
        return ((validity[bit >> 3] >> (bit & 7)) & 1) == 0;
    }
    template <class T>
    T value(std::int64_t row) const {
        return static_cast<const T*>(values)[row];
    }
    bool boolean(std::int64_t row) const {
        const std::int64_t bit = bit_offset + row;
        return ((static_cast<const std::uint8_t*>(values)[bit >> 3] >> (bit & 7)) & 1) != 0;
    }
    std::string_view text(std::int64_t row) const {
        if (offsets64 != nullptr) {
            return {data + offsets64[row],
                    static_cast<std::size_t>(offsets64[row + 1] - offsets64[row])};
        }
        return {data + offsets32[row],
                static_cast<std::size_t>(offsets32[row + 1] - offsets32[row])};
    }
};

class Batch {
public:
    struct Impl;  // Arrow's record batch; defined in batch_internal.h.
    Batch();      // No columns, no rows.
    explicit Batch(std::shared_ptr<const Impl> impl);

    std::int64_t rows() const;
    const std::vector<plan::Field>& fields() const;
    ColumnView column(std::size_t index) const;
    Batch slice(std::int64_t from, std::int64_t rows) const;
    std::size_t memory_bytes() const;
    const std::shared_ptr<const Impl>& impl() const { return impl_; }

private:
    std::shared_ptr<const Impl> impl_;
};

using Batches = std::vector<Batch>;
std::int64_t total_rows(const Batches& batches);

// Builds a Batch column by column or row by row: what state, sources and tests use.
// The appended kind must fit the column's type; nested types are built through child().
class BatchBuilder {
public:
    explicit BatchBuilder(std::vector<plan::Field> fields);
    ~BatchBuilder();
    BatchBuilder(BatchBuilder&&) noexcept;

    class Column {
    public:
        virtual ~Column() = default;
        virtual void append_null() = 0;
        virtual void append_bool(bool value) = 0;
        virtual void append_int(std::int64_t value) = 0;  // Integral, date, timestamp, interval.
        virtual void append_double(double value) = 0;     // Float and double.
        virtual void append_text(std::string_view value) = 0;  // String and binary.
        virtual void append_decimal(std::int64_t high, std::uint64_t low) = 0;
        virtual void append_nested(
            std::size_t child_rows = 1) = 0;  // Begin a list/struct/map value.
        virtual Column& child(std::size_t index) = 0;
        // `rows` fixed-width values at once; `validity` is one byte a row or null.
        virtual void append_many(const void* values, const std::uint8_t* validity,
                                 std::int64_t rows) = 0;
        // Row `row` of a view of the same type.
        virtual void append_from(const ColumnView& view, std::int64_t row) = 0;
    };
    Column& column(std::size_t index);
    // Hand over strings without a copy: `data` with `offsets` (rows + 1 entries), nulls by byte.
    base::Result<void> set_text_column(std::size_t index, std::string data,
                                       std::vector<std::uint64_t> offsets,
                                       std::vector<std::uint8_t> nulls);
    // The rows so far; the builder starts anew, with the same fields.
    base::Result<Batch> finish();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// Arrow IPC streams (schema, batch, end), as Spark Connect carries them.
struct IpcOptions {
    std::string time_zone = "UTC";  // Shown as the zone of TIMESTAMP columns.
    bool large_var_types = false;
};
base::Result<std::string> to_ipc(const Batch& batch, const IpcOptions& options);
base::Result<std::string> schema_to_ipc(const std::vector<plan::Field>& fields,
                                        const IpcOptions& options);
base::Result<Batches> from_ipc(std::string_view stream);
base::Result<std::vector<plan::Field>> schema_from_ipc(std::string_view stream);

// One value as Spark prints it in show() and casts it to string; "NULL" for null.
std::string to_display(const ColumnView& column, std::int64_t row, const std::string& time_zone);

}  // namespace millrace::columnar
