// Numbers: Java's wrapping arithmetic, exact decimals beyond DuckDB's, intervals, random draws.
#include <arrow/util/decimal.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>

#include "columnar/display_internal.h"
#include "columnar/functions_internal.h"

namespace millrace::columnar {

namespace {

template <class T>
T wrap_add(const T& a, const T& b) {
    return static_cast<T>(static_cast<std::make_unsigned_t<T>>(a) +
                          static_cast<std::make_unsigned_t<T>>(b));
}
template <class T>
T wrap_subtract(const T& a, const T& b) {
    return static_cast<T>(static_cast<std::make_unsigned_t<T>>(a) -
                          static_cast<std::make_unsigned_t<T>>(b));
}
template <class T>
T wrap_multiply(const T& a, const T& b) {
    // Through 64 bits: narrow unsigned types would be promoted to int and could overflow.
    return static_cast<T>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}
template <class T>
T wrap_negate(const T& a) {
    return static_cast<T>(0 - static_cast<std::uint64_t>(a));
}
template <class T>
T wrap_abs(const T& a) {
    return a < 0 ? wrap_negate(a) : a;
}
template <class T>
T real_negate(const T& a) {
    return -a;
}
template <class T>
T real_abs(const T& a) {
    return std::abs(a);
}

template <class T>
void add_wrapping(FunctionList& list, duckdb_type type) {
    list.add("mr_wrap_add", {{type, type}, type, binary<T, T, T, wrap_add<T>>});
    list.add("mr_wrap_subtract", {{type, type}, type, binary<T, T, T, wrap_subtract<T>>});
    list.add("mr_wrap_multiply", {{type, type}, type, binary<T, T, T, wrap_multiply<T>>});
    list.add("mr_wrap_negate", {{type}, type, unary<T, T, wrap_negate<T>>});
    list.add("mr_wrap_abs", {{type}, type, unary<T, T, wrap_abs<T>>});
}

template <class T>
T shift_left(const T& a, const std::int32_t& by) {
    return static_cast<T>(static_cast<std::make_unsigned_t<T>>(a) << (by & (sizeof(T) * 8 - 1)));
}
template <class T>
T shift_right(const T& a, const std::int32_t& by) {
    return a >> (by & static_cast<std::int32_t>(sizeof(T) * 8 - 1));
}
template <class T>
T shift_right_unsigned(const T& a, const std::int32_t& by) {
    return static_cast<T>(static_cast<std::make_unsigned_t<T>>(a) >> (by & (sizeof(T) * 8 - 1)));
}
template <class T>
void add_shifts(FunctionList& list, duckdb_type type) {
    constexpr auto kInt = DUCKDB_TYPE_INTEGER;
    list.add("mr_shift_left", {{type, kInt}, type, binary<T, std::int32_t, T, shift_left<T>>});
    list.add("mr_shift_right", {{type, kInt}, type, binary<T, std::int32_t, T, shift_right<T>>});
    list.add("mr_shift_right_unsigned",
             {{type, kInt}, type, binary<T, std::int32_t, T, shift_right_unsigned<T>>});
}

// (operation, a, b, precision, scale, mode) -> plain digits. Decimals come and go as text, since a
// function has one type; the work is done on 76 digits, which holds every product of two of 38.
bool decimal(const Row& row, std::string& out) {
    const std::string_view operation = row.text(0);
    const std::int32_t precision = row.number(3);
    const std::int32_t scale = row.number(4);
    arrow::Decimal256 a;
    arrow::Decimal256 b;
    std::int32_t digits = 0;
    std::int32_t scale_a = 0;
    std::int32_t scale_b = 0;
    if (!arrow::Decimal256::FromString(row.text(1), &a, &digits, &scale_a).ok() ||
        !arrow::Decimal256::FromString(row.text(2), &b, &digits, &scale_b).ok()) {
        return false;
    }
    const auto up = [](const arrow::Decimal256& value, std::int32_t by) {
        return arrow::Decimal256(value.IncreaseScaleBy(std::max(0, by)));
    };
    const auto refuse = [&](std::string_view value) {
        if (row.text(5) == "ansi") {
            row.call().fail("NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION",
                            {{"value", std::string(value)},
                             {"precision", std::to_string(precision)},
                             {"scale", std::to_string(scale)}});
        }
        return false;
    };
    const std::int32_t common = std::max(scale_a, scale_b);
    arrow::Decimal256 value;
    std::int32_t value_scale = common;
    if (operation == "add") {
        value = up(a, common - scale_a) + up(b, common - scale_b);
    } else if (operation == "subtract") {
        arrow::Decimal256 negative = up(b, common - scale_b);
        negative.Negate();
        value = up(a, common - scale_a) + negative;
    } else if (operation == "multiply") {
        value = a * b;
        value_scale = scale_a + scale_b;
    } else {
        if (b == arrow::Decimal256(0)) return false;
        if (operation == "divide") {
            // One digit more than wanted, to round by.
            const std::int32_t shift = scale + 1 + scale_b - scale_a;
            const arrow::Decimal256 divisor = shift < 0 ? up(b, -shift) : b;
            const std::string text = a.ToIntegerString();
            if (static_cast<std::int32_t>(text.size()) + shift > 76) return refuse(row.text(1));
            value = up(a, shift) / divisor;
            value_scale = scale + 1;
        } else {
            const arrow::Decimal256 x = up(a, common - scale_a);
            const arrow::Decimal256 y = up(b, common - scale_b);
            value = operation == "div" ? arrow::Decimal256(x / y) : arrow::Decimal256(x % y);
            value_scale = operation == "div" ? 0 : common;
        }
    }
    if (value_scale > scale) {
        value = arrow::Decimal256(value.ReduceScaleBy(value_scale - scale, true));
    } else {
        value = up(value, scale - value_scale);
    }
    if (!value.FitsInPrecision(std::min(precision, 76))) return refuse(value.ToString(scale));
    out = value.ToIntegerString();
    // Plain digits, never an exponent: DuckDB takes either, Spark shows this.
    const bool negative = out.starts_with('-');
    if (negative) out.erase(0, 1);
    if (scale > 0) {
        if (out.size() <= static_cast<std::size_t>(scale)) {
            out.insert(0, static_cast<std::size_t>(scale) + 1 - out.size(), '0');
        }
        out.insert(out.size() - static_cast<std::size_t>(scale), ".");
    }
    if (negative) out.insert(out.begin(), '-');
    return true;
}

// Draws that depend on seed and row alone (SplitMix64).
std::uint64_t mix(std::uint64_t value) {
    value += 0x9E3779B97F4A7C15ULL;
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ULL;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EBULL;
    return value ^ (value >> 31);
}
double unit(std::uint64_t bits) {
    return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

bool draw(const Row& row, double& out) {
    out = unit(mix(static_cast<std::uint64_t>(row.get<std::int64_t>(0)) ^
                   mix(static_cast<std::uint64_t>(row.get<std::int64_t>(1)))));
    return true;
}
// (row, seed, mean): how often a row is taken when it may be taken again.
bool poisson(const Row& row, std::int64_t& out) {
    std::mt19937_64 random(mix(static_cast<std::uint64_t>(row.get<std::int64_t>(0)) ^
                               mix(static_cast<std::uint64_t>(row.get<std::int64_t>(1)))));
    const auto mean = row.get<double>(2);
    out = mean > 0 ? std::poisson_distribution<std::int64_t>(mean)(random) : 0;
    return true;
}

// Spark's XORShiftRandom: one stream a chunk, as each of Spark's partitions has one.
class XorShift {
public:
    explicit XorShift(std::int64_t seed) {
        // Spark hashes the seed's eight bytes twice with Murmur3 before use.
        const auto hash = [](std::string_view bytes, std::uint32_t start) {
            std::uint32_t h = start;
            for (std::size_t at = 0; at + 4 <= bytes.size(); at += 4) {
                std::uint32_t word = 0;
                for (std::size_t i = 0; i < 4; ++i) {
                    word |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at + i]))
                            << (8 * i);
                }
                h = std::rotl(h ^ (std::rotl(word * 0xcc9e2d51U, 15) * 0x1b873593U), 13) * 5 +
                    0xe6546b64U;
            }
            h ^= static_cast<std::uint32_t>(bytes.size());
            h = (h ^ (h >> 16)) * 0x85ebca6bU;
            h = (h ^ (h >> 13)) * 0xc2b2ae35U;
            return h ^ (h >> 16);
        };
        std::string bytes(8, '\0');
        for (std::size_t i = 0; i < 8; ++i) {
            bytes[i] = static_cast<char>(static_cast<std::uint64_t>(seed) >> (56 - 8 * i));
        }
        const std::uint32_t low = hash(bytes, 0x3c074a61U);
        const std::uint32_t high = hash(bytes, low);
        state_ = static_cast<std::int64_t>(static_cast<std::uint64_t>(high) << 32 | low);
    }
    double next_double() {
        const auto high = static_cast<std::int64_t>(next(26)) << 27;
        return static_cast<double>(high + next(27)) * 0x1.0p-53;
    }
    // Two come of one draw, as in java.util.Random; the second waits for the next call.
    double next_gaussian() {
        if (waiting_) return *std::exchange(waiting_, std::nullopt);
        while (true) {
            const double v1 = 2 * next_double() - 1;
            const double v2 = 2 * next_double() - 1;
            const double s = v1 * v1 + v2 * v2;
            if (s >= 1 || s == 0) continue;
            const double factor = std::sqrt(-2 * std::log(s) / s);
            waiting_ = v2 * factor;
            return v1 * factor;
        }
    }

private:
    std::int32_t next(int bits) {
        auto value = static_cast<std::uint64_t>(state_);
        value ^= value << 21;
        value ^= value >> 35;
        value ^= value << 4;
        state_ = static_cast<std::int64_t>(value);
        return static_cast<std::int32_t>(value & ((std::uint64_t{1} << bits) - 1));
    }
    std::int64_t state_ = 0;
    std::optional<double> waiting_;
};

