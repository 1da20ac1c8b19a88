// ColumnBuilder: one growing column in Arrow's layout, of any Spark type.
//
// The one place that writes columns: BatchBuilder's columns are these, and the engine copies
// DuckDB's vectors into them with the unchecked calls at the end. A failed allocation is remembered
// and reported by finish(). Not thread-safe.
#pragma once

#include <arrow/buffer_builder.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "columnar/batch_internal.h"

namespace millrace::columnar {

class ColumnBuilder final : public BatchBuilder::Column {
public:
    explicit ColumnBuilder(plan::DataType type);

    void append_null() override;
    void append_bool(bool value) override;
    void append_int(std::int64_t value) override;
    void append_double(double value) override;
    void append_text(std::string_view value) override;
    void append_decimal(std::int64_t high, std::uint64_t low) override;
    void append_nested(std::size_t child_rows) override;
    ColumnBuilder& child(std::size_t index) override;
    void append_many(const void* values, const std::uint8_t* validity, std::int64_t rows) override;
    void append_from(const ColumnView& view, std::int64_t row) override;

    void append_calendar_interval(std::int32_t months, std::int32_t days, std::int64_t nanoseconds);
    // Take a finished text column as it is; the builder must be empty.
    Result<void> take_text(std::string data, std::vector<std::uint64_t> offsets,
                           const std::vector<std::uint8_t>& nulls);

    const plan::DataType& type() const { return type_; }
    std::int64_t rows() const { return rows_; }
    // Bytes of text so far: what bounds a result batch of long strings.
    std::int64_t text_bytes() const;
    // The column so far; the builder starts anew.
    Result<ArrayPtr> finish();

    // For bulk copies: `rows` fixed-width values' room, to be written by the caller.
    void* append_values(std::int64_t rows);
    // Mark the last `rows` rows as not null, then clear single ones.
    void append_valid(std::int64_t rows);
    void set_null(std::int64_t row);

private:
    enum class Layout : std::uint8_t { kNull, kBits, kFixed, kText, kList, kMap, kStruct };

    void note(const arrow::Status& status);
    void grow_validity(bool valid);
    void grow_bits(std::vector<std::uint8_t>& bits, std::int64_t at, bool value);
    void append_zero();

    plan::DataType type_;
    Layout layout_ = Layout::kFixed;
    std::int64_t width_ = 0;
    std::int64_t rows_ = 0;
    std::int64_t null_count_ = 0;
    std::vector<std::uint8_t> validity_;  // Bits; empty while no row is null.
    std::vector<std::uint8_t> bits_;      // kBits
    arrow::BufferBuilder values_;         // kFixed values, kText bytes
    std::vector<std::int64_t> offsets_;   // kText, kList, kMap: starts with 0.
    std::vector<std::unique_ptr<ColumnBuilder>> children_;
    ArrayPtr taken_;
    std::string failure_;
};

}  // namespace millrace::columnar
