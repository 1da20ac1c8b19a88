#include "broker/group/streams/streams_group.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <functional>
#include <random>

#include "broker/group/streams/streams_driver_internal.h"
#include "broker/group/streams/streams_group_log.h"

namespace millrace::broker {
namespace {

using Driver = StreamsDriver;

TEST(StreamsGroup, waits_for_its_topics_and_then_gives_the_first_member_everything) {
    Driver driver;
    EXPECT_EQ(driver.state(), "Empty");
    EXPECT_EQ(driver.join("a"), "2:  status 3");
    EXPECT_EQ(driver.changed(), "topology member a epoch target a target-epoch current a");
    EXPECT_EQ(driver.state(), "NotReady");
    ASSERT_EQ(driver.last.to_create.size(), 2u);
    EXPECT_EQ(driver.last.to_create[0].name, "by-word");
    EXPECT_EQ(driver.last.to_create[0].partitions, 2);
    EXPECT_EQ(driver.beat("a"), "2: - status 3");
    EXPECT_EQ(driver.changed(), "");

    driver.make_internal_topics();
    EXPECT_EQ(driver.beat("a"), "3: 00,01,10,11");
    EXPECT_EQ(driver.changed(), "epoch target a target-epoch current a");
    EXPECT_EQ(driver.state(), "Stable");
    EXPECT_TRUE(driver.last.to_create.empty());
    EXPECT_EQ(driver.beat("a"), "3: -");
    EXPECT_EQ(driver.changed(), "");
}

TEST(StreamsGroup, tells_of_sources_that_are_missing_or_of_another_width) {
    Driver driver;
    driver.topics.remove("in");
    EXPECT_EQ(driver.join("a"), "2:  status 1");
    EXPECT_EQ(driver.last.statuses.at(0).detail, "Source topics in are missing.");
    EXPECT_EQ(driver.state(), "NotReady");
    driver.topics.set("in", 2);
    driver.topics.set("by-word", 3);
    driver.topics.set("counts", 3);
    EXPECT_EQ(driver.beat("a"), "3: - status 2");
    driver.topics.set("by-word", 2);
    driver.topics.set("counts", 2);
    EXPECT_EQ(driver.beat("a"), "4: 00,01,10,11");
    driver.topics.set("in", 4);  // Now the topics in between are too narrow.
    EXPECT_EQ(driver.beat("a", "00,01,10,11"), "4:  status 2");
    EXPECT_EQ(driver.group.members().at("a").state, StreamsMemberState::kUnrevokedTasks);
    EXPECT_EQ(driver.state(), "NotReady");
}

TEST(StreamsGroup, moves_a_task_only_once_its_owner_has_given_it_up) {
    Driver driver;
    driver.make_internal_topics();
    EXPECT_EQ(driver.join("a"), "2: 00,01,10,11");
    EXPECT_EQ(driver.join("b"), "3: ");  // Its tasks are a's still.
    EXPECT_EQ(driver.state(), "Reconciling");
    EXPECT_EQ(driver.beat("a", "00,01,10,11"), "2: 00,10");  // Give up the rest.
    EXPECT_EQ(driver.beat("b"), "3: -");
    EXPECT_EQ(driver.beat("a"), "2: -");  // Says nothing: it may work on them still.
    EXPECT_EQ(driver.beat("a", "00,01,10"), "2: -");
    EXPECT_EQ(driver.beat("a", "00,10"), "3: -");
    EXPECT_EQ(driver.beat("b"), "3: 01,11");
    EXPECT_EQ(driver.state(), "Stable");
}

TEST(StreamsGroup, tells_who_missed_an_answer_once_more) {
    Driver driver;
    driver.make_internal_topics();
    driver.join("a");
    driver.join("b");
    EXPECT_EQ(driver.beat("a", "00,01,10,11"), "2: 00,10");  // Lost on its way.
    EXPECT_EQ(driver.beat("a", "00,01,10,11"), "2: -");
    EXPECT_EQ(driver.run({.member_id = "a",
                          .member_epoch = 2,
                          .rebalance_timeout_ms = 60'000,
                          .owned = Driver::parse("00,01,10,11"),
                          .process_id = "process-a"}),
              "2: 00,10");
    EXPECT_EQ(driver.changed(), "");
}

TEST(StreamsGroup, waits_for_more_members_before_the_first_assignment) {
    Driver driver;
    driver.make_internal_topics();
    driver.limits.settings.initial_rebalance_delay_ms = 3000;
    driver.group.set_settings(driver.limits.settings);
    EXPECT_EQ(driver.join("a"), "1:  status 5");
    EXPECT_EQ(driver.last.statuses.at(0).detail,
              "Assignment delayed due to the configured initial rebalance delay.");
    EXPECT_EQ(driver.changed(), "topology member a epoch current a");
    EXPECT_EQ(driver.state(), "Assigning");
    driver.pass(2000);
    EXPECT_EQ(driver.join("b"), "1:  status 5");
    EXPECT_EQ(driver.group.next_deadline_ms(), driver.now_ms + 1000);
    driver.pass(1000);
    EXPECT_EQ(driver.changed(), "target a target b target-epoch");
    EXPECT_EQ(driver.beat("a"), "3: 00,10");
    EXPECT_EQ(driver.beat("b"), "3: 01,11");
    // Only a group that nobody is in waits again.
    EXPECT_EQ(driver.join("c"), "4: ");
    driver.leave("a");
    driver.leave("b");
    driver.leave("c");
    driver.pass(1);
    EXPECT_EQ(driver.join("d"), "4:  status 5");
}

TEST(StreamsGroup, assigns_those_together_who_come_in_quick_succession) {
    Driver driver;
    driver.make_internal_topics();
    driver.limits.settings.assignment_interval_ms = 1000;
    driver.group.set_settings(driver.limits.settings);
    EXPECT_EQ(driver.join("a"), "2: 00,01,10,11");
    driver.pass(999);
    EXPECT_EQ(driver.join("b"), "2:  status 5");
    EXPECT_EQ(driver.last.statuses.at(0).detail,
              "Assignment delayed due to the configured assignment interval.");
    driver.pass(1);
    EXPECT_EQ(driver.beat("b"), "3: -");
    EXPECT_EQ(driver.beat("a"), "2: 00,10");
}

TEST(StreamsGroup, gives_what_a_leaver_had_to_its_standby) {
    Driver driver;
    driver.make_internal_topics();
    driver.limits.settings.num_standby_replicas = 1;
    driver.group.set_settings(driver.limits.settings);
    EXPECT_EQ(driver.join("a"), "2: 00,01,10,11");
    EXPECT_EQ(driver.join("b"), "3: |10");
    EXPECT_EQ(driver.beat("a", "00,01,10,11"), "2: 00,10");
    // It is standby for what it gives up, once it has given it up.
    EXPECT_EQ(driver.beat("a", "00,10"), "3: -");
    EXPECT_EQ(driver.beat("b"), "3: 01,11|10");
    EXPECT_EQ(driver.beat("a", "00,10"), "3: 00,10|11");
    EXPECT_EQ(driver.state(), "Stable");
    EXPECT_EQ(driver.leave("a"), "-1: -");
    EXPECT_EQ(driver.changed(), "member a epoch target a current a");
    // In its own process a task is first given up as a standby.
    EXPECT_EQ(driver.beat("b", "01,11|10"), "3: 01,11");
    EXPECT_EQ(driver.beat("b", "01,11"), "4: 00,01,11");
    EXPECT_EQ(driver.beat("b", "00,01,11"), "4: 00,01,10,11");
}

TEST(StreamsGroup, takes_a_new_number_of_standbys_with_the_next_heartbeat) {
    Driver driver;
    driver.make_internal_topics();
    driver.join("a");
    driver.join("b");
    driver.beat("a", "00,01,10,11");
    driver.beat("a", "00,10");
    driver.beat("b");
    driver.limits.settings.num_standby_replicas = 1;
    driver.group.set_settings(driver.limits.settings);
    EXPECT_EQ(driver.beat("a"), "4: 00,10|11");
    EXPECT_EQ(driver.changed(), "epoch target a target b target-epoch current a");
    EXPECT_EQ(driver.beat("b"), "4: 01,11|10");
}

TEST(StreamsGroup, fences_members_of_the_wrong_epoch) {
    struct Case {
        const char* what;
        std::int32_t epoch;
        std::optional<std::string> owned;
        const char* expected;
    };
    const Case cases[] = {
        {"its own epoch", 3, std::nullopt, "3: -"},
        {"an epoch to come", 4, std::nullopt, "FENCED_MEMBER_EPOCH"},
        {"the last one, the answer with the bump was lost", 2, "00", "3: -"},
        {"the last one, with tasks that are not its own", 2, "00,01", "FENCED_MEMBER_EPOCH"},
        {"the last one, without a word about tasks", 2, std::nullopt, "FENCED_MEMBER_EPOCH"},
        {"one before that", 1, "00", "FENCED_MEMBER_EPOCH"},
    };
    for (const Case& one : cases) {
        SCOPED_TRACE(one.what);
        Driver driver;
        driver.make_internal_topics();
        driver.join("a");
        driver.join("b");
        driver.beat("a", "00,01,10,11");
        driver.beat("a", "00,10");  // Epoch 3, and the one before is 2.
        ASSERT_EQ(driver.group.members().at("a").epoch, 3);
        EXPECT_EQ(driver.beat("a", one.owned, one.epoch), one.expected);
    }
    Driver driver;
    driver.make_internal_topics();
    EXPECT_EQ(driver.beat("nobody", std::nullopt, 5), "UNKNOWN_MEMBER_ID");
    EXPECT_EQ(driver.leave("nobody"), "UNKNOWN_MEMBER_ID");
    driver.join("a");
    EXPECT_EQ(driver.join("a"), "2: 00,01,10,11");  // It begins anew, and has what it had.
    EXPECT_EQ(driver.changed(), "");
}

TEST(StreamsGroup, refuses_what_does_not_fit_the_group) {
    struct Case {
        const char* what;
        std::function<std::string(Driver&)> event;
        const char* expected;
        const char* message;
    };
    const Case cases[] = {
        {"another topology",
         [](Driver& driver) {
             StreamsHeartbeat request{
                 .member_id = "b", .rebalance_timeout_ms = 1, .topology = Driver::topology()};
             request.topology->subtopologies.erase("1");
             return driver.run(std::move(request));
         },
         "INVALID_REQUEST", "Topology updates are not supported yet."},
        {"a topology of a later epoch",
         [](Driver& driver) {
             StreamsHeartbeat request{
                 .member_id = "b", .rebalance_timeout_ms = 1, .topology = Driver::topology()};
             request.topology->epoch = 1;
             return driver.run(std::move(request));
         },
         "INVALID_REQUEST", "Topology updates are not supported yet."},
        {"a subtopology that there is not", [](Driver& driver) { return driver.beat("a", "20"); },
         "INVALID_REQUEST", "Subtopology 2 does not exist in the topology."},
        {"a task that there is not", [](Driver& driver) { return driver.beat("a", "02"); },
         "INVALID_REQUEST",
         "Task 2 for subtopology 0 is invalid. Number of tasks for this subtopology: 2"},
        {"too many",
         [](Driver& driver) {
             driver.limits.max_size = 1;
             return driver.join("b");
         },
         "GROUP_MAX_SIZE_REACHED",
         "The streams group has reached its maximum capacity of 1 "
         "members."},
    };
    for (const Case& one : cases) {
        SCOPED_TRACE(one.what);
        Driver driver;
        driver.make_internal_topics();
        driver.join("a");
        EXPECT_EQ(one.event(driver), one.expected);
        EXPECT_EQ(driver.last.message, one.message);
        EXPECT_EQ(driver.changed(), "");
        EXPECT_EQ(driver.group.members().size(), 1u);
    }
    Driver driver;
    StreamsHeartbeat request{
        .member_id = "a", .rebalance_timeout_ms = 1, .topology = Driver::topology()};
    request.topology->subtopologies["0"].repartition_sinks.clear();
    EXPECT_EQ(driver.run(std::move(request)), "STREAMS_INVALID_TOPOLOGY");
    EXPECT_EQ(driver.state(), "Empty");
    EXPECT_FALSE(driver.group.topology());
}

TEST(StreamsGroup, tells_a_member_of_an_older_topology_so) {
    Driver driver;
    driver.make_internal_topics();
    StreamsTopology newer = Driver::topology();
    newer.epoch = 3;
    driver.run({.member_id = "a",
                .rebalance_timeout_ms = 1,
                .topology = newer,
                .owned = Tasks(),
                .process_id = "p"});
    EXPECT_EQ(driver.join("b"), "3:  status 0");
    EXPECT_EQ(driver.last.statuses.at(0).detail,
              "The member's topology epoch 0 is behind the group's topology epoch 3.");
    EXPECT_EQ(driver.group.topology()->epoch, 3);
}

TEST(StreamsGroup, tells_everybody_when_one_wants_the_application_to_end) {
    Driver driver;
    driver.make_internal_topics();
    driver.join("a");
    driver.join("b");
    driver.run({.member_id = "a", .member_epoch = 2, .shutdown_application = true});
    EXPECT_EQ(driver.beat("b"), "3: - status 4");
    EXPECT_EQ(driver.last.statuses.at(0).detail,
              "Streams group member a encountered a fatal error and requested a shutdown for the "
              "entire application.");
    driver.leave("a");
    driver.leave("b");
    EXPECT_EQ(driver.join("c"), "6: 00,01,10,11");  // Whoever comes later begins anew.
}

TEST(StreamsGroup, drops_members_that_are_silent_or_do_not_give_tasks_up) {
    Driver driver;
    driver.make_internal_topics();
    driver.limits.settings.session_timeout_ms = 45'000;
    driver.join("a");
    driver.join("b");
    driver.pass(44'999);
    driver.beat("b");
    EXPECT_EQ(driver.group.next_deadline_ms(), driver.now_ms + 1);
    driver.pass(1);
    EXPECT_FALSE(driver.group.members().contains("a"));
    EXPECT_EQ(driver.changed(), "member a epoch target a current a");
    EXPECT_EQ(driver.beat("b"), "4: 00,01,10,11");

    driver.limits.settings.session_timeout_ms = 1'000'000;
    driver.group.set_settings(driver.limits.settings);
    driver.join("c");
    EXPECT_EQ(driver.beat("b", "00,01,10,11"), "4: 00,10");
    driver.pass(59'999);
    EXPECT_EQ(driver.beat("b"), "4: -");  // Heartbeats alone do not help.
    driver.pass(1);
    EXPECT_FALSE(driver.group.members().contains("b"));
    EXPECT_TRUE(driver.group.members().contains("c"));
}

TEST(StreamsGroup, tells_where_the_state_is_to_be_had) {
    Driver driver;
    driver.make_internal_topics();
    const auto tell = [&] {
        std::string text = std::to_string(driver.last.endpoint_epoch) + ":";
        if (!driver.last.endpoints) return text + " -";
        for (const EndpointPartitions& one : *driver.last.endpoints) {
            text += " " + one.endpoint.host + ":" + std::to_string(one.endpoint.port);
            for (const auto& [topic, partitions] : one.active) {
                text += " " + topic;
                for (const std::int32_t partition : partitions) text += std::to_string(partition);
            }
        }
        return text;
    };
    driver.run({.member_id = "a",
                .rebalance_timeout_ms = 60'000,
                .topology = Driver::topology(),
                .owned = Tasks(),
                .process_id = "p",
                .endpoint = StreamsEndpoint{"host", 7}});
    EXPECT_EQ(tell(), "1: host:7 by-word01 in01");
    driver.run({.member_id = "a", .member_epoch = 2, .endpoint_epoch = 1});
    EXPECT_EQ(tell(), "1: -");
    driver.run({.member_id = "b",
                .rebalance_timeout_ms = 60'000,
                .topology = Driver::topology(),
                .owned = Tasks(),
                .process_id = "q"});
    EXPECT_EQ(tell(), "1: host:7 by-word01 in01");  // It knew nothing yet.
    driver.run({.member_id = "a",
                .member_epoch = 2,
                .endpoint_epoch = 1,
                .owned = Driver::parse("00,01,10,11")});
    EXPECT_EQ(tell(), "2: host:7 by-word0 in0");
    driver.run({.member_id = "a", .member_epoch = 2, .owned = Driver::parse("00,10")});
    driver.run({.member_id = "b",
                .member_epoch = 3,
                .endpoint_epoch = 2,
                .endpoint = StreamsEndpoint{"host", 7}});
    EXPECT_EQ(tell(), "3: host:7 by-word01 in01");  // Two threads of one process.
}

TEST(StreamsGroup, lets_members_commit_what_is_theirs) {
    Driver driver;
    driver.make_internal_topics();
    driver.join("a");
    driver.join("b");
    driver.beat("a", "00,01,10,11");
    driver.beat("a", "00,10");
    driver.beat("b");  // 01 and 11 are its own since epoch 3.
    struct Case {
        const char* what;
        const char* member;
        std::int32_t epoch;
        std::int16_t version;
        std::pair<std::string, std::int32_t> partition;
        const char* expected;
    };
    const Case cases[] = {
        {"its own epoch", "b", 3, 9, {"in", 1}, "NONE"},
        {"an old version of the request", "b", 3, 8, {"in", 1}, "UNSUPPORTED_VERSION"},
        {"an epoch to come", "b", 4, 9, {"in", 1}, "STALE_MEMBER_EPOCH"},
        {"the epoch in which it got the task", "a", 2, 9, {"by-word", 0}, "NONE"},
        {"before it got the task", "b", 2, 9, {"by-word", 1}, "STALE_MEMBER_EPOCH"},
        {"what it has not any more", "a", 2, 9, {"in", 1}, "STALE_MEMBER_EPOCH"},
        {"what nobody reads", "a", 2, 9, {"counts", 0}, "STALE_MEMBER_EPOCH"},
        {"somebody else", "c", 3, 9, {"in", 0}, "UNKNOWN_MEMBER_ID"},
        {"from outside", "", -1, 9, {"in", 0}, "UNKNOWN_MEMBER_ID"},
    };
    for (const Case& one : cases) {
        SCOPED_TRACE(one.what);
        EXPECT_EQ(
            error_name(
                driver.group.may_commit(one.member, one.epoch, one.version, {one.partition}).error),
            one.expected);
    }
    EXPECT_EQ(driver.group.may_fetch("a", 3).error, ErrorCode::kNone);
    EXPECT_EQ(driver.group.may_fetch("a", 2).error, ErrorCode::kStaleMemberEpoch);
    EXPECT_EQ(driver.group.may_fetch("c", 2).error, ErrorCode::kUnknownMemberId);
    EXPECT_EQ(driver.group.may_fetch(std::nullopt, -1).error, ErrorCode::kNone);
    driver.leave("a");
    driver.leave("b");
    EXPECT_EQ(driver.group.may_commit("", -1, 8, {{"in", 0}}).error, ErrorCode::kNone);
}

// Random lives of members. No task is ever with two members; what was written can be read again at
// any time and is the same group; and once everybody is quiet, everybody has its target.
TEST(StreamsGroup, never_gives_a_task_to_two_and_survives_a_restart_at_any_time) {
    const auto seed = std::random_device{}();
    std::printf("seed %u\n", seed);
    std::mt19937 random(seed);
    const auto below = [&](unsigned n) { return static_cast<int>(random() % n); };
    for (int life = 0; life < 20; ++life) {
        Driver driver;
        driver.make_internal_topics();
        driver.limits.settings.num_standby_replicas = below(2);
        driver.group.set_settings(driver.limits.settings);
        std::map<std::string, Tasks> has;  // What members work on, as they know it.
        std::map<base::Bytes, base::Bytes> log;
        const auto keep = [&](const std::vector<KeyedRecord>& records) {
            for (const KeyedRecord& record : records) {
                if (record.value) {
                    log[record.key] = *record.value;
                } else {
                    log.erase(record.key);
                }
            }
        };
        const auto send = [&](const std::string& member, bool joining) {
            StreamsHeartbeat request{.member_id = member};
            if (joining) {
                has[member] = {};
                request.rebalance_timeout_ms = 60'000;
                request.topology = Driver::topology();
                request.process_id = "p" + std::to_string(below(3));
            } else {
                request.member_epoch = driver.group.members().at(member).epoch;
            }
            request.owned = has[member];
            StreamsGroupChanges changes;
            const auto answer = driver.group.heartbeat(request, driver.now_ms, changes);
            ASSERT_EQ(answer.error, ErrorCode::kNone) << answer.message;
            keep(streams_group_records(driver.group, changes, 1));
            if (answer.tasks) has[member] = *answer.tasks;
        };
        const auto check = [&] {
            std::map<TaskId, std::string> active;
            std::map<std::pair<TaskId, std::string>, int> in_process;
            for (const auto& [id, member] : driver.group.members()) {
                // What it is about to give up is with it still.
                for (const AssignedTasks* tasks : {&member.assigned, &member.revoking}) {
                    for (const auto& [subtopology, partitions] : tasks->active) {
                        for (const auto& [p, since] : partitions) {
                            const TaskId task{subtopology, p};
                            ASSERT_FALSE(active.contains(task)) << id << " and " << active[task];
                            active[task] = id;
                            ASSERT_EQ((++in_process[{task, member.process_id}]), 1);
                        }
                    }
                    for (const auto& [subtopology, partitions] : tasks->standby) {
                        for (const std::int32_t p : partitions) {
                            ASSERT_EQ((++in_process[{TaskId{subtopology, p}, member.process_id}]),
                                      1);
                        }
                    }
                }
            }
            StreamsGroup restored("g", driver.limits, driver.topics);
            for (const auto& [key, value] : log) {
                const auto decoded = decode_streams_key(key);
                ASSERT_TRUE(decoded);
                ASSERT_TRUE(restore_streams_record(restored, *decoded, value));
            }
            restored.finish_restore(driver.now_ms);
            const auto everything = [](const StreamsGroup& group) {
                std::string text;
                for (const auto& record : streams_group_records(group, group.everything(), 1)) {
                    text += record.key + *record.value;
                }
                return text;
            };
            ASSERT_EQ(everything(restored), everything(driver.group));
        };
        for (int step = 0; step < 60; ++step) {
            SCOPED_TRACE("life " + std::to_string(life) + ", step " + std::to_string(step));
            const std::string member(1, static_cast<char>('a' + below(5)));
            const bool there = driver.group.members().contains(member);
            if (there && below(8) == 0) {
                StreamsGroupChanges changes;
                (void)driver.group.heartbeat({.member_id = member, .member_epoch = -1},
                                             driver.now_ms, changes);
                keep(streams_group_records(driver.group, changes, 1));
                has.erase(member);
            } else {
                send(member, !there);
            }
            check();
            if (HasFatalFailure()) return;
        }
        for (int round = 0; round < 12; ++round) {
            for (const auto& [id, tasks] : std::map(has)) send(id, false);
            if (HasFatalFailure()) return;
        }
        check();
        if (driver.group.members().empty()) continue;
        EXPECT_EQ(driver.state(), "Stable");
        for (const auto& [id, member] : driver.group.members()) {
            EXPECT_EQ(without_epochs(member.assigned), driver.group.targets().at(id));
        }
        keep(streams_group_tombstones(driver.group));
        EXPECT_TRUE(log.empty());
    }
}

}  // namespace
}  // namespace millrace::broker
