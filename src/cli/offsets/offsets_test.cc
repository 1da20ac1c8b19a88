#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/offsets/moment.h"
#include "cli/offsets/range.h"
#include "cli/offsets/seek.h"

namespace millrace::cli {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kNowMs = 1'700'000'000'000;  // 2023-11-14T22:13:20Z

template <class T>
std::string told(const base::Result<T>& result) {
    return result ? fmt::format("{}", *result) : "refused";
}

std::string duration(std::string_view text) {
    return told(parse_duration_ms(text));
}
std::string moment(std::string_view text) {
    return told(parse_moment_ms(text, kNowMs));
}

TEST(Moment, reads_durations_of_any_units) {
    EXPECT_EQ(duration("250ms"), "250");
    EXPECT_EQ(duration("90s"), "90000");
    EXPECT_EQ(duration("15m"), "900000");
    EXPECT_EQ(duration("1h30m"), "5400000");
    EXPECT_EQ(duration("2d"), "172800000");
    EXPECT_EQ(duration("1w"), "604800000");
    for (const char* wrong : {"", "5", "m", "5x", "-5m", "1h 30m", "1.5h", "99999999999999999999w",
                              "99999999999999w"}) {
        EXPECT_EQ(duration(wrong), "refused") << wrong;
    }
}

TEST(Moment, reads_dates_numbers_and_durations_ago) {
    EXPECT_EQ(moment("now"), "1700000000000");
    EXPECT_EQ(moment("-15m"), "1699999100000");
    EXPECT_EQ(moment("1717171717171"), "1717171717171");
    EXPECT_EQ(moment("1717171717"), "1717171717000");
    EXPECT_EQ(moment("999999999"), "999999999000");
    EXPECT_EQ(moment("1970-01-01"), "0");
    EXPECT_EQ(moment("2023-11-14T22:13:20Z"), "1700000000000");
    EXPECT_EQ(moment("2023-11-14T22:13:20.123456Z"), "1700000000123");
    EXPECT_EQ(moment("2023-11-14T22:13:20.5Z"), "1700000000500");
    EXPECT_EQ(moment("2023-11-15T00:13:20+02:00"), "1700000000000");
    EXPECT_EQ(moment("2023-11-14T14:43:20-0730"), "1700000000000");
    EXPECT_EQ(moment("2023-11-14 22:13"), "1699999980000");
    EXPECT_EQ(moment("2024-02-29"), "1709164800000");
    for (const char* wrong :
         {"", "12", "2023-02-29", "2023-13-01", "2023-11-14T24:00:00Z", "2023-11-14T22:13:20Zx",
          "2023-11-14T22", "2023-11-14T22:13:20+99:00", "yesterday", "15m", "--15m", "-15"}) {
        EXPECT_EQ(moment(wrong), "refused") << wrong;
    }
}

std::string edge_text(const std::optional<Edge>& edge) {
    if (!edge) return "";
    switch (edge->kind) {
        case Edge::Kind::kStart: return "start";
        case Edge::Kind::kEnd: return "end";
        case Edge::Kind::kOffset: return fmt::format("{}", edge->value);
        case Edge::Kind::kAfterStart: return fmt::format("+{}", edge->value);
        case Edge::Kind::kBeforeEnd: return fmt::format("-{}", edge->value);
        case Edge::Kind::kMoment: return fmt::format("@{}", edge->value);
    }
    return "?";
}
std::string range(std::string_view text) {
    const auto parsed = parse_range(text, kNowMs);
    return parsed ? edge_text(parsed->from) + " to " + edge_text(parsed->to) : "refused";
}

TEST(Range, reads_the_words_of_kcat_and_rpk) {
    EXPECT_EQ(range("beginning"), "start to ");
    EXPECT_EQ(range("start"), "start to ");
    EXPECT_EQ(range("end"), "end to ");
    EXPECT_EQ(range("47"), "47 to ");
    EXPECT_EQ(range("47:"), "47 to ");
    EXPECT_EQ(range("-10"), "-10 to ");
    EXPECT_EQ(range("+10"), "+10 to ");
    EXPECT_EQ(range(":end"), " to end");
    EXPECT_EQ(range(":47"), " to 47");
    EXPECT_EQ(range("10:20"), "10 to 20");
    EXPECT_EQ(range("-10:end"), "-10 to end");
    EXPECT_EQ(range("s@1717171717171"), "@1717171717171 to ");
    EXPECT_EQ(range("e@1717171717171"), " to @1717171717171");
    EXPECT_EQ(range("@2023-11-14"), "@1699920000000 to ");
    EXPECT_EQ(range("@-1h"), "@1699996400000 to ");
    EXPECT_EQ(range("@-2h:1h"), "@1699992800000 to @1699996400000");
    EXPECT_EQ(range("@-2h:-1h"), "@1699992800000 to @1699996400000");
    EXPECT_EQ(range("@:-1h"), " to @1699996400000");
    EXPECT_EQ(range("@-1h:"), "@1699996400000 to ");
    EXPECT_EQ(range("@-1h:end"), "@1699996400000 to end");
    EXPECT_EQ(range("@2023-11-14T00:00:00Z:2023-11-14T22:13:20Z"),
              "@1699920000000 to @1700000000000");
}

TEST(Range, refuses_what_is_none) {
    for (const char* wrong : {"", ":", "x", "1:x", "x:1", "1:2:3", "@", "@:", "@x", "@1h", "s@",
                              "1-5", "--1", "99999999999999999999"}) {
        EXPECT_EQ(range(wrong), "refused") << wrong;
    }
    EXPECT_THAT(parse_range("soon", kNowMs).error().message(), HasSubstr("'soon'"));
}

TEST(Range, merges_two_halves_and_refuses_a_third) {
    const Range from = *parse_range("s@1717171717171", kNowMs);
    const Range to = *parse_range("e@1717171717172", kNowMs);
    EXPECT_EQ(merge(from, to)->to, to.to);
    EXPECT_EQ(merge(from, to)->from, from.from);
    EXPECT_FALSE(merge(from, from));
    EXPECT_FALSE(merge(to, to));
}

TEST(Range, stays_within_the_partition_where_it_is_relative) {
    const auto at = [](std::string_view text) {
        return resolve(*parse_range(text, kNowMs)->from, {.start = 100, .end = 150}, 123);
    };
    EXPECT_EQ(at("start"), 100);
    EXPECT_EQ(at("end"), 150);
    EXPECT_EQ(at("7"), 7);
    EXPECT_EQ(at("+10"), 110);
    EXPECT_EQ(at("+1000"), 150);
    EXPECT_EQ(at("-10"), 140);
    EXPECT_EQ(at("-1000"), 100);
    EXPECT_EQ(at("-9223372036854775807"), 100);
    EXPECT_EQ(at("@-1h"), 123);
}

std::string seek(std::string_view text, std::optional<std::int64_t> committed) {
    const auto target = parse_seek_target(text, kNowMs);
    if (!target) return "refused";
    const auto offset =
        resolve(*target, {.start = 100, .end = 150, .committed = committed, .at_moment = 123});
    return told(offset);
}

TEST(SeekTarget, moves_within_the_partition) {
    EXPECT_EQ(seek("start", 120), "100");
    EXPECT_EQ(seek("end", 120), "150");
    EXPECT_EQ(seek("current", 120), "120");
    EXPECT_EQ(seek("current", 7), "100");
    EXPECT_EQ(seek("130", 120), "130");
    EXPECT_EQ(seek("7", 120), "100");
    EXPECT_EQ(seek("7000", 120), "150");
    EXPECT_EQ(seek("+10", 120), "130");
    EXPECT_EQ(seek("-10", 120), "110");
    EXPECT_EQ(seek("+9223372036854775807", 120), "150");
    EXPECT_EQ(seek("-100", 120), "100");
    EXPECT_EQ(seek("@2023-11-14", 120), "123");
}

TEST(SeekTarget, takes_a_number_with_a_unit_as_time) {
    EXPECT_EQ(parse_seek_target("-15m", kNowMs),
              (SeekTarget{SeekTarget::Kind::kMoment, kNowMs - 900'000}));
    EXPECT_EQ(parse_seek_target("-15", kNowMs), (SeekTarget{SeekTarget::Kind::kShift, -15}));
    EXPECT_EQ(parse_seek_target("@-15m", kNowMs),
              (SeekTarget{SeekTarget::Kind::kMoment, kNowMs - 900'000}));
}

TEST(SeekTarget, refuses_what_is_none_or_counts_from_nothing) {
    for (const char* wrong : {"", "x", "@", "15m", "+15m", "1:2", "--1"}) {
        EXPECT_EQ(seek(wrong, 120), "refused") << wrong;
    }
    EXPECT_EQ(parse_seek_target("15m", kNowMs).error().code(), base::Code::kInvalidArgument);
    EXPECT_EQ(seek("current", {}), "refused");
    EXPECT_EQ(seek("+1", {}), "refused");
    EXPECT_EQ(seek("start", {}), "100");
}

TEST(OffsetLines, are_read_whole_or_refused_by_line) {
    const auto lines = parse_offset_lines("# saved\na 0 5\n\nb\t1\t7\r\na,1,9");
    ASSERT_TRUE(lines) << lines.error().message();
    EXPECT_EQ(*lines, (std::map<topic::TopicPartition, std::int64_t>{
                          {{"a", 0}, 5}, {{"a", 1}, 9}, {{"b", 1}, 7}}));
    for (const char* wrong :
         {"a 0", "a 0 1 2", "a x 1", "a 0 x", "a -1 1", "a 0 -1", "a 0 1\na 0 2"}) {
        const auto refused = parse_offset_lines(wrong);
        ASSERT_FALSE(refused) << wrong;
        EXPECT_THAT(refused.error().message(), HasSubstr("line "));
    }
}

TEST(Partitions, are_numbers_and_ranges) {
    EXPECT_EQ(*parse_partitions("3,0,1-2,1"), (std::vector<std::int32_t>{0, 1, 2, 3}));
    for (const char* wrong : {"", "x", "1,", "3-1", "-1", "0-99999999"}) {
        EXPECT_FALSE(parse_partitions(wrong)) << wrong;
    }
}

TEST(Partitions, stand_behind_the_name_of_their_topic) {
    const auto some = parse_chosen_partitions("weblog:0,2");
    ASSERT_TRUE(some);
    EXPECT_EQ(some->topic, "weblog");
    EXPECT_EQ(some->partitions, (std::vector<std::int32_t>{0, 2}));
    EXPECT_TRUE(parse_chosen_partitions("weblog")->partitions.empty());
    for (const char* wrong : {"", ":1", "weblog:", "weblog:x"}) {
        EXPECT_FALSE(parse_chosen_partitions(wrong)) << wrong;
    }
}

}  // namespace
}  // namespace millrace::cli
