#include "cli/program.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/commands_internal.h"

namespace millrace::cli {

int report_failure(const base::Error& error) {
    fmt::print(stderr, "millrace: {}\n", error.message());
    switch (error.code()) {
        case base::Code::kNotFound: return 4;
        case base::Code::kPermissionDenied: return 5;
        case base::Code::kTimeout:
        case base::Code::kUnavailable: return 6;
        default: return 1;
    }
}

int run(const Program& program, int argc, const char* const* argv) {
    CLI::App app("A unified log and stream engine: Kafka and Spark Connect in one program.",
                 "millrace");
    app.require_subcommand(1);
    app.failure_message(CLI::FailureMessage::simple);
    app.footer(
        "Examples:\n"
        "  millrace server --data ./data          keep a server running\n"
        "  millrace weblog --rate 1000            produce a generated web log to it\n"
        "  kcat -b 127.0.0.1:9092 -C -t weblog    read it\n"
        "Each command explains itself: millrace <command> --help");
    Action action;
    add_server_command(app, program, action);
    add_weblog_command(app, program, action);
    add_demo_command(app, program, action);
    add_topic_command(app, program, action);
    add_version_command(app, program, action);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        constexpr int kWrongUsage = 2;
        return app.exit(error) == 0 ? 0 : kWrongUsage;
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
