// Literals: numbers, typed text such as DATE '…', intervals.
#include <algorithm>
#include <charconv>

#include "sql/errors.h"
#include "sql/parser_internal.h"

namespace millrace::sql {

using base::fail;
using plan::Literal;
using plan::make_expr;

namespace {

std::string upper(std::string_view text) {
    std::string result(text);
    for (char& c : result) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return result;
}

// Digits without the dot, and how many follow it.
std::optional<Literal> decimal_literal(std::string_view text, bool negative) {
    std::string digits;
    int scale = 0;
    bool after_dot = false;
    std::size_t at = 0;
    for (; at < text.size() && text[at] != 'e' && text[at] != 'E'; ++at) {
        if (text[at] == '.') {
            after_dot = true;
        } else {
            digits += text[at];
            if (after_dot) ++scale;
        }
    }
    if (at < text.size()) {
        int exponent = 0;
        std::string_view rest = text.substr(at + 1);
        if (rest.starts_with('+')) rest.remove_prefix(1);
        const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), exponent);
        if (error != std::errc() || exponent > 60 || exponent < -60) return std::nullopt;
        scale -= exponent;
    }
    while (scale < 0) {
        digits += '0';
        ++scale;
    }
    const std::size_t first = digits.find_first_not_of('0');
    std::string significant = first == std::string::npos ? "" : digits.substr(first);
    const int precision = std::max<int>(static_cast<int>(significant.size()), std::max(scale, 1));
    if (precision > 38) return std::nullopt;
    unsigned __int128 value = 0;
    for (const char c : significant) value = value * 10 + static_cast<unsigned>(c - '0');
    auto signed_value = static_cast<__int128>(value);
    if (negative) signed_value = -signed_value;
    return Literal{DataType::decimal(precision, scale),
                   plan::DecimalValue{static_cast<std::int64_t>(signed_value >> 64),
                                      static_cast<std::uint64_t>(signed_value)}};
}

}  // namespace

Result<ExprPtr> Parser::number(const Token& token, bool negative) {
    std::string_view text = token.text;
    const int start = negative ? token.start - 1 : token.start;
    const plan::Origin origin = origin_from(start);
    const auto suffix_of = [&] {
        std::size_t end = text.size();
        while (end > 0 && std::isalpha(static_cast<unsigned char>(text[end - 1])) != 0) --end;
        return upper(text.substr(end));
    };
    const std::string suffix = suffix_of();
    text.remove_suffix(suffix.size());
    const auto out_of_range = [&](std::string_view type, std::string_view low,
                                  std::string_view high) {
        return fail(
            error_at(origin, "INVALID_NUMERIC_LITERAL_RANGE",
                     {{"rawStrippedQualifier", fmt::format("{}{}", negative ? "-" : "", text)},
                      {"minValue", std::string(low)},
                      {"maxValue", std::string(high)},
                      {"typeName", std::string(type)}}));
    };
    const bool plain = text.find_first_of(".eE") == std::string_view::npos;
    std::string signed_text = negative ? "-" : "";
    signed_text += text;
    const auto integer = [&](std::int64_t& value) {
        const auto [end, error] =
            std::from_chars(signed_text.data(), signed_text.data() + signed_text.size(), value);
        return error == std::errc() && end == signed_text.data() + signed_text.size();
    };
    std::int64_t value = 0;
    if (suffix == "L" || suffix == "S" || suffix == "Y") {
        if (!plain) return fail(syntax_error());
        const std::int64_t limit = suffix == "L" ? INT64_MAX : suffix == "S" ? INT16_MAX : INT8_MAX;
        const auto low = -limit - 1;
        if (!integer(value) || value > limit || value < low) {
            return out_of_range(suffix == "L"   ? "bigint"
                                : suffix == "S" ? "smallint"
                                                : "tinyint",
                                std::to_string(low), std::to_string(limit));
        }
        const DataType type = suffix == "L"   ? DataType::long_()
                              : suffix == "S" ? DataType::short_()
                                              : DataType::byte_();
        return make_expr(Literal{type, value}, origin);
    }
    if (suffix == "F" || suffix == "D" ||
        (suffix.empty() && !plain && text.find_first_of("eE") != std::string_view::npos)) {
        double parsed = 0;
        const auto [end, error] =
            std::from_chars(signed_text.data(), signed_text.data() + signed_text.size(), parsed);
        if (error == std::errc::result_out_of_range && suffix.empty()) {
            // Too large for a double: a decimal when it fits there.
        } else if (error != std::errc() && error != std::errc::result_out_of_range) {
            return fail(syntax_error());
        } else if (error == std::errc::result_out_of_range) {
            return out_of_range(suffix == "F" ? "float" : "double", "-1.7976931348623157E+308",
                                "1.7976931348623157E+308");
        }
        if (suffix == "F") {
            return make_expr(
                Literal{DataType::float_(), static_cast<double>(static_cast<float>(parsed))},
                origin);
        }
        return make_expr(Literal::double_(parsed), origin);
    }
    if (plain && suffix.empty() && integer(value)) {
        if (value >= INT32_MIN && value <= INT32_MAX) {
            return make_expr(Literal{DataType::integer(), value}, origin);
        }
        return make_expr(Literal::long_(value), origin);
    }
    if (auto decimal = decimal_literal(text, negative)) {
        return make_expr(std::move(*decimal), origin);
    }
    return fail(error_at(origin, "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION",
                         {{"precision", std::to_string(text.size())}, {"maxPrecision", "38"}}));
}

