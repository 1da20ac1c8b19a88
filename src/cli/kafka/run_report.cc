#include "cli/kafka/run_report.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "cli/output/standard_output.h"
#include "cli/program.h"

namespace millrace::cli {

using base::Code;
using base::fail;
using base::Result;

int report_usage(const base::Error& error) {
    fmt::print(stderr, "millrace: {}\n", error.message());
    return to_int(ExitCode::kUsage);
}

int report_refusal(const base::Error& error) {
    return error.code() == Code::kInvalidArgument ? report_usage(error) : report_failure(error);
}

void notice(std::string_view words) {
    fmt::print(stderr, "millrace: {}\n", words);
}

int print(const Report& report, ExitCode code) {
    StandardOutput output;
    const auto state = output.write(report.render());
    return state ? to_int(code) : report_failure(state.error());
}

int run_report(const Program& program, const KafkaOptions& options, const Shape& shape,
               const Work& work) {
    const auto format = parse_format(options.format);
    if (!format) return report_usage(format.error());
    Report report(*format, shape);
    if (*format == Format::kHelp) return print(report, ExitCode::kDone);
    const auto settings = settings_of(program, options);
    if (!settings) return report_refusal(settings.error());
    const auto cluster =
        program.kafka.connect(*settings, std::chrono::milliseconds(options.timeout_ms()));
    if (!cluster) return report_refusal(cluster.error());
    const auto code = work(**cluster, report);
    if (!code) return report_failure(code.error());
    return print(report, *code);
}

std::vector<Field> outcome_fields(std::string_view key) {
    return {{std::string(key), "string", {}}, {"status", "string", {}}, {"error", "string?", {}}};
}

base::JsonValue outcome_row(std::string_view key, std::string_view name,
                            const Result<void>& outcome, std::string_view done) {
    base::JsonValue row;
    row.set(std::string(key), name);
    row.set("status", outcome ? done : "failed");
    row.set("error", outcome ? base::JsonValue() : base::JsonValue(outcome.error().message()));
    return row;
}

Result<const client::Cluster::Topic*> find_topic(const client::Cluster::Overview& overview,
                                                 const std::string& name) {
    const auto found = overview.topics.find(name);
    if (found != overview.topics.end()) return &found->second;
    std::vector<std::string> names;
    for (const auto& [other, topic] : overview.topics) names.push_back(other);
    const auto meant = base::did_you_mean(name, names, 1);
    if (meant.empty()) return fail(Code::kNotFound, "there is no topic {}", name);
    return fail(Code::kNotFound, "there is no topic {}; did you mean {}?", name, meant.front());
}

}  // namespace millrace::cli
