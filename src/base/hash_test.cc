#include "base/hash.h"

#include <gtest/gtest.h>

#include <set>

namespace millrace::base {
namespace {

// The vectors that wyhash publishes: what is stored on disk depends on them.
TEST(Hash, gives_the_published_values) {
    Bytes digits;
    for (int i = 0; i < 8; ++i) digits += "1234567890";
    const struct {
        Bytes bytes;
        std::uint64_t seed;
        std::uint64_t hash;
    } cases[] = {
        {"", 0, 0x93228a4de0eec5a2},
        {"a", 1, 0xc5bac3db178713c4},
        {"abc", 2, 0xa97f2f7b1d9b3314},
        {"message digest", 3, 0x786d1f1df3801df4},
        {"abcdefghijklmnopqrstuvwxyz", 4, 0xdca5a8138ad37c87},
        {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 5, 0xb9e734f117cfaf70},
        {digits, 6, 0x6cc5eab49a92d617},
    };
    for (const auto& [bytes, seed, hash] : cases) {
        EXPECT_EQ(hash64(bytes, seed), hash) << bytes;
    }
}

TEST(Hash, spreads_neighbours_over_buckets) {
    std::uint64_t per_bucket[64] = {};
    for (std::uint64_t number = 0; number < 64'000; ++number) ++per_bucket[hash64(number) % 64];
    for (const std::uint64_t count : per_bucket) {
        EXPECT_GT(count, 850u);
        EXPECT_LT(count, 1150u);
    }
    EXPECT_NE(hash64(std::uint64_t{1}, 1), hash64(std::uint64_t{1}, 2));
}

TEST(Hash, differs_for_every_length_of_the_same_bytes) {
    const Bytes zeros(200, '\0');
    std::set<std::uint64_t> seen;
    for (std::size_t length = 0; length <= zeros.size(); ++length) {
        EXPECT_TRUE(seen.insert(hash64(ByteView(zeros).substr(0, length))).second) << length;
    }
}

TEST(Hash, compares_secrets) {
    EXPECT_TRUE(constant_time_equal("", ""));
    EXPECT_TRUE(constant_time_equal("secret", "secret"));
    EXPECT_FALSE(constant_time_equal("secret", "secreT"));
    EXPECT_FALSE(constant_time_equal("secret", "secret "));
    EXPECT_FALSE(constant_time_equal(ByteView("\x80", 1), ByteView("\0", 1)));
}

}  // namespace
}  // namespace millrace::base
