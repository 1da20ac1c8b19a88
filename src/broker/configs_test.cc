// Configs over the wire: told, changed, in force, and there again after a restart.
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>

#include "broker/wire_harness_internal.h"
#include "kafka/messages/alter_configs.h"
#include "kafka/messages/describe_configs.h"
#include "kafka/messages/incremental_alter_configs.h"
#include "kafka/messages/list_config_resources.h"

namespace millrace::broker {
namespace {

constexpr std::int8_t kTopic = 2, kBroker = 4, kClientMetrics = 16, kGroup = 32;
constexpr std::int8_t kSet = 0, kDelete = 1, kAppend = 2;

class Configs : public testing::Test, protected WireHarness {
protected:
    explicit Configs(config::ServerOptions options = {}) : WireHarness(std::move(options)) {}
    struct Change {
        std::string name;
        std::int8_t op = kSet;
        std::optional<std::string> value;
    };
    std::string alter(std::int8_t type, const std::string& name, const std::vector<Change>& changes,
                      bool validate_only = false) {
        kafka::IncrementalAlterConfigsRequest request;
        request.validate_only = validate_only;
        auto& resource = request.resources.emplace_back();
        resource.resource_type = type;
        resource.resource_name = name;
        for (const Change& one : changes) {
            resource.configs.push_back({one.name, one.op, one.value});
        }
        const auto response = client.call<kafka::IncrementalAlterConfigsResponse>(request, 1);
        if (!response) return "no answer";
        return std::string(error_name(response->responses.at(0).error_code));
    }
    std::string set(std::int8_t type, const std::string& name, const std::string& config,
                    const std::string& value) {
        return alter(type, name, {{config, kSet, value}});
    }
    // "value source", with every synonym behind it.
    std::string describe(std::int8_t type, const std::string& name, const std::string& config) {
        kafka::DescribeConfigsRequest request;
        request.include_synonyms = true;
        auto& resource = request.resources.emplace_back();
        resource.resource_type = type;
        resource.resource_name = name;
        resource.configuration_keys.emplace().push_back(config);
        TestClient fresh(broker);
        const auto response = fresh.call<kafka::DescribeConfigsResponse>(request, 4);
        if (!response) return "no answer";
        const auto& result = response->results.at(0);
        if (result.error_code != ErrorCode::kNone)
            return std::string(error_name(result.error_code));
        if (result.configs.size() != 1) return "none";
        const auto& one = result.configs[0];
        std::string text = one.value.value_or("null") + " " + std::to_string(one.config_source);
        for (const auto& synonym : one.synonyms) {
            text += " | " + synonym.name + "=" + synonym.value.value_or("null") + " " +
                    std::to_string(synonym.source);
        }
        return text;
    }
};

TEST_F(Configs, of_topics_are_told_with_where_they_come_from) {
    create("t");
    EXPECT_EQ(describe(kTopic, "t", "retention.ms"), "604800000 5");
    EXPECT_EQ(describe(kTopic, "t", "retention.bytes"), "-1 5 | log.retention.bytes=-1 5");
    EXPECT_EQ(set(kTopic, "t", "retention.ms", "1000"), "NONE");
    EXPECT_EQ(describe(kTopic, "t", "retention.ms"), "1000 1 | retention.ms=1000 1");
    EXPECT_EQ(set(kBroker, "", "log.retention.ms", "2000"), "NONE");
    EXPECT_EQ(set(kBroker, "1", "log.retention.ms", "3000"), "NONE");
    EXPECT_EQ(describe(kTopic, "t", "retention.ms"),
              "1000 1 | retention.ms=1000 1 | log.retention.ms=3000 2 | log.retention.ms=2000 3 | "
              "log.retention.hours=168 5");
    EXPECT_EQ(alter(kTopic, "t", {{"retention.ms", kDelete, std::nullopt}}), "NONE");
    EXPECT_EQ(describe(kTopic, "t", "retention.ms").substr(0, 6), "3000 2");
    EXPECT_EQ(describe(kTopic, "none", "retention.ms"), "UNKNOWN_TOPIC_OR_PARTITION");
}

TEST_F(Configs, that_changed_are_in_force_at_once_and_after_a_restart) {
    create("t");
    ASSERT_EQ(produce_error("t", make_batch(10)), "NONE");
    EXPECT_EQ(set(kTopic, "t", "max.message.bytes", "100"), "NONE");
    EXPECT_EQ(produce_error("t", make_batch(10)), "MESSAGE_TOO_LARGE");
    broker.restart();
    TestClient later(broker);
    const base::Bytes batch = make_batch(10);
    const auto refused = later.call<kafka::ProduceResponse>(produce_request("t", batch), 9);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->responses.at(0).partition_responses.at(0).error_code,
              ErrorCode::kMessageTooLarge);
    EXPECT_EQ(describe(kTopic, "t", "max.message.bytes").substr(0, 5), "100 1");
}

TEST_F(Configs, of_brokers_reach_the_topics_that_have_no_own_ones) {
    create("follows");
    create("own", 1, {{"max.message.bytes", "100000"}});
    EXPECT_EQ(set(kBroker, "", "message.max.bytes", "100"), "NONE");
    EXPECT_EQ(produce_error("follows", make_batch(10)), "MESSAGE_TOO_LARGE");
    EXPECT_EQ(produce_error("own", make_batch(10)), "NONE");
    // A topic that is made later follows too.
    create("later");
    EXPECT_EQ(produce_error("later", make_batch(10)), "MESSAGE_TOO_LARGE");
    broker.restart();
    EXPECT_EQ(describe(kTopic, "follows", "max.message.bytes").substr(0, 5), "100 3");
    EXPECT_EQ(describe(kBroker, "", "message.max.bytes").substr(0, 5), "100 3");
    EXPECT_EQ(describe(kBroker, "1", "message.max.bytes").substr(0, 5), "100 3");
}

TEST_F(Configs, that_are_only_validated_stay_as_they_are) {
    create("t");
    EXPECT_EQ(alter(kTopic, "t", {{"retention.ms", kSet, "5"}}, /*validate_only=*/true), "NONE");
    EXPECT_EQ(alter(kTopic, "t", {{"retention.ms", kSet, "x"}}, /*validate_only=*/true),
              "INVALID_CONFIG");
    EXPECT_EQ(describe(kTopic, "t", "retention.ms").substr(0, 11), "604800000 5");
}

TEST_F(Configs, are_changed_all_together_or_not_at_all) {
    create("t");
    EXPECT_EQ(alter(kTopic, "t", {{"segment.ms", kSet, "5"}, {"retention.ms", kSet, "x"}}),
              "INVALID_CONFIG");
    EXPECT_EQ(describe(kTopic, "t", "segment.ms").substr(0, 11), "604800000 5");
}

TEST_F(Configs, lists_grow_from_their_default) {
    create("t");
    EXPECT_EQ(alter(kTopic, "t", {{"cleanup.policy", kAppend, "compact"}}), "NONE");
    EXPECT_EQ(describe(kTopic, "t", "cleanup.policy").substr(0, 16), "delete,compact 1");
}

TEST_F(Configs, that_are_replaced_reset_all_others) {
    create("t", 1, {{"retention.ms", "5"}});
    kafka::AlterConfigsRequest request;
    auto& resource = request.resources.emplace_back();
    resource.resource_type = kTopic;
    resource.resource_name = "t";
    resource.configs.push_back({"segment.ms", "7"});
    const auto response = client.call<kafka::AlterConfigsResponse>(request, 2);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->responses.at(0).error_code, ErrorCode::kNone);
    EXPECT_EQ(describe(kTopic, "t", "segment.ms").substr(0, 3), "7 1");
    EXPECT_EQ(describe(kTopic, "t", "retention.ms").substr(0, 11), "604800000 5");
}

