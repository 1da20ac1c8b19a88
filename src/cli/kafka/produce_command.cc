#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>

#include "cli/interrupt.h"
#include "cli/kafka/input_source.h"
#include "cli/kafka/leaf_internal.h"
#include "cli/output/progress.h"
#include "cli/program.h"
#include "cli/records/escapes.h"
#include "cli/records/record_reader.h"
#include "runtime/clock.h"

namespace millrace::cli {

using base::Code;
using base::fail;
using base::Result;
using client::Producer;

namespace {

struct Arguments {
    KafkaOptions kafka;
    std::string topic;
    std::vector<std::string> files;
    std::string delimiter = "\\n";
    std::string key_delimiter;
    std::optional<std::string> key;
    std::vector<std::string> headers;
    std::string format;
    std::string input;
    std::optional<std::int32_t> partition;
    std::string acks = "all";
    std::string compression = "none";
    std::optional<std::uint64_t> count;
    bool lines = false;
    bool empty_is_null = false;
    bool auto_create = false;
    bool quiet = false;
    bool dry_run = false;
};

const Shape& summary_shape() {
    static const Shape kShape{.layout = Layout::kDetails,
                              .is_list = false,
                              .fields = {{"topic", "string", {}},
                                         {"records", "int", {}},
                                         {"bytes", "int", {}},
                                         {"failed", "int", {}},
                                         {"elapsed_ms", "int", {}},
                                         {"error", "string?", {}}}};
    return kShape;
}

// What became of the records; reported by the producer's thread.
class Deliveries {
public:
    void add(const Producer::Delivery& delivery) {
        if (delivery.offset) return;
        const std::lock_guard lock(mutex_);
        tally_.add(delivery.offset);
        if (!first_error_) first_error_ = delivery.offset.error();
    }
    std::optional<base::Error> first_error() const {
        const std::lock_guard lock(mutex_);
        return first_error_;
    }
    ExitCode code(std::uint64_t delivered) const {
        const std::lock_guard lock(mutex_);
        Tally all = tally_;
        if (delivered > 0) all.add(ExitCode::kDone);
        return all.code();
    }

private:
    mutable std::mutex mutex_;
    Tally tally_;                             // Guarded by mutex_; of what failed.
    std::optional<base::Error> first_error_;  // Guarded by mutex_.
};

class Produce {
public:
    Produce(const Program& program, const Arguments& arguments)
        : program_(program),
          arguments_(arguments),
          terminal_(program.environment),
          progress_(terminal_, program.clock, !arguments.kafka.no_progress) {}

