#include <arrow/array/data.h>
#include <arrow/buffer.h>
#include <arrow/status.h>
#include <arrow/type.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <ranges>

#include "base/check.h"
#include "columnar/column_builder_internal.h"

namespace millrace::columnar {

using plan::DataType;
using plan::TypeKind;

namespace {

constexpr std::int64_t kLargest32 = std::numeric_limits<std::int32_t>::max();

std::int64_t width_of(TypeKind kind) {
    switch (kind) {
        case TypeKind::kByte: return 1;
        case TypeKind::kShort: return 2;
        case TypeKind::kInteger:
        case TypeKind::kFloat:
        case TypeKind::kDate:
        case TypeKind::kYearMonthInterval: return 4;
        case TypeKind::kDecimal:
        case TypeKind::kCalendarInterval: return 16;
        default: return 8;
    }
}

std::shared_ptr<arrow::Buffer> buffer_of_bits(std::vector<std::uint8_t> bits) {
    return arrow::Buffer::FromVector(std::move(bits));
}

// Offsets as Arrow wants them: 32-bit where the data allows it.
std::shared_ptr<arrow::Buffer> narrow_offsets(const std::vector<std::int64_t>& offsets) {
    std::vector<std::int32_t> narrow(offsets.size());
    std::ranges::transform(offsets, narrow.begin(),
                           [](std::int64_t offset) { return static_cast<std::int32_t>(offset); });
    return arrow::Buffer::FromVector(std::move(narrow));
}

}  // namespace

ColumnBuilder::ColumnBuilder(DataType type) : type_(std::move(type)) {
    switch (type_.kind()) {
        case TypeKind::kNull: layout_ = Layout::kNull; break;
        case TypeKind::kBoolean: layout_ = Layout::kBits; break;
        case TypeKind::kString:
        case TypeKind::kChar:
        case TypeKind::kVarchar:
        case TypeKind::kBinary:
            layout_ = Layout::kText;
            offsets_.push_back(0);
            break;
        case TypeKind::kArray:
            layout_ = Layout::kList;
            offsets_.push_back(0);
            children_.push_back(std::make_unique<ColumnBuilder>(type_.element()));
            break;
        case TypeKind::kMap:
            layout_ = Layout::kMap;
            offsets_.push_back(0);
            children_.push_back(std::make_unique<ColumnBuilder>(type_.key()));
            children_.push_back(std::make_unique<ColumnBuilder>(type_.value()));
            break;
        case TypeKind::kStruct:
            layout_ = Layout::kStruct;
            for (const plan::Field& field : type_.fields()) {
                children_.push_back(std::make_unique<ColumnBuilder>(field.type));
            }
            break;
        case TypeKind::kVariant:
            layout_ = Layout::kStruct;
            children_.push_back(std::make_unique<ColumnBuilder>(DataType::binary()));
            children_.push_back(std::make_unique<ColumnBuilder>(DataType::binary()));
            break;
        default:
            layout_ = Layout::kFixed;
            width_ = width_of(type_.kind());
            break;
    }
}

void ColumnBuilder::note(const arrow::Status& status) {
    if (!status.ok() && failure_.empty()) failure_ = status.ToString();
}

void ColumnBuilder::grow_bits(std::vector<std::uint8_t>& bits, std::int64_t at, bool value) {
    const auto byte = static_cast<std::size_t>(at >> 3);
    if (byte >= bits.size()) bits.resize(byte + 1, 0);
    if (value) bits[byte] |= static_cast<std::uint8_t>(1U << (at & 7));
}

void ColumnBuilder::grow_validity(bool valid) {
    if (valid) {
        if (!validity_.empty()) grow_bits(validity_, rows_, true);
        ++rows_;
    } else {
        ++rows_;
        set_null(rows_ - 1);
    }
}

void ColumnBuilder::set_null(std::int64_t row) {
    if (validity_.empty()) {
        // Bits past the last row are set too: each later null clears its own.
        validity_.assign(static_cast<std::size_t>((rows_ + 7) >> 3), 0xFF);
    } else if (validity_.size() < static_cast<std::size_t>((rows_ + 7) >> 3)) {
        validity_.resize(static_cast<std::size_t>((rows_ + 7) >> 3), 0);
    }
    validity_[static_cast<std::size_t>(row >> 3)] &= static_cast<std::uint8_t>(~(1U << (row & 7)));
    ++null_count_;
}

void ColumnBuilder::append_valid(std::int64_t rows) {
    if (validity_.empty()) {
        rows_ += rows;
        return;
    }
    const std::int64_t end = rows_ + rows;
    validity_.resize(static_cast<std::size_t>((end + 7) >> 3), 0);
    std::int64_t row = rows_;
    for (; row < end && (row & 7) != 0; ++row) {
        validity_[static_cast<std::size_t>(row >> 3)] |= static_cast<std::uint8_t>(1U << (row & 7));
    }
    for (; row + 8 <= end; row += 8) validity_[static_cast<std::size_t>(row >> 3)] = 0xFF;
    for (; row < end; ++row) {
        validity_[static_cast<std::size_t>(row >> 3)] |= static_cast<std::uint8_t>(1U << (row & 7));
    }
    rows_ = end;
}

void* ColumnBuilder::append_values(std::int64_t rows) {
    MR_CHECK(layout_ == Layout::kFixed);
    const arrow::Status status = values_.Reserve(rows * width_);
    if (!status.ok()) {
        note(status);
        return nullptr;
    }
    void* to = values_.mutable_data() + values_.length();
    values_.UnsafeAdvance(rows * width_);
    return to;
}

// A row's value where only its place matters.
void ColumnBuilder::append_zero() {
    switch (layout_) {
        case Layout::kNull: break;
        case Layout::kBits: grow_bits(bits_, rows_, false); break;
        case Layout::kFixed: note(values_.Append(width_, 0)); break;
        case Layout::kText:
        case Layout::kList:
        case Layout::kMap: offsets_.push_back(offsets_.back()); break;
        case Layout::kStruct:
            for (const auto& child : children_) child->append_null();
            break;
    }
}

void ColumnBuilder::append_null() {
    append_zero();
    if (layout_ == Layout::kNull) {
        ++rows_;
    } else {
        grow_validity(false);
    }
}

void ColumnBuilder::append_bool(bool value) {
    MR_CHECK(layout_ == Layout::kBits);
    grow_bits(bits_, rows_, value);
    grow_validity(true);
}

void ColumnBuilder::append_int(std::int64_t value) {
    MR_CHECK(layout_ == Layout::kFixed && width_ <= 8);
    note(values_.Append(&value, width_));  // Little-endian: the low bytes come first.
    grow_validity(true);
}

void ColumnBuilder::append_double(double value) {
    if (type_.is(TypeKind::kFloat)) {
        const auto narrow = static_cast<float>(value);
        note(values_.Append(&narrow, sizeof(narrow)));
    } else {
        MR_CHECK(type_.is(TypeKind::kDouble));
        note(values_.Append(&value, sizeof(value)));
    }
    grow_validity(true);
}

void ColumnBuilder::append_text(std::string_view value) {
    MR_CHECK(layout_ == Layout::kText);
    note(values_.Append(value));
    offsets_.push_back(offsets_.back() + static_cast<std::int64_t>(value.size()));
    grow_validity(true);
}

void ColumnBuilder::append_decimal(std::int64_t high, std::uint64_t low) {
    MR_CHECK(type_.is(TypeKind::kDecimal));
    note(values_.Append(&low, sizeof(low)));
    note(values_.Append(&high, sizeof(high)));
    grow_validity(true);
}

void ColumnBuilder::append_calendar_interval(std::int32_t months, std::int32_t days,
                                             std::int64_t nanoseconds) {
    MR_CHECK(type_.is(TypeKind::kCalendarInterval));
    note(values_.Append(&months, sizeof(months)));
    note(values_.Append(&days, sizeof(days)));
    note(values_.Append(&nanoseconds, sizeof(nanoseconds)));
    grow_validity(true);
}

void ColumnBuilder::append_nested(std::size_t child_rows) {
    MR_CHECK(layout_ == Layout::kList || layout_ == Layout::kMap || layout_ == Layout::kStruct);
    if (layout_ != Layout::kStruct) {
        offsets_.push_back(offsets_.back() + static_cast<std::int64_t>(child_rows));
    }
    grow_validity(true);
}

ColumnBuilder& ColumnBuilder::child(std::size_t index) {
    MR_CHECK(index < children_.size());
    return *children_[index];
}

void ColumnBuilder::append_many(const void* values, const std::uint8_t* validity,
                                std::int64_t rows) {
    if (layout_ == Layout::kBits) {
        const auto* bytes = static_cast<const std::uint8_t*>(values);
        for (std::int64_t row = 0; row < rows; ++row) {
            if (validity != nullptr && validity[row] == 0) {
                append_null();
            } else {
                append_bool(bytes[row] != 0);
            }
        }
        return;
    }
    void* to = append_values(rows);
    if (to == nullptr) return;
    std::memcpy(to, values, static_cast<std::size_t>(rows * width_));
    append_valid(rows);
    if (validity == nullptr) return;
    for (std::int64_t row = 0; row < rows; ++row) {
        if (validity[row] == 0) set_null(rows_ - rows + row);
    }
}

void ColumnBuilder::append_from(const ColumnView& view, std::int64_t row) {
    if (view.is_null(row)) {
        append_null();
        return;
    }
    switch (layout_) {
        case Layout::kNull: append_null(); return;
        case Layout::kBits: append_bool(view.boolean(row)); return;
        case Layout::kFixed:
            note(values_.Append(static_cast<const std::uint8_t*>(view.values) + row * width_,
                                width_));
            grow_validity(true);
            return;
        case Layout::kText: append_text(view.text(row)); return;
        case Layout::kStruct:
            for (std::size_t i = 0; i < children_.size(); ++i) {
                children_[i]->append_from(view.children[i], row);
            }
            append_nested(1);
            return;
        case Layout::kList:
        case Layout::kMap: {
            const ColumnView& inner = view.children[0];
            const std::int64_t from = view.offsets32[row];
            const std::int64_t to = view.offsets32[row + 1];
            for (std::int64_t i = from; i < to; ++i) {
                if (layout_ == Layout::kList) {
                    children_[0]->append_from(inner, i);
                } else {
                    children_[0]->append_from(inner.children[0], i);
                    children_[1]->append_from(inner.children[1], i);
                }
            }
            append_nested(static_cast<std::size_t>(to - from));
            return;
        }
    }
}

Result<void> ColumnBuilder::take_text(std::string data, std::vector<std::uint64_t> offsets,
                                      const std::vector<std::uint8_t>& nulls) {
    if (layout_ != Layout::kText || rows_ != 0) {
        return fail(Code::kInternal, "set_text_column: column of type {} with {} rows",
                    type_.simple_string(), rows_);
    }
    if (offsets.empty() || offsets.back() > data.size() || !std::ranges::is_sorted(offsets)) {
        return fail(Code::kInternal, "set_text_column: offsets do not fit {} bytes", data.size());
    }
    const std::size_t rows = offsets.size() - 1;
    if (!nulls.empty() && nulls.size() != rows) {
        return fail(Code::kInternal, "set_text_column: {} null marks for {} rows", nulls.size(),
                    rows);
    }
    std::int64_t null_count = 0;
    std::shared_ptr<arrow::Buffer> validity;
    if (std::ranges::any_of(nulls, [](std::uint8_t null) { return null != 0; })) {
        std::vector<std::uint8_t> bits((rows + 7) / 8, 0);
        for (std::size_t row = 0; row < rows; ++row) {
            if (nulls[row] == 0) {
                bits[row >> 3] |= static_cast<std::uint8_t>(1U << (row & 7));
            } else {
                ++null_count;
            }
        }
        validity = buffer_of_bits(std::move(bits));
    }
    const bool large = offsets.back() > static_cast<std::uint64_t>(kLargest32);
    std::shared_ptr<arrow::Buffer> offset_buffer;
    if (large) {
        offset_buffer = arrow::Buffer::FromVector(std::move(offsets));
    } else {
        std::vector<std::int32_t> narrow(offsets.size());
        std::ranges::transform(offsets, narrow.begin(), [](std::uint64_t offset) {
            return static_cast<std::int32_t>(offset);
        });
        offset_buffer = arrow::Buffer::FromVector(std::move(narrow));
    }
    rows_ = static_cast<std::int64_t>(rows);
    taken_ = arrow::ArrayData::Make(
        arrow_type(type_, "UTC", large), rows_,
        {std::move(validity), std::move(offset_buffer), arrow::Buffer::FromString(std::move(data))},
        null_count);
    return {};
}

std::int64_t ColumnBuilder::text_bytes() const {
    std::int64_t bytes = layout_ == Layout::kText ? values_.length() : 0;
    for (const auto& child : children_) bytes += child->text_bytes();
    return bytes;
}

Result<ArrayPtr> ColumnBuilder::finish() {
    if (!failure_.empty()) return fail(Code::kResourceExhausted, "build a column: {}", failure_);
    if (taken_ != nullptr) {
        rows_ = 0;
        return std::move(taken_);
    }
    std::shared_ptr<arrow::Buffer> validity;
    if (!validity_.empty()) validity = buffer_of_bits(std::move(validity_));
    std::vector<std::shared_ptr<arrow::Buffer>> buffers = {std::move(validity)};
    std::vector<ArrayPtr> children;
    bool large = false;
    if (layout_ == Layout::kBits) buffers.push_back(buffer_of_bits(std::move(bits_)));
    if (layout_ == Layout::kFixed || layout_ == Layout::kText) {
        auto values = values_.Finish();
        if (!values.ok()) return fail(arrow_error(values.status()));
        if (layout_ == Layout::kText) {
            large = offsets_.back() > kLargest32;
            buffers.push_back(large ? arrow::Buffer::FromVector(std::move(offsets_))
                                    : narrow_offsets(offsets_));
        }
        buffers.push_back(std::move(*values));
    }
    if (layout_ == Layout::kList || layout_ == Layout::kMap) {
        if (offsets_.back() > kLargest32) {
            return fail(Code::kTooLarge, "a batch holds {} array or map elements; the limit is {}",
                        offsets_.back(), kLargest32);
        }
        buffers.push_back(narrow_offsets(offsets_));
    }
    const std::int64_t child_rows =
        layout_ == Layout::kStruct ? rows_ : (offsets_.empty() ? 0 : offsets_.back());
    for (const auto& child : children_) {
        if (child->rows() != child_rows) {
            return fail(Code::kInternal, "build a column of type {}: a child has {} rows, not {}",
                        type_.simple_string(), child->rows(), child_rows);
        }
        MR_TRY(ArrayPtr array, child->finish());
        children.push_back(std::move(array));
    }
    const auto type = arrow_type(type_, "UTC", large);
    if (layout_ == Layout::kMap) {
        children = {arrow::ArrayData::Make(type->field(0)->type(), child_rows, {nullptr},
                                           std::move(children), 0)};
    }
    ArrayPtr array = arrow::ArrayData::Make(type, rows_, std::move(buffers), std::move(children),
                                            layout_ == Layout::kNull ? rows_ : null_count_);
    rows_ = 0;
    null_count_ = 0;
    validity_.clear();
    bits_.clear();
    offsets_.clear();
    if (layout_ == Layout::kText || layout_ == Layout::kList || layout_ == Layout::kMap) {
        offsets_.push_back(0);
    }
    return array;
}

}  // namespace millrace::columnar