TEST_F(Configs, are_refused_with_kafkas_codes) {
    EXPECT_EQ(set(kTopic, "none", "retention.ms", "1"), "UNKNOWN_TOPIC_OR_PARTITION");
    EXPECT_EQ(set(kTopic, "none", "no.such", "1"), "INVALID_CONFIG");
    EXPECT_EQ(set(kTopic, "", "retention.ms", "1"), "INVALID_REQUEST");
    EXPECT_EQ(set(kBroker, "7", "log.retention.ms", "1"), "INVALID_REQUEST");
    EXPECT_EQ(set(kBroker, "1", "data.dir", "/"), "INVALID_REQUEST");
    EXPECT_EQ(set(77, "x", "y", "z"), "INVALID_REQUEST");
    EXPECT_EQ(describe(77, "x", "y"), "INVALID_REQUEST");
}

TEST_F(Configs, of_the_same_resource_twice_in_a_request_are_refused_for_both) {
    create("t");
    kafka::IncrementalAlterConfigsRequest request;
    for (int i = 0; i < 2; ++i) {
        auto& resource = request.resources.emplace_back();
        resource.resource_type = kTopic;
        resource.resource_name = "t";
    }
    const auto response = client.call<kafka::IncrementalAlterConfigsResponse>(request, 1);
    ASSERT_TRUE(response);
    for (const auto& one : response->responses) {
        EXPECT_EQ(one.error_code, ErrorCode::kInvalidRequest);
    }
}

