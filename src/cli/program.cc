#include "cli/program.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "base/strings.h"
#include "cli/commands_internal.h"
#include "cli/completion/completion.h"
#include "cli/help_pages.h"
#include "cli/output/exit_code.h"

namespace millrace::cli {

int report_failure(const base::Error& error) {
    fmt::print(stderr, "millrace: {}\n", error.message());
    return to_int(exit_code_of(error));
}

namespace {

// The command that the words reached before something was wrong with them.
const CLI::App& deepest(const CLI::App& app) {
    const auto chosen = app.get_subcommands();
    return chosen.empty() ? app : deepest(*chosen.back());
}

std::string full_name(const CLI::App& app) {
    const CLI::App* const parent = app.get_parent();
    return parent == nullptr ? app.get_name() : full_name(*parent) + " " + app.get_name();
}

// Names of subcommands, or of options when an option was typed.
std::vector<std::string> known_words(const CLI::App& app, bool options) {
    std::vector<std::string> names;
    if (options) {
        for (const CLI::Option* option : app.get_options()) {
            for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
        }
    } else {
        for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
            if (!command->get_name().empty()) names.push_back(command->get_name());
        }
    }
    return names;
}

int report_wrong_words(const CLI::App& app, const CLI::ParseError& error) {
    const CLI::App& command = deepest(app);
    const std::string name = full_name(command);
    std::string words = error.what();
    const auto rest = command.remaining();
    if (!rest.empty()) {
        const bool is_option = rest.front().starts_with("-");
        const auto known = known_words(command, is_option);
        const auto meant =
            base::did_you_mean(rest.front().substr(0, rest.front().find('=')), known);
        if (is_option || !known.empty()) {
            words =
                fmt::format("there is no {} '{}'", is_option ? "option" : "command", rest.front());
        } else {
            words = fmt::format("'{}' is one word too many", rest.front());
        }
        if (!meant.empty()) words += fmt::format("; did you mean '{}'?", meant.front());
    }
    fmt::print(stderr, "{}: {}\nRun {} --help for what there is.\n", name, words, name);
    return to_int(ExitCode::kUsage);
}

}  // namespace

void add_all_commands(CLI::App& app, const Program& program, Action& action) {
    add_server_command(app, program, action);
    add_weblog_command(app, program, action);
    add_demo_command(app, program, action);
    add_produce_command(app, program, action);
    add_consume_command(app, program, action);
    add_topic_command(app, program, action);
    add_group_command(app, program, action);
    add_config_command(app, program, action);
    add_txn_command(app, program, action);
    add_cluster_command(app, program, action);
    add_completion_command(app, program, action);
    add_version_command(app, program, action);
}

namespace {

// The two commands that no person types: for completion scripts, and for docs/cli.md.
std::optional<std::string> answer_hidden(const CLI::App& app, const Program& program, int argc,
                                         const char* const* argv) {
    if (argc < 2) return std::nullopt;
    const std::string_view word = argv[1];
    if (word == "__docs") return help_pages(app);
    if (word != "__complete") return std::nullopt;
    const auto candidates =
        complete(app, {argv + 2, argv + argc},
                 [&](std::string_view kind, const std::vector<std::string>& words) {
                     return names_of_cluster(program, kind, words);
                 });
    return candidates.empty() ? "" : base::join(candidates, "\n") + "\n";
}

}  // namespace

int run(const Program& program, int argc, const char* const* argv) {
    CLI::App app("A unified log and stream engine: Kafka and Spark Connect in one program.",
                 "millrace");
    app.require_subcommand(1);
    app.footer(
        "Examples:\n"
        "  millrace server --data ./data          keep a server running\n"
        "  millrace weblog --rate 1000            produce a generated web log to it\n"
        "  millrace consume weblog -o -10 -e      read the last of it\n"
        "Each command explains itself: millrace <command> --help");
    Action action;
    add_all_commands(app, program, action);
    if (const auto answer = answer_hidden(app, program, argc, argv)) {
        fmt::print("{}", *answer);
        return 0;
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        // --help is one too.
        return error.get_exit_code() == 0 ? app.exit(error) : report_wrong_words(app, error);
    }
    return action();
}

void add_version_command(CLI::App& app, const Program& program, Action& action) {
    CLI::App* const command = app.add_subcommand("version", "Print the version");
    command->footer("Example:\n  millrace version");
    command->callback([&] {
        action = [&] {
            fmt::print("millrace {}\n", program.version);
            return 0;
        };
    });
}

}  // namespace millrace::cli
