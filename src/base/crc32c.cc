#include "base/crc32c.h"

#include <array>

namespace millrace::base {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // Reflected.

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr Tables make_tables() {
    Tables tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
        tables[0][byte] = crc;
    }
    for (std::size_t byte = 0; byte < 256; ++byte) {
        for (std::size_t slice = 1; slice < 8; ++slice) {
            const std::uint32_t crc = tables[slice - 1][byte];
            tables[slice][byte] = (crc >> 8) ^ tables[0][crc & 0xff];
        }
    }
    return tables;
}

constexpr Tables kTables = make_tables();

#if defined(__x86_64__)

// The crc of `crc` followed by `bytes` zero bytes, as a matrix over GF(2): what lets three
// independent streams be checksummed at once and joined, since the instruction takes three cycles
// but can start every cycle.
using Matrix = std::array<std::uint32_t, 32>;
using ShiftTable = std::array<std::array<std::uint32_t, 256>, 4>;

constexpr std::uint32_t times(const Matrix& matrix, std::uint32_t vector) {
    std::uint32_t sum = 0;
    for (std::size_t bit = 0; vector != 0; vector >>= 1, ++bit) {
        if ((vector & 1) != 0) sum ^= matrix[bit];
    }
    return sum;
}

constexpr ShiftTable make_shift_table(std::size_t bytes) {  // `bytes` is a power of two.
    Matrix operation{};
    operation[0] = kPolynomial;  // One zero bit.
    for (std::size_t bit = 1; bit < 32; ++bit) operation[bit] = 1U << (bit - 1);
    for (std::size_t length_bits = 1; length_bits < bytes * 8; length_bits *= 2) {
        Matrix squared{};
        for (std::size_t bit = 0; bit < 32; ++bit) squared[bit] = times(operation, operation[bit]);
        operation = squared;
    }
    ShiftTable table{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        for (std::size_t place = 0; place < 4; ++place) {
            table[place][byte] = times(operation, byte << (8 * place));
        }
    }
    return table;
}

constexpr std::size_t kLongBytes = 4096;
constexpr std::size_t kShortBytes = 256;
constexpr ShiftTable kLongShift = make_shift_table(kLongBytes);
constexpr ShiftTable kShortShift = make_shift_table(kShortBytes);

std::uint32_t shift(const ShiftTable& table, std::uint32_t crc) {
    return table[0][crc & 0xff] ^ table[1][(crc >> 8) & 0xff] ^ table[2][(crc >> 16) & 0xff] ^
           table[3][crc >> 24];
}

std::uint64_t load(const char* at) {
    std::uint64_t value;
    std::memcpy(&value, at, sizeof(value));
    return value;
}

template <std::size_t kStreamBytes>
[[gnu::target("sse4.2")]] std::uint64_t three_streams(const char*& at, std::size_t& left,
                                                      std::uint64_t crc, const ShiftTable& table) {
    while (left >= 3 * kStreamBytes) {
        std::uint64_t second = 0;
        std::uint64_t third = 0;
        for (const char* end = at + kStreamBytes; at != end; at += 8) {
            crc = __builtin_ia32_crc32di(crc, load(at));
            second = __builtin_ia32_crc32di(second, load(at + kStreamBytes));
            third = __builtin_ia32_crc32di(third, load(at + 2 * kStreamBytes));
        }
        crc = shift(table, static_cast<std::uint32_t>(crc)) ^ second;
        crc = shift(table, static_cast<std::uint32_t>(crc)) ^ third;
        at += 2 * kStreamBytes;
        left -= 3 * kStreamBytes;
    }
    return crc;
}

[[gnu::target("sse4.2")]] std::uint32_t crc32c_instruction(ByteView bytes, std::uint32_t previous) {
    std::uint64_t crc = ~previous;
    const char* at = bytes.data();
    std::size_t left = bytes.size();
    crc = three_streams<kLongBytes>(at, left, crc, kLongShift);
    crc = three_streams<kShortBytes>(at, left, crc, kShortShift);
    for (; left >= 8; left -= 8, at += 8) crc = __builtin_ia32_crc32di(crc, load(at));
    auto crc32 = static_cast<std::uint32_t>(crc);
    for (; left > 0; --left, ++at) {
        crc32 = __builtin_ia32_crc32qi(crc32, static_cast<unsigned char>(*at));
    }
    return ~crc32;
}

#endif

}  // namespace

std::uint32_t crc32c_portable(ByteView bytes, std::uint32_t previous) {
    std::uint32_t crc = ~previous;
    const char* at = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 8; left -= 8, at += 8) {
        std::uint64_t word;
        std::memcpy(&word, at, sizeof(word));
        word ^= crc;
        crc = kTables[7][word & 0xff] ^ kTables[6][(word >> 8) & 0xff] ^
              kTables[5][(word >> 16) & 0xff] ^ kTables[4][(word >> 24) & 0xff] ^
              kTables[3][(word >> 32) & 0xff] ^ kTables[2][(word >> 40) & 0xff] ^
              kTables[1][(word >> 48) & 0xff] ^ kTables[0][word >> 56];
    }
    for (; left > 0; --left, ++at) {
        crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<unsigned char>(*at)) & 0xff];
    }
    return ~crc;
}

std::uint32_t crc32c(ByteView bytes, std::uint32_t previous) {
#if defined(__x86_64__)
    static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
    if (has_instruction) return crc32c_instruction(bytes, previous);
#endif
    return crc32c_portable(bytes, previous);
}

}  // namespace millrace::base
