// The subcommands: each adds itself to the command line, and to `action` what to do when chosen.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace millrace::cli {

struct Program;
using Action = std::function<int()>;

void add_server_command(CLI::App& app, const Program& program, Action& action);
void add_weblog_command(CLI::App& app, const Program& program, Action& action);
void add_demo_command(CLI::App& app, const Program& program, Action& action);
void add_topic_command(CLI::App& app, const Program& program, Action& action);
void add_version_command(CLI::App& app, const Program& program, Action& action);

}  // namespace millrace::cli
