#include <algorithm>
#include <memory>

#include "base/strings.h"
#include "cli/kafka/group_types_internal.h"
#include "cli/kafka/leaf_internal.h"
#include "cli/offsets/seek.h"

namespace millrace::cli {

using base::Code;
using base::fail;
using base::JsonValue;
using base::Result;
using client::Cluster;
using client::Direct;
using topic::TopicPartition;

namespace {

struct ListGroups : Leaf {
    std::vector<std::string> states;
    std::vector<std::string> types;

    Shape shape() const {
        return {
            .fields = {{"group", "string", {}}, {"type", "string?", {}}, {"state", "string", {}}}};
    }
    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        MR_TRY(const auto groups, list_groups(cluster));
        const auto is_wanted = [](const std::vector<std::string>& wanted, const std::string& one) {
            return wanted.empty() || std::ranges::any_of(wanted, [&](const std::string& word) {
                       return base::equals_ignore_case(word, one);
                   });
        };
        for (const Direct::GroupListing& group : groups) {
            if (!is_wanted(states, group.state) || !is_wanted(types, group.type)) continue;
            JsonValue row;
            row.set("group", group.name);
            row.set("type", group.type.empty() ? JsonValue() : JsonValue(group.type));
            row.set("state", group.state);
            report.add(std::move(row));
        }
        return ExitCode::kDone;
    }
};

struct DeleteGroups : Leaf {
    std::vector<std::string> groups;
    bool dry_run = false;

    Shape shape() const { return {.fields = outcome_fields("group")}; }
    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        Cluster::Outcomes outcomes;
        if (dry_run) {
            MR_TRY(outcomes, what_would_happen(cluster));
        } else {
            MR_TRY(outcomes, cluster.delete_groups(groups));
        }
        Tally tally;
        for (std::size_t i = 0; i < groups.size(); ++i) {
            tally.add(outcomes[i]);
            report.add(
                outcome_row("group", groups[i], outcomes[i], dry_run ? "would be done" : "ok"));
        }
        return tally.code();
    }

private:
    Result<Cluster::Outcomes> what_would_happen(Cluster& cluster) const {
        MR_TRY(const auto listed, list_groups(cluster));
        Cluster::Outcomes outcomes;
        for (const std::string& name : groups) {
            const auto found = std::ranges::find(listed, name, &Direct::GroupListing::name);
            Result<void> outcome;
            if (found == listed.end()) {
                outcome = fail(Code::kNotFound, "there is no group {}", name);
            } else if (found->state != "Empty" && found->state != "Dead") {
                outcome =
                    fail(Code::kConflict, "group {} has members: it is {}", name, found->state);
            }
            outcomes.push_back(std::move(outcome));
        }
        return outcomes;
    }
};

struct DeleteOffsets : Leaf {
    std::string group;
    std::vector<std::string> topics;
    bool dry_run = false;
    std::vector<ChosenPartitions> wanted;  // Of `topics`.

