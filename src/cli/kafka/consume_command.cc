#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/json.h"
#include "cli/interrupt.h"
#include "cli/kafka/consume_plan.h"
#include "cli/kafka/leaf_internal.h"
#include "cli/offsets/seek.h"
#include "cli/output/progress.h"
#include "cli/output/standard_output.h"
#include "cli/output/yaml.h"
#include "cli/program.h"
#include "cli/records/consumption.h"
#include "cli/records/escapes.h"
#include "cli/records/record_format.h"
#include "runtime/clock.h"

namespace millrace::cli {

using base::Code;
using base::fail;
using base::Result;
using client::Consumer;

namespace {

struct Arguments {
    KafkaOptions kafka;
    std::vector<std::string> topics;
    std::vector<std::string> offsets;
    std::string partitions;
    std::string group;
    std::string format;
    std::string delimiter = "\\n";
    std::string key_delimiter;
    std::vector<std::string> unpackers;
    std::string isolation = "read_committed";
    std::optional<std::uint64_t> count;
    bool print_offset = false;
    bool envelope = false;
    bool print_null = false;
    bool exit_at_end = false;
};

const Shape& envelope_shape() {
    static const Shape kShape{.fields = {{"topic", "string", {}},
                                         {"partition", "int", {}},
                                         {"offset", "int", {}},
                                         {"tstype", "create|logappend", {}},
                                         {"ts", "int", {}},
                                         {"broker", "int", {}},
                                         {"headers", "[string?] (if any)", {}},
                                         {"headers_base64", "[string?] (if not UTF-8)", {}},
                                         {"key", "string?", {}},
                                         {"key_base64", "string (if not UTF-8)", {}},
                                         {"payload", "string?", {}},
                                         {"payload_base64", "string (if not UTF-8)", {}}}};
    return kShape;
}

// Records as text, or as envelopes in the format that was asked for.
class Printer {
public:
    static Result<Printer> make(const Arguments& arguments) {
        Printer printer;
        MR_TRY(printer.format_,
               parse_format(arguments.envelope ? "jsonl" : arguments.kafka.format));
        RecordFormat::Options& options = printer.options_;
        if (arguments.print_null) options.null_text = "NULL";
        for (const std::string& text : arguments.unpackers) {
            const bool is_key = text.starts_with("key=");
            const bool is_value = text.starts_with("value=");
            const auto equals = is_key || is_value ? text.find('=') + 1 : 0;
            MR_TRY(const Unpacker unpacker, Unpacker::parse(std::string_view(text).substr(equals)));
            if (!is_value) options.key = unpacker;
            if (!is_key) options.value = unpacker;
        }
        MR_TRY(printer.text_, RecordFormat::parse(text_format(arguments), options));
        return printer;
    }

    Format format() const { return format_; }
    std::string begin() const { return format_ == Format::kJson ? "[" : ""; }
    std::string end() {
        if (format_ == Format::kJson) return any_ ? "\n]\n" : "]\n";
        return format_ == Format::kYaml && !any_ ? "[]\n" : "";
    }
    Result<void> append(const Consumer::Record& record, std::string& out) {
        if (format_ == Format::kText) return text_->append(record, out);
        MR_TRY(const std::string envelope, to_envelope(record, options_));
        if (format_ == Format::kJsonLines) {
            out += envelope + "\n";
        } else if (format_ == Format::kJson) {
            out += any_ ? ",\n  " : "\n  ";
            out += envelope;
        } else {
            MR_TRY(base::JsonValue value, base::parse_json(envelope));
            base::JsonValue list;
            list.push(std::move(value));
            out += to_yaml(list);
        }
        any_ = true;
        return {};
    }

private:
    // What -O, -K and -D say, unless -f says it all. Percent signs in them are text.
    static std::string text_format(const Arguments& arguments) {
        if (!arguments.format.empty()) return arguments.format;
        const auto literal = [](const std::string& text) {
            std::string out;
            for (const char c : text) out += c == '%' ? "%%" : std::string(1, c);
            return out;
        };
        std::string format;
        if (arguments.print_offset) {
            format +=
                "%o" + literal(arguments.key_delimiter.empty() ? ":" : arguments.key_delimiter);
        }
        if (!arguments.key_delimiter.empty()) format += "%k" + literal(arguments.key_delimiter);
        return format + "%s" + literal(arguments.delimiter);
    }

    Format format_ = Format::kText;
    std::optional<RecordFormat> text_;
    RecordFormat::Options options_;
    bool any_ = false;
};

class Consume {
public:
    Consume(const Program& program, const Arguments& arguments)
        : program_(program), arguments_(arguments), terminal_(program.environment) {}