std::int64_t random_seed() {
    // tidy: rand() without a seed is meant to differ from run to run; no test depends on it.
    thread_local std::mt19937_64 random{std::random_device{}()};
    return static_cast<std::int64_t>(random());
}

template <bool gaussian>
void random_rows(Call& call) {
    auto* out = call.results<double>();
    if (call.rows() == 0) return;
    std::int64_t seed = 0;
    if (call.arguments() == 0) {
        seed = random_seed();
    } else if (!vector_is_null(duckdb_vector_get_validity(call.argument(0)), 0)) {
        seed = call.column<std::int64_t>(0)[0];
    }
    // A stream goes on over full chunks of one scan; what follows a short chunk begins anew.
    thread_local std::optional<XorShift> stream;
    thread_local std::int64_t stream_seed = 0;
    if (!stream || stream_seed != seed || call.arguments() == 0) stream.emplace(seed);
    stream_seed = seed;
    for (idx_t row = 0; row < call.rows(); ++row) {
        out[row] = gaussian ? stream->next_gaussian() : stream->next_double();
    }
    if (call.rows() < duckdb_vector_size()) stream.reset();
}

double hypot_of(const double& a, const double& b) {
    return std::hypot(a, b);
}
double expm1_of(const double& a) {
    return std::expm1(a);
}
double power_of(const double& a, const double& b) {
    return std::pow(a, b);
}
bool natural_log(const Row& row, double& out) {
    const auto value = row.get<double>(0);
    out = std::log(value);
    return value > 0;
}
// (base, value)
bool log_of(const Row& row, double& out) {
    const auto base = row.get<double>(0);
    const auto value = row.get<double>(1);
    out = std::log(value) / std::log(base);
    return base > 0 && value > 0;
}