class ConfigsOfTheStart : public Configs {
protected:
    static config::ServerOptions options() {
        config::ServerOptions options;
        options.group_streams_heartbeat_interval_ms = 6000;
        return options;
    }
    ConfigsOfTheStart() : Configs(options()) {}
};

TEST_F(ConfigsOfTheStart, are_what_groups_have_that_have_no_own_ones) {
    constexpr const char* kName = "streams.heartbeat.interval.ms";
    const std::string from_start =
        "group.streams.heartbeat.interval.ms=6000 4 | group.streams.heartbeat.interval.ms=5000 5";
    EXPECT_EQ(describe(kGroup, "g", kName), "6000 4 | " + from_start);
    EXPECT_EQ(set(kGroup, "g", kName, "7000"), "NONE");
    EXPECT_EQ(describe(kGroup, "g", kName),
              "7000 8 | streams.heartbeat.interval.ms=7000 8 | " + from_start);
    EXPECT_EQ(alter(kGroup, "g", {{kName, kDelete, std::nullopt}}), "NONE");
    EXPECT_EQ(describe(kGroup, "g", kName), "6000 4 | " + from_start);
}

TEST_F(Configs, of_groups_and_subscriptions_are_kept_and_listed) {
    EXPECT_EQ(set(kGroup, "g", "consumer.session.timeout.ms", "50000"), "NONE");
    EXPECT_EQ(set(kGroup, "g", "consumer.session.timeout.ms", "5"), "INVALID_CONFIG");
    EXPECT_EQ(set(kClientMetrics, "s", "interval.ms", "1000"), "NONE");
    broker.restart();
    EXPECT_EQ(describe(kGroup, "g", "consumer.session.timeout.ms").substr(0, 7), "50000 8");
    EXPECT_EQ(describe(kGroup, "other", "consumer.session.timeout.ms").substr(0, 7), "45000 5");
    EXPECT_EQ(describe(kClientMetrics, "s", "interval.ms").substr(0, 6), "1000 7");
    TestClient later(broker);
    kafka::ListConfigResourcesRequest request;
    request.resource_types = {kGroup, kClientMetrics};
    const auto listed = later.call<kafka::ListConfigResourcesResponse>(request, 1);
    ASSERT_TRUE(listed);
    std::map<std::string, std::int8_t> seen;
    for (const auto& one : listed->config_resources) seen[one.resource_name] = one.resource_type;
    EXPECT_EQ(seen, (std::map<std::string, std::int8_t>{{"g", kGroup}, {"s", kClientMetrics}}));
}

}  // namespace
}  // namespace millrace::broker