    int run() {
        const auto format = parse_format(arguments_.kafka.format);
        if (!format) return report_usage(format.error());
        Report report(*format, summary_shape());
        if (*format == Format::kHelp) return print(report, ExitCode::kDone);
        const auto prepared = prepare();
        if (!prepared) return report_refusal(prepared.error());
        const auto code = produce();
        progress_.clear();
        if (!code) return report_failure(code.error());
        return summarise(*format, std::move(report), *code);
    }

private:
    Result<void> prepare() {
        options_.delimiter = unescape(arguments_.delimiter);
        options_.key_delimiter = unescape(arguments_.key_delimiter);
        options_.key = arguments_.key;
        options_.empty_is_null = arguments_.empty_is_null;
        if (options_.delimiter.empty()) return fail(Code::kInvalidArgument, "-D is empty");
        for (const std::string& text : arguments_.headers) {
            const auto equals = text.find('=');
            options_.headers.push_back({text.substr(0, equals), std::nullopt});
            if (equals != std::string::npos)
                options_.headers.back().value = text.substr(equals + 1);
        }
        MR_TRY(settings_, settings_of(program_, arguments_.kafka));
        settings_.emplace("acks", arguments_.acks);
        // An idempotent producer must have all acknowledgements.
        if (arguments_.acks != "all" && arguments_.acks != "-1") {
            settings_.emplace("enable.idempotence", "false");
        }
        settings_.emplace("compression.type", arguments_.compression);
        settings_.emplace(
            "message.timeout.ms",
            fmt::format("{}", std::max<std::int64_t>(arguments_.kafka.timeout_ms(), 30'000)));
        // A mistake in the format is told before a file is opened or a server asked.
        if (!arguments_.format.empty()) {
            MR_TRY_VOID(read_formatted({}, arguments_.format, options_));
        }
        for (const std::string& path : arguments_.files) {
            MR_TRY(auto file, file_input(program_.disk, path));
            all_bytes_ += file.size_bytes;
            files_.push_back(std::move(file.source));
        }
        return {};
    }

    Result<std::unique_ptr<RecordReader>> reader_of(ByteSource source, bool is_file) {
        ByteSource counted = [this, source = std::move(source)](
                                 char* into, std::size_t length) -> Result<std::size_t> {
            MR_TRY(const std::size_t count, source(into, length));
            read_bytes_ += count;
            return count;
        };
        if (!arguments_.format.empty()) {
            return read_formatted(std::move(counted), arguments_.format, options_);
        }
        if (arguments_.input == "jsonl") return read_envelopes(std::move(counted), options_);
        // kcat's rule: what stands in a file is one record, unless lines are asked for.
        if (is_file && !arguments_.lines && arguments_.input.empty()) {
            return read_whole(std::move(counted), options_);
        }
        return read_delimited(std::move(counted), options_);
    }

    Result<ExitCode> produce() {
        MR_TRY(const auto cluster,
               program_.kafka.connect(settings_,
                                      std::chrono::milliseconds(arguments_.kafka.timeout_ms())));
        MR_TRY_VOID(check_topic(*cluster));
        if (!arguments_.dry_run) {
            MR_TRY(producer_, program_.kafka.producer(settings_, [this](const auto& delivery) {
                deliveries_.add(delivery);
            }));
        }
        Result<void> outcome = send_all();
        // What was read before a mistake is sent all the same.
        const auto flushed = flush();
        if (outcome && !flushed) outcome = flushed;
        MR_TRY_VOID(outcome);
        return deliveries_.code(delivered());
    }

    Result<void> check_topic(client::Cluster& cluster) const {
        MR_TRY(const auto overview, cluster.overview());
        const auto found = find_topic(overview, arguments_.topic);
        if (!found) {
            if (arguments_.auto_create) return {};
            return fail(found.error());
        }
        if (arguments_.partition &&
            (*found)->partitions.size() <= static_cast<std::size_t>(*arguments_.partition)) {
            return fail(Code::kNotFound, "topic {} has no partition {}", arguments_.topic,
                        *arguments_.partition);
        }
        return {};
    }

    Result<void> send_all() {
        if (files_.empty()) return send_from(standard_input(interrupt_), false);
        for (ByteSource& file : files_) MR_TRY_VOID(send_from(std::move(file), true));
        return {};
    }

    Result<void> send_from(ByteSource source, bool is_file) {
        MR_TRY(const auto reader, reader_of(std::move(source), is_file));
        while (!interrupt_.happened() && (!arguments_.count || records_ < *arguments_.count)) {
            MR_TRY(auto input, reader->next());
            if (!input) break;
            MR_TRY_VOID(send(*input));
            show();
        }
        return {};
    }

    Result<void> send(const InputRecord& input) {
        ++records_;
        const auto& record = input.record;
        bytes_ += (record.key ? record.key->size() : 0) + (record.value ? record.value->size() : 0);
        if (producer_ == nullptr) return {};
        const auto partition = arguments_.partition ? arguments_.partition : input.partition;
        // A record that the client itself refuses is one that failed, not the end of all.
        const auto sent = producer_->send(arguments_.topic, partition, record);
        if (sent) return {};
        ++refused_;
        deliveries_.add({.offset = fail(sent.error()), .topic = arguments_.topic});
        return {};
    }

    Result<void> flush() {
        if (producer_ == nullptr) return {};
        constexpr auto kStep = std::chrono::milliseconds(200);
        while (true) {
            const auto outcome = producer_->flush(kStep);
            // Each record has its own time limit, so that this ends.
            if (outcome || outcome.error().code() != Code::kTimeout) return outcome;
            show();
        }
    }

    void show() {
        const double share =
            all_bytes_ > 0 ? static_cast<double>(read_bytes_) / static_cast<double>(all_bytes_)
                           : -1;
        progress_.update(share, delivered());
    }

    std::uint64_t delivered() const {
        return producer_ == nullptr ? records_ : producer_->stats().delivered;
    }

    int summarise(Format format, Report report, ExitCode code) {
        const auto error = deliveries_.first_error();
        const std::uint64_t done = delivered();
        const std::uint64_t failed = records_ - std::min(done, records_);
        if (error) {
            notice(fmt::format("{} of {} records failed: {}", failed, records_, error->message()));
        }
        if (format == Format::kText) {
            if (!arguments_.quiet && !error) {
                notice(fmt::format("{}{} records, {} bytes to {} in {:.2f} s",
                                   arguments_.dry_run ? "dry run, nothing sent: " : "",
                                   with_commas(done), with_commas(bytes_), arguments_.topic,
                                   static_cast<double>(progress_.elapsed_ns()) / 1e9));
            }
            return to_int(code);
        }
        base::JsonValue document;
        document.set("topic", arguments_.topic).set("records", done).set("bytes", bytes_);
        document.set("failed", failed).set("elapsed_ms", progress_.elapsed_ns() / 1'000'000);
        document.set("error", error ? base::JsonValue(error->message()) : base::JsonValue());
        report.add(std::move(document));
        return print(report, code);
    }

    const Program& program_;
    const Arguments& arguments_;
    Terminal terminal_;
    Progress progress_;
    Interrupt interrupt_;
    InputOptions options_;
    client::Settings settings_;
    std::vector<ByteSource> files_;
    std::uint64_t all_bytes_ = 0;   // Of the files.
    std::uint64_t read_bytes_ = 0;  // Of the input.
    std::uint64_t records_ = 0;     // Read.
    std::uint64_t bytes_ = 0;       // Of their keys and values.
    std::uint64_t refused_ = 0;
    Deliveries deliveries_;
    std::unique_ptr<Producer> producer_;  // Last: its thread uses what stands above.
};

}  // namespace

void add_produce_command(CLI::App& app, const Program& program, Action& action) {
    CLI::App* const command =
        app.add_subcommand("produce", "Send records to a topic, from standard input or files");
    const auto arguments = std::make_shared<Arguments>();
    add_topic(*command, arguments->topic);
    command
        ->add_option("files", arguments->files,
                     "Files, each one record (with -l: one a line); else standard input")
        ->type_name("FILE");
    command->add_option("-D", arguments->delimiter, "What stands behind each record")
        ->capture_default_str();
    command->add_option("-K", arguments->key_delimiter, "What parts key and value");
    command->add_option("-k,--key", arguments->key, "The key of records without one of their own");
    command
        ->add_option("-H,--header", arguments->headers,
                     "A header of every record; without = its value is null")
        ->allow_extra_args(false)
        ->type_name("NAME=VALUE");
    command->add_flag("-l,--lines", arguments->lines, "A file holds one record a line");
    command->add_flag("-Z", arguments->empty_is_null, "Empty keys and values are null");
    CLI::Option* const format = command->add_option(
        "-f,--format", arguments->format, "Read by a format: '%k\\t%s\\n'; also %p %T %h");
    command
        ->add_option("--input", arguments->input,
                     "lines, or jsonl: the envelopes that consume -J prints")
        ->check(CLI::IsMember({"lines", "jsonl"}))
        ->excludes(format)
        ->type_name("lines|jsonl");
    command
        ->add_option("-p,--partition", arguments->partition,
                     "The partition (else by the key, as Java's clients choose)")
        ->check(CLI::NonNegativeNumber);
    command->add_option("-c,-n,--num", arguments->count, "End after so many records");
    command->add_option("--acks", arguments->acks, "all, 1 or 0: whose word is waited for")
        ->check(CLI::IsMember({"all", "-1", "1", "0"}))
        ->capture_default_str()
        ->type_name("all|1|0");
    command->add_option("-z,--compression", arguments->compression, "Of batches")
        ->check(CLI::IsMember({"none", "gzip", "snappy", "lz4", "zstd"}))
        ->capture_default_str()
        ->type_name("none|gzip|snappy|lz4|zstd");
    command->add_flag("--allow-auto-topic-creation", arguments->auto_create,
                      "Let the server make a topic that does not exist");
    command->add_flag("-q,--quiet", arguments->quiet, "No summary");
    add_dry_run(*command, arguments->dry_run);
    add_kafka_options(*command, arguments->kafka, ShortO::kOffset);
    command->footer(
        "Examples:\n"
        "  echo 'key:value' | millrace produce weblog -K :\n"
        "  millrace produce weblog -l access.log -z zstd\n"
        "  millrace consume a -e -J | millrace produce b --input jsonl\n"
        "  millrace produce users -K : -Z <<< 'key:'            a tombstone");
    command->callback([arguments, &program, &action] {
        action = [arguments, &program] { return Produce(program, *arguments).run(); };
    });
}

}  // namespace millrace::cli
