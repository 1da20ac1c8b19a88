// Casts from and to text, with Spark's rules and errors.
#include <charconv>
#include <cmath>
#include <limits>

#include "columnar/display_internal.h"
#include "columnar/functions_internal.h"
#include "columnar/json_internal.h"
#include "columnar/json_text_internal.h"
#include "columnar/time_text_internal.h"

namespace millrace::columnar {

namespace {

// Error messages quote the value up to here.
constexpr std::size_t kQuotedBytes = 200;

std::string quoted_value(std::string_view text) {
    std::string value = "'";
    for (const char c : text.substr(0, kQuotedBytes)) {
        if (c == '\'' || c == '\\') value.push_back('\\');
        value.push_back(c);
    }
    return value + "'";
}

void fail_cast(Call& call, std::string_view text, std::string_view target) {
    call.fail("CAST_INVALID_INPUT", {{"expression", quoted_value(text)},
                                     {"sourceType", "\"STRING\""},
                                     {"targetType", fmt::format("\"{}\"", target)}});
}

// text -> T by `parse`; what it refuses is null, or an error under ANSI.
template <class T, class Parse>
void from_text(Call& call, idx_t mode_argument, std::string_view target, Parse parse) {
    const auto texts = call.column<duckdb_string_t>(0);
    auto* out = call.results<T>();
    const bool ansi = raises(call, mode_argument);
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (texts.is_null(row)) {
            call.set_null(row);
            continue;
        }
        const std::string_view text = text_of(texts[row]);
        if (!parse(text, out[row])) {
            if (ansi) {
                fail_cast(call, text, target);
                return;
            }
            call.set_null(row);
        }
    }
}

// Digits with a sign; a fraction is cut off where Spark allows one (not under ANSI).
template <class T>
bool parse_integer(std::string_view text, bool allow_fraction, T& value) {
    text = trim_all(text);
    if (text.starts_with('+')) {
        text.remove_prefix(1);
        if (text.starts_with('-')) return false;
    }
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc()) {
        if (error == std::errc::result_out_of_range || !allow_fraction) return false;
        // ".5" is 0 there.
        if (text.empty() || text[0] != '.' || text.size() == 1) return false;
        value = 0;
        return text.find_first_not_of("0123456789", 1) == std::string_view::npos;
    }
    if (at == end) return true;
    if (!allow_fraction || *at != '.') return false;
    for (const char* rest = at + 1; rest < end; ++rest) {
        if (*rest < '0' || *rest > '9') return false;
    }
    return true;
}

template <class T>
void to_integer(Call& call, std::string_view target) {
    const bool fraction = call.constant(1) == "legacy";
    from_text<T>(call, 1, target, [&](std::string_view text, T& value) {
        return parse_integer(text, fraction, value);
    });
}
void to_tinyint(Call& call) {
    to_integer<std::int8_t>(call, "TINYINT");
}
void to_smallint(Call& call) {
    to_integer<std::int16_t>(call, "SMALLINT");
}
void to_int(Call& call) {
    to_integer<std::int32_t>(call, "INT");
}
void to_bigint(Call& call) {
    to_integer<std::int64_t>(call, "BIGINT");
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
               return std::tolower(static_cast<unsigned char>(x)) == y;
           });
}

