#include <algorithm>
#include <memory>

#include "base/strings.h"
#include "cli/kafka/leaf_internal.h"
#include "cli/offsets/moment.h"

namespace millrace::cli {

using base::Code;
using base::fail;
using base::JsonValue;
using base::Result;
using client::Cluster;
using client::Direct;
using topic::TopicPartition;

namespace {

struct ListTransactions : Leaf {
    std::vector<std::string> states;
    std::vector<std::int64_t> producer_ids;
    std::string longer_than;
    std::string pattern;
    Direct::TransactionFilter filter;  // Of all these.

    Result<void> prepare(const Program&) {
        filter = {.states = states,
                  .producer_ids = producer_ids,
                  .longer_than_ms = std::nullopt,
                  .id_pattern = pattern};
        if (!longer_than.empty()) {
            MR_TRY(filter.longer_than_ms, parse_duration_ms(longer_than));
        }
        return {};
    }
    Shape shape() const {
        return {.fields = {{"transactional_id", "string", {}},
                           {"coordinator", "int", {}},
                           {"producer_id", "int", {}},
                           {"state", "string", {}}}};
    }
    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        MR_TRY(Direct* const direct, cluster.direct());
        MR_TRY(const auto list, direct->transactions(filter));
        for (const auto& one : list.transactions) {
            JsonValue row;
            row.set("transactional_id", one.id).set("coordinator", one.coordinator);
            row.set("producer_id", one.producer_id).set("state", one.state);
            report.add(std::move(row));
        }
        if (list.unknown_states.empty()) return ExitCode::kDone;
        notice("no transaction can be " + base::join(list.unknown_states, ", "));
        return list.unknown_states.size() < states.size() ? ExitCode::kPartial : ExitCode::kFailed;
    }
};

struct DescribeTransactions : Leaf {
    std::vector<std::string> ids;

    Shape shape() const {
        return {.layout = Layout::kDetails,
                .fields = {{"transactional_id", "string", {}},
                           {"coordinator", "int", {}},
                           {"producer_id", "int", {}},
                           {"producer_epoch", "int", {}},
                           {"state", "string", {}},
                           {"timeout_ms", "int", {}},
                           {"start_ms", "int?", {}},
                           {"partitions", "[string]", {}}}};
    }
    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        MR_TRY(Direct* const direct, cluster.direct());
        Tally tally;
        for (const std::string& id : ids) {
            const auto found = direct->describe_transaction(id);
            tally.add(found);
            if (!found) {
                notice(found.error().message());
                continue;
            }
            JsonValue document;
            document.set("transactional_id", found->id).set("coordinator", found->coordinator);
            document.set("producer_id", found->producer_id);
            document.set("producer_epoch", found->producer_epoch).set("state", found->state);
            document.set("timeout_ms", found->timeout_ms);
            document.set("start_ms", or_null(found->start_ms));
            JsonValue partitions{base::JsonArray()};
            for (const TopicPartition& one : found->partitions) {
                partitions.push(fmt::format("{}/{}", one.topic, one.partition));
            }
            document.set("partitions", std::move(partitions));
            report.add(std::move(document));
        }
        return tally.code();
    }
};

struct Terminate : Leaf {
    std::vector<std::string> ids;
    bool dry_run = false;

    Shape shape() const { return {.fields = outcome_fields("transactional_id")}; }
    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        MR_TRY(Direct* const direct, cluster.direct());
        Tally tally;
        for (const std::string& id : ids) {
            Result<void> outcome;
            if (dry_run) {
                const auto found = direct->describe_transaction(id);
                if (!found) outcome = fail(found.error());
            } else {
                outcome = direct->terminate_transaction(id);
            }
            tally.add(outcome);
            report.add(
                outcome_row("transactional_id", id, outcome, dry_run ? "would be done" : "ok"));
        }
        return tally.code();
    }
};

}  // namespace

void add_txn_command(CLI::App& app, const Program& program, Action& action) {
    CLI::App* const group = app.add_subcommand(
        "txn", "Transactions: list, describe, find those that hang, and end them");
    group->require_subcommand(1);
    group->footer(
        "Examples:\n"
        "  millrace txn list --states ongoing\n"
        "  millrace txn find-hanging\n"
        "  millrace txn abort weblog:0 --start-offset 4711 --dry-run");

    auto [lists, list] = add_leaf<ListTransactions>(
        *group, program, action, "list", "Print transactional ids and their states",
        "Examples:\n"
        "  millrace txn list --states Ongoing,PrepareCommit\n"
        "  millrace txn list --longer-than 5m --pattern 'orders-.*' -o json");
    lists->add_option("-s,--states", list->states, "Only those in these states")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->type_name("STATE");
    lists->add_option("--producer-ids", list->producer_ids, "Only those of these producers")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->type_name("ID");
    lists->add_option("--longer-than", list->longer_than, "Only those that run for longer: 5m")
        ->type_name("DURATION");
    lists
        ->add_option("--pattern", list->pattern,
                     "Only ids that a regular expression (RE2) matches as a whole")
        ->type_name("REGEX");

    auto [describes, describe] = add_leaf<DescribeTransactions>(
        *group, program, action, "describe", "Print the state and partitions of transactional ids",
        "Example:\n  millrace txn describe orders-1 orders-2 -o json");
    describes->add_option("ids", describe->ids, "Transactional ids")
        ->required()
        ->type_name("TRANSACTION");

    add_txn_partitions(*group, program, action);

    auto [terminates, terminate] =
        add_leaf<Terminate>(*group, program, action, "terminate",
                            "End what runs under transactional ids, and fence their producers",
                            "Example:\n  millrace txn terminate orders-1 --dry-run");
    terminates->add_option("ids", terminate->ids, "Transactional ids")
        ->required()
        ->type_name("TRANSACTION");
    add_dry_run(*terminates, terminate->dry_run);
}

}  // namespace millrace::cli
