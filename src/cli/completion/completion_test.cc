#include "cli/completion/completion.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "base/strings.h"

namespace millrace::cli {
namespace {

class CompletionTest : public ::testing::Test {
protected:
    CompletionTest() {
        app_.add_subcommand("topic", "")
            ->add_subcommand("describe", "")
            ->add_option("topics", names_, "")
            ->type_name("TOPIC");
        CLI::App* const consume = app_.add_subcommand("consume", "");
        consume->add_option("topics", names_, "")->type_name("TOPIC");
        consume->add_option("-G,--group", name_, "")->type_name("GROUP");
        consume->add_option("-f,--format", name_, "")->type_name("TEXT");
        consume->add_option("--isolation", name_, "")->type_name("committed|uncommitted");
        consume->add_flag("-e,--exit-at-end", flag_, "");
        CLI::App* const config = app_.add_subcommand("config", "");
        config->add_option("kind", name_, "")->type_name("topic|broker");
        config->add_option("name", name_, "")->type_name("NAME");
        config->add_option_group("place")->add_option("--to-group", name_, "")->type_name("GROUP");
    }

    std::string candidates(const std::vector<std::string>& words) {
        const auto found = complete(app_, words, [&](std::string_view kind, const auto&) {
            return kind == "TOPIC" ? std::vector<std::string>{"weblog", "windows"}
                                   : std::vector<std::string>{"readers"};
        });
        return base::join(found, " ");
    }

    CLI::App app_{"", "program"};
    std::vector<std::string> names_;
    std::string name_;
    bool flag_ = false;
};

TEST_F(CompletionTest, offers_commands_by_what_is_typed) {
    EXPECT_EQ(candidates({""}), "config consume topic");
    EXPECT_EQ(candidates({}), "config consume topic");
    EXPECT_EQ(candidates({"con"}), "config consume");
    EXPECT_EQ(candidates({"topic", "d"}), "describe");
    EXPECT_EQ(candidates({"nothing", "x"}), "");
}

TEST_F(CompletionTest, offers_options_also_of_option_groups) {
    EXPECT_EQ(candidates({"consume", "--"}), "--exit-at-end --format --group --help --isolation");
    EXPECT_EQ(candidates({"consume", "--gr"}), "--group");
    EXPECT_EQ(candidates({"config", "--to"}), "--to-group");
}

TEST_F(CompletionTest, offers_names_that_exist) {
    EXPECT_EQ(candidates({"consume", "w"}), "weblog windows");
    EXPECT_EQ(candidates({"consume", "weblog", "wi"}), "windows");
    EXPECT_EQ(candidates({"consume", "-e", "web"}), "weblog");
    EXPECT_EQ(candidates({"topic", "describe", ""}), "weblog windows");
}

TEST_F(CompletionTest, offers_what_the_pending_option_takes) {
    EXPECT_EQ(candidates({"consume", "-G", ""}), "readers");
    EXPECT_EQ(candidates({"consume", "weblog", "--group", "r"}), "readers");
    EXPECT_EQ(candidates({"consume", "--isolation", ""}), "committed uncommitted");
    EXPECT_EQ(candidates({"consume", "-f", ""}), "");
    EXPECT_EQ(candidates({"config", "--to-group", ""}), "readers");
}

TEST_F(CompletionTest, counts_the_arguments_that_are_there) {
    EXPECT_EQ(candidates({"config", ""}), "broker topic");
    EXPECT_EQ(candidates({"config", "topic", ""}), "");
}

}  // namespace
}  // namespace millrace::cli
