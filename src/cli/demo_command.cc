#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <memory>
#include <mutex>

#include "base/log.h"
#include "cli/commands_internal.h"
#include "cli/demo/job.h"
#include "cli/demo/screen.h"
#include "cli/interrupt.h"
#include "cli/ports.h"
#include "cli/program.h"
#include "cli/terminal.h"
#include "cli/weblog/generator.h"
#include "cli/weblog/producer.h"
#include "cli/weblog/tsv.h"
#include "runtime/clock.h"
#include "runtime/disk.h"
#include "runtime/thread.h"
#include "topic/topics.h"

namespace millrace::cli {
namespace {

using base::Result;

struct Arguments {
    std::string input;
    WebLogSettings settings{.records = 100'000, .events_per_second = 10};
    double rate = 5000;
};

// A folder in the temporary folder, removed at the end.
class TemporaryFolder {
public:
    TemporaryFolder(const Program& program, runtime::Random& random) : disk_(program.disk) {
        const auto parent = program.environment.find("TMPDIR");
        path_ = parent == program.environment.end() ? "/tmp" : parent->second;
        path_ += "/millrace-demo-" + runtime::make_uuid(random);
    }
    ~TemporaryFolder() { static_cast<void>(disk_.remove_tree(path_)); }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    const std::string& path() const { return path_; }

private:
    runtime::Disk& disk_;
    std::string path_;
};

// The default ports, or any free ones in their place, which is told.
void choose_ports(config::ServerOptions& options) {
    const auto choose = [&](std::int32_t& port, std::string_view door) {
        if (is_port_free(options.listen_host, port)) return;
        fmt::print(stderr, "Port {} for {} is taken: using a free one.\n", port, door);
        port = 0;
    };
    choose(options.kafka_port, "Kafka");
    choose(options.connect_port, "Spark Connect");
    choose(options.http_port, "HTTP");
}

// Produces on a thread of its own; tells how far it is from any thread.
class Feed {
public:
    Feed(topic::Topics& topics, std::unique_ptr<WebLogSource> source, double rate,
         const runtime::Clock& clock, Interrupt& interrupt)
        : source_(std::move(source)),
          producer_(topics, DemoJob::kTopic, 1, clock,
                    {.wait = [&](std::int64_t wait_ns) { return interrupt.pause(wait_ns); },
                     .report = [this](const WebLogProgress& progress) { note(progress); }}) {
        thread_ = runtime::Thread("weblog", [this, rate](std::stop_token) {
            const auto outcome = producer_.run(*source_, {.records_per_second = rate});
            const std::lock_guard lock(mutex_);
            if (!outcome) error_ = outcome.error();
            ended_ = true;
        });
    }
    WebLogProgress progress() const {
        const std::lock_guard lock(mutex_);
        return progress_;
    }
    bool ended() const {
        const std::lock_guard lock(mutex_);
        return ended_;
    }
    Result<void> outcome() {
        thread_.join();
        if (error_) return base::fail(*error_);
        return {};
    }

private:
    void note(const WebLogProgress& progress) {
        const std::lock_guard lock(mutex_);
        progress_ = progress;
    }

    std::unique_ptr<WebLogSource> source_;
    WebLogProducer producer_;
    mutable std::mutex mutex_;
    WebLogProgress progress_;           // Guarded by mutex_.
    std::optional<base::Error> error_;  // Guarded by mutex_ until the thread has ended.
    bool ended_ = false;                // Guarded by mutex_.
    runtime::Thread thread_;            // Last: it uses all of the above.
};

class Demo {
public:
    Demo(const Program& program, const Arguments& arguments)
        : program_(program), arguments_(arguments), terminal_(program.environment) {}

    Result<void> run() {
        MR_TRY(std::unique_ptr<WebLogSource> source, open_source());
        const auto random = runtime::make_system_random();
        const TemporaryFolder folder(program_, *random);
        config::ServerOptions options;
        options.data_dir = folder.path();
        choose_ports(options);
        if (terminal_.is_live()) base::set_log_level(base::LogLevel::kWarning);
        MR_TRY(server_, program_.serve(options));
        const auto outcome = rank(std::move(source));
        server_.reset();
        return outcome;
    }

private:
    Result<std::unique_ptr<WebLogSource>> open_source() const {
        if (arguments_.input.empty()) {
            return std::make_unique<GeneratedWebLog>(arguments_.settings);
        }
        return TsvWebLog::open(program_.disk, arguments_.input);
    }

