// hash64: a fast, well-mixed hash for hash tables and for spreading keys over buckets.
//
// It is wyhash, final version 4. Its values are stored on disk (which bucket holds a key), so they
// must never change. Not for secrets; and whoever hashes keys that clients choose, in a table where
// collisions hurt, gives a random `seed`.
#pragma once

#include <cstdint>
#include <cstring>

#include "base/bytes.h"

namespace millrace::base {

namespace detail {

__extension__ using Product = unsigned __int128;

constexpr std::uint64_t kHashSecret[4] = {0x2d358dccaa6c78a5, 0x8bb84b93962eacc9,
                                          0x4b33a62ed433d4a3, 0x4d5a2da51de1aa47};

constexpr std::uint64_t hash_mix(std::uint64_t a, std::uint64_t b) {
    const Product product = static_cast<Product>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace detail

std::uint64_t hash64(ByteView bytes, std::uint64_t seed = 0);

// Of one number: two multiplications.
constexpr std::uint64_t hash64(std::uint64_t value, std::uint64_t seed = 0) {
    using namespace detail;
    return hash_mix(hash_mix(value ^ kHashSecret[0], seed ^ kHashSecret[1]) ^ kHashSecret[2],
                    kHashSecret[3]);
}

// Takes the same time wherever the two differ: for passwords, tokens and signatures.
bool constant_time_equal(ByteView a, ByteView b);

}  // namespace millrace::base
