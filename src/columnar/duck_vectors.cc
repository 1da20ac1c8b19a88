// Copies between DuckDB's vectors and columns. Both are columnar, so most types are one memcpy;
// what differs is where nulls, decimals and lists are kept.
#include <algorithm>

#include "columnar/duck_internal.h"

namespace millrace::columnar {

using plan::DataType;
using plan::TypeKind;

namespace {

void write_validity(const ColumnView& column, std::int64_t from, std::int64_t rows,
                    duckdb_vector vector, idx_t at) {
    if (column.type.is(TypeKind::kNull)) {
        duckdb_vector_ensure_validity_writable(vector);
        std::uint64_t* validity = duckdb_vector_get_validity(vector);
        for (std::int64_t i = 0; i < rows; ++i) {
            duckdb_validity_set_row_invalid(validity, at + static_cast<idx_t>(i));
        }
        return;
    }
    if (column.validity == nullptr) return;
    std::uint64_t* validity = nullptr;
    for (std::int64_t i = 0; i < rows; ++i) {
        if (!column.is_null(from + i)) continue;
        if (validity == nullptr) {
            duckdb_vector_ensure_validity_writable(vector);
            validity = duckdb_vector_get_validity(vector);
        }
        const idx_t row = at + static_cast<idx_t>(i);
        validity[row >> 6] &= ~(std::uint64_t{1} << (row & 63));
    }
}

template <class Value>
void write_fixed(const ColumnView& column, std::int64_t from, std::int64_t rows,
                 duckdb_vector vector, idx_t at) {
    auto* to = static_cast<Value*>(duckdb_vector_get_data(vector)) + at;
    std::memcpy(to, static_cast<const Value*>(column.values) + from,
                static_cast<std::size_t>(rows) * sizeof(Value));
}

template <class To, class From, class Convert>
void write_converted(const ColumnView& column, std::int64_t from, std::int64_t rows,
                     duckdb_vector vector, idx_t at, Convert convert) {
    auto* to = static_cast<To*>(duckdb_vector_get_data(vector)) + at;
    const auto* values = static_cast<const From*>(column.values) + from;
    for (std::int64_t i = 0; i < rows; ++i) to[i] = convert(values[i]);
}

struct CalendarInterval {
    std::int32_t months;
    std::int32_t days;
    std::int64_t nanoseconds;
};

void write_decimal(const ColumnView& column, std::int64_t from, std::int64_t rows,
                   duckdb_vector vector, idx_t at) {
    // Both sides are two's complement and little-endian: narrow types take the low bytes.
    const auto narrow = [&]<class To>(To) {
        write_converted<To, __int128>(column, from, rows, vector, at,
                                      [](__int128 value) { return static_cast<To>(value); });
    };
    const int precision = column.type.precision();
    if (precision <= 4) {
        narrow(std::int16_t{});
    } else if (precision <= 9) {
        narrow(std::int32_t{});
    } else if (precision <= 18) {
        narrow(std::int64_t{});
    } else {
        write_fixed<duckdb_hugeint>(column, from, rows, vector, at);
    }
}

void write_list(const ColumnView& column, std::int64_t from, std::int64_t rows,
                duckdb_vector vector, idx_t at) {
    auto* entries = static_cast<duckdb_list_entry*>(duckdb_vector_get_data(vector)) + at;
    const std::int64_t begin = column.offsets32[from];
    const std::int64_t end = column.offsets32[from + rows];
    const idx_t base = duckdb_list_vector_get_size(vector);
    const auto count = static_cast<idx_t>(end - begin);
    duckdb_list_vector_reserve(vector, base + count);
    duckdb_list_vector_set_size(vector, base + count);
    for (std::int64_t i = 0; i < rows; ++i) {
        entries[i].offset = base + static_cast<idx_t>(column.offsets32[from + i] - begin);
        entries[i].length =
            static_cast<idx_t>(column.offsets32[from + i + 1] - column.offsets32[from + i]);
    }
    const duckdb_vector child = duckdb_list_vector_get_child(vector);
    const ColumnView& inner = column.children[0];
    if (column.type.is(TypeKind::kArray)) {
        write_vector(inner, begin, end - begin, child, base);
    } else {
        for (idx_t i = 0; i < 2; ++i) {
            write_vector(inner.children[i], begin, end - begin,
                         duckdb_struct_vector_get_child(child, i), base);
        }
    }
}

}  // namespace

void write_vector(const ColumnView& column, std::int64_t from, std::int64_t rows,
                  duckdb_vector vector, idx_t at) {
    if (rows == 0) return;
    write_validity(column, from, rows, vector, at);
    switch (column.type.kind()) {
        case TypeKind::kNull: return;
        case TypeKind::kBoolean: {
            auto* to = static_cast<bool*>(duckdb_vector_get_data(vector)) + at;
            for (std::int64_t i = 0; i < rows; ++i) to[i] = column.boolean(from + i);
            return;
        }
        case TypeKind::kByte: write_fixed<std::int8_t>(column, from, rows, vector, at); return;
        case TypeKind::kShort: write_fixed<std::int16_t>(column, from, rows, vector, at); return;
        case TypeKind::kInteger:
        case TypeKind::kFloat:
        case TypeKind::kDate: write_fixed<std::int32_t>(column, from, rows, vector, at); return;
        case TypeKind::kLong:
        case TypeKind::kDouble:
        case TypeKind::kTimestamp:
        case TypeKind::kTimestampNtz:
            write_fixed<std::int64_t>(column, from, rows, vector, at);
            return;
        case TypeKind::kTime:
            write_converted<std::int64_t, std::int64_t>(
                column, from, rows, vector, at, [](std::int64_t value) { return value / 1000; });
            return;
        case TypeKind::kDecimal: write_decimal(column, from, rows, vector, at); return;
        case TypeKind::kYearMonthInterval:
            write_converted<duckdb_interval, std::int32_t>(
                column, from, rows, vector, at, [](std::int32_t value) {
                    return duckdb_interval{.months = value, .days = 0, .micros = 0};
                });
            return;
        case TypeKind::kDayTimeInterval:
            write_converted<duckdb_interval, std::int64_t>(
                column, from, rows, vector, at, [](std::int64_t value) {
                    return duckdb_interval{.months = 0, .days = 0, .micros = value};
                });
            return;
        case TypeKind::kCalendarInterval:
            write_converted<duckdb_interval, CalendarInterval>(
                column, from, rows, vector, at, [](const CalendarInterval& value) {
                    return duckdb_interval{.months = value.months,
                                           .days = value.days,
                                           .micros = value.nanoseconds / 1000};
                });
            return;
        case TypeKind::kString:
        case TypeKind::kChar:
        case TypeKind::kVarchar:
        case TypeKind::kBinary: {
            auto* to = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector)) + at;
            for (std::int64_t i = 0; i < rows; ++i) to[i] = duck_string(column.text(from + i));
            return;
        }
        case TypeKind::kArray:
        case TypeKind::kMap: write_list(column, from, rows, vector, at); return;
        case TypeKind::kStruct:
        case TypeKind::kVariant:
            for (idx_t i = 0; i < column.children.size(); ++i) {
                write_vector(column.children[i], from, rows,
                             duckdb_struct_vector_get_child(vector, i), at);
            }
            return;
    }
}

