// Casts as Spark defines them. DuckDB's own stand where they agree; the rest is arithmetic or a
// function of ours. Modes: ANSI raises an error, try and legacy give null, legacy integers wrap.
#include "columnar/lowering_internal.h"

namespace millrace::columnar {

using plan::DataType;
using plan::EvalMode;
using plan::TypeKind;

namespace {

std::string plain(const std::string& value, const DataType& to) {
    return fmt::format("CAST({} AS {})", value, duck_type_name(to));
}

std::string plain(const std::string& value, const DataType& to, EvalMode mode) {
    return fmt::format("{}({} AS {})", mode == EvalMode::kAnsi ? "CAST" : "TRY_CAST", value,
                       duck_type_name(to));
}

std::string mode_text(EvalMode mode) {
    return mode == EvalMode::kTry ? "'try'" : mode == EvalMode::kLegacy ? "'legacy'" : "'ansi'";
}

bool fits(const DataType& from, const DataType& to) {
    const auto rank = [](TypeKind kind) { return static_cast<int>(kind); };
    if (from.is_integral() && to.is_integral()) return rank(from.kind()) <= rank(to.kind());
    if (from.is_integral()) return to.is(TypeKind::kFloat) || to.is(TypeKind::kDouble);
    return from.is(TypeKind::kFloat) && to.is(TypeKind::kDouble);
}

// Casts that change neither the value nor how DuckDB holds it, or widen it without loss.
bool is_plain(const DataType& from, const DataType& to) {
    if (duck_type_name(from) == duck_type_name(to)) return true;
    if (from.is(TypeKind::kNull) || fits(from, to)) return true;
    if (from.is(TypeKind::kArray) && to.is(TypeKind::kArray)) {
        return is_plain(from.element(), to.element());
    }
    if (from.is(TypeKind::kMap) && to.is(TypeKind::kMap)) {
        return is_plain(from.key(), to.key()) && is_plain(from.value(), to.value());
    }
    if (from.is(TypeKind::kStruct) && to.is(TypeKind::kStruct)) {
        if (from.fields().size() != to.fields().size()) return false;
        for (std::size_t i = 0; i < from.fields().size(); ++i) {
            if (!is_plain(from.fields()[i].type, to.fields()[i].type)) return false;
        }
        return true;
    }
    return false;
}

}  // namespace

Result<std::string> Lowering::cast_from_string(const std::string& value, const DataType& to,
                                               EvalMode mode, const std::string& time_zone) {
    switch (to.kind()) {
        case TypeKind::kBoolean:
            return fmt::format("mr_to_boolean({}, {})", value, mode_text(mode));
        case TypeKind::kByte: return fmt::format("mr_to_tinyint({}, {})", value, mode_text(mode));
        case TypeKind::kShort: return fmt::format("mr_to_smallint({}, {})", value, mode_text(mode));
        case TypeKind::kInteger: return fmt::format("mr_to_int({}, {})", value, mode_text(mode));
        case TypeKind::kLong: return fmt::format("mr_to_bigint({}, {})", value, mode_text(mode));
        case TypeKind::kFloat: return fmt::format("mr_to_float({}, {})", value, mode_text(mode));
        case TypeKind::kDouble: return fmt::format("mr_to_double({}, {})", value, mode_text(mode));
        case TypeKind::kDecimal:
            return fmt::format("CAST(mr_to_decimal({}, {}, {}, {}) AS {})", value, to.precision(),
                               to.scale(), mode_text(mode), duck_type_name(to));
        case TypeKind::kDate: return fmt::format("mr_to_date({}, {})", value, mode_text(mode));
        case TypeKind::kTimestamp:
            return fmt::format("mr_to_timestamp({}, {}, {})", value, quoted(time_zone),
                               mode_text(mode));
        case TypeKind::kTimestampNtz:
            return fmt::format("mr_to_timestamp_ntz({}, {})", value, mode_text(mode));
        case TypeKind::kBinary: return fmt::format("encode({})", value);
        case TypeKind::kCalendarInterval:
        case TypeKind::kDayTimeInterval:
        case TypeKind::kYearMonthInterval:
            return fmt::format("mr_to_interval({}, {}, {})", value, quoted(to.sql()),
                               mode_text(mode));
        case TypeKind::kTime:
            return fmt::format("{}(trim({}) AS TIME)",
                               mode == EvalMode::kAnsi ? "CAST" : "TRY_CAST", value);
        default: break;
    }
    return plain(value, to);
}

Result<std::string> Lowering::cast_nested(const std::string& value, const DataType& from,
                                          const DataType& to, EvalMode mode,
                                          const std::string& time_zone) {
    if (from.is(TypeKind::kArray) && to.is(TypeKind::kArray)) {
        const std::string element = fresh("x");
        MR_TRY(const std::string body,
               cast(element, from.element(), to.element(), mode, time_zone));
        return fmt::format("list_transform({}, lambda {}: {})", value, element, body);
    }
    if (from.is(TypeKind::kMap) && to.is(TypeKind::kMap)) {
        MR_TRY(const std::string keys,
               cast_nested(fmt::format("map_keys({})", value), DataType::array(from.key()),
                           DataType::array(to.key()), mode, time_zone));
        MR_TRY(const std::string values,
               cast_nested(fmt::format("map_values({})", value), DataType::array(from.value()),
                           DataType::array(to.value()), mode, time_zone));
        return fmt::format("CASE WHEN {} IS NULL THEN NULL ELSE map({}, {}) END", value, keys,
                           values);
    }
    if (from.is(TypeKind::kStruct) && to.is(TypeKind::kStruct) &&
        from.fields().size() == to.fields().size()) {
        std::string fields;
        for (std::size_t i = 0; i < from.fields().size(); ++i) {
            MR_TRY(const std::string field,
                   cast(fmt::format("struct_extract({}, 'f{}')", value, i), from.fields()[i].type,
                        to.fields()[i].type, mode, time_zone));
            fields += fmt::format("{}f{} := {}", i == 0 ? "" : ", ", i, field);
        }
        return fmt::format("CASE WHEN {} IS NULL THEN NULL ELSE struct_pack({}) END", value,
                           fields);
    }
    return fail(Code::kInternal, "no cast from {} to {}", from.simple_string(), to.simple_string());
}

Result<std::string> Lowering::cast(const std::string& value, const DataType& from,
                                   const DataType& to, EvalMode mode,
                                   const std::string& time_zone) {
    const std::string name = duck_type_name(to);
    const bool ansi = mode == EvalMode::kAnsi;
    if (from.is(TypeKind::kVariant) && !to.is(TypeKind::kVariant)) {
        MR_TRY(const std::string function,
               functions_.from_variant(to, time_zone.empty() ? "UTC" : time_zone,
                                       mode != EvalMode::kTry, "cast"));
        return fmt::format("{}({}, '$')", function, value);
    }
    if (to.is(TypeKind::kVariant) && !from.is(TypeKind::kNull)) {
        return to_variant(value, from, time_zone);
    }
    // Intervals of all kinds look alike to DuckDB; their casts change the unit at most.
    if (is_plain(from, to)) {
        return duck_type_name(from) == name && !from.is(TypeKind::kNull) ? value : plain(value, to);
    }
    if (to.is_string()) {
        switch (from.kind()) {
            case TypeKind::kBinary: return fmt::format("mr_binary_to_string({})", value);
            case TypeKind::kFloat:
            case TypeKind::kDouble: return fmt::format("mr_real_text({})", value);
            case TypeKind::kTimestamp:
                return fmt::format("mr_timestamp_text({}, {})", value, quoted(time_zone));
            case TypeKind::kTimestampNtz:
            case TypeKind::kDate: return fmt::format("mr_time_text({})", value);
            case TypeKind::kBoolean:
            case TypeKind::kByte:
            case TypeKind::kShort:
            case TypeKind::kInteger:
            case TypeKind::kLong:
            case TypeKind::kDecimal:
            case TypeKind::kTime: return plain(value, to);
            default: {
                MR_TRY(const std::string function, functions_.to_text(from, time_zone));
                return fmt::format("{}({})", function, value);
            }
        }
    }
    if (from.is_string()) return cast_from_string(value, to, mode, time_zone);
    if (from.is_nested()) {
        MR_TRY(const std::string nested, cast_nested(value, from, to, mode, time_zone));
        return plain(nested, to);
    }

    // Among numbers.
    const bool from_real = from.is(TypeKind::kFloat) || from.is(TypeKind::kDouble);
    if (from.is_numeric() && to.is_integral()) {
        if (mode == EvalMode::kLegacy) {
            return fmt::format(
                "CAST(mr_wrap_to_{}({}) AS {})",
                to.is(TypeKind::kLong)      ? "bigint"
                : to.is(TypeKind::kInteger) ? "int"
                : to.is(TypeKind::kShort)   ? "smallint"
                                            : "tinyint",
                from.is(TypeKind::kDecimal) ? fmt::format("CAST({} AS DOUBLE)", value) : value,
                name);
        }
        // DuckDB rounds where Spark cuts.
        if (from_real || from.is(TypeKind::kDecimal))
            return plain(fmt::format("trunc({})", value), to, mode);
        return plain(value, to, mode);
    }
    if (from.is_numeric() && to.is(TypeKind::kDecimal)) {
        // Through the shortest text, as Java's BigDecimal(Double.toString(x)).
        const std::string source = from_real ? fmt::format("CAST({} AS VARCHAR)", value) : value;
        if (from_real) {
            return ansi ? fmt::format("CAST(mr_to_decimal({}, {}, {}, 'ansi') AS {})", source,
                                      to.precision(), to.scale(), name)
                        : fmt::format("TRY_CAST({} AS {})", source, name);
        }
        return plain(source, to, mode);
    }
    if (from.is_numeric() && (to.is(TypeKind::kFloat) || to.is(TypeKind::kDouble))) {
        return from.is(TypeKind::kDouble) ? fmt::format("mr_narrow({})", value) : plain(value, to);
    }
    if (from.is_numeric() && to.is(TypeKind::kBoolean)) return fmt::format("({} <> 0)", value);
    if (from.is(TypeKind::kBoolean) && to.is_numeric()) {
        return fmt::format("CAST(CAST({} AS INTEGER) AS {})", value, name);
    }

    // Dates and times.
    const std::string zone = quoted(time_zone.empty() ? "UTC" : time_zone);
    if (from.is(TypeKind::kDate) && to.is(TypeKind::kTimestamp)) {
        return fmt::format("timezone({}, CAST({} AS TIMESTAMP))", zone, value);
    }
    if (from.is(TypeKind::kTimestampNtz) && to.is(TypeKind::kTimestamp)) {
        return fmt::format("timezone({}, {})", zone, value);
    }
    if (from.is(TypeKind::kTimestamp) && to.is(TypeKind::kTimestampNtz)) {
        return fmt::format("timezone({}, {})", zone, value);
    }
    if (from.is(TypeKind::kTimestamp) && to.is(TypeKind::kDate)) {
        return fmt::format("CAST(timezone({}, {}) AS DATE)", zone, value);
    }
    if (from.is(TypeKind::kTimestampNtz) && to.is(TypeKind::kDate)) return plain(value, to);
    if (from.is(TypeKind::kDate) && to.is(TypeKind::kTimestampNtz)) return plain(value, to);
    if (from.is(TypeKind::kTimestamp) && to.is_integral()) {
        return plain(fmt::format("CAST(floor(epoch_us({}) / 1000000) AS BIGINT)", value), to, mode);
    }
    if (from.is(TypeKind::kTimestamp) && (to.is(TypeKind::kFloat) || to.is(TypeKind::kDouble))) {
        return plain(fmt::format("(epoch_us({}) / 1000000.0::DOUBLE)", value), to);
    }
    if (from.is(TypeKind::kTimestamp) && to.is(TypeKind::kDecimal)) {
        return plain(fmt::format("(CAST(epoch_us({}) AS DECIMAL(28, 6)) / 1000000)", value), to,
                     mode);
    }
    if (from.is_integral() && to.is(TypeKind::kTimestamp)) {
        return fmt::format("make_timestamptz(CAST({} AS BIGINT) * 1000000)", value);
    }
    if (from_real && to.is(TypeKind::kTimestamp)) {
        return fmt::format(
            "CASE WHEN isfinite({0}) THEN make_timestamptz(CAST(trunc({0}::DOUBLE * 1000000) AS "
            "BIGINT)) END",
            value);
    }
    if (from.is(TypeKind::kDecimal) && to.is(TypeKind::kTimestamp)) {
        return fmt::format(
            "make_timestamptz(CAST(trunc(CAST({} AS DECIMAL(38, 6)) * 1000000) AS BIGINT))", value);
    }

    // Intervals and numbers: a number counts the interval's last unit.
    const auto unit_us = [](const DataType& type) -> std::int64_t {
        constexpr std::int64_t kUnits[] = {86'400'000'000, 3'600'000'000, 60'000'000, 1'000'000};
        return kUnits[type.to_unit()];
    };
    if (from.is(TypeKind::kDayTimeInterval) && to.is_numeric()) {
        return plain(fmt::format("trunc(epoch_us({}) / {})", value, unit_us(from)), to, mode);
    }
    if (from.is(TypeKind::kYearMonthInterval) && to.is_numeric()) {
        return plain(
            fmt::format("trunc((datepart('year', {0}) * 12 + datepart('month', {0})) / {1})", value,
                        from.to_unit() == 0 ? 12 : 1),
            to, mode);
    }
    if (from.is_numeric() && to.is(TypeKind::kDayTimeInterval)) {
        return fmt::format("to_microseconds(CAST({} * {} AS BIGINT))", value, unit_us(to));
    }
    if (from.is_numeric() && to.is(TypeKind::kYearMonthInterval)) {
        return fmt::format("to_months(CAST({} * {} AS INTEGER))", value,
                           to.to_unit() == 0 ? 12 : 1);
    }
    if (from.is_integral() && to.is(TypeKind::kBinary)) {
        return fmt::format("mr_integer_bytes({})", value);
    }
    return plain(value, to, mode);
}

}  // namespace millrace::columnar
