#include "model/codec.h"

#include <gtest/gtest.h>

#include <random>

namespace millrace::model {
namespace {

constexpr Codec kAll[] = {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd};

base::Bytes packed(Codec codec, base::ByteView input) {
    base::Bytes into;
    compress(codec, input, into);
    return into;
}

std::string unpacked(Codec codec, base::ByteView input, std::size_t max_bytes = 1 << 20) {
    base::Bytes into = "what was there before";
    const auto done = decompress(codec, input, into, max_bytes);
    return done ? into : std::string("! ") + std::string(base::code_name(done.error().code()));
}

base::Bytes sample(std::size_t length, bool compressible) {
    std::mt19937 random(length);
    base::Bytes bytes(length, 'a');
    for (char& byte : bytes) byte = static_cast<char>(compressible ? 'a' + random() % 3 : random());
    return bytes;
}

TEST(Codec, gives_back_what_went_in_for_every_codec_and_size) {
    for (const Codec codec : kAll) {
        for (const std::size_t length : {0U, 1U, 100U, 32768U, 32769U, 200000U}) {
            for (const bool compressible : {true, false}) {
                const base::Bytes input = sample(length, compressible);
                EXPECT_EQ(unpacked(codec, packed(codec, input)), input)
                    << codec_name(codec) << " " << length;
            }
        }
    }
}

TEST(Codec, appends_to_what_the_caller_has) {
    for (const Codec codec : kAll) {
        base::Bytes into = "head";
        compress(codec, "body body body", into);
        EXPECT_EQ(into.substr(0, 4), "head");
        EXPECT_EQ(unpacked(codec, into.substr(4)), "body body body");
    }
}

TEST(Codec, refuses_output_over_the_cap) {
    const base::Bytes input(100000, 'x');
    for (const Codec codec : kAll) {
        EXPECT_EQ(unpacked(codec, packed(codec, input), 99999).substr(0, 20), "! too large")
            << codec_name(codec);
        EXPECT_EQ(unpacked(codec, packed(codec, input), 100000).size(), input.size())
            << codec_name(codec);
    }
}

TEST(Codec, refuses_every_cut) {
    const base::Bytes input = sample(500, true);
    for (const Codec codec : {Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
        const base::Bytes whole = packed(codec, input);
        for (std::size_t length = 0; length < whole.size(); ++length) {
            const std::string got = unpacked(codec, base::ByteView(whole).substr(0, length));
            // A xerial stream may end after its header or any block: that is just less data.
            if (codec == Codec::kSnappy && length == 16) continue;
            EXPECT_EQ(got, "! corrupt") << codec_name(codec) << " cut at " << length;
        }
    }
}

TEST(Codec, reads_bare_snappy_as_librdkafka_writes_it) {
    // Length 5, then a literal of five bytes.
    EXPECT_EQ(unpacked(Codec::kSnappy, "\x05\x10hello"), "hello");
}

TEST(Codec, reads_gzip_members_one_after_the_other) {
    EXPECT_EQ(unpacked(Codec::kGzip, packed(Codec::kGzip, "one ") + packed(Codec::kGzip, "two")),
              "one two");
}

TEST(Codec, refuses_a_snappy_length_that_its_bytes_cannot_give) {
    const base::Bytes claims_a_gigabyte("\x80\x80\x80\x80\x04\x00", 6);
    EXPECT_EQ(unpacked(Codec::kSnappy, claims_a_gigabyte, std::size_t{1} << 40), "! corrupt");
}

TEST(Codec, knows_names) {
    EXPECT_EQ(codec_from_name("zstd"), Codec::kZstd);
    EXPECT_EQ(codec_from_name("brotli"), std::nullopt);
}

}  // namespace
}  // namespace millrace::model
