// Leaf: a command that is a struct of its arguments with `shape()` and `run(cluster, report)`.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "cli/commands_internal.h"
#include "cli/kafka/options.h"
#include "cli/kafka/run_report.h"

namespace millrace::cli {

struct Leaf {
    KafkaOptions kafka;

    // What can be understood, or refused, before anybody is asked. kInvalidArgument is wrong usage.
    base::Result<void> prepare(const Program&) { return {}; }
};

// Adds a command named `name` to `group`; its arguments live as long as the action.
template <class Command>
std::pair<CLI::App*, std::shared_ptr<Command>> add_leaf(CLI::App& group, const Program& program,
                                                        Action& action, const char* name,
                                                        const char* meaning, const char* footer,
                                                        ShortO short_o = ShortO::kOutput) {
    CLI::App* const app = group.add_subcommand(name, meaning);
    const auto command = std::make_shared<Command>();
    add_kafka_options(*app, command->kafka, short_o);
    app->footer(footer);
    app->callback([command, &program, &action] {
        action = [command, &program] {
            const base::Result<void> prepared = command->prepare(program);
            if (!prepared) return report_refusal(prepared.error());
            return run_report(program, command->kafka, command->shape(),
                              [&](client::Cluster& cluster, Report& report) {
                                  return command->run(cluster, report);
                              });
        };
    });
    return {app, command};
}

template <class T>
base::JsonValue or_null(const std::optional<T>& value) {
    return value ? base::JsonValue(*value) : base::JsonValue();
}

// Names of things that exist: completion knows them by the word in capitals.
inline CLI::Option* add_topic(CLI::App& app, std::string& topic) {
    return app.add_option("topic", topic, "Name of the topic")->type_name("TOPIC")->required();
}
inline CLI::Option* add_topics(CLI::App& app, std::vector<std::string>& topics) {
    return app.add_option("topics", topics, "Names of topics")->type_name("TOPIC")->required();
}
inline CLI::Option* add_group(CLI::App& app, std::string& group) {
    return app.add_option("group", group, "Name of the group")->type_name("GROUP")->required();
}
inline CLI::Option* add_groups(CLI::App& app, std::vector<std::string>& groups) {
    return app.add_option("groups", groups, "Names of groups")->type_name("GROUP")->required();
}
inline CLI::Option* add_dry_run(CLI::App& app, bool& dry_run) {
    return app.add_flag("--dry-run", dry_run, "Say what would be done, and change nothing");
}

}  // namespace millrace::cli