// (value, low, high, buckets)
bool width_bucket(const Row& row, std::int64_t& out) {
    const auto value = row.get<double>(0);
    const auto low = row.get<double>(1);
    const auto high = row.get<double>(2);
    const auto buckets = row.get<std::int64_t>(3);
    if (buckets <= 0 || std::isnan(value) || low == high || !std::isfinite(low) ||
        !std::isfinite(high))
        return false;
    const double lower = std::min(low, high);
    const double upper = std::max(low, high);
    if (low < high) {
        out = value < lower    ? 0
              : value >= upper ? buckets + 1
                               : static_cast<std::int64_t>(static_cast<double>(buckets) *
                                                           (value - lower) / (upper - lower)) +
                                     1;
    } else {
        out = value > upper    ? 0
              : value <= lower ? buckets + 1
                               : static_cast<std::int64_t>(static_cast<double>(buckets) *
                                                           (upper - value) / (upper - lower)) +
                                     1;
    }
    return true;
}

constexpr std::int64_t kDayUs = 86'400'000'000;

std::int64_t interval_us(const duckdb_interval& interval) {
    return interval.micros + interval.days * kDayUs;
}

// (interval, factor, mode); dividing multiplies by the inverse, rounded half up.
template <bool divide>
bool scale_interval(const Row& row, duckdb_interval& out) {
    const auto interval = row.get<duckdb_interval>(0);
    const auto factor = row.get<double>(1);
    if (divide && factor == 0) {
        if (row.text(2) == "ansi") row.call().fail("INTERVAL_DIVIDED_BY_ZERO");
        return false;
    }
    const auto scaled = [&](double value) {
        return std::round(divide ? value / factor : value * factor);
    };
    const double months = scaled(interval.months);
    const double micros = scaled(static_cast<double>(interval_us(interval)));
    if (std::abs(months) > 2147483647.0 || std::abs(micros) >= 9.2e18) {
        if (row.text(2) == "ansi")
            row.call().fail("ARITHMETIC_OVERFLOW", {{"message", "long overflow"}});
        return false;
    }
    out = {.months = static_cast<std::int32_t>(months),
           .days = 0,
           .micros = static_cast<std::int64_t>(micros)};
    return true;
}
bool divide_intervals(const Row& row, std::int64_t& out) {
    const auto a = row.get<duckdb_interval>(0);
    const auto b = row.get<duckdb_interval>(1);
    const bool months = a.months != 0 || b.months != 0;
    const std::int64_t dividend = months ? a.months : interval_us(a);
    const std::int64_t divisor = months ? b.months : interval_us(b);
    if (divisor == 0) {
        if (row.text(2) == "ansi") row.call().fail("INTERVAL_DIVIDED_BY_ZERO");
        return false;
    }
    out = dividend / divisor;
    return true;
}

}  // namespace

