// How committed offsets go: with time, with their topics, and never by themselves.
#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <random>
#include <string>
#include <utility>

#include "broker/groups_harness_internal.h"
#include "kafka/messages/delete_topics.h"

namespace millrace::broker {
namespace {

// Looks for old offsets all the time, on a clock that tests set forward.
class OffsetExpiry : public testing::Test, protected GroupsHarness {
protected:
    OffsetExpiry() : GroupsHarness(options()) {}
    static config::ServerOptions options() {
        config::ServerOptions options;
        options.offsets_retention_minutes = 10;
        options.offsets_retention_check_interval_ms = 5;
        return options;
    }
    void pass_minutes(std::int64_t minutes) { broker.skip_ms(minutes * 60'000); }
    // Waits until the offset is gone: the test's own deadline ends a wait in vain.
    void expect_gone(const std::string& group, const std::string& topic) {
        while (committed_offset(group, topic) >= 0) {
        }
        EXPECT_EQ(committed_offset(group, topic), -1);
    }
    // A round of expiry has passed: a group that holds nothing has gone in it.
    void let_a_round_pass() {
        EXPECT_EQ(commit("witness", "w", 1), ErrorCode::kNone);
        EXPECT_EQ(delete_offset(client, "witness", "w"), "NONE");
        while (describe(client, "witness").error_code != ErrorCode::kGroupIdNotFound) {
        }
    }
};

TEST_F(OffsetExpiry, offsets_of_simple_consumers_go_when_they_are_old) {
    create("t");
    create("w");
    EXPECT_EQ(commit("g", "t", 7), ErrorCode::kNone);
    pass_minutes(9);
    let_a_round_pass();
    EXPECT_EQ(committed_offset("g", "t"), 7);
    pass_minutes(1);
    expect_gone("g", "t");
    while (describe(client, "g").error_code != ErrorCode::kGroupIdNotFound) {
    }
    broker.restart();
    TestClient later(broker);
    EXPECT_EQ(describe(later, "g").error_code, ErrorCode::kGroupIdNotFound);
}

TEST_F(OffsetExpiry, offsets_of_subscribed_topics_never_expire_while_the_group_lives) {
    create("t");
    create("u");
    create("w");
    EXPECT_EQ(commit("g", "t", 7), ErrorCode::kNone);
    EXPECT_EQ(commit("g", "u", 8), ErrorCode::kNone);
    const auto joined = join(client, subscription("t"));
    sync(client, joined, "all");
    pass_minutes(100);
    expect_gone("g", "u");
    let_a_round_pass();
    EXPECT_EQ(committed_offset("g", "t"), 7);
    // From the end of the group on they have their time, however long ago the commit was.
    leave(client, joined);
    let_a_round_pass();
    EXPECT_EQ(committed_offset("g", "t"), 7);
    pass_minutes(10);
    expect_gone("g", "t");
}

TEST_F(OffsetExpiry, a_group_that_emptied_before_a_restart_keeps_its_date) {
    create("t");
    EXPECT_EQ(commit("g", "t", 7), ErrorCode::kNone);
    const auto joined = join(client, subscription("t"));
    sync(client, joined, "all");
    pass_minutes(5);
    leave(client, joined);
    broker.restart();
    pass_minutes(10);
    TestClient later(broker);
    while (true) {
        const auto offsets = later.call<kafka::OffsetFetchResponse>(fetch_request("g", "t"), 7);
        ASSERT_TRUE(offsets);
        if (offsets->topics.at(0).partitions.at(0).committed_offset < 0) break;
    }
}

class Offsets : public testing::Test, protected GroupsHarness {
protected:
    void commit_with_epoch(const std::string& group, const std::string& topic, std::int64_t offset,
                           std::int32_t leader_epoch) {
        kafka::OffsetCommitRequest request;
        request.group_id = group;
        request.topics.emplace_back().name = topic;
        auto& partition = request.topics[0].partitions.emplace_back();
        partition.committed_offset = offset;
        partition.committed_leader_epoch = leader_epoch;
        partition.committed_metadata = "note";
        const auto response = client.call<kafka::OffsetCommitResponse>(request, 8);
        ASSERT_TRUE(response);
        EXPECT_EQ(response->topics.at(0).partitions.at(0).error_code, ErrorCode::kNone);
    }
    // All that a group has committed: topic to "offset epoch note".
    static std::map<std::string, std::string> all(TestClient& from, const std::string& group) {
        kafka::OffsetFetchRequest request;
        request.group_id = group;
        request.topics.reset();
        const auto response = from.call<kafka::OffsetFetchResponse>(request, 7);
        std::map<std::string, std::string> offsets;
        EXPECT_TRUE(response);
        if (!response) return offsets;
        for (const auto& topic : response->topics) {
            for (const auto& one : topic.partitions) {
                offsets[topic.name] = std::to_string(one.committed_offset) + " " +
                                      std::to_string(one.committed_leader_epoch) + " " +
                                      one.metadata.value_or("null");
            }
        }
        return offsets;
    }
};

// Mistake 9c of compatible brokers.
TEST_F(Offsets, leader_epochs_are_never_garbage_after_a_restart) {
    create("t");
    create("u");
    commit_with_epoch("g", "t", 5, 0);
    commit_with_epoch("g", "u", 6, -1);
    const std::map<std::string, std::string> expected = {{"t", "5 0 note"}, {"u", "6 -1 note"}};
    EXPECT_EQ(all(client, "g"), expected);
    broker.restart();
    TestClient later(broker);
    EXPECT_EQ(all(later, "g"), expected);
}

// Mistake 7 of compatible brokers.
TEST_F(Offsets, the_map_and_the_log_never_disagree_after_a_replay) {
    const std::uint64_t seed = std::random_device{}();
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    std::mt19937_64 random(seed);
    const std::string topics[] = {"t", "u", "v"};
    const std::string groups[] = {"g", "h"};
    std::map<std::string, std::map<std::string, std::string>> expected;
    for (const std::string& topic : topics) create(topic);
    for (int step = 0; step < 60; ++step) {
        const std::string& topic = topics[random() % 3];
        const std::string& group = groups[random() % 2];
        switch (random() % 6) {
            case 0:
                delete_offset(client, group, topic);
                expected[group].erase(topic);
                break;
            case 1: {
                const std::string removed = remove(client, group);
                EXPECT_TRUE(removed == "NONE" || removed == "GROUP_ID_NOT_FOUND") << removed;
                expected[group].clear();
                break;
            }
            case 2: {
                kafka::DeleteTopicsRequest request;
                request.topic_names = {topic};
                const auto deleted = client.call<kafka::DeleteTopicsResponse>(request, 5);
                ASSERT_TRUE(deleted);
                for (auto& [name, offsets] : expected) offsets.erase(topic);
                create(topic);
                break;
            }
            default: {
                const auto offset = static_cast<std::int64_t>(random() % 1000);
                commit_with_epoch(group, topic, offset, 0);
                expected[group][topic] = std::to_string(offset) + " 0 note";
            }
        }
        for (const std::string& name : groups) ASSERT_EQ(all(client, name), expected[name]);
    }
    broker.restart();
    TestClient later(broker);
    for (const std::string& name : groups) EXPECT_EQ(all(later, name), expected[name]);
}

}  // namespace
}  // namespace millrace::broker
