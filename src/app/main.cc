// The program: what the subcommands need, made here and lent to them.
#include <string_view>

#include "app/server.h"
#include "cli/program.h"
#include "client/cluster.h"
#include "client/consumer.h"
#include "client/producer.h"
#include "client/remote_topics.h"
#include "runtime/clock.h"
#include "runtime/disk.h"
#include "topic/topics.h"

extern char** environ;

namespace {

millrace::config::Settings environment() {
    millrace::config::Settings settings;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        const auto equals = text.find('=');
        if (equals == std::string_view::npos) continue;
        settings.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    return settings;
}

}  // namespace

int main(int argc, char** argv) {
    using namespace millrace;
    const auto disk = runtime::make_system_disk();
    const auto clock = runtime::make_system_clock();
    const cli::Program program{
        .version = MILLRACE_VERSION,
        .environment = environment(),
        .disk = *disk,
        .clock = *clock,
        .serve =
            [](const config::ServerOptions& options) {
                return app::start_server(options, MILLRACE_VERSION);
            },
        .topics = [](const std::string& brokers) -> base::Result<std::shared_ptr<topic::Topics>> {
            return client::connect_topics({{"bootstrap.servers", brokers}});
        },
        .kafka = {.connect = client::Cluster::connect,
                  .producer = client::Producer::make,
                  .consumer = client::Consumer::make}};
    return cli::run(program, argc, argv);
}