    int run() {
        const auto prepared = prepare();
        if (!prepared) return report_refusal(prepared.error());
        if (printer_->format() == Format::kHelp) {
            return print(Report(Format::kHelp, envelope_shape()), ExitCode::kDone);
        }
        const auto connected = connect();
        if (!connected) return report_refusal(connected.error());
        const auto outcome = arguments_.group.empty() ? read_partitions() : read_as_member();
        return outcome ? to_int(ExitCode::kDone) : report_failure(outcome.error());
    }

private:
    Result<void> prepare() {
        MR_TRY(printer_, Printer::make(arguments_));
        for (const std::string& text : arguments_.offsets) {
            MR_TRY(const Range part, parse_range(text, program_.clock.wall_ms()));
            MR_TRY(range_, merge(range_, part));
        }
        if (!arguments_.partitions.empty()) {
            MR_TRY(partitions_, parse_partitions(arguments_.partitions));
        }
        if (arguments_.group.empty()) return {};
        const bool is_edge = !range_.from || range_.from->kind == Edge::Kind::kStart ||
                             range_.from->kind == Edge::Kind::kEnd;
        if (!is_edge || range_.to || !partitions_.empty()) {
            return fail(Code::kInvalidArgument,
                        "a member of a group reads on where the group stopped: only -o start and "
                        "-o end can be told, for partitions without an offset");
        }
        return {};
    }

    Result<void> connect() {
        MR_TRY(settings_, settings_of(program_, arguments_.kafka));
        settings_.emplace("isolation.level", arguments_.isolation);
        MR_TRY(cluster_, program_.kafka.connect(
                             settings_, std::chrono::milliseconds(arguments_.kafka.timeout_ms())));
        return {};
    }

    Result<void> read_partitions() {
        MR_TRY(auto spans, plan_consumption(*cluster_, arguments_.topics, partitions_, range_));
        MR_TRY(const auto consumer, program_.kafka.consumer(settings_));
        std::vector<Consumer::Position> positions;
        for (const auto& [partition, span] : spans) {
            // What lies beyond the end is waited for at the end.
            positions.push_back({partition, std::min(span.from, span.end)});
        }
        consumption_.emplace(std::move(spans), arguments_.exit_at_end, arguments_.count);
        if (consumption_->is_done()) return write(printer_->begin() + printer_->end());
        MR_TRY_VOID(consumer->assign(positions));
        return read(*consumer, positions);
    }

    Result<void> read_as_member() {
        MR_TRY(const auto overview, cluster_->overview());
        for (const std::string& topic : arguments_.topics) {
            MR_TRY_VOID(find_topic(overview, topic));
        }
        settings_["group.id"] = arguments_.group;
        const bool from_end = range_.from && range_.from->kind == Edge::Kind::kEnd;
        settings_["auto.offset.reset"] = from_end ? "latest" : "earliest";
        MR_TRY(const auto consumer, program_.kafka.consumer(settings_));
        consumption_.emplace(std::map<topic::TopicPartition, Consumption::Span>(),
                             arguments_.exit_at_end, arguments_.count);
        MR_TRY_VOID(consumer->subscribe(arguments_.topics));
        return read(*consumer, {});
    }

    Result<void> read(Consumer& consumer, const std::vector<Consumer::Position>& positions) {
        constexpr auto kWait = std::chrono::milliseconds(100);
        constexpr std::size_t kBatch = 1000;
        const bool is_member = !arguments_.group.empty();
        Interrupt interrupt;
        Progress progress(terminal_, program_.clock,
                          !arguments_.kafka.no_progress && !StandardOutput::is_terminal());
        MR_TRY_VOID(write(printer_->begin()));
        std::int64_t committed_ns = program_.clock.monotonic_ns();
        std::int64_t heard_ns = committed_ns;
        while (is_open_ && !interrupt.happened() && !consumption_->is_done()) {
            MR_TRY(const auto records, consumer.poll(kWait, consumption_->room(kBatch)));
            MR_TRY_VOID(write_records(records));
            if (!is_open_) break;
            if (!consumer.is_cut_off()) heard_ns = program_.clock.monotonic_ns();
            MR_TRY_VOID(check_reached(program_.clock.monotonic_ns() - heard_ns));
            for (const Consumer::Position& position : positions) {
                const auto end = consumer.ended_at(position.partition);
                if (end) consumption_->note_end(position.partition, *end);
            }
            progress.update(consumption_->share(), consumption_->taken());
            constexpr std::int64_t kCommitNs = 5'000'000'000;
            if (is_member && program_.clock.monotonic_ns() - committed_ns > kCommitNs) {
                MR_TRY_VOID(consumer.commit());
                committed_ns = program_.clock.monotonic_ns();
            }
            if (is_member && arguments_.exit_at_end && consumer.at_end()) break;
        }
        // Only what somebody was given is read; a closed reader got none of the last batch.
        if (is_member && is_open_) MR_TRY_VOID(consumer.commit());
        return write(printer_->end());
    }

