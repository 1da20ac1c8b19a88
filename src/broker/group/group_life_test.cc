// Limits, subscriptions and the end of classic groups.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "broker/group/group_driver_internal.h"
#include "kafka/messages/consumer_protocol.h"
#include "kafka/writer.h"

namespace millrace::broker {
namespace {

using Driver = GroupDriver;

TEST(Group, takes_no_more_members_than_its_limit) {
    Driver driver;
    driver.limits_.max_size = 2;
    driver.make_stable();
    driver.join("c");
    EXPECT_EQ(driver.heard(), "join c: GROUP_MAX_SIZE_REACHED\n");
    EXPECT_EQ(driver.state(), "Stable");
    driver.join("a");  // A member may always come back.
    driver.join("b");
    EXPECT_EQ(driver.heard(), "join a: generation 3 of a +a +b\njoin b: generation 3 of a\n");
}

TEST(Group, sends_those_away_who_rejoin_last_when_the_limit_was_lowered) {
    Driver driver;
    driver.make_stable();
    driver.limits_.max_size = 1;
    driver.join("a");  // The leader calls everybody back.
    driver.join("b");
    EXPECT_EQ(driver.heard(), "join b: GROUP_MAX_SIZE_REACHED\njoin a: generation 3 of a +a\n");
    EXPECT_EQ(driver.heartbeat("b"), "UNKNOWN_MEMBER_ID");
}

TEST(Group, knows_what_its_members_subscribe_to) {
    const auto subscription = [](std::vector<std::string> topics) {
        kafka::ConsumerProtocolSubscription message;
        message.topics = std::move(topics);
        kafka::Writer writer;
        writer.i16(7);  // Of a time to come: more behind what is known.
        message.encode(writer, 0);
        writer.i32(5);
        return writer.take_all();
    };
    struct Case {
        const char* what;
        std::string type;
        base::Bytes first;
        base::Bytes second;
        bool t;
        bool other;
    };
    const Case cases[] = {
        {"two consumers", "consumer", subscription({"t", "u"}), subscription({"v"}), true, false},
        {"no subscription", "consumer", subscription({"u"}), "?", true, true},
        {"not consumers", "connect", subscription({"t"}), subscription({"t"}), false, false},
    };
    for (const Case& one : cases) {
        SCOPED_TRACE(one.what);
        Driver driver(100);
        for (const auto& [name, metadata] : {std::pair("a", one.first), {"b", one.second}}) {
            JoinRequest request = Driver::base_request(name, {});
            request.protocol_type = one.type;
            request.protocols.push_back({"range", metadata});
            driver.run(request, name);
        }
        driver.pass(1000);
        EXPECT_EQ(driver.group.is_subscribed_to("t"), one.t);
        EXPECT_EQ(driver.group.is_subscribed_to("other"), one.other);
    }
    Driver empty;
    EXPECT_FALSE(empty.group.is_subscribed_to("t"));
}

TEST(Group, is_deleted_only_when_nobody_is_in_it) {
    Driver driver;
    EXPECT_EQ(driver.group.may_delete(), ErrorCode::kNone);
    driver.make_stable();
    EXPECT_EQ(driver.group.may_delete(), ErrorCode::kNonEmptyGroup);
    EXPECT_EQ(driver.group.may_delete_offsets(), ErrorCode::kNone);  // Topic by topic.
    driver.leave("a");
    driver.leave("b");
    EXPECT_EQ(driver.group.may_delete(), ErrorCode::kNone);
}

}  // namespace
}  // namespace millrace::broker
