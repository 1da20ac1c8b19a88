#include "broker/share/share_sessions.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace millrace::broker {
namespace {

using Partitions = std::vector<SharePartitionName>;

class Sessions : public testing::Test {
protected:
    static SharePartitionName name(std::int32_t partition) { return {{0, 1}, partition}; }
    static std::string text(const Partitions& partitions) {
        std::string all;
        for (const auto& one : partitions) {
            all += fmt::format("{}{}", all.empty() ? "" : " ", one.partition);
        }
        return all;
    }
    std::string fetch(const std::string& member, std::int32_t epoch, Partitions added = {},
                      Partitions forgotten = {}, bool acknowledges = false,
                      std::uint64_t connection = 1) {
        const auto opened = sessions.fetch({.group = "g",
                                            .member = member,
                                            .epoch = epoch,
                                            .added = std::move(added),
                                            .forgotten = std::move(forgotten),
                                            .acknowledges = acknowledges,
                                            .connection = connection});
        if (opened.error != kafka::ErrorCode::kNone) {
            return std::string(kafka::error_name(opened.error));
        }
        return text(opened.partitions);
    }
    std::string acknowledge(const std::string& member, std::int32_t epoch) {
        return std::string(kafka::error_name(sessions.acknowledge("g", member, epoch)));
    }

    ShareSessions sessions{2};
};

TEST_F(Sessions, a_session_remembers_its_partitions) {
    EXPECT_EQ(fetch("a", 0, {name(0), name(1), name(2)}), "0 1 2");
    EXPECT_EQ(fetch("a", 1), "1 2 0") << "another partition comes first each time";
    EXPECT_EQ(fetch("a", 2, {name(3)}), "2 3 0 1");
    EXPECT_EQ(fetch("a", 3, {}, {name(0), name(2)}), "3 1");
    EXPECT_EQ(fetch("a", 4, {name(1)}), "1 3") << "it was there already";
}

TEST_F(Sessions, epochs_go_up_one_by_one) {
    EXPECT_EQ(fetch("a", 1), "SHARE_SESSION_NOT_FOUND");
    EXPECT_EQ(fetch("a", -1), "SHARE_SESSION_NOT_FOUND");
    fetch("a", 0, {name(0)});
    EXPECT_EQ(fetch("a", 2), "INVALID_SHARE_SESSION_EPOCH");
    EXPECT_EQ(fetch("a", 1), "0");
    EXPECT_EQ(fetch("a", 1), "INVALID_SHARE_SESSION_EPOCH");
    EXPECT_EQ(acknowledge("a", 2), "NONE");
    EXPECT_EQ(acknowledge("a", 2), "INVALID_SHARE_SESSION_EPOCH");
    EXPECT_EQ(acknowledge("a", 0), "INVALID_SHARE_SESSION_EPOCH");
    EXPECT_EQ(acknowledge("b", 1), "SHARE_SESSION_NOT_FOUND");
    EXPECT_EQ(fetch("a", 0, {name(5)}), "5") << "opened anew";
    EXPECT_EQ(fetch("a", 1), "5");
}

TEST_F(Sessions, the_first_fetch_acknowledges_nothing) {
    EXPECT_EQ(fetch("a", 0, {name(0)}, {}, true), "INVALID_REQUEST");
    EXPECT_EQ(sessions.size(), 0U);
}

TEST_F(Sessions, there_are_no_more_than_may_be) {
    fetch("a", 0);
    fetch("b", 0);
    EXPECT_EQ(fetch("c", 0), "SHARE_SESSION_LIMIT_REACHED");
    EXPECT_EQ(fetch("b", 0, {name(1)}), "1");
    EXPECT_EQ(sessions.end("g", "a").size(), 1U);
    EXPECT_EQ(fetch("c", 0, {name(2)}), "2");
}

TEST_F(Sessions, a_session_that_closes_says_what_it_read) {
    fetch("a", 0, {name(0), name(1)});
    fetch("b", 0, {name(2)});
    EXPECT_EQ(fetch("a", -1), "");
    auto ended = sessions.end("g", "a");
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(text(ended[0].partitions), "0 1");
    EXPECT_FALSE(ended[0].last_of_group);
    EXPECT_TRUE(sessions.end("g", "a").empty());
    EXPECT_EQ(acknowledge("b", -1), "NONE");
    ended = sessions.end("g", "b");
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_TRUE(ended[0].last_of_group);
}

TEST_F(Sessions, a_session_ends_with_its_connection) {
    fetch("a", 0, {name(0)}, {}, false, 1);
    fetch("b", 0, {name(1)}, {}, false, 2);
    fetch("a", 1, {}, {}, false, 3);
    EXPECT_TRUE(sessions.end_connection(1).empty()) << "it goes on over another one";
    const auto ended = sessions.end_connection(3);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].member, "a");
    EXPECT_EQ(sessions.size(), 1U);
}

}  // namespace
}  // namespace millrace::broker