void add_math_functions(FunctionList& list) {
    constexpr auto kText = DUCKDB_TYPE_VARCHAR;
    constexpr auto kInt = DUCKDB_TYPE_INTEGER;
    constexpr auto kLong = DUCKDB_TYPE_BIGINT;
    constexpr auto kDouble = DUCKDB_TYPE_DOUBLE;
    constexpr auto kInterval = DUCKDB_TYPE_INTERVAL;
    add_wrapping<std::int8_t>(list, DUCKDB_TYPE_TINYINT);
    add_wrapping<std::int16_t>(list, DUCKDB_TYPE_SMALLINT);
    add_wrapping<std::int32_t>(list, kInt);
    add_wrapping<std::int64_t>(list, kLong);
    list.add("mr_wrap_negate", {{kDouble}, kDouble, unary<double, double, real_negate<double>>});
    list.add("mr_wrap_negate",
             {{DUCKDB_TYPE_FLOAT}, DUCKDB_TYPE_FLOAT, unary<float, float, real_negate<float>>});
    list.add("mr_wrap_abs", {{kDouble}, kDouble, unary<double, double, real_abs<double>>});
    list.add("mr_wrap_abs",
             {{DUCKDB_TYPE_FLOAT}, DUCKDB_TYPE_FLOAT, unary<float, float, real_abs<float>>});
    add_shifts<std::int32_t>(list, kInt);
    add_shifts<std::int64_t>(list, kLong);
    list.add("mr_decimal", {{kText, kText, kText, kInt, kInt, kText}, kText, text_rows<decimal>});
    list.add("mr_draw", {{kLong, kLong}, kDouble, value_rows<double, draw>});
    list.add("mr_poisson", {{kLong, kLong, kDouble}, kLong, value_rows<std::int64_t, poisson>});
    for (const bool seeded : {false, true}) {
        const std::vector<duckdb_type> arguments =
            seeded ? std::vector{kLong} : std::vector<duckdb_type>{};
        list.add("mr_rand", {.arguments = arguments,
                             .result = kDouble,
                             .body = random_rows<false>,
                             .sees_nulls = true,
                             .is_volatile = true});
        list.add("mr_randn", {.arguments = arguments,
                              .result = kDouble,
                              .body = random_rows<true>,
                              .sees_nulls = true,
                              .is_volatile = true});
    }
    list.add("mr_hypot", {{kDouble, kDouble}, kDouble, binary<double, double, double, hypot_of>});
    list.add("mr_expm1", {{kDouble}, kDouble, unary<double, double, expm1_of>});
    list.add("mr_power", {{kDouble, kDouble}, kDouble, binary<double, double, double, power_of>});
    list.add("mr_log", {{kDouble}, kDouble, value_rows<double, natural_log>});
    list.add("mr_log", {{kDouble, kDouble}, kDouble, value_rows<double, log_of>});
    list.add("mr_width_bucket",
             {{kDouble, kDouble, kDouble, kLong}, kLong, value_rows<std::int64_t, width_bucket>});
    list.add("mr_interval_multiply", {{kInterval, kDouble, kText},
                                      kInterval,
                                      value_rows<duckdb_interval, scale_interval<false>>});
    list.add("mr_interval_divide", {{kInterval, kDouble, kText},
                                    kInterval,
                                    value_rows<duckdb_interval, scale_interval<true>>});
    list.add("mr_interval_div",
             {{kInterval, kInterval, kText}, kLong, value_rows<std::int64_t, divide_intervals>});
}

}  // namespace millrace::columnar
