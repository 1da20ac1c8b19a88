#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "base/json.h"
#include "cli/commands_internal.h"
#include "cli/program.h"
#include "topic/topics.h"

namespace millrace::cli {
namespace {

struct Arguments {
    std::string brokers = "127.0.0.1:9092";
    std::string name;
    std::int32_t partitions = 1;
    std::vector<std::string> configs;
    bool json = false;
};

using base::Result;

Result<void> list(topic::Topics& topics, const Arguments& arguments) {
    MR_TRY(const std::vector<std::string> names, topics.list());
    if (arguments.json) {
        base::JsonValue array{base::JsonArray()};
        for (const std::string& name : names) array.push(name);
        fmt::print("{}\n", base::to_json(array));
        return {};
    }
    for (const std::string& name : names) fmt::print("{}\n", name);
    return {};
}

Result<void> create(topic::Topics& topics, const Arguments& arguments) {
    topic::TopicDescription description{
        .name = arguments.name, .partitions = arguments.partitions, .configs = {}};
    for (const std::string& config : arguments.configs) {
        const auto equals = config.find('=');
        if (equals == std::string::npos) {
            return base::fail(base::Code::kInvalidArgument, "--config {}: write it as option=value",
                              config);
        }
        description.configs[config.substr(0, equals)] = config.substr(equals + 1);
    }
    return topics.create(description);
}

Result<void> describe(topic::Topics& topics, const Arguments& arguments) {
    MR_TRY(const topic::TopicDescription description, topics.describe(arguments.name));
    base::JsonValue partitions{base::JsonArray()};
    if (!arguments.json) {
        fmt::print("{}: {} partitions\n", description.name, description.partitions);
        for (const auto& [key, value] : description.configs) fmt::print("  {}={}\n", key, value);
        fmt::print("{:>10} {:>14} {:>14} {:>14}\n", "PARTITION", "FIRST", "NEXT", "RECORDS");
    }
    for (std::int32_t partition = 0; partition < description.partitions; ++partition) {
        MR_TRY(const topic::OffsetRange range, topics.offsets({arguments.name, partition}));
        if (arguments.json) {
            base::JsonValue row;
            row.set("partition", partition).set("first", range.first).set("next", range.next);
            partitions.push(std::move(row));
        } else {
            fmt::print("{:>10} {:>14} {:>14} {:>14}\n", partition, range.first, range.next,
                       range.next - range.first);
        }
    }
    if (!arguments.json) return {};
    base::JsonValue configs{base::JsonObject()};
    for (const auto& [key, value] : description.configs) configs.set(key, value);
    base::JsonValue all;
    all.set("name", description.name).set("partitions", std::move(partitions));
    all.set("configs", std::move(configs));
    fmt::print("{}\n", base::to_json(all));
    return {};
}

Result<void> remove(topic::Topics& topics, const Arguments& arguments) {
    return topics.remove(arguments.name);
}

}  // namespace

void add_topic_command(CLI::App& app, const Program& program, Action& action) {
    CLI::App* const group = app.add_subcommand("topic", "List, create, describe, delete topics");
    group->require_subcommand(1);
    group->footer(
        "Examples:\n"
        "  millrace topic create weblog --partitions 4 --config retention.ms=3600000\n"
        "  millrace topic describe weblog");
    const auto arguments = std::make_shared<Arguments>();
    const auto add = [&](const char* name, const char* meaning, const char* example, auto verb) {
        CLI::App* const command = group->add_subcommand(name, meaning);
        command->add_option("--brokers", arguments->brokers, "Kafka servers")
            ->capture_default_str();
        command->footer(std::string("Example:\n  millrace topic ") + example);
        command->callback([arguments, &program, &action, verb] {
            action = [arguments, &program, verb] {
                const auto topics = program.topics(arguments->brokers);
                if (!topics) return report_failure(topics.error());
                const Result<void> outcome = verb(**topics, *arguments);
                return outcome ? 0 : report_failure(outcome.error());
            };
        });
        return command;
    };
    CLI::App* const lists = add("list", "Print the names of all topics", "list", list);
    lists->add_flag("--json", arguments->json, "As JSON");
    CLI::App* const creates = add("create", "Make a topic", "create weblog --partitions 4", create);
    creates->add_option("--partitions", arguments->partitions, "How many partitions")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    creates->add_option("--config", arguments->configs, "A topic option: retention.ms=3600000")
        ->take_all();
    CLI::App* const describes = add("describe", "Print partitions and offsets of a topic",
                                    "describe weblog --json", describe);
    describes->add_flag("--json", arguments->json, "As JSON");
    CLI::App* const deletes = add("delete", "Delete a topic", "delete weblog", remove);
    for (CLI::App* const command : {creates, describes, deletes}) {
        command->add_option("topic", arguments->name, "Name of the topic")->required();
    }
}

}  // namespace millrace::cli
