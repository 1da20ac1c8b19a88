#include "broker/group/group.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "broker/group/group_driver_internal.h"

namespace millrace::broker {
namespace {

using Driver = GroupDriver;

TEST(Group, gives_one_member_everything) {
    Driver driver;
    driver.join("a");
    EXPECT_EQ(driver.heard(), "join a: generation 1 of a +a\n");
    EXPECT_EQ(driver.state(), "CompletingRebalance");
    driver.sync("a", {{"a", "all"}});
    EXPECT_EQ(driver.heard(), "write assignment\n");
    driver.written();
    EXPECT_EQ(driver.heard(), "sync a: [all]\n");
    EXPECT_EQ(driver.state(), "Stable");
}

TEST(Group, waits_for_company_before_the_first_rebalance) {
    Driver driver(3000);
    driver.join("a");
    driver.pass(2000);
    driver.join("b");
    EXPECT_EQ(driver.heard(), "");
    driver.pass(1000);  // Somebody came: another delay.
    EXPECT_EQ(driver.heard(), "");
    driver.pass(3000);
    EXPECT_EQ(driver.heard(), "join a: generation 1 of a +a +b\njoin b: generation 1 of a\n");
}

TEST(Group, does_not_answer_joins_before_everyone_has_joined_again) {
    Driver driver;
    driver.make_stable();
    driver.join("c");
    EXPECT_EQ(driver.heard(), "");
    EXPECT_EQ(driver.heartbeat("a"), "REBALANCE_IN_PROGRESS");
    driver.join("a");
    driver.join("b");
    EXPECT_EQ(driver.heard(),
              "join a: generation 3 of a +a +b +c\njoin b: generation 3 of a\n"
              "join c: generation 3 of a\n");
}

TEST(Group, drops_who_does_not_join_again_in_time) {
    Driver driver;
    driver.make_stable();
    driver.join("c");
    driver.join("a");
    for (int beat = 0; beat < 12; ++beat) {
        driver.pass(5000);
        driver.heartbeat("b");
    }
    EXPECT_EQ(driver.heard(), "join a: generation 3 of a +a +c\njoin c: generation 3 of a\n");
    EXPECT_EQ(driver.heartbeat("b"), "UNKNOWN_MEMBER_ID");
}

TEST(Group, hands_an_id_out_first_where_the_client_can_take_it) {
    Driver driver;
    driver.join_asking("a", /*with_id=*/false);
    EXPECT_EQ(driver.heard(), "join a: MEMBER_ID_REQUIRED\n");
    EXPECT_TRUE(driver.group.members().empty());
    driver.join_asking("a", /*with_id=*/true);
    EXPECT_EQ(driver.heard(), "join a: generation 1 of a +a\n");
}

TEST(Group, forgets_ids_that_nobody_comes_back_for) {
    Driver driver;
    driver.join_asking("a", false);
    driver.heard();
    driver.pass(10'000);
    driver.join_asking("a", true);
    EXPECT_EQ(driver.heard(), "join a: UNKNOWN_MEMBER_ID\n");
}

TEST(Group, waits_for_those_who_were_given_an_id) {
    Driver driver;
    driver.make_stable();
    driver.join_asking("c", false);
    driver.join("a");  // The leader asks for a rebalance.
    driver.join("b");
    EXPECT_EQ(driver.heard(), "join c: MEMBER_ID_REQUIRED\n");
    driver.join_asking("c", true);
    EXPECT_EQ(driver.heard(),
              "join a: generation 3 of a +a +b +c\njoin b: generation 3 of a\n"
              "join c: generation 3 of a\n");
}

TEST(Group, refuses_joins_that_cannot_fit) {
    struct Case {
        const char* what;
        void (*change)(JoinRequest&);
        const char* expected;
    };
    const Case cases[] = {
        {"session too short", [](auto& r) { r.session_timeout_ms = 5999; },
         "INVALID_SESSION_TIMEOUT"},
        {"session too long", [](auto& r) { r.session_timeout_ms = 1'800'001; },
         "INVALID_SESSION_TIMEOUT"},
        {"another type", [](auto& r) { r.protocol_type = "connect"; },
         "INCONSISTENT_GROUP_PROTOCOL"},
        {"no common protocol", [](auto& r) { r.protocols = {{"sticky", ""}}; },
         "INCONSISTENT_GROUP_PROTOCOL"},
        {"no protocol", [](auto& r) { r.protocols.clear(); }, "INCONSISTENT_GROUP_PROTOCOL"},
        {"a made-up id", [](auto& r) { r.member_id = "ghost"; }, "UNKNOWN_MEMBER_ID"},
    };
    for (const Case& one : cases) {
        SCOPED_TRACE(one.what);
        Driver driver;
        driver.make_stable();
        JoinRequest request = Driver::base_request("c", {"range"});
        one.change(request);
        driver.run(request, "c");
        EXPECT_EQ(driver.heard(), std::string("c: ") + one.expected + "\n");
        EXPECT_EQ(driver.state(), "Stable");
    }
}

TEST(Group, chooses_the_protocol_that_all_have_and_most_prefer) {
    Driver driver(100);
    driver.join("a", {"sticky", "range"});
    driver.join("b", {"range", "sticky"});
    driver.join("c", {"range", "sticky", "other"});
    driver.pass(1000);
    EXPECT_EQ(driver.group.protocol_name(), "range");
    EXPECT_EQ(driver.group.metadata(driver.group.members().at("b")), "range of b");
}

TEST(Group, repeats_an_answer_that_got_lost_without_a_rebalance) {
    Driver driver;
    driver.make_stable();
    driver.join("b");
    EXPECT_EQ(driver.heard(), "join b: generation 2 of a\n");
    driver.sync("b");
    EXPECT_EQ(driver.heard(), "sync b: [2]\n");
    EXPECT_EQ(driver.state(), "Stable");
}

TEST(Group, rebalances_when_the_leader_or_new_protocols_come) {
    for (const bool leader : {true, false}) {
        Driver driver;
        driver.make_stable();
        if (leader) {
            driver.join("a");
        } else {
            driver.join("b", {"range", "sticky"});
        }
        EXPECT_EQ(driver.state(), "PreparingRebalance");
    }
}

TEST(Group, tells_waiting_members_when_a_rebalance_overtakes_their_sync) {
    Driver driver;
    driver.join("a");
    driver.join("b");
    driver.join("a");
    driver.sync("b");
    driver.heard();
    driver.join("c");
    EXPECT_EQ(driver.heard(), "sync b: REBALANCE_IN_PROGRESS\n");
}

TEST(Group, drops_who_never_syncs) {
    Driver driver;
    driver.join("a");
    driver.join("b");
    driver.join("a");
    driver.sync("a", {{"a", "1"}, {"b", "2"}});
    driver.written();
    driver.heard();
    for (int beat = 0; beat < 12; ++beat) {
        driver.pass(5000);
        driver.heartbeat("a");
        driver.heartbeat("b");
    }
    EXPECT_EQ(driver.state(), "PreparingRebalance");
    EXPECT_EQ(driver.heartbeat("b"), "UNKNOWN_MEMBER_ID");
}

TEST(Group, begins_anew_when_the_assignment_cannot_be_written) {
    Driver driver;
    driver.join("a");
    driver.sync("a", {{"a", "1"}});
    driver.heard();
    driver.written(ErrorCode::kCoordinatorNotAvailable);
    EXPECT_EQ(driver.heard(), "sync a: COORDINATOR_NOT_AVAILABLE\n");
    EXPECT_EQ(driver.state(), "PreparingRebalance");
}

TEST(Group, refuses_the_wrong_generation_and_strangers) {
    Driver driver;
    driver.make_stable();
    EXPECT_EQ(driver.heartbeat("a", 1), "ILLEGAL_GENERATION");
    EXPECT_EQ(driver.heartbeat("ghost"), "UNKNOWN_MEMBER_ID");
    EXPECT_EQ(driver.heartbeat("a"), "NONE");
    driver.sync("a", {}, 1);
    driver.sync("ghost");
    EXPECT_EQ(driver.heard(), "sync a: ILLEGAL_GENERATION\nsync ghost: UNKNOWN_MEMBER_ID\n");
}

TEST(Group, lets_commit_whom_it_should) {
    Driver driver;
    EXPECT_EQ(driver.commit("", -1), "NONE");  // An empty group takes commits from outside.
    driver.make_stable();
    EXPECT_EQ(driver.commit("a", 2), "NONE");
    EXPECT_EQ(driver.commit("a", 1), "ILLEGAL_GENERATION");
    EXPECT_EQ(driver.commit("ghost", 2), "UNKNOWN_MEMBER_ID");
    EXPECT_EQ(driver.commit("", -1), "UNKNOWN_MEMBER_ID");
    driver.join("c");
    EXPECT_EQ(driver.commit("a", 2), "NONE");  // Before it joins again it may still commit.
    driver.join("a");
    driver.join("b");
    EXPECT_EQ(driver.commit("a", 3), "REBALANCE_IN_PROGRESS");
}

TEST(Group, drops_members_that_are_silent_for_a_session) {
    Driver driver;
    driver.make_stable();
    driver.pass(9'000);
    EXPECT_EQ(driver.heartbeat("a"), "NONE");
    driver.pass(1'000);
    EXPECT_EQ(driver.heartbeat("b"), "UNKNOWN_MEMBER_ID");
    EXPECT_EQ(driver.heartbeat("a"), "REBALANCE_IN_PROGRESS");
    driver.pass(10'000);
    EXPECT_EQ(driver.state(), "Empty");
    EXPECT_EQ(driver.heard(), "write\n");
}

TEST(Group, does_not_drop_members_that_wait_for_its_own_answer) {
    Driver driver;
    driver.make_stable();
    driver.join("a");
    for (int beat = 0; beat < 4; ++beat) {
        driver.pass(9'000);
        driver.heartbeat("b");
    }
    EXPECT_TRUE(driver.group.members().contains("a"));
    driver.join("b");
    EXPECT_EQ(driver.heard(), "join a: generation 3 of a +a +b\njoin b: generation 3 of a\n");
}

TEST(Group, rebalances_when_a_member_leaves) {
    Driver driver;
    driver.make_stable();
    EXPECT_EQ(driver.leave("a"), "NONE");
    EXPECT_EQ(driver.leave("a"), "UNKNOWN_MEMBER_ID");
    driver.join("b");
    EXPECT_EQ(driver.heard(), "join b: generation 3 of b +b\n");
    EXPECT_EQ(driver.leave("b"), "NONE");
    EXPECT_EQ(driver.state(), "Empty");
}

// A group of two static members, of which the leader was "a".
void make_static(Driver& driver) {
    driver.join("a", {"range"}, "one");
    driver.join("b", {"range"}, "two");
    JoinRequest again = Driver::base_request("a", {"range"});
    again.member_id = "a";
    again.instance_id = "one";
    driver.run(again, "join a");
    driver.sync("a", {{"a", "1"}, {"b", "2"}}, std::nullopt, "one");
    driver.sync("b", {}, std::nullopt, "two");
    driver.written();
    driver.heard();
}

TEST(Group, gives_a_restarted_static_member_its_place_back_without_a_rebalance) {
    Driver driver;
    make_static(driver);
    driver.join("b2", {"range"}, "two");
    EXPECT_EQ(driver.heard(), "write\njoin b2: generation 2 of a\n");
    EXPECT_EQ(driver.state(), "Stable");
    driver.sync("b2", {}, std::nullopt, "two");
    EXPECT_EQ(driver.heard(), "sync b2: [2]\n");
    driver.sync("b", {}, std::nullopt, "two");
    EXPECT_EQ(driver.heard(), "sync b: FENCED_INSTANCE_ID\n");
}

TEST(Group, tells_a_restarted_static_leader_to_skip_its_assignment) {
    Driver driver;
    make_static(driver);
    JoinRequest request = Driver::base_request("a2", {"range"});
    request.instance_id = "one";
    request.supports_skipping_assignment = true;
    driver.run(request, "join a2");
    EXPECT_EQ(driver.heard(), "write\njoin a2: generation 2 of a2 skip +a2 +b\n");
    // An older client is told that the leader is somebody else.
    request.new_member_id = "a3";
    request.supports_skipping_assignment = false;
    driver.run(request, "join a3");
    EXPECT_EQ(driver.heard(), "write\njoin a3: generation 2 of a2\n");
}

TEST(Group, keeps_silent_static_members_through_a_rebalance_until_their_session_ends) {
    Driver driver;
    make_static(driver);
    driver.join("c");
    JoinRequest again = Driver::base_request("a", {"range"});
    again.member_id = "a";
    again.instance_id = "one";
    driver.run(again, "join a");
    driver.heard();
    driver.pass(9'000);
    EXPECT_TRUE(driver.group.members().contains("b"));
    driver.pass(1'001);
    EXPECT_FALSE(driver.group.members().contains("b"));
}

TEST(Group, lets_an_administrator_remove_a_static_member_by_its_instance) {
    Driver driver;
    make_static(driver);
    EXPECT_EQ(driver.leave("", "three"), "UNKNOWN_MEMBER_ID");
    EXPECT_EQ(driver.leave("wrong", "two"), "FENCED_INSTANCE_ID");
    EXPECT_EQ(driver.leave("", "two"), "NONE");
    EXPECT_FALSE(driver.group.members().contains("b"));
}

TEST(Group, comes_back_from_the_log_without_a_rebalance) {
    Driver before;
    before.make_stable();
    Driver after;
    after.group.restore(before.group.snapshot(), after.now_ms);
    EXPECT_EQ(after.state(), "Stable");
    EXPECT_EQ(after.heartbeat("a", 2), "NONE");
    EXPECT_EQ(after.commit("b", 2), "NONE");
    after.sync("b");
    EXPECT_EQ(after.heard(), "sync b: [2]\n");
    after.pass(10'000);  // Nobody came back.
    EXPECT_EQ(after.heartbeat("a", 2), "UNKNOWN_MEMBER_ID");
}

TEST(Group, answers_everyone_who_waits_when_it_dies) {
    Driver driver;
    driver.make_stable();
    driver.join("a");
    GroupActions actions;
    driver.group.die(ErrorCode::kNotCoordinator, actions);
    ASSERT_EQ(actions.joins.size(), 1u);
    EXPECT_EQ(actions.joins[0].second.error, ErrorCode::kNotCoordinator);
    EXPECT_EQ(driver.heartbeat("a"), "COORDINATOR_NOT_AVAILABLE");
}

// Whatever comes in whatever order, every request is answered once, and time ends all waiting.
TEST(Group, answers_every_request_exactly_once) {
    const std::uint64_t seed = std::random_device{}();
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    std::mt19937_64 random(seed);
    for (int round = 0; round < 200; ++round) {
        GroupLimits limits{.initial_rebalance_delay_ms =
                               static_cast<std::int64_t>(random() % 2) * 3000};
        Group group("g", limits);
        std::int64_t now_ms = 0;
        Token next = 0;
        std::map<Token, int> answers;
        const auto take = [&](GroupActions& actions) {
            for (const auto& [token, answer] : actions.joins) ++answers[token];
            for (const auto& [token, answer] : actions.syncs) ++answers[token];
            for (const auto& [token, answer] : actions.joins_when_written) ++answers[token];
            actions.joins_when_written.clear();
            const bool assignment = std::exchange(actions.assignment, false);
            actions.joins.clear();
            actions.syncs.clear();
            return assignment;
        };
        const auto settle = [&](GroupActions& actions) {
            while (take(actions)) {
                group.assignment_written(
                    group.generation(),
                    random() % 8 ? ErrorCode::kNone : ErrorCode::kCoordinatorNotAvailable, now_ms,
                    actions);
            }
        };
        for (int step = 0; step < 60; ++step) {
            GroupActions actions;
            const std::string name(1, static_cast<char>('a' + random() % 4));
            switch (random() % 6) {
                case 0:
                case 1: {
                    JoinRequest request = Driver::base_request(name, {"range"});
                    if (random() % 3 == 0) request.instance_id = "i" + name;
                    if (group.members().contains(name)) request.member_id = name;
                    request.new_member_id = name + std::to_string(step);
                    if (random() % 4 && !request.instance_id) request.new_member_id = name;
                    if (request.member_id.empty() &&
                        group.members().contains(request.new_member_id))
                        break;
                    answers[++next] = 0;
                    group.join(request, next, now_ms, actions);
                    break;
                }
                case 2:
                    answers[++next] = 0;
                    group.sync({.generation = group.generation(), .member_id = name}, next, now_ms,
                               actions);
                    break;
                case 3: group.heartbeat(name, std::nullopt, group.generation(), now_ms); break;
                case 4: group.leave(name, std::nullopt, now_ms, actions); break;
                default:
                    now_ms += static_cast<std::int64_t>(random() % 7000);
                    group.tick(now_ms, actions);
            }
            settle(actions);
        }
        for (int rounds = 0; rounds < 200; ++rounds) {
            const auto deadline = group.next_deadline_ms();
            if (!deadline) break;
            now_ms = std::max(now_ms, *deadline);
            GroupActions actions;
            group.tick(now_ms, actions);
            settle(actions);
        }
        EXPECT_EQ(group.state(), Group::State::kEmpty);
        for (const auto& [token, count] : answers) ASSERT_EQ(count, 1) << "request " << token;
    }
}

}  // namespace
}  // namespace millrace::broker
