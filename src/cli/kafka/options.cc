#include "cli/kafka/options.h"

#include <CLI/CLI.hpp>

#include "cli/program.h"
#include "config/server_options.h"
#include "runtime/disk.h"

namespace millrace::cli {

using base::Code;
using base::fail;
using base::Result;

namespace {

constexpr const char* kServers = "bootstrap.servers";

std::string variable(const Program& program, std::string_view name) {
    const auto found = program.environment.find(name);
    return found == program.environment.end() ? "" : found->second;
}

}  // namespace

void add_kafka_options(CLI::App& command, KafkaOptions& options, ShortO short_o) {
    command
        .add_option("-b,--brokers", options.brokers,
                    "Kafka servers (MILLRACE_BROKERS, else 127.0.0.1:9092)")
        ->type_name("HOST:PORT,...");
    command
        .add_option("-X", options.settings,
                    "A setting of the Kafka client by librdkafka's name: -X security.protocol=ssl")
        ->allow_extra_args(false)
        ->type_name("NAME=VALUE");
    command
        .add_option("-F,--client-config", options.config_file,
                    "File of such settings, one a line (MILLRACE_CLIENT_CONFIG)")
        ->type_name("FILE");
    command.add_option("--timeout", options.timeout_s, "How long to wait for a server, in seconds")
        ->check(CLI::Range(0.1, 3600.0))
        ->capture_default_str()
        ->type_name("SECONDS");
    command
        .add_option(short_o == ShortO::kOutput ? "-o,--output" : "--output", options.format,
                    "text, json, yaml, jsonl, or help: the shape of the JSON")
        ->capture_default_str()
        ->type_name("FORMAT");
    command.add_flag("--no-progress", options.no_progress, "No live line on a terminal");
}

Result<std::pair<std::string, std::string>> parse_assignment(std::string_view text,
                                                             std::string_view flag) {
    const auto equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0) {
        return fail(Code::kInvalidArgument, "{} {}: write it as name=value", flag, text);
    }
    return std::pair(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
}

Result<client::Settings> settings_of(const Program& program, const KafkaOptions& options) {
    client::Settings settings{{kServers, "127.0.0.1:9092"}};
    const std::string file = !options.config_file.empty()
                                 ? options.config_file
                                 : variable(program, "MILLRACE_CLIENT_CONFIG");
    if (!file.empty()) {
        MR_TRY(const base::Bytes text, runtime::read_file(program.disk, file));
        const auto parsed = config::parse_properties(text);
        if (!parsed) return fail(parsed.error().with(file));
        for (const auto& [name, value] : *parsed) settings[name] = value;
    }
    const std::string brokers = variable(program, "MILLRACE_BROKERS");
    if (!brokers.empty()) settings[kServers] = brokers;
    for (const std::string& text : options.settings) {
        // What is no assignment may be a password that lost its name: it is not repeated.
        const auto setting = parse_assignment(text, "-X");
        if (!setting) return fail(Code::kInvalidArgument, "-X: write it as name=value");
        settings[setting->first] = setting->second;
    }
    if (!options.brokers.empty()) settings[kServers] = options.brokers;
    return settings;
}

}  // namespace millrace::cli
