#include "streaming/state_column.h"

#include <cmath>
#include <cstring>

#include "base/varint.h"
#include "streaming/row_codec.h"

namespace millrace::streaming {

using base::Code;
using base::fail;
using columnar::ColumnView;
using plan::DataType;
using plan::TypeKind;
using sql::Combine;
using state::CellKind;
using state::Int128;
using state::Layout;
using state::Row;

namespace {

__extension__ using Wide = __int128;

Wide to_wide(Int128 value) {
    return static_cast<Wide>(static_cast<unsigned __int128>(static_cast<std::uint64_t>(value.high))
                             << 64) |
           static_cast<Wide>(value.low);
}
Int128 from_wide(Wide value) {
    return {static_cast<std::uint64_t>(value), static_cast<std::int64_t>(value >> 64)};
}

std::int64_t read_int(const ColumnView& view, std::int64_t row) {
    switch (view.type.kind()) {
        case TypeKind::kBoolean: return view.boolean(row) ? 1 : 0;
        case TypeKind::kByte: return view.value<std::int8_t>(row);
        case TypeKind::kShort: return view.value<std::int16_t>(row);
        case TypeKind::kInteger:
        case TypeKind::kDate:
        case TypeKind::kYearMonthInterval: return view.value<std::int32_t>(row);
        default: return view.value<std::int64_t>(row);
    }
}
double read_double(const ColumnView& view, std::int64_t row) {
    return view.type.is(TypeKind::kFloat) ? view.value<float>(row) : view.value<double>(row);
}
Int128 read_int128(const ColumnView& view, std::int64_t row) {
    Int128 value;
    std::memcpy(&value, static_cast<const char*>(view.values) + row * 16, 16);
    return value;
}

// Text columns lie as they are; anything nested as encode_value writes it.
bool is_plain_text(const DataType& type) {
    return type.is_string() || type.is(TypeKind::kBinary);
}
void read_text(const ColumnView& view, std::int64_t row, std::string& into) {
    into.clear();
    if (is_plain_text(view.type)) {
        into = view.text(row);
    } else {
        encode_value(view, row, into);
    }
}

base::Error overflow(std::string_view what) {
    base::Condition condition{.name = "ARITHMETIC_OVERFLOW", .sql_state = "22003"};
    condition.parameters = {{"message", std::string(what)},
                            {"alternative", ""},
                            {"config", "\"spark.sql.ansi.enabled\""}};
    return {Code::kArithmetic,
            fmt::format("[ARITHMETIC_OVERFLOW] {}. If necessary set \"spark.sql.ansi.enabled\" to "
                        "\"false\" to bypass this error. SQLSTATE: 22003",
                        what),
            std::move(condition)};
}

// NaN is above every number, as Spark orders them.
bool less(double a, double b) {
    return std::isnan(b) ? !std::isnan(a) : a < b;
}
bool less(std::int64_t a, std::int64_t b) {
    return a < b;
}
bool less(Int128 a, Int128 b) {
    return to_wide(a) < to_wide(b);
}

template <class T>
T read(const ColumnView& view, std::int64_t row) {
    if constexpr (std::is_same_v<T, std::int64_t>) return read_int(view, row);
    if constexpr (std::is_same_v<T, double>) return read_double(view, row);
    if constexpr (std::is_same_v<T, Int128>) return read_int128(view, row);
}

bool is_null(const ColumnView& view, std::int64_t row) {
    return view.type.is(TypeKind::kNull) || view.is_null(row);
}

Wide power_of_ten(int exponent) {
    Wide value = 1;
    for (int i = 0; i < exponent; ++i) value *= 10;
    return value;
}

Result<void> add(const StateColumn&, double& into, double value) {
    into += value;
    return {};
}
Result<void> add(const StateColumn& column, std::int64_t& into, std::int64_t value) {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(into, value, &sum) && column.mode == plan::EvalMode::kAnsi) {
        return fail(overflow("long overflow"));
    }
    into = sum;
    return {};
}
Result<void> add(const StateColumn& column, Int128& into, Int128 value) {
    Wide sum = 0;
    const Wide bound = power_of_ten(column.type.precision());
    if (__builtin_add_overflow(to_wide(into), to_wide(value), &sum) || sum >= bound ||
        sum <= -bound) {
        return fail(overflow("Overflow in sum of decimals"));
    }
    into = from_wide(sum);
    return {};
}

// Rules on fixed-width cells; `take` sees (cell, value) of rows that hold both.
template <class T, class Take>
Result<void> merge_fixed(std::size_t index, const ColumnView& view, const MergeTarget& target,
                         Take take) {
    for (std::size_t i = 0; i < target.rows.size(); ++i) {
        const std::int64_t from = target.sources[i];
        if (is_null(view, from)) continue;
        Row& row = *target.rows[i];
        T& cell = target.layout.cell<T>(row, index);
        const T value = read<T>(view, from);
        if (target.layout.is_null(row, index)) {
            target.layout.set_null(row, index, false);
            cell = value;
        } else {
            MR_TRY_VOID(take(cell, value));
        }
    }
    return {};
}

void assign(const Layout& layout, Row& row, std::size_t index, const ColumnView& view,
            std::int64_t from, std::string& scratch) {
    if (is_null(view, from)) {
        layout.set_null(row, index, true);
        return;
    }
    switch (layout.kind(index)) {
        case CellKind::kInt64: layout.cell<std::int64_t>(row, index) = read_int(view, from); break;
        case CellKind::kDouble: layout.cell<double>(row, index) = read_double(view, from); break;
        case CellKind::kInt128: layout.cell<Int128>(row, index) = read_int128(view, from); break;
        case CellKind::kText:
            read_text(view, from, scratch);
            layout.set_text(row, index, scratch);
            return;
    }
    layout.set_null(row, index, false);
}

// Is the batch's value of an ordering column better than the state's?
bool is_better(const Layout& layout, const Row& row, std::size_t index, const ColumnView& view,
               std::int64_t from, bool greater) {
    if (is_null(view, from)) return false;
    if (layout.is_null(row, index)) return true;
    const auto compare = [greater](const auto& have, const auto& value) {
        return greater ? less(have, value) : less(value, have);
    };
    switch (layout.kind(index)) {
        case CellKind::kInt64:
            return compare(layout.cell<std::int64_t>(row, index), read_int(view, from));
        case CellKind::kDouble:
            return compare(layout.cell<double>(row, index), read_double(view, from));
        case CellKind::kInt128:
            return compare(layout.cell<Int128>(row, index), read_int128(view, from));
        case CellKind::kText: {
            const int order = layout.text(row, index).compare(view.text(from));
            return greater ? order < 0 : order > 0;
        }
    }
    return false;
}

Result<void> merge_extreme(std::size_t index, const ColumnView& view, const MergeTarget& target,
                           bool greater) {
    std::string scratch;
    for (std::size_t i = 0; i < target.rows.size(); ++i) {
        if (is_better(target.layout, *target.rows[i], index, view, target.sources[i], greater)) {
            assign(target.layout, *target.rows[i], index, view, target.sources[i], scratch);
        }
    }
    return {};
}

void merge_first(const StateColumn& column, std::size_t index, const ColumnView& view,
                 const MergeTarget& target) {
    std::string scratch;
    for (std::size_t i = 0; i < target.rows.size(); ++i) {
        Row& row = *target.rows[i];
        const bool open =
            column.ignore_nulls ? target.layout.is_null(row, index) : target.inserted[i] != 0;
        if (open) assign(target.layout, row, index, view, target.sources[i], scratch);
    }
}

void merge_last(const StateColumn& column, std::size_t index, const ColumnView& view,
                const MergeTarget& target) {
    std::string scratch;
    for (std::size_t i = 0; i < target.rows.size(); ++i) {
        if (column.ignore_nulls && is_null(view, target.sources[i])) continue;
        assign(target.layout, *target.rows[i], index, view, target.sources[i], scratch);
    }
}

// A value and, on its right, the column that orders it (combine kMin or kMax).
void merge_by_order(std::span<const StateColumn> columns, std::size_t index,
                    std::span<const ColumnView> views, const MergeTarget& target) {
    const bool greater = columns[index + 1].combine == Combine::kMax;
    std::string scratch;
    for (std::size_t i = 0; i < target.rows.size(); ++i) {
        if (is_better(target.layout, *target.rows[i], index + 1, views[index + 1],
                      target.sources[i], greater)) {
            assign(target.layout, *target.rows[i], index, views[index], target.sources[i], scratch);
        }
    }
}

// Count, mean and m2 side by side, by Chan's formulas.
void merge_moments(std::size_t index, std::span<const ColumnView> views,
                   const MergeTarget& target) {
    const Layout& layout = target.layout;
    for (std::size_t i = 0; i < target.rows.size(); ++i) {
        const std::int64_t from = target.sources[i];
        const std::int64_t count_b = is_null(views[index], from) ? 0 : read_int(views[index], from);
        Row& row = *target.rows[i];
        std::int64_t& count = layout.cell<std::int64_t>(row, index);
        if (layout.is_null(row, index)) {
            layout.set_null(row, index, false);
            count = 0;
        }
        if (count_b == 0) continue;
        double& mean = layout.cell<double>(row, index + 1);
        double& m2 = layout.cell<double>(row, index + 2);
        if (count == 0) mean = m2 = 0;
        layout.set_null(row, index + 1, false);
        layout.set_null(row, index + 2, false);
        const auto a = static_cast<double>(count);
        const auto b = static_cast<double>(count_b);
        const double delta = read_double(views[index + 1], from) - mean;
        mean += delta * b / (a + b);
        m2 += read_double(views[index + 2], from) + delta * delta * a * b / (a + b);
        count += count_b;
    }
}

// Arrays, kept as encode_value writes them: 1, the count, the elements.
void merge_arrays(std::size_t index, const ColumnView& view, const MergeTarget& target, bool set) {
    std::string merged;
    std::string element;
    for (std::size_t i = 0; i < target.rows.size(); ++i) {
        const std::int64_t from = target.sources[i];
        if (is_null(view, from)) continue;
        Row& row = *target.rows[i];
        std::uint64_t count = 0;
        std::string_view elements;
        if (!target.layout.is_null(row, index)) {
            const std::string_view bytes = target.layout.text(row, index);
            const char* end = bytes.data() + bytes.size();
            const char* at = base::read_varint_u64(bytes.data() + 1, end, count);
            elements = {at, static_cast<std::size_t>(end - at)};
        }
        std::string added;
        for (std::int64_t e = view.offsets32[from]; e < view.offsets32[from + 1]; ++e) {
            element.clear();
            encode_value(view.children[0], e, element);
            // Elements are framed by nothing: a hit inside another element's bytes is ruled out by
            // comparing element by element.
            if (set) {
                bool present = false;
                for (const std::string_view have : {elements, std::string_view(added)}) {
                    const char* at = have.data();
                    const char* end = at + have.size();
                    while (at != end && !present) {
                        const char* next = skip_value(view.children[0].type, at, end);
                        if (next == nullptr) break;
                        present =
                            std::string_view(at, static_cast<std::size_t>(next - at)) == element;
                        at = next;
                    }
                }
                if (present) continue;
            }
            added += element;
            ++count;
        }
        merged.assign(1, '\1');
        base::append_varint(merged, count);
        merged.append(elements);
        merged.append(added);
        target.layout.set_text(row, index, merged);
    }
}

template <class T>
Result<void> merge_sum(const StateColumn& column, std::size_t index, const ColumnView& view,
                       const MergeTarget& target) {
    return merge_fixed<T>(index, view, target,
                          [&](T& cell, T value) { return add(column, cell, value); });
}

}  // namespace

