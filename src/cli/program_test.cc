#include "cli/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "base/json.h"
#include "base/strings.h"
#include "cli/commands_internal.h"
#include "runtime/clock.h"
#include "runtime/disk.h"
#include "topic/topics.h"

namespace millrace::cli {
namespace {

using testing::HasSubstr;

// Runs a command line against a program whose server and topics fail with words of their own.
class ProgramTest : public ::testing::Test {
protected:
    int run_words(std::vector<const char*> words) {
        words.insert(words.begin(), "millrace");
        testing::internal::CaptureStdout();
        testing::internal::CaptureStderr();
        const int code = run(program_, static_cast<int>(words.size()), words.data());
        output_ = testing::internal::GetCapturedStdout();
        errors_ = testing::internal::GetCapturedStderr();
        return code;
    }

    // "", "server", "topic", "topic create" ...
    std::vector<std::string> every_command() {
        CLI::App app("", "millrace");
        Action action;
        add_all_commands(app, program_, action);
        std::vector<std::string> names;
        const auto walk = [&](const auto& self, const CLI::App& at,
                              const std::string& name) -> void {
            names.push_back(name);
            for (const CLI::App* command :
                 at.get_subcommands([](const CLI::App* any) { return !any->get_name().empty(); })) {
                self(self, *command, std::string(base::trim(name + " " + command->get_name())));
            }
        };
        walk(walk, app, "");
        return names;
    }

