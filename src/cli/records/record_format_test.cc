#include "cli/records/record_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "cli/records/consumption.h"
#include "cli/records/escapes.h"
#include "cli/records/unpack.h"

namespace millrace::cli {
namespace {

using client::Consumer;
using testing::HasSubstr;

Consumer::Record example() {
    return {.partition = {"weblog", 3},
            .offset = 1234567890123,
            .timestamp_ms = 1717171717171,
            .timestamp_type = Consumer::TimestampType::kCreate,
            .broker = 1,
            .key = "k",
            .value = "value",
            .headers = {{"a", "1"}, {"b", std::nullopt}, {"c", ""}}};
}

std::string formatted(std::string_view format, const Consumer::Record& record,
                      RecordFormat::Options options = {}) {
    const auto parsed = RecordFormat::parse(format, std::move(options));
    if (!parsed) return "refused";
    std::string out;
    const auto outcome = parsed->append(record, out);
    return outcome ? out : "failed: " + out;
}

TEST(RecordFormat, knows_every_letter) {
    const struct {
        const char* format;
        std::string expected;
    } kCases[] = {
        {"%s", "value"},
        {"%v", "value"},
        {"%S", "5"},
        {"%V", "5"},
        {"%R", std::string("\0\0\0\5", 4)},
        {"%k", "k"},
        {"%K", "1"},
        {"%t", "weblog"},
        {"%p", "3"},
        {"%o", "1234567890123"},
        {"%T", "1717171717171"},
        {"%h", "a=1,b=NULL,c="},
        {"%%", "%"},
        {"%%s", "%s"},
        {"", ""},
        {"no percent", "no percent"},
        {"Topic %t [%p] at offset %o: key %k: %s\\n",
         "Topic weblog [3] at offset 1234567890123: key k: value\n"},
        {"%s%s", "valuevalue"},
    };
    for (const auto& [format, expected] : kCases) {
        EXPECT_EQ(formatted(format, example()), expected) << format;
    }
}

TEST(RecordFormat, refuses_letters_that_mean_nothing) {
    for (const char* wrong : {"%", "abc%", "%q", "%%%", "%\\n", "% s"}) {
        EXPECT_EQ(formatted(wrong, example()), "refused") << wrong;
    }
    EXPECT_THAT(RecordFormat::parse("%q", {}).error().message(), HasSubstr("%q means nothing"));
}

TEST(RecordFormat, tells_null_from_empty_by_the_length) {
    Consumer::Record record = example();
    record.key.reset();
    record.value = "";
    record.headers.clear();
    EXPECT_EQ(formatted("[%k|%K|%s|%S|%h]", record), "[|-1||0|]");
    EXPECT_EQ(formatted("[%k|%s]", record, {.null_text = "NULL", .key = {}, .value = {}}),
              "[NULL|]");
    record.value.reset();
    EXPECT_EQ(formatted("%R", record), "\xff\xff\xff\xff");
}

TEST(RecordFormat, keeps_every_byte) {
    Consumer::Record record = example();
    std::string all;
    for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
    record.key = all;
    record.value = all + "%s\\n";
    EXPECT_EQ(formatted("%k%s", record), all + all + "%s\\n");
}

TEST(Escapes, are_those_of_kcat) {
    EXPECT_EQ(unescape("a\\tb\\nc\\rd"), "a\tb\nc\rd");
    EXPECT_EQ(unescape("\\x41\\x4a\\x4A"), "AJJ");
    EXPECT_EQ(unescape("\\xfg"), "\x0fg");
    EXPECT_EQ(unescape("\\xyz"), "xyz");
    EXPECT_EQ(unescape("\\065\\65\\101"), "5Ae");
    EXPECT_EQ(unescape("\\0"), std::string(1, '\0'));
    EXPECT_EQ(unescape("\\\\n\\%\\"), "\\n%\\");
    EXPECT_EQ(unescape("\\777"), "\x09");
}

std::string unpacked(std::string_view format, std::string_view data) {
    const auto unpacker = Unpacker::parse(format);
    if (!unpacker) return "refused";
    return unpacker->unpack(data).value_or("failed");
}

TEST(Unpacker, reads_numbers_of_every_size_both_ways) {
    using namespace std::string_view_literals;
    EXPECT_EQ(unpacked("b B", "\xff\xff"sv), "-1 255");
    EXPECT_EQ(unpacked("h", "\x01\x02"sv), "258");
    EXPECT_EQ(unpacked("<h", "\x01\x02"sv), "513");
    EXPECT_EQ(unpacked("H", "\xff\xfe"sv), "65534");
    EXPECT_EQ(unpacked("i", "\xff\xff\xff\xfe"sv), "-2");
    EXPECT_EQ(unpacked("I", "\xff\xff\xff\xfe"sv), "4294967294");
    EXPECT_EQ(unpacked("q", "\0\0\0\0\0\0\x01\0"sv), "256");
    EXPECT_EQ(unpacked("<q", "\0\x01\0\0\0\0\0\0"sv), "256");
    EXPECT_EQ(unpacked("Q", "\xff\xff\xff\xff\xff\xff\xff\xff"sv), "18446744073709551615");
    EXPECT_EQ(unpacked(">h<h", "\x01\x02\x01\x02"sv), "258513");
    EXPECT_EQ(unpacked("c s", "abc"), "a bc");
    EXPECT_EQ(unpacked("i$", "\0\0\0\7"sv), "7");
    EXPECT_EQ(unpacked("b", "\1rest is passed over"sv), "1");
    EXPECT_EQ(unpacked("hex", "\xde\xad"sv), "dead");
    EXPECT_EQ(unpacked("base64", "hi"), "aGk=");
}

TEST(Unpacker, refuses_wrong_formats_and_wrong_data) {
    for (const char* wrong : {"", "x", "iz", "q !"}) {
        EXPECT_EQ(unpacked(wrong, "12345678"), "refused") << wrong;
    }
    EXPECT_EQ(unpacked("i", "123"), "failed");
    EXPECT_EQ(unpacked("c", ""), "failed");
    EXPECT_EQ(unpacked("i$", "12345"), "failed");
}

TEST(RecordFormat, unpacks_what_it_is_told_to_and_says_where_it_cannot) {
    Consumer::Record record = example();
    record.key = std::string("\0\0\0\7", 4);
    EXPECT_EQ(
        formatted("%k %s", record, {.null_text = "", .key = *Unpacker::parse("i"), .value = {}}),
        "7 value");
    const auto format =
        *RecordFormat::parse("%k %s", {.null_text = "", .key = *Unpacker::parse("q"), .value = {}});
    std::string out = "before";
    const auto outcome = format.append(record, out);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(out, "before");
    EXPECT_THAT(outcome.error().message(), HasSubstr("weblog-3 at offset 1234567890123: key:"));
    record.key = "";
    EXPECT_TRUE(format.append(record, out));
}

TEST(Envelope, is_kcats_and_loses_no_byte) {
    Consumer::Record record = example();
    EXPECT_EQ(*to_envelope(record, {}),
              R"({"topic":"weblog","partition":3,"offset":1234567890123,"tstype":"create",)"
              R"("ts":1717171717171,"broker":1,"headers":["a","1","b",null,"c",""],)"
              R"("key":"k","payload":"value"})");
    record.headers = {{"h", "\xff"}};
    record.key.reset();
    record.value = "\xff\x00z";
    record.timestamp_type = Consumer::TimestampType::kNone;
    const auto json = *base::parse_json(*to_envelope(record, {}));
    EXPECT_EQ(json.find("ts"), nullptr);
    EXPECT_TRUE(json.find("key")->is_null());
    EXPECT_EQ(json.find("key_base64"), nullptr);
    EXPECT_EQ(*json.get_string("payload_base64"), "/w==");
    EXPECT_EQ(json.find("headers_base64")->items()[1], base::JsonValue("/w=="));
}

using Span = Consumption::Span;
const topic::TopicPartition kP0{"t", 0};
const topic::TopicPartition kP1{"t", 1};

TEST(Consumption, ends_each_partition_where_its_range_ends) {
    Consumption consumption(
        {{kP0, Span{.from = 5, .to = 7, .end = 100}}, {kP1, Span{.from = 0, .to = 1, .end = 100}}},
        false, {});
    EXPECT_FALSE(consumption.take(kP0, 4));
    EXPECT_TRUE(consumption.take(kP0, 5));
    EXPECT_TRUE(consumption.take(kP0, 6));
    EXPECT_FALSE(consumption.take(kP0, 7));
    EXPECT_FALSE(consumption.is_done());
    EXPECT_TRUE(consumption.take(kP1, 0));
    EXPECT_TRUE(consumption.is_done());
    EXPECT_EQ(consumption.taken(), 3U);
}

TEST(Consumption, passes_over_offsets_that_hold_no_record) {
    Consumption consumption({{kP0, Span{.from = 0, .to = 10, .end = 10}}}, false, {});
    EXPECT_TRUE(consumption.take(kP0, 3));
    EXPECT_FALSE(consumption.is_done());
    consumption.note_end(kP0, 10);
    EXPECT_TRUE(consumption.is_done());
}

TEST(Consumption, waits_for_a_range_that_lies_ahead) {
    Consumption consumption({{kP0, Span{.from = 0, .to = 10, .end = 5}}}, false, {});
    consumption.note_end(kP0, 5);
    EXPECT_FALSE(consumption.is_done());
    EXPECT_TRUE(consumption.take(kP0, 9));
    EXPECT_TRUE(consumption.is_done());
}

TEST(Consumption, ends_at_the_ends_when_told) {
    Consumption consumption(
        {{kP0, Span{.from = 0, .to = {}, .end = 1}}, {kP1, Span{.from = 0, .to = {}, .end = 0}}},
        true, {});
    consumption.note_end(kP1, 0);
    EXPECT_FALSE(consumption.is_done());
    EXPECT_TRUE(consumption.take(kP0, 0));
    EXPECT_FALSE(consumption.is_done());
    consumption.note_end(kP0, 1);
    EXPECT_TRUE(consumption.is_done());
    // More came before it could end.
    EXPECT_TRUE(consumption.take(kP0, 1));
    EXPECT_FALSE(consumption.is_done());
}

TEST(Consumption, ends_at_the_number_of_records) {
    Consumption consumption({{kP0, Span{.from = 0, .to = {}, .end = 100}}}, false, 2);
    EXPECT_EQ(consumption.room(1000), 2U);
    EXPECT_TRUE(consumption.take(kP0, 0));
    EXPECT_EQ(consumption.room(1000), 1U);
    EXPECT_DOUBLE_EQ(consumption.share(), 0.5);
    EXPECT_TRUE(consumption.take(kP0, 1));
    EXPECT_TRUE(consumption.is_done());
    EXPECT_FALSE(consumption.take(kP0, 2));
    EXPECT_EQ(consumption.room(1000), 0U);
    EXPECT_TRUE(Consumption({}, false, 0).is_done());
}

TEST(Consumption, is_done_at_once_with_empty_ranges) {
    EXPECT_TRUE(Consumption({{kP0, Span{.from = 5, .to = 5, .end = 9}}}, false, {}).is_done());
    EXPECT_TRUE(Consumption({{kP0, Span{.from = 7, .to = 5, .end = 9}}}, false, {}).is_done());
    EXPECT_FALSE(Consumption({}, true, {}).is_done());
}

TEST(Consumption, knows_its_share_only_where_there_is_an_end) {
    Consumption bounded({{kP0, Span{.from = 10, .to = {}, .end = 20}}}, true, {});
    EXPECT_DOUBLE_EQ(bounded.share(), 0);
    bounded.take(kP0, 14);
    EXPECT_DOUBLE_EQ(bounded.share(), 0.5);
    Consumption endless({{kP0, Span{.from = 10, .to = {}, .end = 20}}}, false, {});
    EXPECT_LT(endless.share(), 0);
}

}  // namespace
}  // namespace millrace::cli