    Result<void> prepare(const Program&) {
        for (const std::string& text : topics) {
            MR_TRY(auto chosen, parse_chosen_partitions(text));
            wanted.push_back(std::move(chosen));
        }
        return {};
    }
    Shape shape() const {
        return {.fields = {{"topic", "string", {}},
                           {"partition", "int", {}},
                           {"prior_offset", "int?", {}},
                           {"status", "string", {}},
                           {"error", "string?", {}}}};
    }
    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        MR_TRY(const std::string type, type_of_group(cluster, group));
        MR_TRY(const auto committed, offsets_of_group(cluster, group, type));
        std::vector<TopicPartition> doomed;
        for (const auto& [topic, partitions] : wanted) {
            for (const std::int32_t partition : partitions) doomed.push_back({topic, partition});
            if (!partitions.empty()) continue;
            for (const auto& [partition, offset] : committed) {
                if (partition.topic == topic) doomed.push_back(partition);
            }
        }
        if (doomed.empty()) {
            return fail(Code::kNotFound, "group {} has no offsets of {}", group,
                        base::join(topics, ", "));
        }
        Cluster::Offsets outcomes;
        if (type == "share") {
            MR_TRY(outcomes, forget_share_topics(cluster, doomed));
        } else if (!dry_run) {
            MR_TRY(outcomes, cluster.delete_offsets(group, doomed));
        }
        Tally tally;
        for (const TopicPartition& partition : doomed) {
            const auto prior = committed.find(partition);
            const auto answer = outcomes.find(partition);
            const bool refused = answer != outcomes.end() && !answer->second;
            tally.add(refused ? exit_code_of(answer->second.error()) : ExitCode::kDone);
            JsonValue row;
            row.set("topic", partition.topic).set("partition", partition.partition);
            row.set("prior_offset", prior != committed.end() && prior->second
                                        ? JsonValue(*prior->second)
                                        : JsonValue());
            row.set("status", refused ? "failed" : dry_run ? "would be done" : "ok");
            row.set("error", refused ? JsonValue(answer->second.error().message()) : JsonValue());
            report.add(std::move(row));
        }
        return tally.code();
    }

private:
    // A share group forgets whole topics.
    Result<Cluster::Offsets> forget_share_topics(Cluster& cluster,
                                                 const std::vector<TopicPartition>& doomed) const {
        std::vector<std::string> names;
        for (const ChosenPartitions& one : wanted) {
            if (!one.partitions.empty()) {
                return fail(Code::kInvalidArgument,
                            "a share group forgets whole topics: name {} without partitions",
                            one.topic);
            }
            names.push_back(one.topic);
        }
        Cluster::Offsets outcomes;
        if (dry_run) return outcomes;
        MR_TRY(Direct* const direct, cluster.direct());
        MR_TRY(const auto answers, direct->forget_share_topics(group, names));
        for (const TopicPartition& partition : doomed) {
            const auto answer = answers.find(partition.topic);
            if (answer != answers.end() && !answer->second) {
                outcomes.emplace(partition, fail(answer->second.error()));
            }
        }
        return outcomes;
    }
};

}  // namespace

void add_group_command(CLI::App& app, const Program& program, Action& action) {
    CLI::App* const group =
        app.add_subcommand("group", "Groups of every type: list, describe with lag, seek, delete");
    group->require_subcommand(1);
    group->footer(
        "Examples:\n"
        "  millrace group describe readers\n"
        "  millrace group seek readers --to start --topics weblog --dry-run");

    auto [lists, list] = add_leaf<ListGroups>(*group, program, action, "list", "Print all groups",
                                              "Examples:\n"
                                              "  millrace group list\n"
                                              "  millrace group list --states empty -o json\n"
                                              "  millrace group list --types share");
    lists->add_option("-s,--states", list->states, "Only groups in these states")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->type_name("STATE");

    lists->add_option("--types", list->types, "Only groups of these types")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->type_name("classic|consumer|share|streams");
    add_group_describe(*group, program, action);
    add_group_seek(*group, program, action);

    auto [deletes, remove] =
        add_leaf<DeleteGroups>(*group, program, action, "delete", "Delete groups without members",
                               "Example:\n  millrace group delete readers --dry-run");
    add_groups(*deletes, remove->groups);
    add_dry_run(*deletes, remove->dry_run);

    auto [forgets, forget] = add_leaf<DeleteOffsets>(
        *group, program, action, "offset-delete", "Delete offsets that a group has committed",
        "Examples:\n"
        "  millrace group offset-delete readers --topics weblog\n"
        "  millrace group offset-delete readers --topics weblog:0-3 --dry-run");
    add_group(*forgets, forget->group);
    forgets->add_option("-t,--topics", forget->topics, "Topics, or some partitions of them")
        ->required()
        ->allow_extra_args(false)
        ->type_name("TOPIC[:PARTITIONS]");
    add_dry_run(*forgets, forget->dry_run);
}

}  // namespace millrace::cli
