// A group that goes from the classic protocol to that of consumer groups, and back, with its
// members.
#include <gtest/gtest.h>

#include "broker/group/consumer/consumer_driver_internal.h"
#include "broker/group/group_driver_internal.h"
#include "kafka/messages/consumer_protocol.h"
#include "kafka/writer.h"

namespace millrace::broker {
namespace {

base::Bytes subscription(const std::vector<std::string>& topics,
                         const PartitionsByTopic& owned = {}) {
    kafka::ConsumerProtocolSubscription message;
    message.topics = topics;
    for (const auto& [topic, partitions] : owned) {
        message.owned_partitions.push_back({topic, {partitions.begin(), partitions.end()}});
    }
    kafka::Writer writer;
    writer.i16(1);
    message.encode(writer, 1);
    return writer.take_all();
}

class Changeover {
public:
    // Two members of a stable classic group: a has t0 and t1, b has t2 and t3.
    Changeover() {
        GroupDriver classic(100);
        for (const char* name : {"a", "b"}) {
            JoinRequest request = GroupDriver::base_request(name, {});
            request.protocols.push_back({"range", subscription({"t"})});
            classic.run(request, name);
        }
        classic.pass(1000);
        classic.sync("a", {{"a", encode_assignment({{"t", {0, 1}}}, 1)},
                           {"b", encode_assignment({{"t", {2, 3}}}, 1)}});
        classic.sync("b");
        classic.written();
        adopted = driver.group.adopt(classic.group.snapshot(), driver.now_ms);
    }
    std::string heartbeat(const std::string& member, std::int32_t generation) {
        return std::string(error_name(
            driver.group.classic_heartbeat(member, std::nullopt, generation, driver.now_ms)));
    }
    // "generation", or the error.
    std::string join(const std::string& member, const PartitionsByTopic& owned = {}) {
        JoinRequest request = GroupDriver::base_request(member, {});
        request.member_id = member;
        request.protocols.push_back({"range", subscription({"t"}, owned)});
        ConsumerGroupChanges changes;
        const JoinAnswer answer = driver.group.join(request, driver.now_ms, changes);
        if (answer.error != ErrorCode::kNone) return std::string(error_name(answer.error));
        EXPECT_EQ(answer.leader, "");
        EXPECT_EQ(answer.protocol_name, "range");
        return std::to_string(answer.generation);
    }
    std::string sync(const std::string& member, std::int32_t generation) {
        const SyncAnswer answer =
            driver.group.sync({.generation = generation, .member_id = member}, driver.now_ms);
        if (answer.error != ErrorCode::kNone) return std::string(error_name(answer.error));
        const auto partitions = decode_assignment(answer.assignment);
        EXPECT_TRUE(partitions);
        std::string text;
        for (const auto& [topic, indexes] : partitions.value_or(PartitionsByTopic())) {
            for (const std::int32_t index : indexes) text += topic + std::to_string(index) + " ";
        }
        return text;
    }