template <class T>
bool parse_real(std::string_view text, T& value) {
    text = trim_all(text);
    std::string_view body = text;
    bool negative = false;
    if (!body.empty() && (body[0] == '+' || body[0] == '-')) {
        negative = body[0] == '-';
        body.remove_prefix(1);
    }
    if (equals_ignoring_case(body, "inf") || equals_ignoring_case(body, "infinity")) {
        value = negative ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::infinity();
        return true;
    }
    if (equals_ignoring_case(text, "nan")) {
        value = std::numeric_limits<T>::quiet_NaN();
        return true;
    }
    // Java allows a type letter behind the number.
    if (body.size() > 1 && std::string_view("dDfF").find(body.back()) != std::string_view::npos) {
        body.remove_suffix(1);
    }
    if (body.empty() || !((body[0] >= '0' && body[0] <= '9') || body[0] == '.')) return false;
    const char* end = body.data() + body.size();
    const auto [at, error] = std::from_chars(body.data(), end, value);
    if (at != end) return false;
    if (error == std::errc::result_out_of_range) {
        // Too small is zero, too large infinite: the exponent's sign tells.
        const std::size_t exponent = body.find_first_of("eE");
        const bool tiny = exponent != std::string_view::npos && exponent + 1 < body.size()
                              ? body[exponent + 1] == '-'
                              : body[0] == '0' || body[0] == '.';
        value = tiny ? T{0} : std::numeric_limits<T>::infinity();
    } else if (error != std::errc()) {
        return false;
    }
    if (negative) value = -value;
    return true;
}
void to_double(Call& call) {
    from_text<double>(call, 1, "DOUBLE",
                      [](std::string_view t, double& v) { return parse_real(t, v); });
}
void to_float(Call& call) {
    from_text<float>(call, 1, "FLOAT",
                     [](std::string_view t, float& v) { return parse_real(t, v); });
}

void to_boolean(Call& call) {
    from_text<bool>(call, 1, "BOOLEAN", [](std::string_view text, bool& value) {
        text = trim_all(text);
        for (const std::string_view yes : {"t", "true", "y", "yes", "1"}) {
            if (equals_ignoring_case(text, yes)) return value = true;
        }
        for (const std::string_view no : {"f", "false", "n", "no", "0"}) {
            if (equals_ignoring_case(text, no)) {
                value = false;
                return true;
            }
        }
        return false;
    });
}

void to_date(Call& call) {
    from_text<std::int32_t>(call, 1, "DATE", [](std::string_view text, std::int32_t& value) {
        const auto days = parse_date(text);
        if (days) value = *days;
        return days.has_value();
    });
}

void to_timestamp(Call& call) {
    Zone* zone = thread_zone(call.constant(1));
    if (zone == nullptr) {
        call.fail_with("an unknown time zone");
        return;
    }
    from_text<std::int64_t>(call, 2, "TIMESTAMP", [&](std::string_view text, std::int64_t& value) {
        const auto instant = parse_timestamp(text, *zone);
        if (instant) value = *instant;
        return instant.has_value();
    });
}

void to_timestamp_ntz(Call& call) {
    from_text<std::int64_t>(call, 1, "TIMESTAMP_NTZ",
                            [](std::string_view text, std::int64_t& value) {
                                const auto parsed = parse_local_time(text);
                                if (parsed) value = parsed->local_us;
                                return parsed.has_value();
                            });
}

// (text, precision, scale, mode) -> text in plain digits at that scale, for DuckDB to take as a
// DECIMAL of the call's own type: a function of ours could have one type only.
void to_decimal(Call& call) {
    const auto texts = call.column<duckdb_string_t>(0);
    const auto precisions = call.column<std::int32_t>(1);
    const auto scales = call.column<std::int32_t>(2);
    const bool ansi = raises(call, 3);
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (texts.is_null(row)) {
            call.set_null(row);
            continue;
        }
        const std::string_view text = text_of(texts[row]);
        __int128 unscaled = 0;
        if (parse_decimal(text, precisions[row], scales[row], unscaled)) {
            std::string plain;
            append_decimal_text(plain, unscaled, scales[row]);
            call.set_text(row, plain);
            continue;
        }
        if (!ansi) {
            call.set_null(row);
            continue;
        }
        double number = 0;
        if (parse_real(text, number) && std::isfinite(number)) {
            call.fail("NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION",
                      {{"value", std::string(trim_all(text).substr(0, kQuotedBytes))},
                       {"precision", std::to_string(precisions[row])},
                       {"scale", std::to_string(scales[row])}});
        } else {
            fail_cast(call, text, fmt::format("DECIMAL({},{})", precisions[row], scales[row]));
        }
        return;
    }
}

