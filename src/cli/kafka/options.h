// KafkaOptions: what every command that talks to a Kafka cluster takes.
//
// Settings count in this order, later ones win: the file of --client-config (or of
// MILLRACE_CLIENT_CONFIG), MILLRACE_BROKERS, the command line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "client/settings.h"

namespace CLI {
class App;
}

namespace millrace::cli {

struct Program;

struct KafkaOptions {
    std::string brokers;
    std::vector<std::string> settings;  // name=value, librdkafka's names.
    std::string config_file;
    double timeout_s = 10;
    std::string format = "text";
    bool no_progress = false;

    std::int64_t timeout_ms() const { return static_cast<std::int64_t>(timeout_s * 1000); }
};

// Which letter -o is: kcat's and rpk's users expect an offset of it where offsets are told.
enum class ShortO : bool { kOutput, kOffset };
void add_kafka_options(CLI::App& command, KafkaOptions& options, ShortO short_o = ShortO::kOutput);

// kInvalidArgument where a setting is not name=value.
base::Result<client::Settings> settings_of(const Program& program, const KafkaOptions& options);

// "name=value" as a pair; `flag` is named when there is no "=".
base::Result<std::pair<std::string, std::string>> parse_assignment(std::string_view text,
                                                                   std::string_view flag);

}  // namespace millrace::cli