    ConsumerDriver driver;
    bool adopted = false;
};

TEST(Changeover, members_keep_what_they_have_until_somebody_new_comes) {
    Changeover group;
    ASSERT_TRUE(group.adopted);
    EXPECT_EQ(group.driver.state(), "Stable");
    EXPECT_EQ(group.heartbeat("a", 1), "NONE");
    EXPECT_EQ(group.sync("b", 1), "t2 t3 ");
    EXPECT_EQ(group.heartbeat("a", 2), "ILLEGAL_GENERATION");
    EXPECT_EQ(group.heartbeat("nobody", 1), "UNKNOWN_MEMBER_ID");
}

TEST(Changeover, a_new_member_gets_its_share_once_the_old_ones_have_joined_again) {
    Changeover group;
    EXPECT_EQ(group.driver.join("c"), "2: ");
    EXPECT_EQ(group.heartbeat("a", 1), "REBALANCE_IN_PROGRESS");
    EXPECT_EQ(group.heartbeat("b", 1), "REBALANCE_IN_PROGRESS");
    EXPECT_EQ(group.sync("b", 1), "REBALANCE_IN_PROGRESS");
    EXPECT_EQ(group.join("a", {{"t", {0, 1}}}), "2");
    EXPECT_EQ(group.sync("a", 2), "t0 t1 ");
    EXPECT_EQ(group.join("b", {{"t", {2, 3}}}), "1");  // It has to give t3 up first.
    EXPECT_EQ(group.sync("b", 1), "t2 ");
    EXPECT_EQ(group.heartbeat("b", 1), "REBALANCE_IN_PROGRESS");
    EXPECT_EQ(group.join("b", {{"t", {2}}}), "2");
    EXPECT_EQ(group.sync("b", 2), "t2 ");
    EXPECT_EQ(group.driver.beat("c"), "2: t3");
    EXPECT_EQ(group.heartbeat("b", 2), "NONE");
    EXPECT_EQ(group.driver.state(), "Stable");
}

TEST(Changeover, drops_who_does_not_join_again_in_time) {
    Changeover group;
    group.driver.join("c");
    EXPECT_EQ(group.heartbeat("a", 1), "REBALANCE_IN_PROGRESS");
    for (int beat = 0; beat < 12; ++beat) {
        group.driver.pass(5000);
        group.heartbeat("a", 1);
        group.heartbeat("b", 1);
        group.driver.beat("c");
    }
    EXPECT_FALSE(group.driver.group.members().contains("a"));
    EXPECT_EQ(group.heartbeat("a", 1), "UNKNOWN_MEMBER_ID");
}

TEST(Changeover, goes_back_when_the_last_member_of_the_new_protocol_leaves) {
    Changeover group;
    EXPECT_TRUE(group.driver.group.as_classic());
    group.driver.join("c");
    EXPECT_FALSE(group.driver.group.as_classic());
    ConsumerGroupChanges changes;
    group.driver.group.heartbeat({.member_id = "c", .member_epoch = -1}, group.driver.now_ms,
                                 changes);
    EXPECT_TRUE(changes.lost_consumer);
    const auto classic = group.driver.group.as_classic();
    ASSERT_TRUE(classic);
    EXPECT_EQ(classic->generation, 3);
    EXPECT_EQ(classic->protocol_name, "range");
    ASSERT_EQ(classic->members.size(), 2u);
    EXPECT_EQ(decode_assignment(classic->members[0].assignment),
              (PartitionsByTopic{{"t", {0, 1}}}));
}

TEST(Changeover, refuses_members_that_have_no_protocol_in_common) {
    Changeover group;
    JoinRequest request = GroupDriver::base_request("c", {});
    request.member_id = "c";
    request.protocols.push_back({"sticky", subscription({"t"})});
    ConsumerGroupChanges changes;
    EXPECT_EQ(group.driver.group.join(request, 0, changes).error,
              ErrorCode::kInconsistentGroupProtocol);
    request.protocols[0] = {"range", "no subscription"};
    EXPECT_EQ(group.driver.group.join(request, 0, changes).error,
              ErrorCode::kInconsistentGroupProtocol);
    request.protocols[0] = {"range", subscription({"t"})};
    request.member_id = "";
    request.new_member_id = "c";
    request.require_known_member_id = true;
    EXPECT_EQ(group.driver.group.join(request, 0, changes).error, ErrorCode::kMemberIdRequired);
    EXPECT_EQ(group.driver.group.members().size(), 2u);
    EXPECT_FALSE(changes.any());
}

TEST(Changeover, does_not_take_over_what_it_cannot_read) {
    ConsumerDriver driver;
    GroupDriver classic;
    classic.join("a");
    classic.sync("a");
    classic.written();
    EXPECT_FALSE(driver.group.adopt(classic.group.snapshot(), 0));
    EXPECT_EQ(driver.state(), "Empty");
}

}  // namespace
}  // namespace millrace::broker
