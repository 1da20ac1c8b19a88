#include "topic/in_memory_topics.h"

#include <gtest/gtest.h>

#include "runtime/clock.h"
#include "topic/contract.h"

namespace millrace::topic {
namespace {

TEST(InMemoryTopics, keep_the_contract) {
    const auto clock = runtime::make_system_clock();
    InMemoryTopics topics(*clock);
    EXPECT_EQ(broken_promises(topics, "t"), std::vector<std::string>());
}

TEST(InMemoryTopics, can_be_trimmed_and_taken_offline) {
    const auto clock = runtime::make_system_clock();
    InMemoryTopics topics(*clock);
    ASSERT_TRUE(topics.create({.name = "t", .partitions = 1, .configs = {}}));
    const TopicPartition partition{"t", 0};
    for (const char* value : {"a", "b", "c"}) {
        ASSERT_TRUE(topics.append(partition, {{.key = {}, .value = value, .headers = {}}}));
    }
    topics.trim(partition, 2);
    EXPECT_EQ(topics.offsets(partition)->first, 2);
    EXPECT_EQ(topics.read(partition, 1, 3, {}).error().code(), base::Code::kOutOfRange);
    EXPECT_EQ(topics.read(partition, 2, 3, {})->records.values, "c");
    topics.set_offline(partition, true);
    EXPECT_EQ(topics.read(partition, 2, 3, {}).error().code(), base::Code::kOffline);
    EXPECT_EQ(topics.append(partition, {}).error().code(), base::Code::kOffline);
    topics.set_offline(partition, false);
    EXPECT_TRUE(topics.read(partition, 2, 3, {}));
}

TEST(InMemoryTopics, hide_internal_topics) {
    const auto clock = runtime::make_system_clock();
    InMemoryTopics topics(*clock);
    ASSERT_TRUE(topics.create({.name = "__offsets", .partitions = 1, .configs = {}}));
    EXPECT_TRUE(topics.list()->empty());
    EXPECT_TRUE(topics.describe("__offsets"));
}

}  // namespace
}  // namespace millrace::topic
