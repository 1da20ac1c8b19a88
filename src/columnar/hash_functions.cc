// Hashes as Spark computes them: Murmur3 (32 bits) and xxHash64, both seeded with 42, over values
// of any type; CRC-32, MD5 and SHA over bytes.
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "columnar/functions_internal.h"

namespace millrace::columnar {

namespace {

struct Murmur3 {
    using Value = std::int32_t;
    static constexpr Value kSeed = 42;

    static std::uint32_t mix_k(std::uint32_t k) {
        return std::rotl(k * 0xcc9e2d51U, 15) * 0x1b873593U;
    }
    static std::uint32_t mix_h(std::uint32_t h, std::uint32_t k) {
        return std::rotl(h ^ mix_k(k), 13) * 5 + 0xe6546b64U;
    }
    static Value finish(std::uint32_t h, std::uint32_t length) {
        h ^= length;
        h = (h ^ (h >> 16)) * 0x85ebca6bU;
        h = (h ^ (h >> 13)) * 0xc2b2ae35U;
        return static_cast<Value>(h ^ (h >> 16));
    }
    static Value of_int(std::int32_t value, Value seed) {
        return finish(mix_h(static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(value)),
                      4);
    }
    static Value of_long(std::int64_t value, Value seed) {
        std::uint32_t h =
            mix_h(static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(value));
        h = mix_h(h, static_cast<std::uint32_t>(static_cast<std::uint64_t>(value) >> 32));
        return finish(h, 8);
    }
    static Value of_bytes(std::string_view bytes, Value seed) {
        auto h = static_cast<std::uint32_t>(seed);
        std::size_t at = 0;
        for (; at + 4 <= bytes.size(); at += 4) {
            std::uint32_t word = 0;
            std::memcpy(&word, bytes.data() + at, 4);
            h = mix_h(h, word);
        }
        // Spark mixes each byte of the tail alone, with its sign.
        for (; at < bytes.size(); ++at) {
            h = mix_h(h, static_cast<std::uint32_t>(
                             static_cast<std::int32_t>(static_cast<signed char>(bytes[at]))));
        }
        return finish(h, static_cast<std::uint32_t>(bytes.size()));
    }
};

struct XxHash64 {
    using Value = std::int64_t;
    static constexpr Value kSeed = 42;
    static constexpr std::uint64_t kPrime1 = 0x9E3779B185EBCA87ULL;
    static constexpr std::uint64_t kPrime2 = 0xC2B2AE3D27D4EB4FULL;
    static constexpr std::uint64_t kPrime3 = 0x165667B19E3779F9ULL;
    static constexpr std::uint64_t kPrime4 = 0x85EBCA77C2B2AE63ULL;
    static constexpr std::uint64_t kPrime5 = 0x27D4EB2F165667C5ULL;

