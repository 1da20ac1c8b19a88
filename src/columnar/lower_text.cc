// Calls that make text of values of any type.
#include "columnar/lowering_internal.h"

namespace millrace::columnar {

using plan::DataType;
using plan::TypedExprPtr;
using plan::TypeKind;

// Numbers go as decimal text, which keeps all their digits; reals as they are.
Result<std::string> Lowering::format_number(const std::vector<TypedExprPtr>& args) {
    MR_TRY(const auto texts, arguments(args));
    const DataType& type = args[0]->type;
    const bool real = type.is(TypeKind::kFloat) || type.is(TypeKind::kDouble);
    return fmt::format("mr_format_number(CAST({} AS {}), {})", texts[0],
                       real ? "DOUBLE" : "VARCHAR", texts[1]);
}

// Values go as Spark's text of them, beside one letter for the type of each.
Result<std::string> Lowering::format_string(const std::vector<TypedExprPtr>& args) {
    MR_TRY(const auto texts, arguments(args));
    std::string types;
    std::string values;
    for (std::size_t i = 1; i < args.size(); ++i) {
        const DataType& type = args[i]->type;
        switch (type.kind()) {
            case TypeKind::kBoolean: types += 'b'; break;
            case TypeKind::kByte: types += '1'; break;
            case TypeKind::kShort: types += '2'; break;
            case TypeKind::kInteger:
            case TypeKind::kDate: types += '4'; break;
            case TypeKind::kLong:
            case TypeKind::kTimestamp:
            case TypeKind::kTimestampNtz: types += '8'; break;
            case TypeKind::kFloat:
            case TypeKind::kDouble: types += 'f'; break;
            case TypeKind::kDecimal: types += 'd'; break;
            default: types += 's';
        }
        // Dates and times are numbers to Java's formatter: days and microseconds.
        if (type.is(TypeKind::kDate)) {
            values += fmt::format(", CAST(({} - DATE '1970-01-01') AS VARCHAR)", texts[i]);
            continue;
        }
        if (type.is(TypeKind::kTimestamp) || type.is(TypeKind::kTimestampNtz)) {
            values += fmt::format(", CAST(epoch_us({}) AS VARCHAR)", texts[i]);
            continue;
        }
        MR_TRY(const std::string text,
               cast(texts[i], type, DataType::string(), plan::EvalMode::kLegacy, time_zone_));
        values += ", " + text;
    }
    return fmt::format("mr_format_string({}, '{}'{})", texts[0], types, values);
}

}  // namespace millrace::columnar
