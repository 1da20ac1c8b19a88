#include "cli/records/record_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/json.h"
#include "cli/records/record_format.h"

namespace millrace::cli {
namespace {

using testing::HasSubstr;

// Gives the text in pieces of `step` bytes, as a pipe may.
ByteSource source_of(std::string text, std::size_t step) {
    return [text = std::move(text), step, at = std::size_t{0}](
               char* into, std::size_t length) mutable -> base::Result<std::size_t> {
        const std::size_t count = std::min({step, length, text.size() - at});
        std::memcpy(into, text.data() + at, count);
        at += count;
        return count;
    };
}

std::string shown(const std::optional<base::Bytes>& field) {
    return field ? *field : "null";
}

// "key=value;" of each record, or what is wrong.
std::string read_all(RecordReader& reader) {
    std::string all;
    while (true) {
        const auto record = reader.next();
        if (!record) return all + "! " + record.error().message();
        if (!*record) return all;
        all += shown((*record)->record.key) + "=" + shown((*record)->record.value) + ";";
    }
}

std::string delimited(const std::string& text, const InputOptions& options = {}) {
    std::string first;
    for (const std::size_t step : {1U, 2U, 7U, 100'000U}) {
        const auto reader = read_delimited(source_of(text, step), options);
        const std::string all = read_all(*reader);
        if (first.empty()) first = all;
        EXPECT_EQ(all, first) << "in pieces of " << step;
    }
    return first;
}

TEST(RecordReader, parts_lines_and_takes_the_last_without_its_end) {
    EXPECT_EQ(delimited("a\nb\n"), "null=a;null=b;");
    EXPECT_EQ(delimited("a\nb"), "null=a;null=b;");
    EXPECT_EQ(delimited("a\n\nb\n"), "null=a;null=;null=b;");
    EXPECT_EQ(delimited(""), "");
    EXPECT_EQ(delimited("\n"), "null=;");
    EXPECT_EQ(delimited("a\r\n"), "null=a\r;");
}

TEST(RecordReader, parts_by_delimiters_of_any_length) {
    const InputOptions options{.delimiter = "<>", .key_delimiter = "::"};
    EXPECT_EQ(delimited("k::v<>no key<>::v<>k::<>a::b::c", options),
              "k=v;null=no key;=v;k=;a=b::c;");
    EXPECT_EQ(delimited("a<<>b<", {.delimiter = "<>"}), "null=a<;null=b<;");
}

TEST(RecordReader, gives_a_fixed_key_and_makes_empty_null) {
    EXPECT_EQ(delimited("a\nk:b\n", {.key_delimiter = ":", .key = "fixed"}), "fixed=a;k=b;");
    EXPECT_EQ(delimited(":v\nk:\n\n", {.key_delimiter = ":", .empty_is_null = true}),
              "null=v;k=null;null=null;");
}

TEST(RecordReader, passes_every_byte_and_a_failed_source_on) {
    std::string all;
    for (int i = 0; i < 256; ++i) {
        if (i != '\n') all += static_cast<char>(i);
    }
    EXPECT_EQ(delimited(all + "\n"), "null=" + all + ";");
    const auto reader = read_delimited(
        [](char*, std::size_t) -> base::Result<std::size_t> {
            return base::fail(base::Code::kIo, "the disk is gone");
        },
        {});
    EXPECT_EQ(read_all(*reader), "! the disk is gone");
}

std::string formatted(std::string_view format, const std::string& text) {
    std::string first;
    for (const std::size_t step : {1U, 3U, 100'000U}) {
        const auto reader = read_formatted(source_of(text, step), format, {});
        if (!reader) return "refused";
        const std::string all = read_all(**reader);
        if (first.empty()) first = all;
        EXPECT_EQ(all, first) << "in pieces of " << step;
    }
    return first;
}

TEST(RecordReader, reads_by_a_format) {
    EXPECT_EQ(formatted("%k\\t%s\\n", "a\tb\nc\td"), "a=b;c=d;");
    EXPECT_EQ(formatted("<%k|%v>", "<a|b><c|d>"), "a=b;c=d;");
    EXPECT_EQ(formatted("%s;", "a;b;"), "null=a;null=b;");
    EXPECT_THAT(formatted("%k\\t%s\\n", "a\tb\nonly a key\n"),
                HasSubstr("a=b;! record 2 of the input: \"\\t\" is missing behind %k"));
    EXPECT_THAT(formatted("<%s>", "<a>b>"), HasSubstr("record 2 of the input: \"<\" is missing"));
    EXPECT_THAT(formatted("%p %s\\n", "x v\n"), HasSubstr("'x' is not a whole number"));
    for (const char* wrong : {"", "%s", "%k%s\\n", "%q\\n", "%s %s\\n", "%"}) {
        EXPECT_EQ(formatted(wrong, "x"), "refused") << wrong;
    }
}

TEST(RecordReader, reads_partition_time_and_headers_by_a_format) {
    const auto reader = read_formatted(source_of("3 1717171717171 a=1,b=NULL,c= v\n", 5),
                                       "%p %T %h %s\\n", {.headers = {{"all", "x"}}});
    const auto record = (*reader)->next();
    ASSERT_TRUE(record && *record) << record.error().message();
    EXPECT_EQ((*record)->partition, 3);
    EXPECT_EQ((*record)->record.timestamp_ms, 1717171717171);
    EXPECT_EQ(
        (*record)->record.headers,
        (std::vector<topic::Header>{{"all", "x"}, {"a", "1"}, {"b", std::nullopt}, {"c", ""}}));
}

TEST(RecordReader, reads_back_the_envelopes_that_are_printed) {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
    const client::Consumer::Record record{
        .partition = {"t", 1},
        .offset = 5,
        .timestamp_ms = 1717171717171,
        .timestamp_type = client::Consumer::TimestampType::kCreate,
        .key = bytes,
        .value = "plain",
        .headers = {{"a", bytes}, {"b", std::nullopt}}};
    const auto reader = read_envelopes(source_of(*to_envelope(record, {}) + "\n\n", 64), {});
    const auto back = reader->next();
    ASSERT_TRUE(back && *back) << back.error().message();
    EXPECT_EQ((*back)->record.key, record.key);
    EXPECT_EQ((*back)->record.value, record.value);
    EXPECT_EQ((*back)->record.timestamp_ms, record.timestamp_ms);
    EXPECT_EQ((*back)->record.headers, record.headers);
    EXPECT_FALSE(reader->next()->has_value());
}

TEST(RecordReader, says_which_line_is_no_envelope) {
    for (const char* wrong : {"{", "[]", "{\"payload\":1}", "{\"payload_base64\":\"!\"}",
                              "{\"headers\":[\"a\"]}", "{\"headers\":[1,\"a\"]}"}) {
        const auto reader = read_envelopes(source_of(std::string("{}\n") + wrong + "\n", 64), {});
        EXPECT_THAT(read_all(*reader), HasSubstr("null=null;! line 2 of the input: ")) << wrong;
    }
}

TEST(RecordReader, takes_a_whole_stream_as_one_record) {
    const auto reader = read_whole(source_of(std::string(200'000, 'x') + "\n", 1000), {.key = "k"});
    EXPECT_EQ(read_all(*reader), "k=" + std::string(200'000, 'x') + "\n;");
    EXPECT_EQ(read_all(*read_whole(source_of("", 1), {})), "null=;");
}

}  // namespace
}  // namespace millrace::cli