// Spark keeps any bytes in a string; DuckDB wants UTF-8: what is none becomes U+FFFD.
void binary_to_string(Call& call) {
    const auto bytes = call.column<duckdb_string_t>(0);
    std::string repaired;
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (bytes.is_null(row)) {
            call.set_null(row);
            continue;
        }
        const std::string_view text = text_of(bytes[row]);
        if (valid_utf8(text)) {
            call.set_text(row, text);
            continue;
        }
        repaired.clear();
        for (std::size_t at = 0; at < text.size();) {
            std::size_t length = 1;
            const auto lead = static_cast<unsigned char>(text[at]);
            if (lead >= 0xF0) {
                length = 4;
            } else if (lead >= 0xE0) {
                length = 3;
            } else if (lead >= 0xC0) {
                length = 2;
            }
            const std::string_view character = text.substr(at, length);
            if (character.size() == length && valid_utf8(character)) {
                repaired += character;
                at += length;
            } else {
                repaired += "\xEF\xBF\xBD";
                ++at;
            }
        }
        call.set_text(row, repaired);
    }
}

template <class T, void (*append)(std::string&, T)>
void real_text(Call& call) {
    const auto numbers = call.column<T>(0);
    std::string text;
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (numbers.is_null(row)) {
            call.set_null(row);
            continue;
        }
        text.clear();
        append(text, numbers[row]);
        call.set_text(row, text);
    }
}

void timestamp_text(Call& call) {
    Zone* zone = thread_zone(call.constant(1));
    const auto times = call.column<std::int64_t>(0);
    std::string text;
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (times.is_null(row) || zone == nullptr) {
            call.set_null(row);
            continue;
        }
        text.clear();
        append_local_time_text(text, times[row] + zone->offset_at(times[row]));
        call.set_text(row, text);
    }
}

template <class T, auto append>
void time_text(Call& call) {
    const auto times = call.column<T>(0);
    std::string text;
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (times.is_null(row)) {
            call.set_null(row);
            continue;
        }
        text.clear();
        append(text, times[row]);
        call.set_text(row, text);
    }
}
void append_local(std::string& to, std::int64_t us) {
    append_local_time_text(to, us);
}
void append_days(std::string& to, std::int32_t days) {
    append_date_text(to, days);
}

// Java's narrowing: integers keep their low bits, reals stop at the ends and NaN is 0.
template <class From, class To>
To wrap(const From& from) {
    if constexpr (std::is_floating_point_v<From>) {
        using Wide = std::conditional_t<sizeof(To) == 8, std::int64_t, std::int32_t>;
        if (std::isnan(from)) return 0;
        const double number = std::trunc(static_cast<double>(from));
        if (number >= static_cast<double>(std::numeric_limits<Wide>::max())) {
            return static_cast<To>(std::numeric_limits<Wide>::max());
        }
        if (number <= static_cast<double>(std::numeric_limits<Wide>::min())) {
            return static_cast<To>(std::numeric_limits<Wide>::min());
        }
        return static_cast<To>(static_cast<Wide>(number));
    } else {
        return static_cast<To>(from);
    }
}
template <class To>
void add_wrap(FunctionList& list, const char* name, duckdb_type result) {
    list.add(name, {{DUCKDB_TYPE_TINYINT}, result, unary<std::int8_t, To, wrap<std::int8_t, To>>});
    list.add(name,
             {{DUCKDB_TYPE_SMALLINT}, result, unary<std::int16_t, To, wrap<std::int16_t, To>>});
    list.add(name,
             {{DUCKDB_TYPE_INTEGER}, result, unary<std::int32_t, To, wrap<std::int32_t, To>>});
    list.add(name, {{DUCKDB_TYPE_BIGINT}, result, unary<std::int64_t, To, wrap<std::int64_t, To>>});
    list.add(name, {{DUCKDB_TYPE_FLOAT}, result, unary<float, To, wrap<float, To>>});
    list.add(name, {{DUCKDB_TYPE_DOUBLE}, result, unary<double, To, wrap<double, To>>});
}

// DOUBLE -> FLOAT as Java: too large becomes infinite, where DuckDB raises an error.
float narrow(const double& value) {
    return static_cast<float>(value);
}