namespace {

template <class Value>
void read_fixed(duckdb_vector vector, idx_t from, idx_t rows, ColumnBuilder& to) {
    void* out = to.append_values(static_cast<std::int64_t>(rows));
    if (out == nullptr) return;
    std::memcpy(out, static_cast<const Value*>(duckdb_vector_get_data(vector)) + from,
                rows * sizeof(Value));
}

template <class To, class From, class Convert>
void read_converted(duckdb_vector vector, idx_t from, idx_t rows, ColumnBuilder& to,
                    Convert convert) {
    auto* out = static_cast<To*>(to.append_values(static_cast<std::int64_t>(rows)));
    if (out == nullptr) return;
    const auto* values = static_cast<const From*>(duckdb_vector_get_data(vector)) + from;
    for (idx_t i = 0; i < rows; ++i) out[i] = convert(values[i]);
}

void read_decimal(duckdb_vector vector, idx_t from, idx_t rows, ColumnBuilder& to) {
    const auto widen = [&]<class From>(From) {
        read_converted<__int128, From>(vector, from, rows, to,
                                       [](From value) { return static_cast<__int128>(value); });
    };
    const int precision = to.type().precision();
    if (precision <= 4) {
        widen(std::int16_t{});
    } else if (precision <= 9) {
        widen(std::int32_t{});
    } else if (precision <= 18) {
        widen(std::int64_t{});
    } else {
        read_fixed<duckdb_hugeint>(vector, from, rows, to);
    }
}

void read_validity(const std::uint64_t* validity, idx_t from, idx_t rows, ColumnBuilder& to) {
    const std::int64_t first = to.rows();
    to.append_valid(static_cast<std::int64_t>(rows));
    if (validity == nullptr) return;
    for (idx_t i = 0; i < rows; ++i) {
        if (vector_is_null(validity, from + i)) to.set_null(first + static_cast<std::int64_t>(i));
    }
}

// Row by row: what has no fixed width.
void read_rows(duckdb_vector vector, idx_t from, idx_t rows, ColumnBuilder& to) {
    const std::uint64_t* validity = duckdb_vector_get_validity(vector);
    const DataType& type = to.type();
    switch (type.kind()) {
        case TypeKind::kNull:
            for (idx_t i = 0; i < rows; ++i) to.append_null();
            return;
        case TypeKind::kBoolean: {
            const auto* values = static_cast<const bool*>(duckdb_vector_get_data(vector));
            for (idx_t row = from; row < from + rows; ++row) {
                if (vector_is_null(validity, row)) {
                    to.append_null();
                } else {
                    to.append_bool(values[row]);
                }
            }
            return;
        }
        case TypeKind::kArray:
        case TypeKind::kMap: {
            const auto* entries =
                static_cast<const duckdb_list_entry*>(duckdb_vector_get_data(vector));
            const duckdb_vector child = duckdb_list_vector_get_child(vector);
            // Lists mostly lie one after the other: their elements are copied in long runs.
            idx_t run_from = 0;
            idx_t run_rows = 0;
            const auto flush = [&] {
                if (run_rows == 0) return;
                if (type.is(TypeKind::kArray)) {
                    read_vector(child, run_from, run_rows, to.child(0));
                } else {
                    for (idx_t i = 0; i < 2; ++i) {
                        read_vector(duckdb_struct_vector_get_child(child, i), run_from, run_rows,
                                    to.child(i));
                    }
                }
                run_rows = 0;
            };
            for (idx_t row = from; row < from + rows; ++row) {
                if (vector_is_null(validity, row)) {
                    to.append_null();
                    continue;
                }
                const duckdb_list_entry& entry = entries[row];
                if (entry.offset != run_from + run_rows) {
                    flush();
                    run_from = entry.offset;
                }
                run_rows += entry.length;
                to.append_nested(entry.length);
            }
            flush();
            return;
        }
        case TypeKind::kStruct:
        case TypeKind::kVariant: {
            const std::size_t members = type.is(TypeKind::kVariant) ? 2 : type.fields().size();
            for (std::size_t i = 0; i < members; ++i) {
                read_vector(duckdb_struct_vector_get_child(vector, i), from, rows, to.child(i));
            }
            read_validity(validity, from, rows, to);
            return;
        }
        default: {
            const auto* strings =
                static_cast<const duckdb_string_t*>(duckdb_vector_get_data(vector));
            for (idx_t row = from; row < from + rows; ++row) {
                if (vector_is_null(validity, row)) {
                    to.append_null();
                } else {
                    to.append_text(text_of(strings[row]));
                }
            }
            return;
        }
    }
}

}  // namespace

