#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "base/log.h"
#include "cli/commands_internal.h"
#include "cli/program.h"
#include "runtime/clock.h"
#include "runtime/disk.h"

namespace millrace::cli {
namespace {

struct Arguments {
    config::Settings settings;
    std::string config_file;
    std::vector<std::string> sets;
    bool list_options = false;
};

base::Result<config::LoadedOptions> load(const Program& program, Arguments arguments) {
    config::Sources sources{.environment = program.environment};
    if (!arguments.config_file.empty()) {
        sources.file_name = arguments.config_file;
        MR_TRY(sources.file_text, runtime::read_file(program.disk, arguments.config_file));
    }
    for (const std::string& set : arguments.sets) {
        const auto equals = set.find('=');
        if (equals == std::string::npos) {
            return base::fail(base::Code::kInvalidArgument, "--set {}: write it as option=value",
                              set);
        }
        arguments.settings[set.substr(0, equals)] = set.substr(equals + 1);
    }
    sources.command_line = std::move(arguments.settings);
    return config::load_server_options(sources);
}

int serve(const Program& program, const Arguments& arguments) {
    if (arguments.list_options) {
        fmt::print("{}", config::to_markdown(config::server_option_table().view({})));
        return 0;
    }
    const std::int64_t started_ns = program.clock.monotonic_ns();
    const auto loaded = load(program, arguments);
    if (!loaded) return report_failure(loaded.error());
    for (const std::string& warning : loaded->warnings) base::log_warning("{}", warning);

    auto server = program.serve(loaded->options);
    if (!server) return report_failure(server.error());
    const RunningServer::Doors doors = (*server)->doors();
    const std::string connect =
        doors.connect_port == 0
            ? ""
            : fmt::format("Spark Connect sc://{}:{}, ", doors.host, doors.connect_port);
    base::log_info(
        "millrace {} is ready after {} ms: Kafka {}:{}, {}HTTP http://{}:{}/, data in {}",
        program.version, (program.clock.monotonic_ns() - started_ns) / 1'000'000, doors.host,
        doors.kafka_port, connect, doors.host, doors.http_port, loaded->options.data_dir);
    (*server)->wait_for_stop_signal();
    base::log_info("stopping");
    server->reset();
    base::log_info("stopped");
    return 0;
}

}  // namespace

void add_server_command(CLI::App& app, const Program& program, Action& action) {
    CLI::App* const command = app.add_subcommand("server", "Run a server until it is told to stop");
    const auto arguments = std::make_shared<Arguments>();
    const auto add = [&](const char* flag, std::string option, const char* meaning) {
        command->add_option_function<std::string>(
            flag,
            [arguments, option = std::move(option)](const std::string& text) {
                arguments->settings[option] = text;
            },
            meaning);
    };
    add("--data", "data.dir", "Folder that holds everything (./millrace-data)");
    add("--host", "listen.host", "Address to listen on (127.0.0.1)");
    add("--kafka-port", "kafka.port", "Port of the Kafka protocol (9092; 0: any free one)");
    add("--connect-port", "connect.port", "Port of Spark Connect (15002; 0: any free one)");
    add("--http-port", "http.port", "Port of /ready and /metrics (8080; 0: any free one)");
    command->add_option("--config", arguments->config_file, "File of option=value lines");
    command->add_option("--set", arguments->sets, "Any option: --set log.segment.bytes=1048576")
        ->take_all();
    command->add_flag("--list-options", arguments->list_options, "Print every option and end");
    command->footer(
        "Options count in this order, later ones win: the file, the environment\n"
        "(kafka.port is MILLRACE_KAFKA_PORT), the command line.\n"
        "Examples:\n"
        "  millrace server --data ./data --kafka-port 19092\n"
        "  millrace server --config millrace.properties --set log.retention.ms=3600000");
    command->callback([arguments, &program, &action] {
        action = [arguments, &program] { return serve(program, *arguments); };
    });
}

}  // namespace millrace::cli
