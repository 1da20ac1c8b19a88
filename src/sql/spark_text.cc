#include "sql/spark_text.h"

#include <fmt/ranges.h>

#include <charconv>
#include <cmath>

namespace millrace::sql {

using namespace plan;

namespace {

std::string decimal_text(const DecimalValue& value, int scale) {
    auto unscaled = static_cast<__int128>(
        (static_cast<unsigned __int128>(static_cast<std::uint64_t>(value.high)) << 64) | value.low);
    const bool negative = unscaled < 0;
    auto magnitude = static_cast<unsigned __int128>(unscaled);
    if (negative) magnitude = -magnitude;
    std::string digits;
    do {
        digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(magnitude % 10)));
        magnitude /= 10;
    } while (magnitude != 0);
    while (static_cast<int>(digits.size()) <= scale) digits.insert(digits.begin(), '0');
    if (scale > 0) digits.insert(digits.size() - static_cast<std::size_t>(scale), ".");
    return negative ? "-" + digits : digits;
}

void civil_from_days(std::int64_t days, std::int64_t& year, unsigned& month, unsigned& day) {
    days += 719468;
    const std::int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    const auto of_era = static_cast<unsigned>(days - era * 146097);
    const unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    year = static_cast<std::int64_t>(year_of_era) + era * 400;
    const unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const unsigned shifted = (5 * of_year + 2) / 153;
    day = of_year - (153 * shifted + 2) / 5 + 1;
    month = shifted < 10 ? shifted + 3 : shifted - 9;
    year += month <= 2 ? 1 : 0;
}

// ".5", ".123456", or nothing.
std::string fraction_text(std::int64_t micros) {
    if (micros == 0) return {};
    std::string digits = fmt::format("{:06}", micros);
    while (digits.back() == '0') digits.pop_back();
    return "." + digits;
}

std::string time_text(std::int64_t micros) {
    const std::int64_t seconds = micros / 1'000'000;
    return fmt::format("{:02}:{:02}:{:02}{}", seconds / 3600, seconds / 60 % 60, seconds % 60,
                       fraction_text(micros % 1'000'000));
}

}  // namespace

std::string date_text(std::int64_t days) {
    std::int64_t year = 0;
    unsigned month = 0;
    unsigned day = 0;
    civil_from_days(days, year, month, day);
    return fmt::format("{:04}-{:02}-{:02}", year, month, day);
}

std::string timestamp_text(std::int64_t microseconds) {
    constexpr std::int64_t kDay = 86'400'000'000;
    std::int64_t days = microseconds / kDay;
    std::int64_t rest = microseconds % kDay;
    if (rest < 0) {
        rest += kDay;
        --days;
    }
    return fmt::format("{} {}", date_text(days), time_text(rest));
}

std::string double_text(double value, bool single) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
    char buffer[64];
    const auto print = [&](std::chars_format format) {
        const auto result = single ? std::to_chars(buffer, buffer + sizeof buffer,
                                                   static_cast<float>(value), format)
                                   : std::to_chars(buffer, buffer + sizeof buffer, value, format);
        return std::string(buffer, result.ptr);
    };
    const double magnitude = std::fabs(value);
    if (value == 0 || (magnitude >= 1e-3 && magnitude < 1e7)) {
        std::string text = print(std::chars_format::fixed);
        if (text.find('.') == std::string::npos) text += ".0";
        return text;
    }
    // 1e+10 -> 1.0E10
    const std::string text = print(std::chars_format::scientific);
    const std::size_t at = text.find('e');
    std::string mantissa = text.substr(0, at);
    if (mantissa.find('.') == std::string::npos) mantissa += ".0";
    int exponent = 0;
    const char* digits = text.data() + at + 1;
    if (*digits == '+') ++digits;
    std::from_chars(digits, text.data() + text.size(), exponent);
    return fmt::format("{}E{}", mantissa, exponent);
}

std::string interval_text(const Literal& literal) {
    const std::int64_t value = std::get<std::int64_t>(literal.value);
    const DataType& type = literal.type;
    if (type.is(TypeKind::kYearMonthInterval)) {
        const char* sign = value < 0 ? "-" : "";
        const std::int64_t months = std::abs(value);
        if (type.from_unit() == type.to_unit()) {
            return type.from_unit() == 0 ? fmt::format("INTERVAL '{}{}' YEAR", sign, months / 12)
                                         : fmt::format("INTERVAL '{}{}' MONTH", sign, months);
        }
        return fmt::format("INTERVAL '{}{}-{}' YEAR TO MONTH", sign, months / 12, months % 12);
    }
    static constexpr const char* kUnits[] = {"DAY", "HOUR", "MINUTE", "SECOND"};
    const int from = type.from_unit();
    const int to = type.to_unit();
    std::string text = value < 0 ? "-" : "";
    const std::int64_t micros = std::abs(value);
    const std::int64_t seconds = micros / 1'000'000;
    // The first unit takes all that is above it.
    const std::int64_t amounts[] = {
        seconds / 86400, from == 1 ? seconds / 3600 : seconds / 3600 % 24,
        from == 2 ? seconds / 60 : seconds / 60 % 60, from == 3 ? seconds : seconds % 60};
    for (int unit = from; unit <= to; ++unit) {
        if (unit > from) text += unit == 1 ? " " : ":";
        const bool padded = unit > 0 && (unit > from || from != to);
        text += padded ? fmt::format("{:02}", amounts[unit]) : fmt::format("{}", amounts[unit]);
        if (unit == 3) text += fraction_text(micros % 1'000'000);
    }
    if (from == to) return fmt::format("INTERVAL '{}' {}", text, kUnits[from]);
    return fmt::format("INTERVAL '{}' {} TO {}", text, kUnits[from], kUnits[to]);
}

