#include "broker/group/consumer/assignor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <random>
#include <utility>

namespace millrace::broker {
namespace {

kafka::Uuid topic(char name) {
    return {0, static_cast<std::uint64_t>(name)};
}

// "t0,1 u2": partitions 0 and 1 of t, and 2 of u.
TopicPartitions partitions(const std::string& text) {
    TopicPartitions result;
    char name = 0;
    for (const char c : text) {
        if (c >= 'a' && c <= 'z') name = c;
        if (c >= '0' && c <= '9') result[topic(name)].insert(c - '0');
    }
    return result;
}

std::string to_text(const TopicPartitions& partitions) {
    std::string text;
    for (const auto& [id, indexes] : partitions) {
        if (indexes.empty()) continue;
        if (!text.empty()) text += ' ';
        text += static_cast<char>(id.low);
        bool first = true;
        for (const std::int32_t index : indexes) {
            if (!std::exchange(first, false)) text += ',';
            text += std::to_string(index);
        }
    }
    return text;
}

struct Member {
    std::string id;
    std::string topics;
    std::string current;
    std::optional<std::string> instance = std::nullopt;
};

// Members in one string: "a: t0,1 | b: t2".
std::string run(bool range, const std::vector<Member>& given,
                const std::map<char, std::int32_t>& counts) {
    AssignorMembers members;
    PartitionCounts partition_counts;
    for (const auto& [name, count] : counts) partition_counts[topic(name)] = count;
    for (const Member& one : given) {
        AssignorMember& member = members[one.id];
        member.instance_id = one.instance;
        for (const char name : one.topics) member.topics.insert(topic(name));
        member.current = partitions(one.current);
    }
    const TargetAssignment target =
        range ? assign_range(members, partition_counts) : assign_uniform(members, partition_counts);
    std::string text;
    for (const auto& [id, assigned] : target) {
        if (!text.empty()) text += " | ";
        text += id + ": " + to_text(assigned);
    }
    return text;
}

TEST(RangeAssignor, gives_every_member_a_range_of_every_topic) {
    struct Case {
        const char* what;
        std::vector<Member> members;
        std::map<char, std::int32_t> counts;
        const char* expected;
    };
    const Case cases[] = {
        {"nobody", {}, {}, ""},
        {"no topics", {{"a", "", ""}}, {}, "a: "},
        {"one member", {{"a", "tu", ""}}, {{'t', 2}, {'u', 1}}, "a: t0,1 u0"},
        {"even", {{"a", "t", ""}, {"b", "t", ""}}, {{'t', 4}}, "a: t0,1 | b: t2,3"},
        {"the first have one more",
         {{"a", "tu", ""}, {"b", "tu", ""}, {"c", "tu", ""}},
         {{'t', 4}, {'u', 5}},
         "a: t0,1 u0,1 | b: t2 u2,3 | c: t3 u4"},
        {"more members than partitions",
         {{"a", "t", ""}, {"b", "t", ""}, {"c", "t", ""}},
         {{'t', 2}},
         "a: t0 | b: t1 | c: "},
        {"different topics",
         {{"a", "t", ""}, {"b", "tu", ""}, {"c", "u", ""}},
         {{'t', 3}, {'u', 3}},
         "a: t0,1 | b: t2 u0,1 | c: u2"},
        {"static members come first, by instance",
         {{"a", "t", ""}, {"b", "t", "", "z"}, {"c", "t", "", "y"}},
         {{'t', 4}},
         "a: t3 | b: t2 | c: t0,1"},
        {"what was before does not matter",
         {{"a", "t", "t2,3"}, {"b", "t", "t0,1"}},
         {{'t', 4}},
         "a: t0,1 | b: t2,3"},
    };
    for (const Case& one : cases) {
        SCOPED_TRACE(one.what);
        EXPECT_EQ(run(/*range=*/true, one.members, one.counts), one.expected);
    }
}

TEST(UniformAssignor, spreads_all_topics_together_and_moves_little) {
    struct Case {
        const char* what;
        std::vector<Member> members;
        std::map<char, std::int32_t> counts;
        const char* expected;
    };
    const Case cases[] = {
        {"nobody", {}, {}, ""},
        {"no topics", {{"a", "", ""}}, {}, "a: "},
        {"the remainder is one for all topics",
         {{"a", "tu", ""}, {"b", "tu", ""}},
         {{'t', 1}, {'u', 1}},
         "a: t0 | b: u0"},
        {"everybody keeps what is right",
         {{"a", "t", "t1,3"}, {"b", "t", "t0,2"}},
         {{'t', 4}},
         "a: t1,3 | b: t0,2"},
        {"a new member takes the last of each",
         {{"a", "t", "t0,1,2"}, {"b", "t", "t3,4,5"}, {"c", "t", ""}},
         {{'t', 6}},
         "a: t0,1 | b: t3,4 | c: t2,5"},
        {"what a leaver had goes round",
         {{"a", "t", "t0,1"}, {"b", "t", "t2,3"}},
         {{'t', 6}},
         "a: t0,1,4 | b: t2,3,5"},
        {"a topic that nobody wants any more is given up",
         {{"a", "t", "t0 u0"}, {"b", "t", "t1 u1"}},
         {{'t', 2}},
         "a: t0 | b: t1"},
        {"new partitions", {{"a", "t", "t0"}, {"b", "t", "t1"}}, {{'t', 4}}, "a: t0,2 | b: t1,3"},
        {"partitions beyond the topic's end are dropped",
         {{"a", "t", "t0,5"}},
         {{'t', 1}},
         "a: t0"},
        {"different topics: whoever has least gets more",
         {{"a", "t", ""}, {"b", "tu", ""}},
         {{'t', 4}, {'u', 2}},
         "a: t0,1,2 | b: t3 u0,1"},
        {"different topics: what is right stays",
         {{"a", "t", "t1,3"}, {"b", "tu", "t0,2 u0"}},
         {{'t', 4}, {'u', 1}},
         "a: t1,3 | b: t0,2 u0"},
        {"different topics: only what must move moves",
         {{"a", "t", ""}, {"b", "tu", "t0,1,2,3"}},
         {{'t', 4}, {'u', 2}},
         "a: t1,2,3 | b: t0 u0,1"},
    };
    for (const Case& one : cases) {
        SCOPED_TRACE(one.what);
        EXPECT_EQ(run(/*range=*/false, one.members, one.counts), one.expected);
    }
}

// Whoever comes and goes: every partition has exactly one owner that wants it, loads are even where
// all want the same, and a second run changes nothing.
TEST(UniformAssignor, never_loses_or_doubles_a_partition) {
    const std::uint64_t seed = std::random_device{}();
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    std::mt19937_64 random(seed);
    for (int round = 0; round < 200; ++round) {
        const bool alike = random() % 2 == 0;
        PartitionCounts counts;
        for (char name = 't'; name < 'w'; ++name) {
            counts[topic(name)] = static_cast<std::int32_t>(random() % 9);
        }
        AssignorMembers members;
        for (int step = 0; step < 20; ++step) {
            const std::string id(1, static_cast<char>('a' + random() % 6));
            if (members.contains(id) && random() % 2) {
                members.erase(id);
            } else {
                for (const auto& [name, count] : counts) {
                    if (alike || random() % 2) members[id].topics.insert(name);
                }
            }
            const TargetAssignment target = assign_uniform(members, counts);
            ASSERT_EQ(target.size(), members.size());
            std::map<std::pair<kafka::Uuid, std::int32_t>, int> owners;
            std::size_t least = SIZE_MAX;
            std::size_t most = 0;
            std::set<kafka::Uuid> wanted;
            for (auto& [member_id, member] : members) {
                std::size_t size = 0;
                for (const auto& [name, indexes] : target.at(member_id)) {
                    ASSERT_TRUE(indexes.empty() || member.topics.contains(name));
                    for (const std::int32_t index : indexes) ++owners[{name, index}];
                    size += indexes.size();
                }
                least = std::min(least, size);
                most = std::max(most, size);
                wanted.insert(member.topics.begin(), member.topics.end());
                member.current = target.at(member_id);
            }
            for (const kafka::Uuid& name : wanted) {
                for (std::int32_t index = 0; index < counts.at(name); ++index) {
                    ASSERT_EQ((owners[{name, index}]), 1);
                }
            }
            if (alike && !members.empty()) ASSERT_LE(most - least, 1u);
            ASSERT_EQ(assign_uniform(members, counts), target);
        }
    }
}

}  // namespace
}  // namespace millrace::broker