// DATE '…', TIMESTAMP '…', X'…': the word has been taken, the string is next.
Result<ExprPtr> Parser::typed_literal(std::string_view type, int start) {
    const std::string kind = upper(type);
    const std::string text = take().value;
    const plan::Origin origin = origin_from(start);
    const auto invalid = [&] {
        return fail(error_at(origin, "INVALID_TYPED_LITERAL",
                             {{"valueType", "\"" + kind + "\""}, {"value", "'" + text + "'"}}));
    };
    if (kind == "DATE") {
        const auto days = parse_date(text);
        if (!days) return invalid();
        return make_expr(Literal{DataType::date(), std::int64_t{*days}}, origin);
    }
    if (kind == "TIMESTAMP_NTZ") {
        const auto parsed = parse_timestamp(text);
        if (!parsed || parsed->has_zone) return invalid();
        return make_expr(Literal{DataType::timestamp_ntz(), parsed->microseconds}, origin);
    }
    if (kind == "TIMESTAMP" || kind == "TIMESTAMP_LTZ") {
        const auto parsed = parse_timestamp(text);
        if (!parsed) return invalid();
        if (parsed->has_zone && parsed->zone.empty()) {
            return make_expr(Literal{DataType::timestamp(), parsed->microseconds}, origin);
        }
        // Without an offset the session's zone decides: the analyzer knows it.
        plan::FunctionExpr local;
        local.name = "timestamp_literal";
        local.args = {make_expr(Literal::string(text), origin)};
        local.is_internal = true;
        return make_expr(std::move(local), origin);
    }
    if (kind == "X") {
        std::string bytes;
        std::string digits = text;
        if (digits.size() % 2 == 1) digits.insert(digits.begin(), '0');
        for (std::size_t i = 0; i < digits.size(); i += 2) {
            unsigned value = 0;
            const auto [end, error] =
                std::from_chars(digits.data() + i, digits.data() + i + 2, value, 16);
            if (error != std::errc() || end != digits.data() + i + 2) return invalid();
            bytes += static_cast<char>(value);
        }
        return make_expr(Literal{DataType::binary(), std::move(bytes)}, origin);
    }
    if (kind == "TIME") {
        const auto parsed = parse_timestamp("1970-01-01 " + text);
        if (!parsed || parsed->has_zone) return invalid();
        return make_expr(Literal{DataType::time(6), parsed->microseconds}, origin);
    }
    return fail(
        error_at(origin, "UNSUPPORTED_FEATURE.LITERAL_TYPE", {{"value", text}, {"type", kind}}));
}

Result<ExprPtr> Parser::interval(int start) {
    const auto unit_ahead = [&](std::size_t ahead) {
        static constexpr std::string_view kUnits[] = {
            "year",   "years",   "month",       "months",       "week",        "weeks",
            "day",    "days",    "hour",        "hours",        "minute",      "minutes",
            "second", "seconds", "millisecond", "milliseconds", "microsecond", "microseconds"};
        return peek(ahead).kind == TokenKind::kWord &&
               std::ranges::any_of(kUnits, [&](std::string_view unit) {
                   return same_word(peek(ahead).text, unit);
               });
    };
    const auto located = [&](const base::Error& error) {
        if (error.condition() == nullptr) return error;
        return error_at(origin_from(start), error.condition()->name, error.condition()->parameters);
    };
    ParsedInterval total;
    bool any = false;
    while (true) {
        const bool negative = at_symbol("-") && (peek(1).kind == TokenKind::kNumber ||
                                                 peek(1).kind == TokenKind::kString);
        const std::size_t at = negative || at_symbol("+") ? 1 : 0;
        const TokenKind kind = peek(at).kind;
        if (kind != TokenKind::kNumber && kind != TokenKind::kString) break;
        if (kind == TokenKind::kString && !any && !unit_ahead(at + 1)) {
            // INTERVAL '1 day 2 hours'
            for (std::size_t i = 0; i < at; ++i) take();
            const std::string text = take().value;
            auto parsed = parse_units(text);
            if (!parsed) return fail(located(parsed.error()));
            if (negative) {
                parsed->months = -parsed->months;
                parsed->days = -parsed->days;
                parsed->microseconds = -parsed->microseconds;
            }
            return make_expr(interval_literal(*parsed), origin_from(start));
        }
        if (!unit_ahead(at + 1)) break;
        for (std::size_t i = 0; i < at; ++i) take();
        const Token value = take();
        const Token unit = take();
        if (!any && kind == TokenKind::kString && at_word("to")) {
            take();
            const Token to = take();
            auto parsed = parse_unit_range((negative ? "-" : "") + value.value, unit.text, to.text);
            if (!parsed) return fail(located(parsed.error()));
            const auto index = [](std::string_view name) {
                return same_word(name, "year")     ? 0
                       : same_word(name, "month")  ? 1
                       : same_word(name, "day")    ? 0
                       : same_word(name, "hour")   ? 1
                       : same_word(name, "minute") ? 2
                                                   : 3;
            };
            const bool months = same_word(unit.text, "year") || same_word(unit.text, "month");
            DataType type = months ? DataType::year_month_interval(index(unit.text), index(to.text))
                                   : DataType::day_time_interval(index(unit.text), index(to.text));
            return make_expr(Literal{std::move(type), *parsed}, origin_from(start));
        }
        std::string digits = negative ? "-" : "";
        digits += kind == TokenKind::kString ? value.value : std::string(value.text);
        auto known = add_unit(total, digits, unit.text);
        if (!known) return fail(located(known.error()));
        any = true;
    }
    if (!any) return fail(syntax_error());
    return make_expr(interval_literal(total), origin_from(start));
}

}  // namespace millrace::sql
