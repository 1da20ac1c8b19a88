#include "cli/program.h"

#include <gtest/gtest.h>

#include "runtime/clock.h"
#include "runtime/disk.h"
#include "topic/topics.h"

namespace millrace::cli {
namespace {

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
        }};
    std::string output_;
    std::string errors_;
};

TEST_F(ProgramTest, tells_its_version) {
    EXPECT_EQ(run_words({"version"}), 0);
    EXPECT_EQ(output_, "millrace 1.2.3\n");
}

TEST_F(ProgramTest, every_command_explains_itself_with_an_example) {
    for (const std::vector<const char*>& command :
         std::vector<std::vector<const char*>>{{},
                                               {"server"},
                                               {"weblog"},
                                               {"demo"},
                                               {"topic"},
                                               {"topic", "list"},
                                               {"topic", "create"},
                                               {"topic", "describe"},
                                               {"topic", "delete"},
                                               {"version"}}) {
        std::vector<const char*> words = command;
        words.push_back("--help");
        EXPECT_EQ(run_words(words), 0);
        EXPECT_NE(output_.find("Example"), std::string::npos) << output_;
    }
}

TEST_F(ProgramTest, refuses_wrong_usage_with_2) {
    EXPECT_EQ(run_words({}), 2);
    EXPECT_EQ(run_words({"serve"}), 2);
    EXPECT_EQ(run_words({"server", "--port", "1"}), 2);
    EXPECT_EQ(run_words({"weblog", "--rate", "-1"}), 2);
    EXPECT_EQ(run_words({"weblog", "--rate", "1", "--event-time", "1"}), 2);
    EXPECT_EQ(run_words({"topic", "create"}), 2);
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

TEST_F(ProgramTest, lists_every_option) {
    EXPECT_EQ(run_words({"server", "--list-options"}), 0);
    EXPECT_NE(output_.find("| `kafka.port` | 9092 |"), std::string::npos);
}

}  // namespace
}  // namespace millrace::cli