    static Value finish(std::uint64_t h) {
        h = (h ^ (h >> 33)) * kPrime2;
        h = (h ^ (h >> 29)) * kPrime3;
        return static_cast<Value>(h ^ (h >> 32));
    }
    static Value of_int(std::int32_t value, Value seed) {
        std::uint64_t h = static_cast<std::uint64_t>(seed) + kPrime5 + 4;
        h ^= static_cast<std::uint64_t>(static_cast<std::uint32_t>(value)) * kPrime1;
        return finish(std::rotl(h, 23) * kPrime2 + kPrime3);
    }
    static Value of_long(std::int64_t value, Value seed) {
        std::uint64_t h = static_cast<std::uint64_t>(seed) + kPrime5 + 8;
        h ^= std::rotl(static_cast<std::uint64_t>(value) * kPrime2, 31) * kPrime1;
        return finish(std::rotl(h, 27) * kPrime1 + kPrime4);
    }
    static Value of_bytes(std::string_view bytes, Value raw_seed) {
        const auto seed = static_cast<std::uint64_t>(raw_seed);
        const auto word = [&](std::size_t at) {
            std::uint64_t value = 0;
            std::memcpy(&value, bytes.data() + at, 8);
            return value;
        };
        const auto round = [](std::uint64_t acc, std::uint64_t input) {
            return std::rotl(acc + input * kPrime2, 31) * kPrime1;
        };
        std::size_t at = 0;
        std::uint64_t h = 0;
        if (bytes.size() >= 32) {
            std::array<std::uint64_t, 4> lanes = {seed + kPrime1 + kPrime2, seed + kPrime2, seed,
                                                  seed - kPrime1};
            for (; at + 32 <= bytes.size(); at += 32) {
                for (std::size_t i = 0; i < 4; ++i) lanes[i] = round(lanes[i], word(at + 8 * i));
            }
            h = std::rotl(lanes[0], 1) + std::rotl(lanes[1], 7) + std::rotl(lanes[2], 12) +
                std::rotl(lanes[3], 18);
            for (const std::uint64_t lane : lanes) h = (h ^ round(0, lane)) * kPrime1 + kPrime4;
        } else {
            h = seed + kPrime5;
        }
        h += bytes.size();
        for (; at + 8 <= bytes.size(); at += 8) {
            h = std::rotl(h ^ round(0, word(at)), 27) * kPrime1 + kPrime4;
        }
        if (at + 4 <= bytes.size()) {
            std::uint32_t half = 0;
            std::memcpy(&half, bytes.data() + at, 4);
            h = std::rotl(h ^ (half * kPrime1), 23) * kPrime2 + kPrime3;
            at += 4;
        }
        for (; at < bytes.size(); ++at) {
            h = std::rotl(h ^ (static_cast<unsigned char>(bytes[at]) * kPrime5), 11) * kPrime1;
        }
        return finish(h);
    }
};

// The hash of one value of a vector, seeded with that of what stood before it; nulls change
// nothing.
template <class Hash>
typename Hash::Value hash_value(duckdb_vector vector, duckdb_logical_type type, idx_t row,
                                typename Hash::Value seed) {
    if (vector_is_null(duckdb_vector_get_validity(vector), row)) return seed;
    const void* data = duckdb_vector_get_data(vector);
    const auto at = [&]<class T>(T) { return static_cast<const T*>(data)[row]; };
    switch (duckdb_get_type_id(type)) {
        case DUCKDB_TYPE_BOOLEAN: return Hash::of_int(at(bool{}) ? 1 : 0, seed);
        case DUCKDB_TYPE_TINYINT: return Hash::of_int(at(std::int8_t{}), seed);
        case DUCKDB_TYPE_SMALLINT: return Hash::of_int(at(std::int16_t{}), seed);
        case DUCKDB_TYPE_DATE:
        case DUCKDB_TYPE_INTEGER: return Hash::of_int(at(std::int32_t{}), seed);
        case DUCKDB_TYPE_BIGINT:
        case DUCKDB_TYPE_TIMESTAMP:
        case DUCKDB_TYPE_TIMESTAMP_TZ:
        case DUCKDB_TYPE_TIME: return Hash::of_long(at(std::int64_t{}), seed);
        case DUCKDB_TYPE_FLOAT: {
            const float value = at(float{}) == 0 ? 0.0F : at(float{});
            return Hash::of_int(std::isnan(value) ? 0x7fc00000 : std::bit_cast<std::int32_t>(value),
                                seed);
        }
        case DUCKDB_TYPE_DOUBLE: {
            const double value = at(double{}) == 0 ? 0.0 : at(double{});
            return Hash::of_long(
                std::isnan(value) ? 0x7ff8000000000000LL : std::bit_cast<std::int64_t>(value),
                seed);
        }
        case DUCKDB_TYPE_VARCHAR:
        case DUCKDB_TYPE_BLOB: return Hash::of_bytes(text_of(at(duckdb_string_t{})), seed);
        case DUCKDB_TYPE_DECIMAL: {
            switch (duckdb_decimal_internal_type(type)) {
                case DUCKDB_TYPE_SMALLINT: return Hash::of_long(at(std::int16_t{}), seed);
                case DUCKDB_TYPE_INTEGER: return Hash::of_long(at(std::int32_t{}), seed);
                case DUCKDB_TYPE_BIGINT: return Hash::of_long(at(std::int64_t{}), seed);
                default: break;
            }
            // As Java's BigInteger.toByteArray: big-endian, no more bytes than the sign needs.
            const auto value = at(duckdb_hugeint{});
            std::array<char, 16> bytes{};
            for (std::size_t i = 0; i < 8; ++i) {
                bytes[i] =
                    static_cast<char>(static_cast<std::uint64_t>(value.upper) >> (56 - 8 * i));
                bytes[8 + i] = static_cast<char>(value.lower >> (56 - 8 * i));
            }
            std::size_t first = 0;
            while (first < 15 && ((bytes[first] == 0 && bytes[first + 1] >= 0) ||
                                  (bytes[first] == -1 && bytes[first + 1] < 0))) {
                ++first;
            }
            return Hash::of_bytes({bytes.data() + first, 16 - first}, seed);
        }
        case DUCKDB_TYPE_INTERVAL: {
            const auto value = at(duckdb_interval{});
            if (value.months != 0) return Hash::of_int(value.months, seed);
            return Hash::of_long(value.micros + value.days * 86'400'000'000LL, seed);
        }
        case DUCKDB_TYPE_STRUCT: {
            for (idx_t i = 0; i < duckdb_struct_type_child_count(type); ++i) {
                const DuckType child(duckdb_struct_type_child_type(type, i));
                seed = hash_value<Hash>(duckdb_struct_vector_get_child(vector, i), child.get(), row,
                                        seed);
            }
            return seed;
        }
        case DUCKDB_TYPE_MAP:
        case DUCKDB_TYPE_LIST: {
            const duckdb_vector inner = duckdb_list_vector_get_child(vector);
            const DuckType child(duckdb_vector_get_column_type(inner));
            const auto entry = at(duckdb_list_entry{});
            for (idx_t i = 0; i < entry.length; ++i) {
                seed = hash_value<Hash>(inner, child.get(), entry.offset + i, seed);
            }
            return seed;
        }
        default: return seed;
    }
}

template <class Hash>
void hash(Call& call) {
    auto* out = call.results<typename Hash::Value>();
    for (idx_t row = 0; row < call.rows(); ++row) out[row] = Hash::kSeed;
    for (idx_t i = 0; i < call.arguments(); ++i) {
        const DuckType type(duckdb_vector_get_column_type(call.argument(i)));
        for (idx_t row = 0; row < call.rows(); ++row) {
            out[row] = hash_value<Hash>(call.argument(i), type.get(), row, out[row]);
        }
    }
}

bool crc32(const Row& row, std::int64_t& out) {
    static const auto kTable = [] {
        std::array<std::uint32_t, 256> table{};
        for (std::uint32_t i = 0; i < 256; ++i) {
            std::uint32_t value = i;
            for (int bit = 0; bit < 8; ++bit)
                value = (value >> 1) ^ ((value & 1) != 0 ? 0xEDB88320U : 0);
            table[i] = value;
        }
        return table;
    }();
    std::uint32_t crc = ~0U;
    for (const char c : row.text(0))
        crc = (crc >> 8) ^ kTable[(crc ^ static_cast<unsigned char>(c)) & 0xFF];
    out = ~crc;
    return true;
}

}  // namespace

void add_hash_functions(FunctionList& list) {
    list.add("mr_hash", {.arguments = {DUCKDB_TYPE_ANY},
                         .result = DUCKDB_TYPE_INTEGER,
                         .body = hash<Murmur3>,
                         .sees_nulls = true,
                         .varargs = true});
    list.add("mr_xxhash64", {.arguments = {DUCKDB_TYPE_ANY},
                             .result = DUCKDB_TYPE_BIGINT,
                             .body = hash<XxHash64>,
                             .sees_nulls = true,
                             .varargs = true});
    list.add("mr_crc32", {{DUCKDB_TYPE_BLOB}, DUCKDB_TYPE_BIGINT, value_rows<std::int64_t, crc32>});
    list.add("mr_crc32",
             {{DUCKDB_TYPE_VARCHAR}, DUCKDB_TYPE_BIGINT, value_rows<std::int64_t, crc32>});
}

}  // namespace millrace::columnar