    std::unique_ptr<runtime::Disk> disk_ = runtime::make_system_disk();
    std::unique_ptr<runtime::Clock> clock_ = runtime::make_system_clock();
    config::ServerOptions served_;
    Program program_{
        .version = "1.2.3",
        .environment = {},
        .disk = *disk_,
        .clock = *clock_,
        .serve = [this](const config::ServerOptions& options)
            -> base::Result<std::unique_ptr<RunningServer>> {
            served_ = options;
            return base::fail(base::Code::kConflict, "port in use");
        },
        .topics = [](const std::string& brokers) -> base::Result<std::shared_ptr<topic::Topics>> {
            return base::fail(base::Code::kUnavailable, "nobody answers at {}", brokers);
        },
        .kafka = {.connect = [this](const client::Settings& settings, std::chrono::milliseconds)
                      -> base::Result<std::unique_ptr<client::Cluster>> {
                      settings_ = settings;
                      return base::fail(base::Code::kUnavailable, "nobody answers at {}",
                                        settings.at("bootstrap.servers"));
                  },
                  .producer = {},
                  .consumer = {}}};
    client::Settings settings_;  // Of the last connection.
    std::string output_;
    std::string errors_;
};

TEST_F(ProgramTest, tells_its_version) {
    EXPECT_EQ(run_words({"version"}), 0);
    EXPECT_EQ(output_, "millrace 1.2.3\n");
}

TEST_F(ProgramTest, every_command_explains_itself_with_an_example) {
    for (const std::string& command : every_command()) {
        const std::string line = command + " --help";
        std::vector<std::string> words;
        for (const std::string_view word : base::split(base::trim(line), ' ')) {
            words.emplace_back(word);
        }
        std::vector<const char*> pointers;
        for (const std::string& word : words) pointers.push_back(word.c_str());
        EXPECT_EQ(run_words(pointers), 0) << line;
        EXPECT_NE(output_.find("Example"), std::string::npos) << line << "\n" << output_;
    }
}

TEST_F(ProgramTest, refuses_wrong_usage_with_2) {
    EXPECT_EQ(run_words({}), 2);
    EXPECT_EQ(run_words({"serve"}), 2);
    EXPECT_EQ(run_words({"server", "--port", "1"}), 2);
    EXPECT_EQ(run_words({"weblog", "--rate", "-1"}), 2);
    EXPECT_EQ(run_words({"weblog", "--rate", "1", "--event-time", "1"}), 2);
    EXPECT_EQ(run_words({"topic", "create"}), 2);
    EXPECT_EQ(run_words({"topic", "list", "-o", "xml"}), 2);
    EXPECT_EQ(run_words({"topic", "list", "-X", "secret"}), 2);
    EXPECT_EQ(errors_, "millrace: -X: write it as name=value\n");
    EXPECT_EQ(run_words({"group", "seek", "g", "--to", "soon"}), 2);
    EXPECT_EQ(run_words({"group", "seek", "g"}), 2);
    EXPECT_EQ(run_words({"group", "seek", "g", "--to", "end", "--to-file", "f"}), 2);
    EXPECT_EQ(run_words({"config", "set", "topic", "t", "novalue"}), 2);
    EXPECT_EQ(run_words({"config", "list", "planet", "earth"}), 2);
}

TEST_F(ProgramTest, asks_what_was_meant) {
    EXPECT_EQ(run_words({"topc"}), 2);
    EXPECT_THAT(errors_, HasSubstr("there is no command 'topc'; did you mean 'topic'?"));
    EXPECT_EQ(run_words({"topic", "crate", "x"}), 2);
    EXPECT_THAT(errors_, HasSubstr("millrace topic: there is no command 'crate'; did you mean "
                                   "'create'?"));
    EXPECT_EQ(run_words({"topic", "create", "x", "--partitons", "3"}), 2);
    EXPECT_THAT(errors_, HasSubstr("did you mean '--partitions'?"));
}

TEST_F(ProgramTest, finds_servers_and_settings_in_their_order) {
    program_.environment = {{"MILLRACE_BROKERS", "e:1"}};
    EXPECT_EQ(run_words({"topic", "list"}), 6);
    EXPECT_EQ(settings_.at("bootstrap.servers"), "e:1");
    EXPECT_EQ(run_words({"topic", "list", "-b", "l:1", "-X", "client.id=me"}), 6);
    EXPECT_EQ(settings_.at("bootstrap.servers"), "l:1");
    EXPECT_EQ(settings_.at("client.id"), "me");
    program_.environment = {};
    EXPECT_EQ(run_words({"topic", "list"}), 6);
    EXPECT_EQ(settings_.at("bootstrap.servers"), "127.0.0.1:9092");
    EXPECT_EQ(run_words({"topic", "list", "-F", "/nowhere/at/all"}), 4);
}

TEST_F(ProgramTest, prints_the_shape_of_a_report_without_asking_anybody) {
    EXPECT_EQ(run_words({"topic", "list", "-o", "help"}), 0);
    EXPECT_EQ(*base::parse_json(output_),
              *base::parse_json(R"([{"name":"string","partitions":"int","replicas":"int"}])"));
    EXPECT_TRUE(settings_.empty());
}

TEST_F(ProgramTest, gives_the_server_its_options) {
    program_.environment = {{"MILLRACE_HTTP_PORT", "3"}, {"MILLRACE_KAFKA_PORT", "9"}};
    EXPECT_EQ(run_words({"server", "--data", "/d", "--kafka-port", "1", "--set", "connect.port=2"}),
              1);
    EXPECT_EQ(errors_, "millrace: port in use\n");
    EXPECT_EQ(served_.data_dir, "/d");
    EXPECT_EQ(served_.kafka_port, 1);
    EXPECT_EQ(served_.connect_port, 2);
    EXPECT_EQ(served_.http_port, 3);
}

TEST_F(ProgramTest, says_what_is_wrong_with_an_option) {
    EXPECT_EQ(run_words({"server", "--kafka-port", "x"}), 1);
    EXPECT_EQ(errors_, "millrace: command line: kafka.port: 'x' is not a whole number\n");
    EXPECT_EQ(run_words({"server", "--set", "kafka.prt=1"}), 1);
    EXPECT_NE(errors_.find("did you mean 'kafka.port'?"), std::string::npos);
    EXPECT_EQ(run_words({"server", "--config", "/nowhere/at/all"}), 4);
}

TEST_F(ProgramTest, exits_with_6_when_nobody_answers) {
    EXPECT_EQ(run_words({"topic", "list", "--brokers", "b:1"}), 6);
    EXPECT_EQ(errors_, "millrace: nobody answers at b:1\n");
    EXPECT_EQ(run_words({"weblog", "--records", "1"}), 6);
}

TEST_F(ProgramTest, wrote_the_page_of_the_command_line) {
    const char* const source = std::getenv("MILLRACE_SOURCE_DIR");
    ASSERT_NE(source, nullptr);
    const auto page = runtime::read_file(*disk_, std::string(source) + "/docs/cli.md");
    ASSERT_TRUE(page) << page.error().message();
    EXPECT_EQ(run_words({"__docs"}), 0);
    EXPECT_EQ(output_, *page) << "write it: millrace __docs > docs/cli.md";
}

TEST_F(ProgramTest, prints_completion_scripts_and_offers_what_fits) {
    EXPECT_EQ(run_words({"completion", "bash"}), 0);
    EXPECT_THAT(output_, HasSubstr("complete -o default -F _millrace millrace"));
    EXPECT_EQ(run_words({"completion", "tcsh"}), 2);
    EXPECT_EQ(run_words({"__complete", "topic", "cre"}), 0);
    EXPECT_EQ(output_, "create\n");
    EXPECT_EQ(run_words({"__complete", "topic", "describe", ""}), 0);
    EXPECT_EQ(output_ + errors_, "");
}

TEST_F(ProgramTest, refuses_wrong_words_of_records_before_it_asks_anybody) {
    EXPECT_EQ(run_words({"consume", "t", "-o", "soon"}), 2);
    EXPECT_EQ(run_words({"consume", "t", "-f", "%q"}), 2);
    EXPECT_EQ(run_words({"consume", "t", "-G", "g", "-o", "5"}), 2);
    EXPECT_EQ(run_words({"produce", "t", "-f", "%s"}), 2);
    EXPECT_EQ(run_words({"produce", "t", "/nowhere/at/all"}), 4);
    EXPECT_TRUE(settings_.empty());
    EXPECT_EQ(run_words({"consume", "t"}), 6);
    EXPECT_EQ(run_words({"topic", "consume", "t"}), 6);
    EXPECT_EQ(run_words({"produce", "t"}), 6);
    EXPECT_EQ(settings_.at("acks"), "all");
}

TEST_F(ProgramTest, lists_every_option) {
    EXPECT_EQ(run_words({"server", "--list-options"}), 0);
    EXPECT_NE(output_.find("| `kafka.port` | 9092 |"), std::string::npos);
}

}  // namespace
}  // namespace millrace::cli
