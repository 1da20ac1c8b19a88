#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <random>

namespace millrace::base {
namespace {

TEST(Crc32c, gives_the_published_check_values) {
    EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
    EXPECT_EQ(crc32c(Bytes(32, '\0')), 0x8a9136aaU);
    EXPECT_EQ(crc32c(Bytes(32, '\xff')), 0x62a8ab43U);
    EXPECT_EQ(crc32c(""), 0U);
}

TEST(Crc32c, agrees_with_the_portable_form_at_every_length_and_split) {
    std::mt19937 random(7);
    Bytes bytes(40000, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    for (std::size_t length = 0; length < bytes.size(); length += 1 + length / 3) {
        for (std::size_t start = 0; start < 3 && start <= length; ++start) {
            const ByteView part = ByteView(bytes).substr(start, length - start);
            EXPECT_EQ(crc32c(part), crc32c_portable(part)) << start << "+" << length;
            const std::size_t half = part.size() / 2;
            EXPECT_EQ(crc32c(part.substr(half), crc32c(part.substr(0, half))), crc32c(part));
        }
    }
}

}  // namespace
}  // namespace millrace::base
