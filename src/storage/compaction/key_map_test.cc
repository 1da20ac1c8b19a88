#include "storage/compaction/key_map.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace millrace::storage {
namespace {

std::string hex(const KeyHash& hash) {
    std::string text;
    for (const std::uint64_t word : {hash.low, hash.high}) {
        for (int i = 0; i < 8; ++i) text += fmt::format("{:02x}", (word >> (8 * i)) & 0xff);
    }
    return text;
}

// The first vectors that the algorithm's authors publish, for the key 00 01 … 0f.
TEST(KeyMap, hashes_as_siphash_does) {
    const KeySeed seed{0x0706050403020100, 0x0f0e0d0c0b0a0908};
    const std::string input("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e", 15);
    EXPECT_EQ(hex(hash_key("", seed)), "a3817f04ba25a8e66df67214c7550293");
    EXPECT_EQ(hex(hash_key(input.substr(0, 1), seed)), "da87c1d86b99af44347659119b22fc45");
    EXPECT_NE(hash_key(input, seed), hash_key(input.substr(0, 14), seed));
    EXPECT_NE(hash_key(input, seed), hash_key(input, {1, 2}));
}

TEST(KeyMap, keeps_the_offset_that_came_last) {
    KeyMap map(1 << 20, 1000, {1, 2});
    for (int i = 0; i < 3000; ++i) {
        ASSERT_TRUE(map.put(fmt::format("key {}", i % 1000), {i}));
    }
    EXPECT_EQ(map.size(), 1000U);
    for (int i = 0; i < 1000; ++i) {
        EXPECT_EQ(map.find(fmt::format("key {}", i)), model::Offset{2000 + i});
    }
    EXPECT_EQ(map.find("key 1000"), std::nullopt);
    EXPECT_EQ(map.find(""), std::nullopt);
}

TEST(KeyMap, never_takes_more_memory_than_it_may) {
    KeyMap map(100 * KeyMap::kSlotBytes, 1'000'000, {1, 2});
    EXPECT_LE(map.size_bytes(), 100 * KeyMap::kSlotBytes);
    int taken = 0;
    while (taken < 200 && map.put(fmt::format("{}", taken), {taken})) ++taken;
    EXPECT_EQ(taken, 90);
    EXPECT_TRUE(map.put("5", {500})) << "a known key needs no room";
    EXPECT_EQ(map.find("5"), model::Offset{500});
    EXPECT_EQ(map.find("90"), std::nullopt);
    EXPECT_LT(KeyMap(1 << 30, 10, {1, 2}).size_bytes(), 1000U) << "few keys need little";
    KeyMap least(0, 0, {1, 2});
    EXPECT_TRUE(least.put("a", {1}));
    EXPECT_FALSE(least.put("b", {2}));
    EXPECT_EQ(least.find("b"), std::nullopt);
}

}  // namespace
}  // namespace millrace::storage
