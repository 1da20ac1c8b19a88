#include "broker/share/simple_assignor.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace millrace::broker {
namespace {

using Topics = std::map<kafka::Uuid, ShareTopic>;

// Topics named a, b ... with so many partitions each.
Topics topics(std::vector<std::int32_t> partitions) {
    Topics all;
    for (std::size_t i = 0; i < partitions.size(); ++i) {
        const kafka::Uuid id{0, i + 1};
        all[id] = {std::string(1, static_cast<char>('a' + i)), id, partitions[i]};
    }
    return all;
}

std::vector<ShareSubscription> members(std::size_t count, std::vector<std::uint64_t> topics) {
    std::vector<ShareSubscription> all(count);
    for (std::size_t i = 0; i < count; ++i) {
        all[i].member_id = fmt::format("m{}", i);
        for (const std::uint64_t topic : topics) all[i].topics.push_back({0, topic});
    }
    return all;
}

std::string text(const Topics& topics, const std::vector<ShareAssignment>& assignments) {
    std::string all;
    for (const ShareAssignment& assignment : assignments) {
        if (!all.empty()) all += " | ";
        std::string one;
        for (const auto& [id, partitions] : assignment) {
            for (const std::int32_t partition : partitions) {
                one += fmt::format("{}{}{}", one.empty() ? "" : " ", topics.at(id).name, partition);
            }
        }
        all += one.empty() ? "-" : one;
    }
    return all;
}

std::string assign(const std::vector<ShareSubscription>& members, const Topics& topics) {
    return text(topics, assign_simply(members, topics));
}

TEST(SimpleAssignor, everybody_gets_something_and_everything_is_read) {
    struct Case {
        std::size_t members;
        std::vector<std::int32_t> partitions;
        std::string assigned;
    };
    const std::vector<Case> cases{
        {0, {3}, ""},
        {1, {3}, "a0 a1 a2"},
        {2, {3}, "a0 a2 | a1"},
        {3, {3}, "a0 | a1 | a2"},
        {5, {3}, "a0 | a1 | a2 | a0 | a1"},
        {2, {1, 2}, "a0 b1 | b0"},
        {3, {}, "- | - | -"},
    };
    for (const Case& one : cases) {
        std::vector<std::uint64_t> all;
        for (std::size_t i = 0; i < one.partitions.size(); ++i) all.push_back(i + 1);
        EXPECT_EQ(assign(members(one.members, all), topics(one.partitions)), one.assigned);
    }
}

TEST(SimpleAssignor, members_read_only_what_they_subscribe_to) {
    auto who = members(3, {1});
    who[2].topics = {{0, 2}};
    EXPECT_EQ(assign(who, topics({2, 3})), "a0 | a1 | b0 b1 b2");
    who[1].topics = {};
    EXPECT_EQ(assign(who, topics({2, 3})), "a0 a1 | - | b0 b1 b2");
    who[0].topics.push_back({0, 9});
    EXPECT_EQ(assign(who, topics({2, 3})), "a0 a1 | - | b0 b1 b2") << "there is no such topic";
}

TEST(SimpleAssignor, members_keep_what_they_had_as_far_as_the_loads_allow) {
    const Topics all = topics({4});
    auto who = members(2, {1});
    who[0].before = {{{0, 1}, {2, 3}}};
    EXPECT_EQ(assign(who, all), "a2 a3 | a0 a1");
    who[0].before = {{{0, 1}, {0, 1, 2, 3}}};
    EXPECT_EQ(assign(who, all), "a0 a1 | a2 a3") << "another one has come";
    who = members(6, {1});
    who[5].before = {{{0, 1}, {0}}};
    who[4].before = {{{0, 1}, {0}}};
    EXPECT_EQ(assign(who, all), "a1 | a2 | a3 | a1 | a0 | a0");
}

TEST(SimpleAssignor, loads_differ_by_one_at_most_whatever_was_before) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937 random(seed);
    const auto below = [&](int limit) {
        return std::uniform_int_distribution<>(0, limit - 1)(random);
    };
    std::vector<ShareAssignment> before;
    for (int round = 0; round < 300; ++round) {
        const Topics all = topics({1 + below(6), 1 + below(6)});
        auto who = members(static_cast<std::size_t>(1 + below(20)), {1, 2});
        for (std::size_t i = 0; i < who.size() && i < before.size(); ++i) {
            who[i].before = before[i];
        }
        before = assign_simply(who, all);
        std::map<std::pair<kafka::Uuid, std::int32_t>, std::size_t> readers;
        std::size_t least = SIZE_MAX;
        std::size_t most = 0;
        for (const ShareAssignment& assignment : before) {
            std::size_t count = 0;
            for (const auto& [id, partitions] : assignment) {
                count += partitions.size();
                for (const std::int32_t partition : partitions) ++readers[{id, partition}];
            }
            least = std::min(least, count);
            most = std::max(most, count);
        }
        ASSERT_GE(least, 1U);
        ASSERT_LE(most - least, 1U);
        std::size_t partitions = 0;
        for (const auto& [id, topic] : all)
            partitions += static_cast<std::size_t>(topic.partitions);
        ASSERT_EQ(readers.size(), partitions);
        const auto [low, high] =
            std::ranges::minmax_element(readers, {}, [](const auto& one) { return one.second; });
        ASSERT_LE(high->second - low->second, 1U);
    }
}

}  // namespace
}  // namespace millrace::broker