    // Who waits for an end would wait for ever; who reads on and on may wait for a server too.
    Result<void> check_reached(std::int64_t silent_ns) const {
        const bool has_end = arguments_.exit_at_end || range_.to || arguments_.count;
        if (!has_end || silent_ns < arguments_.kafka.timeout_ms() * 1'000'000) return {};
        return fail(Code::kUnavailable, "no Kafka server answers at {} any more",
                    settings_.at("bootstrap.servers"));
    }

    Result<void> write_records(const std::vector<Consumer::Record>& records) {
        std::string out;
        Result<void> outcome;
        for (const Consumer::Record& record : records) {
            if (!consumption_->take(record.partition, record.offset)) continue;
            outcome = printer_->append(record, out);
            if (!outcome) break;
        }
        MR_TRY_VOID(write(out));
        return outcome;
    }

    Result<void> write(std::string_view bytes) {
        if (bytes.empty() || !is_open_) return {};
        MR_TRY(const auto state, output_.write(bytes));
        is_open_ = state == StandardOutput::State::kOpen;
        return {};
    }

    const Program& program_;
    const Arguments& arguments_;
    Terminal terminal_;
    StandardOutput output_;
    bool is_open_ = true;
    std::optional<Printer> printer_;
    Range range_;
    std::vector<std::int32_t> partitions_;
    client::Settings settings_;
    std::unique_ptr<client::Cluster> cluster_;
    std::optional<Consumption> consumption_;
};

}  // namespace

void add_consume_command(CLI::App& app, const Program& program, Action& action) {
    CLI::App* const command = app.add_subcommand("consume", "Print the records of topics");
    const auto arguments = std::make_shared<Arguments>();
    add_topics(*command, arguments->topics);
    command
        ->add_option("-o,--offset", arguments->offsets,
                     "Where to start and stop: start, end, 47, -10 (the last 10), 10:20, :end, "
                     "@MOMENT, @-15m, @-2h:1h, s@MS, e@MS (start)")
        ->allow_extra_args(false)
        ->type_name("RANGE");
    command->add_option("-p,--partitions", arguments->partitions,
                        "Only these: 0,3 or 0-3 (else all)");
    command->add_option("-c,-n,--num", arguments->count, "End after so many records");
    command->add_flag("-e,--exit-at-end", arguments->exit_at_end,
                      "End when every partition was read to its end");
    command
        ->add_option("-G,--group", arguments->group,
                     "Read as a member of this group, and commit what was printed")
        ->type_name("GROUP");
    command->add_option("-f,--format", arguments->format,
                        "Each record by kcat's format: %t %p %o %T %k %K %s %S %R %h %%, and \\n "
                        "\\t \\xHH; no line end is added");
    command->add_option("-D", arguments->delimiter, "Printed behind each record")
        ->capture_default_str();
    command->add_option("-K", arguments->key_delimiter,
                        "Print the key too, with this between key and value");
    command->add_flag("-O", arguments->print_offset, "Print the offset first");
    command->add_flag("-Z", arguments->print_null, "Print NULL for null keys and values");
    command
        ->add_option("-s", arguments->unpackers,
                     "Unpack binary keys and values: -s key=q -s value='>iH$', hex, base64")
        ->allow_extra_args(false)
        ->type_name("[key=|value=]FORMAT");
    command->add_flag("-J,--json", arguments->envelope,
                      "kcat's JSON envelope, one a line: --output jsonl");
    command
        ->add_option("--isolation", arguments->isolation,
                     "read_committed, or read_uncommitted: open and aborted transactions too")
        ->check(CLI::IsMember({"read_committed", "read_uncommitted"}))
        ->capture_default_str()
        ->type_name("read_committed|read_uncommitted");
    add_kafka_options(*command, arguments->kafka, ShortO::kOffset);
    command->footer(
        "Examples:\n"
        "  millrace consume weblog -o -10 -e                     the last 10 of each partition\n"
        "  millrace consume weblog -o @-15m:end -f '%T %k %s\\n'\n"
        "  millrace consume weblog -G readers -c 100 -J");
    command->callback([arguments, &program, &action] {
        action = [arguments, &program] { return Consume(program, *arguments).run(); };
    });
}

}  // namespace millrace::cli
