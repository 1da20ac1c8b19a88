#include "broker/group/consumer/consumer_group.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <random>

#include "broker/group/consumer/consumer_driver_internal.h"
#include "broker/group/consumer/consumer_group_log.h"

namespace millrace::broker {
namespace {

using Driver = ConsumerDriver;

TEST(ConsumerGroup, gives_the_first_member_everything_at_once) {
    Driver driver;
    EXPECT_EQ(driver.state(), "Empty");
    EXPECT_EQ(driver.join("a"), "1: t0,1,2,3");
    EXPECT_EQ(driver.changed(), "member a epoch target a target-epoch current a");
    EXPECT_EQ(driver.state(), "Stable");
    EXPECT_EQ(driver.beat("a"), "1: -");
    EXPECT_EQ(driver.changed(), "");
}

TEST(ConsumerGroup, moves_a_partition_only_once_its_owner_has_given_it_up) {
    Driver driver;
    driver.join("a");
    EXPECT_EQ(driver.join("b"), "2: ");  // Its partitions are a's still.
    EXPECT_EQ(driver.state(), "Reconciling");
    EXPECT_EQ(driver.beat("a", "t0,1,2,3"), "1: t0,1");  // Give up the rest.
    EXPECT_EQ(driver.beat("b"), "2: -");
    EXPECT_EQ(driver.beat("a"), "1: -");  // Says nothing: it may own them still.
    EXPECT_EQ(driver.beat("a", "t0,1,2"), "1: -");
    EXPECT_EQ(driver.beat("b"), "2: -");
    EXPECT_EQ(driver.beat("a", "t0,1"), "2: -");
    EXPECT_EQ(driver.beat("b"), "2: t2,3");
    EXPECT_EQ(driver.state(), "Stable");
}

TEST(ConsumerGroup, gives_what_a_leaver_had_to_the_others) {
    Driver driver;
    driver.join("a");
    driver.join("b");
    driver.beat("a", "t0,1");
    driver.beat("b");
    EXPECT_EQ(driver.leave("a"), "-1: -");
    EXPECT_EQ(driver.changed(), "member a epoch target a current a");
    EXPECT_EQ(driver.state(), "Assigning");
    EXPECT_EQ(driver.beat("b"), "3: t0,1,2,3");
    EXPECT_EQ(driver.beat("a"), "UNKNOWN_MEMBER_ID");
}

TEST(ConsumerGroup, fences_members_of_the_wrong_epoch) {
    struct Case {
        const char* what;
        std::int32_t epoch;
        std::optional<std::string> owned;
        const char* expected;
    };
    const Case cases[] = {
        {"its own epoch", 2, std::nullopt, "2: -"},
        {"an epoch to come", 3, std::nullopt, "FENCED_MEMBER_EPOCH"},
        {"the last one, the answer with the bump was lost", 1, "t0", "2: -"},
        {"the last one, with partitions that are not its own", 1, "t0,3", "FENCED_MEMBER_EPOCH"},
        {"the last one, without a word about partitions", 1, std::nullopt, "FENCED_MEMBER_EPOCH"},
        {"it begins anew", 0, "", "2: t0,1"},
    };
    for (const Case& one : cases) {
        SCOPED_TRACE(one.what);
        Driver driver;
        driver.join("a");
        driver.join("b");
        driver.beat("a", "t0,1,2,3");
        driver.beat("a", "t0,1");  // Epoch 2, and the one before is 1.
        ASSERT_EQ(driver.group.members().at("a").epoch, 2);
        driver.group.restore_current("a", 2, 1, MemberState::kStable,
                                     driver.group.members().at("a").assigned, {});
        EXPECT_EQ(driver.beat("a", one.owned, one.epoch), one.expected);
    }
    Driver driver;
    EXPECT_EQ(driver.beat("nobody", std::nullopt, 5), "UNKNOWN_MEMBER_ID");
    EXPECT_EQ(driver.leave("nobody"), "UNKNOWN_MEMBER_ID");
}

TEST(ConsumerGroup, drops_members_that_are_silent_for_a_session) {
    Driver driver;
    driver.join("a");
    driver.join("b");
    driver.pass(44'999);
    driver.beat("b");
    EXPECT_EQ(driver.group.next_deadline_ms(), driver.now_ms + 1);
    driver.pass(1);
    EXPECT_FALSE(driver.group.members().contains("a"));
    EXPECT_EQ(driver.changed(), "member a epoch target a current a");
    EXPECT_EQ(driver.beat("b"), "3: t0,1,2,3");
}

TEST(ConsumerGroup, drops_who_does_not_give_partitions_up_in_time) {
    Driver driver;
    driver.group.set_timeouts({.session_timeout_ms = 1'000'000, .assignment_interval_ms = 0});
    driver.join("a");
    driver.join("b");
    driver.beat("a", "t0,1,2,3");
    driver.pass(59'999);
    EXPECT_EQ(driver.beat("a"), "1: -");  // Heartbeats alone do not help.
    driver.pass(1);
    EXPECT_FALSE(driver.group.members().contains("a"));
}

TEST(ConsumerGroup, assigns_those_together_who_come_in_quick_succession) {
    Driver driver;
    driver.group.set_timeouts({.assignment_interval_ms = 1000});
    EXPECT_EQ(driver.join("a"), "1: t0,1,2,3");
    driver.pass(999);
    EXPECT_EQ(driver.join("b"), "1: ");
    EXPECT_EQ(driver.changed(), "member b epoch current b");
    EXPECT_EQ(driver.beat("a"), "1: -");
    EXPECT_EQ(driver.state(), "Assigning");
    driver.pass(1);
    EXPECT_EQ(driver.beat("a"), "1: t0,1");
    EXPECT_EQ(driver.beat("b"), "2: -");
    EXPECT_EQ(driver.beat("a", "t0,1"), "2: -");
    EXPECT_EQ(driver.beat("b"), "2: t2,3");
}

TEST(ConsumerGroup, follows_its_topics) {
    Driver driver;
    EXPECT_EQ(driver.join("a", {"t", "u"}), "1: t0,1,2,3");
    driver.topics.set("u", 1);
    EXPECT_EQ(driver.beat("a"), "2: t0,1,2,3 u0");
    driver.topics.set("t", 5);
    EXPECT_EQ(driver.beat("a"), "3: t0,1,2,3,4 u0");
    driver.topics.set("other", 7);
    EXPECT_EQ(driver.beat("a"), "3: -");
    EXPECT_EQ(driver.changed(), "");
    driver.topics.remove("u");
    EXPECT_EQ(driver.beat("a"), "3: t0,1,2,3,4");
    EXPECT_EQ(driver.beat("a", "t0,1,2,3,4"), "4: -");
}

TEST(ConsumerGroup, gives_topics_up_as_soon_as_nobody_asks_for_them) {
    Driver driver;
    driver.topics.set("u", 2);
    driver.join("a", {"t", "u"});
    EXPECT_EQ(driver.subscribe("a", {"u"}), "1: u0,1");
    EXPECT_EQ(driver.beat("a", "u0,1"), "2: -");
}

TEST(ConsumerGroup, subscribes_by_regular_expression) {
    Driver driver;
    driver.topics.set("logs-a", 1);
    driver.topics.set("logs-b", 1);
    const auto join = [&](const std::string& member, const std::string& regex) {
        return driver.run({.member_id = member,
                           .rebalance_timeout_ms = 1000,
                           .regex = regex,
                           .owned = TopicPartitions()});
    };
    EXPECT_EQ(join("a", "logs-.*"), "1: ");  // Its topics are looked for.
    EXPECT_EQ(driver.changed(), "member a regex logs-.* epoch target a target-epoch current a");
    EXPECT_EQ(driver.beat("a"), "2: logs-a0 logs-b0");
    EXPECT_EQ(join("c", "logs-.*"), "3: ");  // They are known, but a's still.
    EXPECT_EQ(driver.leave("c"), "-1: -");
    EXPECT_EQ(driver.beat("a"), "4: -");
    driver.topics.set("logs-c", 1);
    driver.topics.set("my-logs-c", 1);  // The whole name is meant.
    EXPECT_EQ(driver.beat("a"), "5: logs-a0 logs-b0 logs-c0");
    EXPECT_EQ(driver.changed(), "regex logs-.* epoch target a target-epoch current a");
    for (const char* bad : {"(", "a{1,5000}", "(?=t)", "\\1"}) {
        EXPECT_EQ(join("b", bad), "INVALID_REGULAR_EXPRESSION") << bad;
    }
    EXPECT_EQ(driver.group.members().size(), 1u);
    driver.leave("a");
    EXPECT_TRUE(driver.group.regexes().empty());
}

TEST(ConsumerGroup, takes_the_assignor_that_most_members_ask_for) {
    Driver driver;
    EXPECT_EQ(driver.group.assignor(), "uniform");
    const auto join = [&](const std::string& member, std::optional<std::string> assignor) {
        driver.run({.member_id = member,
                    .rebalance_timeout_ms = 1000,
                    .topics = std::vector<std::string>{"t"},
                    .assignor = std::move(assignor),
                    .owned = TopicPartitions()});
    };
    join("a", "range");
    join("b", std::nullopt);
    EXPECT_EQ(driver.group.assignor(), "range");
    join("c", "uniform");
    join("d", "uniform");
    EXPECT_EQ(driver.group.assignor(), "uniform");
}

TEST(ConsumerGroup, takes_no_more_members_than_its_limit) {
    Driver driver;
    driver.limits.max_size = 1;
    driver.join("a");
    EXPECT_EQ(driver.join("b"), "GROUP_MAX_SIZE_REACHED");
    EXPECT_EQ(driver.beat("a"), "1: -");
}

TEST(ConsumerGroup, keeps_the_place_of_a_static_member_that_will_be_back) {
    Driver driver;
    driver.join("a", {"t"}, "one");
    driver.join("b", {"t"}, "two");
    driver.beat("a", "t0,1");
    driver.beat("b");
    EXPECT_EQ(driver.join("a2", {"t"}, "one"), "UNRELEASED_INSTANCE_ID");
    EXPECT_EQ(driver.leave("wrong", -2, "one"), "FENCED_INSTANCE_ID");
    EXPECT_EQ(driver.leave("a", -2, "one"), "-2: -");
    EXPECT_EQ(driver.changed(), "current a");
    EXPECT_EQ(driver.beat("b"), "2: -");  // No rebalance meanwhile.
    EXPECT_EQ(driver.join("a2", {"t"}, "one"), "2: t0,1");
    EXPECT_EQ(driver.beat("b"), "2: -");
    ConsumerHeartbeat old{.member_id = "a", .member_epoch = 2, .instance_id = "one"};
    EXPECT_EQ(driver.run(old), "FENCED_INSTANCE_ID");
    EXPECT_EQ(driver.beat("a"), "UNKNOWN_MEMBER_ID");
}

TEST(ConsumerGroup, drops_a_static_member_that_does_not_come_back_in_time) {
    Driver driver;
    driver.join("a", {"t"}, "one");
    driver.join("b", {"t"}, "two");
    driver.leave("a", -2, "one");
    driver.pass(30'000);
    driver.beat("b");
    driver.pass(15'000);
    EXPECT_EQ(driver.group.members().size(), 1u);
    EXPECT_EQ(driver.beat("b"), "3: t0,1,2,3");
    EXPECT_EQ(driver.join("a2", {"t"}, "one").substr(0, 2), "4:");
}

TEST(ConsumerGroup, lets_commit_who_has_had_the_partition_since_then) {
    Driver driver;
    driver.join("a");
    driver.join("b");
    driver.beat("a", "t0,1");  // Epoch 2; t0 and t1 since epoch 1.
    driver.beat("b");          // Epoch 2; t2 and t3 since epoch 2.
    struct Case {
        const char* what;
        std::string member;
        std::int32_t epoch;
        std::int32_t partition;
        std::int16_t version;
        const char* expected;
    };
    const Case cases[] = {
        {"its epoch", "a", 2, 0, 9, "NONE"},
        {"its epoch, any partition", "a", 2, 3, 9, "NONE"},
        {"an older epoch, in which it had the partition already", "a", 1, 0, 9, "NONE"},
        {"an older epoch, and a partition that is not its own", "a", 1, 2, 9, "STALE_MEMBER_EPOCH"},
        {"an older epoch than that of the partition", "b", 1, 2, 9, "STALE_MEMBER_EPOCH"},
        {"an epoch to come", "a", 3, 0, 9, "STALE_MEMBER_EPOCH"},
        {"a stranger", "c", 1, 0, 9, "UNKNOWN_MEMBER_ID"},
        {"somebody from outside, of a group with members", "", -1, 0, 9, "UNKNOWN_MEMBER_ID"},
        {"a version that knows no epochs", "a", 2, 0, 8, "UNSUPPORTED_VERSION"},
    };
    for (const Case& one : cases) {
        SCOPED_TRACE(one.what);
        const auto refusal =
            driver.group.may_commit(one.member, one.epoch, one.version, {{"t", one.partition}});
        EXPECT_EQ(error_name(refusal.error), one.expected);
    }
    EXPECT_FALSE(driver.group.may_fetch(std::nullopt, -1));
    EXPECT_FALSE(driver.group.may_fetch("a", 2));
    EXPECT_EQ(driver.group.may_fetch("a", 1).error, ErrorCode::kStaleMemberEpoch);
    EXPECT_EQ(driver.group.may_fetch("c", 1).error, ErrorCode::kUnknownMemberId);
    Driver empty;
    EXPECT_FALSE(empty.group.may_commit("", -1, 2, {{"t", 0}}));
}

// ---- the log ----

// A group that is read from the records that another one has written.
class Replayed {
public:
    void write(const ConsumerGroup& from, const ConsumerGroupChanges& changes) {
        for (auto& record : consumer_group_records(from, changes, 5)) take(record);
    }
    void write_tombstones(const ConsumerGroup& from) {
        for (auto& record : consumer_group_tombstones(from)) take(record);
    }
    std::unique_ptr<ConsumerGroup> read(const ConsumerGroupLimits& limits,
                                        const TopicSource& topics, std::int64_t now_ms) const {
        auto group = std::make_unique<ConsumerGroup>("g", limits, topics);
        for (const auto& [key, value] : records_) {
            const auto decoded = decode_consumer_key(key);
            EXPECT_TRUE(decoded && decoded->group == "g");
            EXPECT_TRUE(decoded && restore_consumer_record(*group, *decoded, value));
        }
        group->finish_restore(now_ms);
        return group;
    }
    std::size_t size() const { return records_.size(); }

private:
    void take(const KeyedRecord& record) {
        if (record.value) {
            records_[record.key] = *record.value;
        } else {
            records_.erase(record.key);
        }
    }
    std::map<base::Bytes, base::Bytes> records_;  // As a compacted log has them.
};

std::string to_text(const ConsumerGroup& group) {
    std::string text = std::to_string(group.epoch()) + "/" + std::to_string(group.target_epoch()) +
                       " " + std::to_string(group.metadata_hash()) + " " +
                       std::string(state_name(group.state())) + "\n";
    for (const auto& record : consumer_group_records(group, group.everything(), 5)) {
        text += record.key + "=" + record.value.value_or("nothing") + "\n";
    }
    return text;
}

TEST(ConsumerGroupLog, never_disagrees_with_the_group_after_a_replay) {
    const std::uint64_t seed = std::random_device{}();
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    std::mt19937_64 random(seed);
    for (int round = 0; round < 60; ++round) {
        FakeTopics topics;
        topics.set("t", 4);
        topics.set("u", 3);
        ConsumerGroupLimits limits;
        ConsumerGroup group("g", limits, topics);
        Replayed log;
        std::int64_t now_ms = 0;
        for (int step = 0; step < 60; ++step) {
            const std::string id(1, static_cast<char>('a' + random() % 5));
            ConsumerGroupChanges changes;
            const auto known = group.members().find(id);
            ConsumerHeartbeat request{.member_id = id};
            request.member_epoch = known == group.members().end() ? 0 : known->second.epoch;
            if (id == "a" || id == "b") request.instance_id = "i" + id;
            switch (random() % 8) {
                case 0: request.member_epoch = -1; break;
                case 1: request.member_epoch = request.instance_id ? -2 : -1; break;
                case 2: request.topics = {"u"}; break;
                case 3: request.regex = "[tu]"; break;
                case 4: topics.set("t", static_cast<std::int32_t>(4 + random() % 3)); break;
                case 5:
                    now_ms += static_cast<std::int64_t>(random() % 30'000);
                    group.tick(now_ms, changes);
                    log.write(group, changes);
                    changes = {};
                    break;
                default: break;
            }
            if (request.member_epoch <= 0 && !request.topics) request.topics = {"t"};
            if (request.member_epoch == -2 && random() % 2) request.member_epoch = 0;
            request.rebalance_timeout_ms = 10'000;
            const auto still_known = group.members().find(id);  // Time may have dropped it.
            if (random() % 2 && still_known != group.members().end()) {
                request.owned.emplace();
                for (const auto& [topic, partitions] : still_known->second.assigned) {
                    for (const auto& [index, since] : partitions)
                        (*request.owned)[topic].insert(index);
                }
            } else {
                request.owned = TopicPartitions();
            }
            group.heartbeat(request, now_ms, changes);
            log.write(group, changes);
            ASSERT_EQ(to_text(*log.read(limits, topics, now_ms)), to_text(group))
                << "step " << step;
        }
        log.write_tombstones(group);
        EXPECT_EQ(log.size(), 0u);
    }
}

TEST(ConsumerGroupLog, a_restart_never_makes_members_join_again) {
    Driver driver;
    driver.join("a");
    driver.join("b");
    driver.beat("a", "t0,1,2,3");  // It is to give up t2 and t3.
    Replayed log;
    log.write(driver.group, driver.group.everything());
    const auto group = log.read(driver.limits, driver.topics, 500'000);
    const auto beat = [&](const std::string& member, std::int32_t epoch,
                          std::optional<std::string> owned) {
        ConsumerGroupChanges changes;
        ConsumerHeartbeat request{.member_id = member,
                                  .member_epoch = epoch,
                                  .client_id = "client",
                                  .client_host = "/127.0.0.1"};
        if (owned) request.owned = driver.parse(*owned);
        const auto answer = group->heartbeat(request, 500'000, changes);
        return std::to_string(answer.member_epoch) + ": " +
               (answer.assignment ? driver.to_text(*answer.assignment) : "-");
    };
    EXPECT_EQ(beat("b", 2, std::nullopt), "2: -");
    EXPECT_EQ(beat("a", 1, "t0,1"), "2: -");
    EXPECT_EQ(beat("b", 2, std::nullopt), "2: t2,3");
    EXPECT_EQ(group->state(), ConsumerGroup::State::kStable);
    EXPECT_EQ(group->next_deadline_ms(), 545'000);
}

TEST(ConsumerGroupLog, refuses_what_it_cannot_read) {
    FakeTopics topics;
    ConsumerGroupLimits limits;
    ConsumerGroup group("g", limits, topics);
    EXPECT_FALSE(decode_consumer_key(""));
    EXPECT_FALSE(decode_consumer_key(base::Bytes("\0\3", 2)));
    EXPECT_FALSE(decode_consumer_key(base::Bytes("\0\2\0\1g", 5)));  // A classic group.
    const auto key = decode_consumer_key(base::Bytes("\0\3\0\1g", 5));
    ASSERT_TRUE(key);
    EXPECT_FALSE(restore_consumer_record(group, *key, base::Bytes("\0\1", 2)));
    EXPECT_FALSE(restore_consumer_record(group, *key, ""));
    EXPECT_EQ(group.epoch(), 0);
}

}  // namespace
}  // namespace millrace::broker
