// The frame of every command that asks a cluster and reports: settings, connection, output, code.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/kafka/options.h"
#include "cli/output/exit_code.h"
#include "cli/output/report.h"
#include "client/cluster.h"

namespace millrace::cli {

struct Program;

using Work = std::function<base::Result<ExitCode>(client::Cluster&, Report&)>;

// Connects, lets `work` fill the report, prints it, and returns the exit code. `-o help` prints the
// shape and connects to nobody.
int run_report(const Program& program, const KafkaOptions& options, const Shape& shape,
               const Work& work);

// Print what the report holds; the code, or 1 when it cannot be printed.
int print(const Report& report, ExitCode code);
// "millrace: <message>" on standard error, and 2.
int report_usage(const base::Error& error);
// The same for an error from before a server was asked: 2 when what was typed is wrong, else what
// the error says.
int report_refusal(const base::Error& error);
// Words on standard error.
void notice(std::string_view words);

// {name: ..., "status": "ok" or what else is told, "error": null or the words}.
base::JsonValue outcome_row(std::string_view key, std::string_view name,
                            const base::Result<void>& outcome, std::string_view done = "ok");
std::vector<Field> outcome_fields(std::string_view key);

base::Result<const client::Cluster::Topic*> find_topic(const client::Cluster::Overview& overview,
                                                       const std::string& name);

}  // namespace millrace::cli
