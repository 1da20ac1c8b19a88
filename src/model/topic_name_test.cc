#include "model/topic_name.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace millrace::model {
namespace {

TEST(TopicName, allows_what_kafka_allows) {
    for (const std::string& name : std::vector<std::string>{
             "a", "weblog", "A.b_C-9", "...", "__consumer_offsets", std::string(249, 'x')}) {
        EXPECT_TRUE(TopicName::make(name)) << name;
    }
    for (const std::string& name : std::vector<std::string>{"", ".", "..", "a/b", "a b", "ü", "a\n",
                                                            std::string(250, 'x'), "a:b"}) {
        EXPECT_FALSE(TopicName::make(name)) << name;
    }
    EXPECT_FALSE(TopicName::make(std::string_view("a\0b", 3)));
}

TEST(TopicName, knows_internal_and_colliding_names) {
    const auto name = [](const char* text) { return *TopicName::make(text); };
    EXPECT_TRUE(name("__consumer_offsets").internal());
    EXPECT_FALSE(name("_x").internal());
    EXPECT_TRUE(name("a.b").collides_with(name("a_b")));
    EXPECT_FALSE(name("a.b").collides_with(name("a-b")));
    EXPECT_FALSE(name("a.b").collides_with(name("a.b.c")));
}

}  // namespace
}  // namespace millrace::model
