// Variable-length integers: seven bits a byte, least significant first, the high bit says "more".
//
// Readers take [from, end) and return the byte after the number, or nullptr when the bytes end too
// soon or the number is too long for its type. Signed numbers are zigzag coded, as Kafka's records
// and protobuf's sint have them.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace millrace::base {

inline constexpr std::size_t kMaxVarintBytes = 10;

inline std::uint64_t zigzag(std::int64_t value) {
    return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
inline std::int64_t unzigzag(std::uint64_t value) {
    return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

inline const char* read_varint_u64(const char* from, const char* end, std::uint64_t& value) {
    std::uint64_t result = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (from == end) return nullptr;
        const auto byte = static_cast<std::uint8_t>(*from++);
        if (shift == 63 && byte > 1) return nullptr;
        result |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
        if (byte < 0x80) {
            value = result;
            return from;
        }
    }
    return nullptr;
}

inline const char* read_varint_u32(const char* from, const char* end, std::uint32_t& value) {
    std::uint32_t result = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        if (from == end) return nullptr;
        const auto byte = static_cast<std::uint8_t>(*from++);
        if (shift == 28 && byte > 0x0f) return nullptr;
        result |= static_cast<std::uint32_t>(byte & 0x7f) << shift;
        if (byte < 0x80) {
            value = result;
            return from;
        }
    }
    return nullptr;
}

inline const char* read_zigzag_i64(const char* from, const char* end, std::int64_t& value) {
    std::uint64_t raw = 0;
    from = read_varint_u64(from, end, raw);
    value = unzigzag(raw);
    return from;
}

inline const char* read_zigzag_i32(const char* from, const char* end, std::int32_t& value) {
    if (from != end && static_cast<std::uint8_t>(*from) < 0x80) {  // Nearly every length and delta.
        const auto raw = static_cast<std::uint8_t>(*from);
        value = static_cast<std::int32_t>(raw >> 1) ^ -static_cast<std::int32_t>(raw & 1);
        return from + 1;
    }
    std::uint32_t raw = 0;
    from = read_varint_u32(from, end, raw);
    value = static_cast<std::int32_t>(raw >> 1) ^ -static_cast<std::int32_t>(raw & 1);
    return from;
}

// Writes at most kMaxVarintBytes at `to`; returns the byte after the number.
inline char* write_varint(char* to, std::uint64_t value) {
    while (value >= 0x80) {
        *to++ = static_cast<char>(value | 0x80);
        value >>= 7;
    }
    *to++ = static_cast<char>(value);
    return to;
}
inline void append_varint(Bytes& to, std::uint64_t value) {
    char raw[kMaxVarintBytes];
    to.append(raw, static_cast<std::size_t>(write_varint(raw, value) - raw));
}
inline void append_zigzag(Bytes& to, std::int64_t value) {
    append_varint(to, zigzag(value));
}

inline std::size_t varint_bytes(std::uint64_t value) {
    return (static_cast<std::size_t>(std::bit_width(value | 1)) + 6) / 7;
}

}  // namespace millrace::base