CellKind cell_kind(const DataType& type) {
    switch (type.kind()) {
        case TypeKind::kBoolean:
        case TypeKind::kByte:
        case TypeKind::kShort:
        case TypeKind::kInteger:
        case TypeKind::kLong:
        case TypeKind::kDate:
        case TypeKind::kTimestamp:
        case TypeKind::kTimestampNtz:
        case TypeKind::kTime:
        case TypeKind::kYearMonthInterval:
        case TypeKind::kDayTimeInterval: return CellKind::kInt64;
        case TypeKind::kFloat:
        case TypeKind::kDouble: return CellKind::kDouble;
        case TypeKind::kDecimal: return CellKind::kInt128;
        default: return CellKind::kText;
    }
}

Result<void> check_mergeable(const StateColumn& column) {
    const CellKind kind = cell_kind(column.type);
    bool able = true;
    switch (column.combine) {
        case Combine::kSum: able = kind != CellKind::kText; break;
        case Combine::kMin:
        case Combine::kMax: able = kind != CellKind::kText || is_plain_text(column.type); break;
        case Combine::kAnd:
        case Combine::kOr:
        case Combine::kXor: able = kind == CellKind::kInt64; break;
        case Combine::kAppend:
        case Combine::kUnion: able = column.type.is(TypeKind::kArray); break;
        case Combine::kSketch: able = false; break;
        default: break;
    }
    if (able) return {};
    return fail(Code::kUnsupported, "{} over {} is not supported on streaming DataFrames/Datasets",
                column.name, column.type.simple_string());
}

