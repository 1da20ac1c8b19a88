#include "broker/configs/alter.h"

#include <gtest/gtest.h>

#include <string>

#include "base/strings.h"

namespace millrace::broker {
namespace {

using config::Settings;

// "a=1 b=2", or the code and the words of the refusal.
std::string text(const AlteredSettings& altered) {
    if (!altered) {
        return std::string(error_name(altered.error().error)) + ": " + altered.error().message;
    }
    std::vector<std::string> pairs;
    for (const auto& [name, value] : *altered) pairs.push_back(name + "=" + value);
    return base::join(pairs, " ");
}
std::string text(const ConfigRefusal& refusal) {
    return refusal ? std::string(error_name(refusal.error)) + ": " + refusal.message : "";
}

ConfigChange change(std::string name, ConfigOp op, std::optional<std::string> value = {}) {
    return {std::move(name), static_cast<std::int8_t>(op), std::move(value)};
}

std::string apply(const Settings& now, const std::vector<ConfigChange>& changes) {
    return text(apply_changes(ConfigType::kTopic, now, {{"cleanup.policy", "delete"}}, changes));
}

TEST(AlterConfigs, sets_resets_and_changes_lists) {
    const Settings now = {{"retention.ms", "5"}};
    EXPECT_EQ(apply(now, {change("segment.ms", ConfigOp::kSet, "7")}),
              "retention.ms=5 segment.ms=7");
    EXPECT_EQ(apply(now, {change("retention.ms", ConfigOp::kSet, "")}), "retention.ms=");
    EXPECT_EQ(apply(now, {change("retention.ms", ConfigOp::kDelete)}), "");
    EXPECT_EQ(apply({}, {change("segment.ms", ConfigOp::kDelete)}), "");
    // A list that is not set starts from its default.
    EXPECT_EQ(apply({}, {change("cleanup.policy", ConfigOp::kAppend, "compact")}),
              "cleanup.policy=delete,compact");
    EXPECT_EQ(apply({}, {change("cleanup.policy", ConfigOp::kAppend, "delete")}),
              "cleanup.policy=delete");
    EXPECT_EQ(apply({{"cleanup.policy", "delete, compact"}},
                    {change("cleanup.policy", ConfigOp::kSubtract, "delete")}),
              "cleanup.policy=compact");
    EXPECT_EQ(apply({}, {change("cleanup.policy", ConfigOp::kSubtract, "compact")}),
              "cleanup.policy=delete");
}

TEST(AlterConfigs, refuse_operations_that_make_no_sense) {
    EXPECT_EQ(apply({}, {change("retention.ms", ConfigOp::kAppend, "1")}),
              "INVALID_CONFIG: Can't APPEND to key retention.ms because its type is not LIST.");
    EXPECT_EQ(apply({}, {change("no.such", ConfigOp::kSubtract, "1")}),
              "INVALID_CONFIG: Can't SUBTRACT to key no.such because its type is not LIST.");
    EXPECT_EQ(apply({}, {{"retention.ms", 9, "1"}}).substr(0, 15), "INVALID_REQUEST");
    EXPECT_EQ(
        text(check_changes({change("a", ConfigOp::kSet, "1"), change("a", ConfigOp::kDelete)})),
        "INVALID_REQUEST: Error due to duplicate config keys");
    EXPECT_EQ(text(check_changes({change("a", ConfigOp::kSet), change("b", ConfigOp::kAppend)})),
              "INVALID_REQUEST: Null value not supported for : a, b");
    EXPECT_EQ(text(check_changes({change("a", ConfigOp::kDelete)})), "");
}

struct Wrong {
    const char* name;
    const char* value;
    const char* words;  // Empty: it is right.
};

TEST(AlterConfigs, tell_in_kafkas_words_what_is_wrong_with_a_topics_config) {
    const Wrong table[] = {
        {"retention.ms", "-1", ""},
        {"retention.ms", "week",
         "Invalid value week for configuration retention.ms: Not a number of type LONG"},
        {"retention.ms", "-2",
         "Invalid value -2 for configuration retention.ms: Value must be at least -1"},
        {"max.message.bytes", "3000000000",
         "Invalid value 3000000000 for configuration max.message.bytes: Not a number of type INT"},
        {"preallocate", "yes",
         "Invalid value yes for configuration preallocate: Expected value to be either true or "
         "false"},
        {"compression.zstd.level", "23",
         "Invalid value 23 for configuration compression.zstd.level: Value must be no more than "
         "22"},
        {"min.cleanable.dirty.ratio", "0.25", ""},
        {"min.cleanable.dirty.ratio", "2",
         "Invalid value 2.0 for configuration min.cleanable.dirty.ratio: Value must be no more "
         "than 1"},
        {"min.cleanable.dirty.ratio", "half",
         "Invalid value half for configuration min.cleanable.dirty.ratio: Not a number of type "
         "DOUBLE"},
        {"no.such", "1", "Unknown topic config name: no.such"},
    };
    for (const Wrong& one : table) {
        const std::string words = text(validate_topic_settings({{one.name, one.value}}));
        EXPECT_EQ(words, *one.words ? "INVALID_CONFIG: " + std::string(one.words) : "")
            << one.name << "=" << one.value;
    }
}

TEST(AlterConfigs, hold_groups_to_the_brokers_bounds) {
    const Wrong table[] = {
        {"consumer.session.timeout.ms", "50000", ""},
        {"consumer.session.timeout.ms", "70000",
         "consumer.session.timeout.ms must be less than or equal to "
         "group.consumer.max.session.timeout.ms"},
        {"share.heartbeat.interval.ms", "1",
         "share.heartbeat.interval.ms must be greater than or equal to "
         "group.share.min.heartbeat.interval.ms"},
        {"share.auto.offset.reset", "by_duration:PT1H", ""},
        {"nothing", "1", "Unknown group config name: nothing"},
    };
    for (const Wrong& one : table) {
        const std::string words = text(validate_group_settings("g", {{one.name, one.value}}, {}));
        EXPECT_EQ(words, *one.words ? "INVALID_CONFIG: " + std::string(one.words) : "")
            << one.name << "=" << one.value;
    }
    EXPECT_NE(text(validate_group_settings("", {}, {})), "");
}

TEST(AlterConfigs, bound_locks_of_share_groups_as_the_server_was_told) {
    config::ServerOptions server;
    const auto words = [&](const char* lock_ms) {
        return text(
            validate_group_settings("g", {{"share.record.lock.duration.ms", lock_ms}}, server));
    };
    const std::string too_short =
        "INVALID_CONFIG: share.record.lock.duration.ms must be greater than or equal to "
        "group.share.min.record.lock.duration.ms";
    const std::string too_long =
        "INVALID_CONFIG: share.record.lock.duration.ms must be less than or equal to "
        "group.share.max.record.lock.duration.ms";
    EXPECT_EQ(words("3000"), too_short);
    EXPECT_EQ(words("15000"), "");
    EXPECT_EQ(words("60001"), too_long);
    server.group_share_min_record_lock_duration_ms = 1000;
    server.group_share_max_record_lock_duration_ms = 90'000;
    EXPECT_EQ(words("3000"), "");
    EXPECT_EQ(words("60001"), "");
    EXPECT_EQ(words("90001"), too_long);
    EXPECT_NE(words("999"), too_short) << "no server allows less, and says so";
    EXPECT_NE(words("999"), "");
}

TEST(AlterConfigs, change_only_what_a_running_broker_can_change) {
    EXPECT_EQ(text(validate_broker_settings({{"log.retention.ms", "5"}})), "");
    EXPECT_EQ(text(validate_broker_settings({{"data.dir", "/"}, {"loops", "2"}})),
              "INVALID_REQUEST: Cannot update these configs dynamically: [data.dir, loops]");
    EXPECT_EQ(text(validate_broker_settings({{"max.connections", "x"}})),
              "INVALID_REQUEST: Invalid value x for configuration max.connections: Not a number "
              "of type INT");
    // As Kafka takes names for its plug-ins.
    EXPECT_EQ(text(validate_broker_settings({{"my.own.name", "x"}})), "");
}

TEST(AlterConfigs, take_subscriptions_to_metrics_that_clients_could_follow) {
    const auto check = [](const char* name, const char* value) {
        return text(validate_client_metrics_settings("s", {{name, value}})).substr(0, 15);
    };
    EXPECT_EQ(check("interval.ms", "1000"), "");
    EXPECT_EQ(check("interval.ms", "99"), "INVALID_REQUEST");
    EXPECT_EQ(check("metrics", "org.apache.kafka.,x"), "");
    EXPECT_EQ(check("match", "client_id=a.*,client_source_port=1"), "");
    EXPECT_EQ(check("match", "colour=red").substr(0, 14), "INVALID_CONFIG");
    EXPECT_EQ(check("colour", "red"), "INVALID_REQUEST");
}

}  // namespace
}  // namespace millrace::broker