    Result<void> rank(std::unique_ptr<WebLogSource> source) {
        const RunningServer::Doors doors = server_->doors();
        const std::string brokers = fmt::format("{}:{}", doors.host, doors.kafka_port);
        const std::string remote = fmt::format("sc://{}:{}", doors.host, doors.connect_port);
        MR_TRY(const auto topics, program_.topics(brokers));
        MR_TRY_VOID(topics->create({.name = DemoJob::kTopic, .partitions = 1, .configs = {}}));
        MR_TRY_VOID(
            topics->create({.name = DemoJob::kWindowsTopic, .partitions = 1, .configs = {}}));
        MR_TRY(const auto job, DemoJob::start(remote, brokers));
        fmt::print(stderr, "Kafka {}, Spark Connect {}, http://{}:{}/ - Ctrl-C ends it\n\n",
                   brokers, remote, doors.host, doors.http_port);

        started_ns_ = program_.clock.monotonic_ns();
        Interrupt interrupt;
        Feed feed(*topics, std::move(source), arguments_.rate, program_.clock, interrupt);
        while (!feed.ended()) {
            MR_TRY_VOID(show(feed, *job));
            constexpr std::int64_t kFrameNs = 200'000'000;
            if (!interrupt.pause(kFrameNs)) break;
        }
        MR_TRY_VOID(feed.outcome());
        if (!interrupt.happened()) MR_TRY_VOID(job->process_all_available());
        next_line_ns_ = 0;
        MR_TRY_VOID(show(feed, *job));
        finish(doors);
        return {};
    }

    Result<void> show(const Feed& feed, const DemoJob& job) {
        const WebLogProgress progress = feed.progress();
        MR_TRY(frame_.ranking, job.ranking());
        frame_.produced = progress.records;
        frame_.done = progress.done.value_or(-1);
        frame_.elapsed_ns = program_.clock.monotonic_ns() - started_ns_;
        for (const RunningServer::QueryNumbers& query : server_->queries()) {
            if (query.name == DemoJob::kWindowsTopic) {
                frame_.rows_out = static_cast<std::uint64_t>(query.output_rows);
            } else {
                frame_.records_in = static_cast<std::uint64_t>(query.input_rows);
                frame_.malformed = static_cast<std::uint64_t>(query.malformed_records);
                frame_.p50_ms = static_cast<double>(query.p50_us) / 1000;
                frame_.p99_ms = static_cast<double>(query.p99_us) / 1000;
            }
        }
        if (terminal_.is_live()) {
            terminal_.redraw(render_screen(frame_, terminal_.columns()));
        } else if (frame_.elapsed_ns >= next_line_ns_) {
            constexpr std::int64_t kLineNs = 2'000'000'000;
            next_line_ns_ = frame_.elapsed_ns + kLineNs;
            fmt::print(stderr, "{}", render_line(frame_));
        }
        return {};
    }

    void finish(const RunningServer::Doors& doors) {
        if (!terminal_.is_live()) fmt::print("\n{}", render_screen(frame_, terminal_.columns()));
        fmt::print(
            "\n{}\n"
            "The server ends with this. To keep one: make serve, and then\n"
            "  kcat     kcat -b {}:9092 -C -t weblog\n"
            "  PySpark  SparkSession.builder.remote(\"sc://{}:15002\").getOrCreate()\n"
            "  browser  http://{}:8080/\n",
            render_summary(frame_), doors.host, doors.host, doors.host);
    }

    const Program& program_;
    const Arguments& arguments_;
    Terminal terminal_;
    std::unique_ptr<RunningServer> server_;
    DemoFrame frame_;
    std::int64_t started_ns_ = 0;
    std::int64_t next_line_ns_ = 0;
};

}  // namespace

void add_demo_command(CLI::App& app, const Program& program, Action& action) {
    CLI::App* const command = app.add_subcommand(
        "demo", "Start a server, feed it a web log, and show the pages ranked live");
    const auto arguments = std::make_shared<Arguments>();
    command->add_option("--input", arguments->input,
                        "Tab-separated log, plain or gzip, instead of the generator");
    command->add_option("--records", arguments->settings.records, "Records to generate")
        ->check(CLI::Range(1, 1'000'000'000))
        ->capture_default_str();
    command->add_option("--seed", arguments->settings.seed, "Same seed, same records")
        ->capture_default_str();
    command->add_option("--rate", arguments->rate, "Records a second")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    command->footer(
        "The data folder is a temporary one and goes when the demo ends.\n"
        "Examples:\n"
        "  millrace demo\n"
        "  millrace demo --input access.tsv.gz --rate 2000");
    command->callback([arguments, &program, &action] {
        action = [arguments, &program] {
            const Result<void> outcome = Demo(program, *arguments).run();
            return outcome ? 0 : report_failure(outcome.error());
        };
    });
}

}  // namespace millrace::cli
