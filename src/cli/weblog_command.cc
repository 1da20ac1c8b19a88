#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands_internal.h"
#include "cli/interrupt.h"
#include "cli/program.h"
#include "cli/terminal.h"
#include "cli/weblog/generator.h"
#include "cli/weblog/producer.h"
#include "cli/weblog/tsv.h"
#include "topic/topics.h"

namespace millrace::cli {
namespace {

struct Arguments {
    std::string brokers = "127.0.0.1:9092";
    std::string topic = "weblog";
    std::int32_t partitions = 1;
    std::string input;
    WebLogSettings settings;
    WebLogPace pace;
    bool quiet = false;
};

int produce(const Program& program, const Arguments& arguments) {
    std::unique_ptr<WebLogSource> source;
    if (arguments.input.empty()) {
        source = std::make_unique<GeneratedWebLog>(arguments.settings);
    } else {
        auto opened = TsvWebLog::open(program.disk, arguments.input);
        if (!opened) return report_failure(opened.error());
        source = std::move(*opened);
    }
    const auto topics = program.topics(arguments.brokers);
    if (!topics) return report_failure(topics.error());

    Interrupt interrupt;
    Terminal terminal(program.environment);
    constexpr std::int64_t kFrameNs = 100'000'000;
    std::int64_t next_frame_ns = 0;
    const auto show = [&](const WebLogProgress& progress) {
        if (arguments.quiet || progress.elapsed_ns < next_frame_ns) return;
        next_frame_ns = progress.elapsed_ns + kFrameNs;
        terminal.redraw(progress_line(progress.done.value_or(-1), progress.records,
                                      progress.elapsed_ns, terminal.columns()));
    };
    WebLogProducer producer(
        **topics, arguments.topic, arguments.partitions, program.clock,
        {.wait = [&](std::int64_t wait_ns) { return interrupt.pause(wait_ns); }, .report = show});
    const auto done = producer.run(*source, arguments.pace);
    if (!done) return report_failure(done.error());
    if (arguments.quiet) return 0;
    next_frame_ns = 0;
    show(*done);
    const double seconds = static_cast<double>(done->elapsed_ns) / 1e9;
    fmt::print(stderr, "{} records, {:.1f} MB to {} in {:.2f} s\n", with_commas(done->records),
               static_cast<double>(done->bytes) / 1e6, arguments.topic, seconds);
    return 0;
}

}  // namespace

void add_weblog_command(CLI::App& app, const Program& program, Action& action) {
    CLI::App* const command =
        app.add_subcommand("weblog", "Produce a web log to a topic: generated, or from a file");
    const auto arguments = std::make_shared<Arguments>();
    WebLogSettings& settings = arguments->settings;
    command->add_option("--brokers", arguments->brokers, "Kafka servers")->capture_default_str();
    command->add_option("--topic", arguments->topic, "Topic to produce to")->capture_default_str();
    command->add_option("--partitions", arguments->partitions, "Partitions, if the topic is new")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    command->add_option("--input", arguments->input,
                        "Tab-separated log, plain or gzip, instead of the generator");
    command->add_option("--records", settings.records, "Records to generate (0: without end)")
        ->capture_default_str();
    command->add_option("--seed", settings.seed, "Same seed, same records")->capture_default_str();
    CLI::Option* const rate =
        command->add_option("--rate", arguments->pace.records_per_second, "Records a second")
            ->check(CLI::PositiveNumber);
    command
        ->add_option("--event-time", arguments->pace.event_time_speed,
                     "Replay by the records' own times, so many times as fast")
        ->check(CLI::PositiveNumber)
        ->excludes(rate);
    command
        ->add_option("--events-per-second", settings.events_per_second,
                     "How dense generated records lie in event time")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
    command->add_option("--late", settings.late_permille, "Of 1000 records, hours late")
        ->check(CLI::Range(0, 1000))
        ->capture_default_str();
    command->add_option("--malformed", settings.malformed_permille, "Of 1000 records, malformed")
        ->check(CLI::Range(0, 1000))
        ->capture_default_str();
    command->add_flag("--quiet", arguments->quiet, "No progress and no summary");
    command->footer(
        "Without --rate or --event-time, as fast as the server takes them.\n"
        "Examples:\n"
        "  millrace weblog --records 1000000 --seed 7\n"
        "  millrace weblog --rate 500 --records 0\n"
        "  millrace weblog --input access.tsv.gz --event-time 3600");
    command->callback([arguments, &program, &action] {
        action = [arguments, &program] { return produce(program, *arguments); };
    });
}

}  // namespace millrace::cli
