#include "cli/help_pages.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "base/strings.h"

namespace millrace::cli {
namespace {

constexpr std::string_view kHead = R"(# The command line

Written by the program itself (`millrace __docs`); a test keeps it so.

- Data goes to standard output; notices and progress go to standard error, progress on a terminal
  only and after a second. `NO_COLOR` and `CI` are obeyed.
- Exit codes: 0 done, 1 failed, 2 wrong usage, 3 some of several items failed (the output says
  which), 4 not found, 5 denied, 6 nobody answers, or not in time. A reader that goes away
  (`| head -1`) ends a command quietly, with 0.
- `-o text|json|yaml|jsonl` chooses the output of every command that reports; `-o help` prints the
  shape of its JSON and asks no server. In `consume`, `produce` and `topic trim-prefix`, whose `-o`
  is an offset as in kcat and rpk, it is `--output`.
- Every command that changes a cluster has `--dry-run`.
- `-X name=value` gives the Kafka client any setting by librdkafka's name; `-F FILE` reads them from
  a file, which keeps passwords out of the list of processes. Settings count in this order, later
  ones win: file, `MILLRACE_BROKERS`, `-X`, `--brokers`. Values of secret settings are never
  printed.

Transactions, log folders, quotas, features, the quorum, and groups of the newer protocols (consumer
groups of KIP-848, share groups) are asked over connections of their own, which speak plaintext
only: where a listener wants TLS or SASL these commands say so and end with 1. `group` then shows
offsets and lag as before, without types and without members of the newer groups.
)";

// `parent` is empty for the program itself.
void add_page(const CLI::App& app, const std::string& parent, std::string& out) {
    const std::string name(base::trim(parent + " " + app.get_name()));
    out += fmt::format("\n## {}\n```\n{}\n```\n", name, base::trim(app.help(parent)));
    for (const CLI::App* command :
         app.get_subcommands([](const CLI::App* any) { return !any->get_name().empty(); })) {
        add_page(*command, name, out);
    }
}

}  // namespace

std::string help_pages(const CLI::App& app) {
    std::string out(kHead);
    add_page(app, "", out);
    return out;
}

}  // namespace millrace::cli