void read_vector(duckdb_vector vector, idx_t from, idx_t rows, ColumnBuilder& to) {
    if (rows == 0) return;
    switch (to.type().kind()) {
        case TypeKind::kByte: read_fixed<std::int8_t>(vector, from, rows, to); break;
        case TypeKind::kShort: read_fixed<std::int16_t>(vector, from, rows, to); break;
        case TypeKind::kInteger:
        case TypeKind::kFloat:
        case TypeKind::kDate: read_fixed<std::int32_t>(vector, from, rows, to); break;
        case TypeKind::kLong:
        case TypeKind::kDouble:
        case TypeKind::kTimestamp:
        case TypeKind::kTimestampNtz: read_fixed<std::int64_t>(vector, from, rows, to); break;
        case TypeKind::kTime:
            read_converted<std::int64_t, std::int64_t>(
                vector, from, rows, to, [](std::int64_t value) {
                    return static_cast<std::int64_t>(static_cast<std::uint64_t>(value) * 1000);
                });
            break;
        case TypeKind::kDecimal: read_decimal(vector, from, rows, to); break;
        case TypeKind::kYearMonthInterval:
            read_converted<std::int32_t, duckdb_interval>(
                vector, from, rows, to, [](const duckdb_interval& value) { return value.months; });
            break;
        case TypeKind::kDayTimeInterval:
            read_converted<std::int64_t, duckdb_interval>(
                vector, from, rows, to, [](const duckdb_interval& value) {
                    constexpr std::int64_t kDayUs = 86'400'000'000;
                    return static_cast<std::int64_t>(
                        static_cast<std::uint64_t>(value.micros) +
                        static_cast<std::uint64_t>(value.days + 30LL * value.months) * kDayUs);
                });
            break;
        case TypeKind::kCalendarInterval:
            read_converted<CalendarInterval, duckdb_interval>(
                vector, from, rows, to, [](const duckdb_interval& value) {
                    return CalendarInterval{
                        value.months, value.days,
                        static_cast<std::int64_t>(static_cast<std::uint64_t>(value.micros) * 1000)};
                });
            break;
        default: read_rows(vector, from, rows, to); return;
    }
    read_validity(duckdb_vector_get_validity(vector), from, rows, to);
}

}  // namespace millrace::columnar
