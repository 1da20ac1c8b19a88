#include "streaming/row_codec.h"

#include <cstring>

#include "base/varint.h"

namespace millrace::streaming {

using columnar::BatchBuilder;
using columnar::ColumnView;
using plan::DataType;
using plan::TypeKind;

namespace {

// Bytes of a fixed-width value; 0 for the types that have none.
std::size_t width_of(const DataType& type) {
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

template <class T>
T load(const char* from) {
    T value;
    std::memcpy(&value, from, sizeof(value));
    return value;
}

void append_fixed(const DataType& type, const char* from, BatchBuilder::Column& column) {
    switch (type.kind()) {
        case TypeKind::kByte: column.append_int(load<std::int8_t>(from)); break;
        case TypeKind::kShort: column.append_int(load<std::int16_t>(from)); break;
        case TypeKind::kInteger:
        case TypeKind::kDate:
        case TypeKind::kYearMonthInterval: column.append_int(load<std::int32_t>(from)); break;
        case TypeKind::kFloat: column.append_double(load<float>(from)); break;
        case TypeKind::kDouble: column.append_double(load<double>(from)); break;
        case TypeKind::kDecimal:
            column.append_decimal(load<std::int64_t>(from + 8), load<std::uint64_t>(from));
            break;
        case TypeKind::kCalendarInterval: column.append_many(from, nullptr, 1); break;
        default: column.append_int(load<std::int64_t>(from)); break;
    }
}

void encode(const ColumnView& view, std::int64_t row, bool exactly, std::string& to) {
    if (view.type.is(TypeKind::kNull) || view.is_null(row)) {
        to.push_back(0);
        return;
    }
    to.push_back(1);
    if (const std::size_t width = width_of(view.type)) {
        const char* at =
            static_cast<const char*>(view.values) + row * static_cast<std::int64_t>(width);
        // Two zeros and many NaNs are one value each to Spark's grouping.
        if (view.type.is(TypeKind::kDouble) && !exactly) {
            double value = load<double>(at);
            value = value == 0 ? 0.0 : (value != value ? __builtin_nan("") : value);
            to.append(reinterpret_cast<const char*>(&value), 8);
        } else if (view.type.is(TypeKind::kFloat) && !exactly) {
            float value = load<float>(at);
            value = value == 0 ? 0.0F : (value != value ? __builtin_nanf("") : value);
            to.append(reinterpret_cast<const char*>(&value), 4);
        } else {
            to.append(at, width);
        }
        return;
    }
    switch (view.type.kind()) {
        case TypeKind::kBoolean: to.push_back(view.boolean(row) ? 1 : 0); break;
        case TypeKind::kArray:
        case TypeKind::kMap: {
            const std::int64_t from = view.offsets32[row];
            const std::int64_t end = view.offsets32[row + 1];
            base::append_varint(to, static_cast<std::uint64_t>(end - from));
            const ColumnView& inner = view.children[0];
            for (std::int64_t i = from; i < end; ++i) {
                if (view.type.is(TypeKind::kArray)) {
                    encode(inner, i, exactly, to);
                } else {
                    encode(inner.children[0], i, exactly, to);
                    encode(inner.children[1], i, exactly, to);
                }
            }
            break;
        }
        case TypeKind::kStruct:
        case TypeKind::kVariant:
            for (const ColumnView& child : view.children) encode(child, row, exactly, to);
            break;
        default: {
            const std::string_view text = view.text(row);
            base::append_varint(to, text.size());
            to.append(text);
        }
    }
}

}  // namespace

void encode_value(const ColumnView& view, std::int64_t row, std::string& to) {
    encode(view, row, false, to);
}

void encode_exactly(const ColumnView& view, std::int64_t row, std::string& to) {
    encode(view, row, true, to);
}

const char* decode_value(const DataType& type, const char* from, const char* end,
                         BatchBuilder::Column& column) {
    if (from == nullptr || from == end) return nullptr;
    if (*from++ == 0) {
        column.append_null();
        return from;
    }
    const auto left = [&] { return static_cast<std::uint64_t>(end - from); };
    if (const std::size_t width = width_of(type)) {
        if (left() < width) return nullptr;
        append_fixed(type, from, column);
        return from + width;
    }
    switch (type.kind()) {
        case TypeKind::kNull: column.append_null(); return from;
        case TypeKind::kBoolean:
            if (left() < 1) return nullptr;
            column.append_bool(*from != 0);
            return from + 1;
        case TypeKind::kArray:
        case TypeKind::kMap: {
            std::uint64_t count = 0;
            from = base::read_varint_u64(from, end, count);
            if (from == nullptr || count > left()) return nullptr;
            for (std::uint64_t i = 0; i < count && from != nullptr; ++i) {
                if (type.is(TypeKind::kArray)) {
                    from = decode_value(type.element(), from, end, column.child(0));
                } else {
                    from = decode_value(type.key(), from, end, column.child(0));
                    from = decode_value(type.value(), from, end, column.child(1));
                }
            }
            column.append_nested(static_cast<std::size_t>(count));
            return from;
        }
        case TypeKind::kStruct: {
            std::size_t index = 0;
            for (const plan::Field& field : type.fields()) {
                from = decode_value(field.type, from, end, column.child(index++));
            }
            column.append_nested();
            return from;
        }
        case TypeKind::kVariant: {
            from = decode_value(DataType::binary(), from, end, column.child(0));
            from = decode_value(DataType::binary(), from, end, column.child(1));
            column.append_nested();
            return from;
        }
        default: {
            std::uint64_t size = 0;
            from = base::read_varint_u64(from, end, size);
            if (from == nullptr || size > left()) return nullptr;
            column.append_text({from, static_cast<std::size_t>(size)});
            return from + size;
        }
    }
}

const char* skip_value(const DataType& type, const char* from, const char* end) {
    if (from == nullptr || from == end) return nullptr;
    if (*from++ == 0) return from;
    const auto left = [&] { return static_cast<std::uint64_t>(end - from); };
    if (const std::size_t width = width_of(type)) return left() < width ? nullptr : from + width;
    switch (type.kind()) {
        case TypeKind::kNull: return from;
        case TypeKind::kBoolean: return left() < 1 ? nullptr : from + 1;
        case TypeKind::kArray:
        case TypeKind::kMap: {
            std::uint64_t count = 0;
            from = base::read_varint_u64(from, end, count);
            for (std::uint64_t i = 0; i < count && from != nullptr; ++i) {
                from =
                    skip_value(type.is(TypeKind::kArray) ? type.element() : type.key(), from, end);
                if (type.is(TypeKind::kMap)) from = skip_value(type.value(), from, end);
            }
            return from;
        }
        case TypeKind::kStruct:
            for (const plan::Field& field : type.fields()) from = skip_value(field.type, from, end);
            return from;
        case TypeKind::kVariant:
            return skip_value(DataType::binary(), skip_value(DataType::binary(), from, end), end);
        default: {
            std::uint64_t size = 0;
            from = base::read_varint_u64(from, end, size);
            return from == nullptr || size > left() ? nullptr : from + size;
        }
    }
}

}  // namespace millrace::streaming
