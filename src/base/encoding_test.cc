#include "base/encoding.h"

#include <gtest/gtest.h>

namespace millrace::base {
namespace {

std::string decoded(const Result<Bytes>& bytes) {
    return bytes ? *bytes : bytes.error().message();
}

TEST(Base64, writes_and_reads_the_vectors_of_the_rfc) {
    const std::pair<Bytes, std::string> cases[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xfb\xef\xff", "++//"},
    };
    for (const auto& [bytes, text] : cases) {
        EXPECT_EQ(to_base64(bytes), text);
        EXPECT_EQ(decoded(from_base64(text)), bytes);
    }
    EXPECT_EQ(to_base64_url("\xfb\xef\xff!"), "--__IQ");
    EXPECT_EQ(decoded(from_base64_url("--__IQ")), "\xfb\xef\xff!");
}

TEST(Base64, refuses_all_but_its_own_form) {
    for (const auto* const bad :
         {"Zg", "Zg=", "Z===", "Zg==Zg==", "Zh==", "Z g=", "Zm9v\n", "--__", "====", "Zg=a"}) {
        EXPECT_FALSE(from_base64(bad)) << bad;
    }
    for (const auto* const bad : {"Z", "Zg==", "Zh", "++//", "Zm9vY"}) {
        EXPECT_FALSE(from_base64_url(bad)) << bad;
    }
}

TEST(Hex, goes_both_ways) {
    EXPECT_EQ(to_hex(ByteView("\x00\x7f\xff", 3)), "007fff");
    EXPECT_EQ(decoded(from_hex("7fFF")), "\x7f\xff");
    EXPECT_EQ(decoded(from_hex("7f0")), "an odd number of hex digits");
    EXPECT_EQ(decoded(from_hex("7fx0")), "character 2 is not a hex digit");
}

TEST(Uuid, goes_both_ways_and_refuses_other_text) {
    constexpr auto kText = "01234567-89ab-cdef-0123-456789abcdef";
    const Uuid uuid = Uuid::parse("01234567-89AB-cdef-0123-456789abcdef").value();
    EXPECT_EQ(uuid.high, 0x0123456789abcdefu);
    EXPECT_EQ(uuid.to_string(), kText);
    EXPECT_EQ(Uuid::from_bytes(uuid.bytes()).value(), uuid);
    EXPECT_EQ(Uuid().to_string(), "00000000-0000-0000-0000-000000000000");
    for (const auto* const bad :
         {"", "01234567-89ab-cdef-0123-456789abcde", "0123456789ab-cdef-0123-456789abcdef-",
          "01234567-89ab-cdef-0123-456789abcdeg", "{1234567-89ab-cdef-0123-456789abcde}",
          "01234567089ab-cdef-0123-456789abcdef"}) {
        EXPECT_FALSE(Uuid::parse(bad)) << bad;
    }
    EXPECT_FALSE(Uuid::from_bytes("short"));
}

}  // namespace
}  // namespace millrace::base
