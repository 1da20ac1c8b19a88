// The subcommands: each adds itself to the command line, and to `action` what to do when chosen.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace millrace::cli {

struct Program;
using Action = std::function<int()>;

void add_all_commands(CLI::App& app, const Program& program, Action& action);
void add_server_command(CLI::App& app, const Program& program, Action& action);
void add_weblog_command(CLI::App& app, const Program& program, Action& action);
void add_demo_command(CLI::App& app, const Program& program, Action& action);
void add_topic_command(CLI::App& app, const Program& program, Action& action);
void add_config_command(CLI::App& app, const Program& program, Action& action);
void add_cluster_command(CLI::App& app, const Program& program, Action& action);
void add_produce_command(CLI::App& app, const Program& program, Action& action);
void add_consume_command(CLI::App& app, const Program& program, Action& action);
void add_completion_command(CLI::App& app, const Program& program, Action& action);
void add_group_command(CLI::App& app, const Program& program, Action& action);
void add_txn_command(CLI::App& app, const Program& program, Action& action);
void add_version_command(CLI::App& app, const Program& program, Action& action);

// The parts of `topic`, `group`, `cluster` and `txn` that have files of their own.
void add_topic_changes(CLI::App& group, const Program& program, Action& action);
void add_trim_prefix(CLI::App& group, const Program& program, Action& action);
void add_group_describe(CLI::App& group, const Program& program, Action& action);
void add_group_seek(CLI::App& group, const Program& program, Action& action);
void add_cluster_inside(CLI::App& group, const Program& program, Action& action);
void add_cluster_quotas(CLI::App& group, const Program& program, Action& action);
void add_txn_partitions(CLI::App& group, const Program& program, Action& action);

}  // namespace millrace::cli
