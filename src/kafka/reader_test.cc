#include "kafka/reader.h"

#include <gtest/gtest.h>

#include "kafka/errors.h"
#include "kafka/frame.h"
#include "kafka/messages/fetch.h"
#include "kafka/messages/metadata.h"
#include "kafka/writer.h"

namespace millrace::kafka {
namespace {

TEST(Reader, refuses_a_count_that_the_bytes_left_cannot_hold) {
    // 0x7fffffff topics of at least two bytes, with four bytes behind the count.
    const base::Bytes huge("\x7f\xff\xff\xff\0\0\0\0", 8);
    Reader reader(huge);
    EXPECT_EQ(reader.array_length(/*flexible=*/false, 2, /*nullable=*/true), 0);
    EXPECT_FALSE(reader.ok());

    Reader whole(huge);
    MetadataRequest request;
    request.decode(whole, 1);
    EXPECT_FALSE(whole.ok());
    EXPECT_TRUE(!request.topics || request.topics->empty());
}

TEST(Reader, refuses_lengths_below_null_and_beyond_the_end) {
    for (const base::Bytes& bytes :
         {base::Bytes("\xff\xfe", 2), base::Bytes("\0\5abcd", 6), base::Bytes("\0", 1)}) {
        Reader reader(bytes);
        reader.nullable_string(/*flexible=*/false);
        EXPECT_FALSE(reader.ok());
    }
}

TEST(Reader, takes_null_only_where_it_may_stand) {
    const base::Bytes null("\xff\xff", 2);
    Reader first(null);
    EXPECT_EQ(first.nullable_string(false), std::nullopt);
    EXPECT_TRUE(first.ok());
    Reader second(null);
    second.string(false);
    EXPECT_FALSE(second.ok());
}

TEST(Reader, refuses_varints_over_32_bits) {
    const base::Bytes most("\xff\xff\xff\xff\x0f", 5);
    Reader largest(most);
    EXPECT_EQ(largest.unsigned_varint(), UINT32_MAX);
    EXPECT_TRUE(largest.ok());
    for (const char* bytes : {"\xff\xff\xff\xff\x1f", "\xff\xff\xff\xff\xff\x01"}) {
        Reader reader{base::ByteView(bytes)};
        reader.unsigned_varint();
        EXPECT_FALSE(reader.ok());
    }
}

TEST(Reader, passes_over_tags_that_it_does_not_know) {
    FetchResponse response;
    response.throttle_time_ms = 7;
    Writer writer;
    response.encode(writer, 12);
    base::Bytes bytes = writer.take_all();
    ASSERT_EQ(bytes.back(), '\0');  // No tags.
    bytes.back() = 1;
    bytes += base::Bytes("\x63\x03xyz", 5);  // Tag 99 of three bytes.
    Reader reader(bytes);
    FetchResponse read;
    read.decode(reader, 12);
    EXPECT_TRUE(reader.ok());
    EXPECT_EQ(reader.left(), 0u);
    EXPECT_EQ(read.throttle_time_ms, 7);
}

TEST(Writer, leaves_large_records_where_they_lie) {
    const base::Bytes records(10'000, 'r');
    FetchResponse response;
    auto& partition = response.responses.emplace_back().partitions.emplace_back();
    partition.records = {records.data(), records.size()};
    Writer writer;
    writer.begin_frame();
    response.encode(writer, 12);
    writer.end_frame();
    ASSERT_EQ(writer.pieces().size(), 1u);
    EXPECT_EQ(writer.pieces()[0].records.data, records.data());
    EXPECT_LT(writer.head().size(), 200u);
    const base::Bytes all = writer.take_all();
    EXPECT_EQ(base::load_big_endian<std::int32_t>(all.data()), static_cast<int>(all.size()) - 4);
    Reader reader(base::ByteView(all).substr(4));
    FetchResponse read;
    read.decode(reader, 12);
    EXPECT_EQ(read.responses.at(0).partitions.at(0).records.view(), records);
}

TEST(Frame, never_puts_tags_into_the_response_header_of_api_versions) {
    Writer writer;
    encode_response_header(writer, ApiKey::kApiVersions, 5, /*flexible=*/true);
    EXPECT_EQ(writer.head(), base::Bytes("\0\0\0\5", 4));
    encode_response_header(writer, ApiKey::kMetadata, 6, /*flexible=*/true);
    EXPECT_EQ(writer.head(), base::Bytes("\0\0\0\5\0\0\0\6\0", 9));
}

TEST(Errors, have_the_names_that_kafka_prints) {
    EXPECT_EQ(error_name(ErrorCode::kNone), "NONE");
    EXPECT_EQ(error_name(ErrorCode{3}), "UNKNOWN_TOPIC_OR_PARTITION");
    EXPECT_EQ(error_name(ErrorCode{-1}), "UNKNOWN_SERVER_ERROR");
    EXPECT_EQ(error_name(ErrorCode{9999}), "UNKNOWN_SERVER_ERROR");
}

TEST(Uuid, prints_as_kafka_does) {
    EXPECT_EQ((Uuid{0, 0}.to_string()), "AAAAAAAAAAAAAAAAAAAAAA");
    EXPECT_EQ((Uuid{0, 1}.to_string()), "AAAAAAAAAAAAAAAAAAAAAQ");
}

}  // namespace
}  // namespace millrace::kafka
