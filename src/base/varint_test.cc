#include "base/varint.h"

#include <gtest/gtest.h>

#include <limits>

namespace millrace::base {
namespace {

TEST(Varint, comes_back_as_it_went_in) {
    for (const std::int64_t value :
         {std::int64_t{0}, std::int64_t{-1}, std::int64_t{63}, std::int64_t{64}, std::int64_t{-65},
          std::int64_t{1} << 40, std::numeric_limits<std::int64_t>::max(),
          std::numeric_limits<std::int64_t>::min()}) {
        Bytes bytes;
        append_zigzag(bytes, value);
        EXPECT_EQ(bytes.size(), varint_bytes(zigzag(value)));
        std::int64_t back = 0;
        EXPECT_EQ(read_zigzag_i64(bytes.data(), bytes.data() + bytes.size(), back),
                  bytes.data() + bytes.size());
        EXPECT_EQ(back, value);
        // Every prefix is too short.
        for (std::size_t length = 0; length < bytes.size(); ++length) {
            EXPECT_EQ(read_zigzag_i64(bytes.data(), bytes.data() + length, back), nullptr);
        }
    }
}

TEST(Varint, refuses_numbers_too_long_for_their_type) {
    const Bytes eleven(11, '\xff');
    std::uint64_t wide = 0;
    EXPECT_EQ(read_varint_u64(eleven.data(), eleven.data() + eleven.size(), wide), nullptr);
    const Bytes over32 = "\xff\xff\xff\xff\x1f";
    std::uint32_t narrow = 0;
    EXPECT_EQ(read_varint_u32(over32.data(), over32.data() + over32.size(), narrow), nullptr);
    const Bytes most = "\xff\xff\xff\xff\x0f";
    EXPECT_NE(read_varint_u32(most.data(), most.data() + most.size(), narrow), nullptr);
    EXPECT_EQ(narrow, std::numeric_limits<std::uint32_t>::max());
    std::int32_t zigzagged = 0;
    EXPECT_EQ(read_zigzag_i32(over32.data(), over32.data() + over32.size(), zigzagged), nullptr);
}

TEST(Varint, writes_the_bytes_of_the_protocol) {
    const struct {
        std::int64_t value;
        Bytes plain;
        Bytes zigzagged;
    } cases[] = {
        {0, Bytes(1, '\0'), Bytes(1, '\0')},
        {1, "\x01", "\x02"},
        {64, "\x40", "\x80\x01"},
        {127, "\x7f", "\xfe\x01"},
        {128, "\x80\x01", "\x80\x02"},
        {300, "\xac\x02", "\xd8\x04"},
        {-1, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x01"},
    };
    for (const auto& [value, plain, zigzagged] : cases) {
        Bytes bytes;
        append_varint(bytes, static_cast<std::uint64_t>(value));
        EXPECT_EQ(bytes, plain) << value;
        bytes.clear();
        append_zigzag(bytes, value);
        EXPECT_EQ(bytes, zigzagged) << value;
    }
}

TEST(Varint, accepts_longer_forms_than_needed_as_kafka_does) {
    const Bytes zero("\x80\x80\x00", 3);
    std::uint32_t value = 7;
    EXPECT_EQ(read_varint_u32(zero.data(), zero.data() + 3, value), zero.data() + 3);
    EXPECT_EQ(value, 0u);
}

}  // namespace
}  // namespace millrace::base