std::string literal_text(const Literal& literal, const std::string& time_zone) {
    if (literal.is_null()) return "NULL";
    const DataType& type = literal.type;
    switch (type.kind()) {
        case TypeKind::kBoolean: return std::get<bool>(literal.value) ? "true" : "false";
        case TypeKind::kByte:
        case TypeKind::kShort:
        case TypeKind::kInteger:
        case TypeKind::kLong: return fmt::format("{}", std::get<std::int64_t>(literal.value));
        case TypeKind::kFloat: return double_text(std::get<double>(literal.value), true);
        case TypeKind::kDouble: return double_text(std::get<double>(literal.value));
        case TypeKind::kDecimal:
            return decimal_text(std::get<DecimalValue>(literal.value), type.scale());
        case TypeKind::kBinary: {
            std::string text = "X'";
            for (const char c : std::get<std::string>(literal.value)) {
                text += fmt::format("{:02X}", static_cast<unsigned char>(c));
            }
            return text + "'";
        }
        case TypeKind::kDate:
            return fmt::format("DATE '{}'", date_text(std::get<std::int64_t>(literal.value)));
        case TypeKind::kTimestamp:
            // In other zones the engine's calendar would be needed; UTC is what can be told here.
            return fmt::format("TIMESTAMP '{}{}'",
                               timestamp_text(std::get<std::int64_t>(literal.value)),
                               time_zone == "UTC" ? "" : " UTC");
        case TypeKind::kTimestampNtz:
            return fmt::format("TIMESTAMP_NTZ '{}'",
                               timestamp_text(std::get<std::int64_t>(literal.value)));
        case TypeKind::kTime:
            return fmt::format("TIME '{}'", time_text(std::get<std::int64_t>(literal.value)));
        case TypeKind::kYearMonthInterval:
        case TypeKind::kDayTimeInterval: return interval_text(literal);
        case TypeKind::kCalendarInterval: {
            const auto& value = std::get<IntervalValue>(literal.value);
            std::vector<std::string> parts;
            const auto add = [&](std::int64_t amount, const char* unit) {
                if (amount != 0) parts.push_back(fmt::format("{} {}", amount, unit));
            };
            add(value.months / 12, "years");
            add(value.months % 12, "months");
            add(value.days, "days");
            const std::int64_t seconds = value.microseconds / 1'000'000;
            add(seconds / 3600, "hours");
            add(seconds / 60 % 60, "minutes");
            const std::int64_t micros = std::abs(value.microseconds % 1'000'000);
            if (seconds % 60 != 0 || micros != 0) {
                parts.push_back(fmt::format("{}{} seconds", seconds % 60, fraction_text(micros)));
            }
            if (parts.empty()) parts.emplace_back("0 seconds");
            return fmt::format("INTERVAL '{}'", fmt::join(parts, " "));
        }
        case TypeKind::kArray:
        case TypeKind::kMap:
        case TypeKind::kStruct: {
            std::vector<std::string> texts;
            for (const Literal& child : std::get<std::vector<Literal>>(literal.value)) {
                texts.push_back(literal_text(child, time_zone));
            }
            const char* name = type.is(TypeKind::kArray) ? "array"
                               : type.is(TypeKind::kMap) ? "map"
                                                         : "struct";
            return fmt::format("{}({})", name, fmt::join(texts, ", "));
        }
        default: break;
    }
    if (const auto* text = std::get_if<std::string>(&literal.value)) return *text;
    return "NULL";
}

std::string order_text(const TypedOrder& order) {
    return fmt::format("{} {} NULLS {}", order.expression->sql_text,
                       order.ascending ? "ASC" : "DESC", order.nulls_first ? "FIRST" : "LAST");
}

std::string window_text(const WindowNode::Function& window) {
    using Bound = FrameBound::Kind;
    std::string text = "(";
    if (!window.partition_by.empty()) {
        std::vector<std::string> keys;
        for (const TypedExprPtr& key : window.partition_by) keys.push_back(key->sql_text);
        text += fmt::format("PARTITION BY {} ", fmt::join(keys, ", "));
    }
    if (!window.order_by.empty()) {
        std::vector<std::string> keys;
        for (const TypedOrder& order : window.order_by) keys.push_back(order_text(order));
        text += fmt::format("ORDER BY {} ", fmt::join(keys, ", "));
    }
    const auto bound = [](Bound kind, const TypedExprPtr& value) -> std::string {
        switch (kind) {
            case Bound::kUnboundedPreceding: return "UNBOUNDED PRECEDING";
            case Bound::kUnboundedFollowing: return "UNBOUNDED FOLLOWING";
            case Bound::kCurrentRow: return "CURRENT ROW";
            case Bound::kValue: break;
        }
        // (-2) PRECEDING is shown as 2 PRECEDING when it was written so.
        const auto* call = value->as<FunctionCall>();
        if (call != nullptr && call->name == "negative") {
            return call->args[0]->sql_text + " PRECEDING";
        }
        return value->sql_text + " FOLLOWING";
    };
    text += fmt::format("{} BETWEEN {} AND {})",
                        window.frame.kind == FrameKind::kRows ? "ROWS" : "RANGE",
                        bound(window.frame.lower_kind, window.frame.lower),
                        bound(window.frame.upper_kind, window.frame.upper));
    return text;
}

}  // namespace millrace::sql
