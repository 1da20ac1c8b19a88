#include "base/hash.h"

namespace millrace::base {
namespace {

using detail::hash_mix;
using detail::kHashSecret;

template <class Word>
std::uint64_t load(const char* from) {
    Word word = 0;
    std::memcpy(&word, from, sizeof(word));
    return word;
}
std::uint64_t load8(const char* from) {
    return load<std::uint64_t>(from);
}
std::uint64_t load4(const char* from) {
    return load<std::uint32_t>(from);
}
std::uint64_t byte_at(const char* from) {
    return static_cast<unsigned char>(*from);
}

}  // namespace

std::uint64_t hash64(ByteView bytes, std::uint64_t seed) {
    const char* at = bytes.data();
    const std::size_t length = bytes.size();
    seed ^= hash_mix(seed ^ kHashSecret[0], kHashSecret[1]);
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    if (length > 16) {
        std::size_t left = length;
        if (left >= 48) {
            std::uint64_t second = seed;
            std::uint64_t third = seed;
            for (; left >= 48; left -= 48, at += 48) {
                seed = hash_mix(load8(at) ^ kHashSecret[1], load8(at + 8) ^ seed);
                second = hash_mix(load8(at + 16) ^ kHashSecret[2], load8(at + 24) ^ second);
                third = hash_mix(load8(at + 32) ^ kHashSecret[3], load8(at + 40) ^ third);
            }
            seed ^= second ^ third;
        }
        for (; left > 16; left -= 16, at += 16) {
            seed = hash_mix(load8(at) ^ kHashSecret[1], load8(at + 8) ^ seed);
        }
        a = load8(at + left - 16);
        b = load8(at + left - 8);
    } else if (length >= 4) {
        const std::size_t middle = (length >> 3) << 2;
        a = load4(at) << 32 | load4(at + middle);
        b = load4(at + length - 4) << 32 | load4(at + length - 4 - middle);
    } else if (length > 0) {
        a = byte_at(at) << 16 | byte_at(at + (length >> 1)) << 8 | byte_at(at + length - 1);
    }
    const detail::Product product = static_cast<detail::Product>(a ^ kHashSecret[1]) * (b ^ seed);
    return hash_mix(static_cast<std::uint64_t>(product) ^ kHashSecret[0] ^ length,
                    static_cast<std::uint64_t>(product >> 64) ^ kHashSecret[1]);
}

bool constant_time_equal(ByteView a, ByteView b) {
    if (a.size() != b.size()) return false;
    volatile unsigned char difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        difference = static_cast<unsigned char>(difference | (a[i] ^ b[i]));
    }
    return difference == 0;
}

}  // namespace millrace::base
