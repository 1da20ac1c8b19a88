// hash_key: the 64-bit hash by which keys find their bucket and their place in a table.
//
// Files name buckets by it (docs/formats/state_delta.md), so it never changes: another hash is
// another format version.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace millrace::state {

inline std::uint64_t fold_multiply(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline std::uint64_t hash_key(std::string_view key) {
    constexpr std::uint64_t kFirst = 0x9e3779b97f4a7c15;
    constexpr std::uint64_t kSecond = 0xe7037ed1a0b428db;
    constexpr std::uint64_t kThird = 0x8ebc6af09c88c6e3;
    const char* at = key.data();
    std::size_t left = key.size();
    std::uint64_t sum = kFirst ^ (key.size() * kThird);
    const auto load = [](const char* from) {
        std::uint64_t word;
        std::memcpy(&word, from, 8);
        return word;
    };
    while (left >= 16) {
        sum = fold_multiply(load(at) ^ kSecond, load(at + 8) ^ sum);
        at += 16;
        left -= 16;
    }
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    if (left >= 8) {
        low = load(at);
        std::memcpy(&high, at + 8, left - 8);
    } else if (left > 0) {
        std::memcpy(&low, at, left);
    }
    return fold_multiply(kThird ^ sum, fold_multiply(low ^ kSecond, high ^ sum));
}

// The bucket, of `buckets`, that a hash falls into.
inline std::uint32_t bucket_of(std::uint64_t hash, std::uint32_t buckets) {
    return static_cast<std::uint32_t>(((hash >> 32) * buckets) >> 32);
}

}  // namespace millrace::state