template <class T>
void integer_bytes(Call& call) {
    const auto numbers = call.column<T>(0);
    for (idx_t row = 0; row < call.rows(); ++row) {
        if (numbers.is_null(row)) {
            call.set_null(row);
            continue;
        }
        const T swapped = std::byteswap(numbers[row]);
        call.set_text(row, {reinterpret_cast<const char*>(&swapped), sizeof(swapped)});
    }
}

}  // namespace

void add_cast_functions(FunctionList& list) {
    constexpr auto kText = DUCKDB_TYPE_VARCHAR;
    list.add("mr_to_boolean", {{kText, kText}, DUCKDB_TYPE_BOOLEAN, to_boolean});
    list.add("mr_to_tinyint", {{kText, kText}, DUCKDB_TYPE_TINYINT, to_tinyint});
    list.add("mr_to_smallint", {{kText, kText}, DUCKDB_TYPE_SMALLINT, to_smallint});
    list.add("mr_to_int", {{kText, kText}, DUCKDB_TYPE_INTEGER, to_int});
    list.add("mr_to_bigint", {{kText, kText}, DUCKDB_TYPE_BIGINT, to_bigint});
    list.add("mr_to_float", {{kText, kText}, DUCKDB_TYPE_FLOAT, to_float});
    list.add("mr_to_double", {{kText, kText}, DUCKDB_TYPE_DOUBLE, to_double});
    list.add("mr_to_decimal",
             {{kText, DUCKDB_TYPE_INTEGER, DUCKDB_TYPE_INTEGER, kText}, kText, to_decimal});
    list.add("mr_to_date", {{kText, kText}, DUCKDB_TYPE_DATE, to_date});
    list.add("mr_to_timestamp", {{kText, kText, kText}, DUCKDB_TYPE_TIMESTAMP_TZ, to_timestamp});
    list.add("mr_to_timestamp_ntz", {{kText, kText}, DUCKDB_TYPE_TIMESTAMP, to_timestamp_ntz});
    list.add("mr_binary_to_string", {{DUCKDB_TYPE_BLOB}, kText, binary_to_string});
    list.add("mr_binary_to_string", {{kText}, kText, binary_to_string});
    list.add("mr_real_text", {{DUCKDB_TYPE_DOUBLE}, kText, real_text<double, append_double_text>});
    list.add("mr_real_text", {{DUCKDB_TYPE_FLOAT}, kText, real_text<float, append_float_text>});
    list.add("mr_timestamp_text", {{DUCKDB_TYPE_TIMESTAMP_TZ, kText}, kText, timestamp_text});
    list.add("mr_time_text",
             {{DUCKDB_TYPE_TIMESTAMP}, kText, time_text<std::int64_t, append_local>});
    list.add("mr_time_text", {{DUCKDB_TYPE_DATE}, kText, time_text<std::int32_t, append_days>});
    add_wrap<std::int8_t>(list, "mr_wrap_to_tinyint", DUCKDB_TYPE_TINYINT);
    add_wrap<std::int16_t>(list, "mr_wrap_to_smallint", DUCKDB_TYPE_SMALLINT);
    add_wrap<std::int32_t>(list, "mr_wrap_to_int", DUCKDB_TYPE_INTEGER);
    add_wrap<std::int64_t>(list, "mr_wrap_to_bigint", DUCKDB_TYPE_BIGINT);
    list.add("mr_narrow", {{DUCKDB_TYPE_DOUBLE}, DUCKDB_TYPE_FLOAT, unary<double, float, narrow>});
    list.add("mr_integer_bytes",
             {{DUCKDB_TYPE_TINYINT}, DUCKDB_TYPE_BLOB, integer_bytes<std::int8_t>});
    list.add("mr_integer_bytes",
             {{DUCKDB_TYPE_SMALLINT}, DUCKDB_TYPE_BLOB, integer_bytes<std::int16_t>});
    list.add("mr_integer_bytes",
             {{DUCKDB_TYPE_INTEGER}, DUCKDB_TYPE_BLOB, integer_bytes<std::int32_t>});
    list.add("mr_integer_bytes",
             {{DUCKDB_TYPE_BIGINT}, DUCKDB_TYPE_BLOB, integer_bytes<std::int64_t>});
}

}  // namespace millrace::columnar