Result<void> merge_column(std::span<const StateColumn> columns, std::size_t index,
                          std::span<const ColumnView> views, const MergeTarget& target) {
    const StateColumn& column = columns[index];
    const ColumnView& view = views[index];
    const auto bits = [&](auto combine) {
        return merge_fixed<std::int64_t>(
            index, view, target, [&](std::int64_t& cell, std::int64_t value) -> Result<void> {
                cell = combine(cell, value);
                return {};
            });
    };
    switch (column.combine) {
        case Combine::kSum:
            switch (target.layout.kind(index)) {
                case CellKind::kInt64: return merge_sum<std::int64_t>(column, index, view, target);
                case CellKind::kDouble: return merge_sum<double>(column, index, view, target);
                default: return merge_sum<Int128>(column, index, view, target);
            }
        case Combine::kMin: return merge_extreme(index, view, target, false);
        case Combine::kMax: return merge_extreme(index, view, target, true);
        case Combine::kFirst: merge_first(column, index, view, target); return {};
        case Combine::kLast: merge_last(column, index, view, target); return {};
        case Combine::kAnd: return bits([](std::int64_t a, std::int64_t b) { return a & b; });
        case Combine::kOr: return bits([](std::int64_t a, std::int64_t b) { return a | b; });
        case Combine::kXor: return bits([](std::int64_t a, std::int64_t b) { return a ^ b; });
        case Combine::kAppend: merge_arrays(index, view, target, false); return {};
        case Combine::kUnion: merge_arrays(index, view, target, true); return {};
        case Combine::kMoments:
            // Done once, with the first of its three columns.
            if (column.type.is(TypeKind::kLong)) merge_moments(index, views, target);
            return {};
        case Combine::kByOrder: merge_by_order(columns, index, views, target); return {};
        case Combine::kSketch: break;
    }
    return check_mergeable(column);
}

