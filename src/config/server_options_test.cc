#include "config/server_options.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "config/client_metrics_options.h"
#include "config/group_options.h"

namespace millrace::config {
namespace {

// kafka.port and data.dir after loading, or the error's words.
std::string load(const Sources& sources) {
    const Result<LoadedOptions> loaded = load_server_options(sources);
    if (!loaded) return loaded.error().message();
    return fmt::format("{} {}", loaded->options.kafka_port, loaded->options.data_dir);
}

TEST(ServerOptions, later_sources_win) {
    Sources sources{.file_name = "m.properties"};
    EXPECT_EQ(load(sources), "9092 millrace-data");
    sources.file_text = "# ours\nkafka.port = 1\ndata.dir=/a=b\r\n\n";
    EXPECT_EQ(load(sources), "1 /a=b");
    sources.environment = {{"MILLRACE_KAFKA_PORT", "2"}, {"HOME", "/h"}};
    EXPECT_EQ(load(sources), "2 /a=b");
    sources.command_line = {{"kafka.port", "3"}};
    EXPECT_EQ(load(sources), "3 /a=b");
}

TEST(ServerOptions, errors_name_their_source) {
    EXPECT_EQ(load({.file_name = "m", .file_text = "kafka.port=1\nhello\n"}),
              "m: line 2: 'hello' is not key=value");
    EXPECT_EQ(load({.file_name = "m", .file_text = "a=1\na=2\n"}), "m: line 2: 'a' is set twice");
    EXPECT_EQ(load({.file_name = "m", .file_text = "kafka.prot=1\n"}),
              "m: unknown option 'kafka.prot'; did you mean 'kafka.port'?");
    EXPECT_EQ(load({.environment = {{"MILLRACE_KAFKA_PORT", "x"}}}),
              "MILLRACE_KAFKA_PORT: kafka.port: 'x' is not a whole number");
    EXPECT_EQ(load({.command_line = {{"kafka.port", "70000"}}}),
              "command line: kafka.port: 70000 is not between 0 and 65535");
}

TEST(ServerOptions, warns_of_variables_that_name_no_option) {
    const Result<LoadedOptions> loaded = load_server_options(
        {.environment = {{"MILLRACE_KAFKA_PROT", "1"}, {"MILLRACE_DEPS", "/d"}}});
    ASSERT_TRUE(loaded);
    ASSERT_EQ(loaded->warnings.size(), 1u);
    EXPECT_EQ(loaded->warnings[0],
              "environment: unknown option 'MILLRACE_KAFKA_PROT'; did you mean "
              "'MILLRACE_KAFKA_PORT'?");
}

TEST(ServerOptions, hands_its_defaults_to_topics) {
    ServerOptions server;
    const TopicOptions plain = server.topic_defaults();
    for (const OptionView& view : topic_option_table().view(plain)) {
        EXPECT_TRUE(view.is_default) << view.name << " is " << view.value;
    }
    server.log_retention_ms = 5;
    EXPECT_EQ(server.topic_defaults().retention_ms, 5);
}

// docs/options.md is made of the tables: after a change, put what this test prints there.
TEST(ServerOptions, are_documented_as_they_are) {
    const char* const source = std::getenv("MILLRACE_SOURCE_DIR");
    ASSERT_NE(source, nullptr) << "run by ctest, or with MILLRACE_SOURCE_DIR set";
    std::ifstream file(std::string(source) + "/docs/options.md");
    const std::string page{std::istreambuf_iterator<char>(file), {}};
    const std::string want =
        "# Options\n\nOf a server: a file (`--config`), the environment (`kafka.port` is "
        "`MILLRACE_KAFKA_PORT`), the command line\n(`--set kafka.port=9092`); later ones win.\n\n" +
        to_markdown(server_option_table().view({})) +
        "\nOf a topic, by CreateTopics or `millrace topic create --config`:\n\n" +
        to_markdown(topic_option_table().view({})) +
        "\nOf a group of the newer protocols, by IncrementalAlterConfigs or `kafka-configs "
        "--entity-type groups`:\n\n" +
        to_markdown(group_option_table().view({})) +
        "\nOf a subscription to client metrics, by IncrementalAlterConfigs or "
        "`kafka-client-metrics`:\n\n" +
        to_markdown(client_metrics_option_table().view({}));
    EXPECT_EQ(page, want);
}

TEST(TopicOptions, take_their_defaults_from_options_of_the_server_that_exist) {
    for (const auto& [topic, server] : topic_option_defaults()) {
        EXPECT_TRUE(topic_option_table().has(topic)) << topic;
        ASSERT_TRUE(server_option_table().has(server)) << server;
        EXPECT_EQ(server_option_of(topic), server);
    }
    EXPECT_EQ(server_option_of("remote.storage.enable"), "");
}

// The reset as text, or what is wrong.
std::string reset(std::string_view text) {
    const auto parsed = parse_auto_offset_reset(text);
    if (!parsed) return "refused";
    if (parsed->kind == AutoOffsetReset::Kind::kEarliest) return "earliest";
    if (parsed->kind == AutoOffsetReset::Kind::kLatest) return "latest";
    return std::to_string(parsed->duration_ms);
}

TEST(GroupOptions, read_where_a_share_group_starts) {
    EXPECT_EQ(reset("earliest"), "earliest");
    EXPECT_EQ(reset("latest"), "latest");
    EXPECT_EQ(reset("by_duration:PT1H30M"), "5400000");
    EXPECT_EQ(reset("by_duration:P1DT0.5S"), "86400500");
    EXPECT_EQ(reset("by_duration:PT0S"), "0");
    for (const char* wrong :
         {"", "none", "by_duration:", "by_duration:P", "by_duration:PT", "by_duration:1H",
          "by_duration:PT-1H", "by_duration:PT1M1H", "by_duration:P1H", "by_duration:PT1.5H",
          "by_duration:PT1H1H", "by_duration:PT99999999999999999999H", "by_duration:PT1HT1M"}) {
        EXPECT_EQ(reset(wrong), "refused") << wrong;
    }
}

// Kafka's own names and defaults, which tools read by DescribeConfigs.
TEST(TopicOptions, have_kafkas_defaults) {
    Settings shown;
    for (const OptionView& view : topic_option_table().view({})) shown[view.name] = view.value;
    EXPECT_EQ(shown["retention.ms"], "604800000");
    EXPECT_EQ(shown["segment.bytes"], "1073741824");
    EXPECT_EQ(shown["max.message.bytes"], "1048588");
    EXPECT_EQ(shown["message.timestamp.before.max.ms"], "9223372036854775807");
    EXPECT_EQ(shown["cleanup.policy"], "delete");
}

}  // namespace
}  // namespace millrace::config