Result<void> append_column(const StateColumn& column, std::size_t index, const Layout& layout,
                           std::span<Row* const> rows, columnar::BatchBuilder::Column& to) {
    for (const Row* row : rows) {
        if (layout.is_null(*row, index)) {
            to.append_null();
            continue;
        }
        switch (layout.kind(index)) {
            case CellKind::kInt64:
                if (column.type.is(TypeKind::kBoolean)) {
                    to.append_bool(layout.cell<std::int64_t>(*row, index) != 0);
                } else {
                    to.append_int(layout.cell<std::int64_t>(*row, index));
                }
                break;
            case CellKind::kDouble: to.append_double(layout.cell<double>(*row, index)); break;
            case CellKind::kInt128: {
                const auto value = layout.cell<Int128>(*row, index);
                to.append_decimal(value.high, value.low);
                break;
            }
            case CellKind::kText: {
                const std::string_view text = layout.text(*row, index);
                if (is_plain_text(column.type)) {
                    to.append_text(text);
                } else if (decode_value(column.type, text.data(), text.data() + text.size(), to) ==
                           nullptr) {
                    return fail(Code::kCorrupt, "column {} of the state does not hold {}",
                                column.name, column.type.simple_string());
                }
                break;
            }
        }
    }
    return {};
}

}  // namespace millrace::streaming
