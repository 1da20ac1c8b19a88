#include <algorithm>
#include <memory>

#include "base/strings.h"
#include "cli/kafka/leaf_internal.h"
#include "cli/offsets/seek.h"

namespace millrace::cli {

using base::Code;
using base::fail;
using base::JsonValue;
using base::Result;
using client::Cluster;
using topic::TopicPartition;

namespace {

struct ListGroups : Leaf {
    std::vector<std::string> states;

    Shape shape() const { return {.fields = {{"group", "string", {}}, {"state", "string", {}}}}; }
    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        MR_TRY(const auto groups, cluster.groups());
        for (const Cluster::GroupListing& group : groups) {
            if (!states.empty() && std::ranges::none_of(states, [&](const std::string& state) {
                    return base::equals_ignore_case(state, group.state);
                })) {
                continue;
            }
            JsonValue row;
            row.set("group", group.name).set("state", group.state);
            report.add(std::move(row));
        }
        return ExitCode::kDone;
    }
};

struct DescribeGroups : Leaf {
    std::vector<std::string> groups;

    Shape shape() const {
        return {.layout = Layout::kDetails,
                .fields = {{"group", "string", {}},
                           {"coordinator", "int", {}},
                           {"state", "string", {}},
                           {"balancer", "string", {}},
                           {"member_count", "int?", {}},
                           {"total_lag", "int", {}},
                           {"partitions",
                            "",
                            {{"topic", "string", {}},
                             {"partition", "int", {}},
                             {"current_offset", "int?", {}},
                             {"log_start_offset", "int?", {}},
                             {"log_end_offset", "int?", {}},
                             {"lag", "int?", {}},
                             {"member_id", "string?", {}},
                             {"instance_id", "string?", {}},
                             {"client_id", "string?", {}},
                             {"host", "string?", {}},
                             {"error", "string?", {}}}},
                           {"members",
                            "",
                            {{"member_id", "string", {}},
                             {"instance_id", "string?", {}},
                             {"client_id", "string", {}},
                             {"host", "string", {}},
                             {"partitions", "[string]", {}}}}}};
    }

    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        MR_TRY(const auto overview, cluster.overview());
        MR_TRY(const auto listed, cluster.groups());
        MR_TRY(const auto described, cluster.describe_groups(groups));
        Tally tally;
        for (std::size_t i = 0; i < groups.size(); ++i) {
            const auto document = described[i] ? describe(cluster, overview, listed, *described[i])
                                               : Result<JsonValue>(fail(described[i].error()));
            tally.add(document);
            if (document) {
                report.add(*document);
            } else {
                notice(document.error().message());
            }
        }
        return tally.code();
    }

private:
    static JsonValue or_null(const std::string& text) {
        return text.empty() ? JsonValue() : JsonValue(text);
    }

    static Result<JsonValue> describe(Cluster& cluster, const Cluster::Overview& overview,
                                      const std::vector<Cluster::GroupListing>& listed,
                                      Cluster::Group group) {
        bool members_known = true;
        if (group.state == "Dead" || group.state == "Unknown") {
            const auto found = std::ranges::find(listed, group.name, &Cluster::GroupListing::name);
            if (found == listed.end()) {
                return fail(Code::kNotFound, "there is no group {}", group.name);
            }
            // A group of the newer protocol: its offsets can be had, its members cannot.
            group.state = found->state;
            members_known = group.state == "Empty";
            if (!members_known) {
                notice(fmt::format("group {} is of a kind whose members this client cannot ask for",
                                   group.name));
            }
        }
        MR_TRY(const auto committed, cluster.committed(group.name));
        std::map<TopicPartition, const Cluster::Member*> owners;
        for (const Cluster::Member& member : group.members) {
            for (const TopicPartition& partition : member.assigned) owners[partition] = &member;
        }
        JsonValue document;
        document.set("group", group.name).set("coordinator", group.coordinator);
        document.set("state", group.state).set("balancer", group.assignor);
        document.set("member_count", members_known ? JsonValue(group.members.size()) : JsonValue());
        document.set("total_lag", 0);
        MR_TRY(JsonValue partitions, partitions_of(cluster, overview, committed, owners));
        std::int64_t total_lag = 0;
        for (const JsonValue& row : partitions.items()) {
            total_lag += row.get_int("lag").value_or(0);
        }
        document.set("total_lag", total_lag);
        document.set("partitions", std::move(partitions));
        JsonValue members{base::JsonArray()};
        for (const Cluster::Member& member : group.members) {
            JsonValue row;
            row.set("member_id", member.id).set("instance_id", or_null(member.instance_id));
            row.set("client_id", member.client_id).set("host", member.host);
            JsonValue list{base::JsonArray()};
            for (const auto& partition : member.assigned) {
                list.push(fmt::format("{}/{}", partition.topic, partition.partition));
            }
            row.set("partitions", std::move(list));
            members.push(std::move(row));
        }
        document.set("members", std::move(members));
        return document;
    }

    // Every partition that has an offset committed or a member: union of both.
    static Result<JsonValue> partitions_of(
        Cluster& cluster, const Cluster::Overview& overview, const Cluster::Offsets& committed,
        const std::map<TopicPartition, const Cluster::Member*>& owners) {
        std::map<TopicPartition, std::int64_t> starts;
        for (const auto& [partition, offset] : committed) starts[partition] = Cluster::kEarliest;
        for (const auto& [partition, owner] : owners) starts[partition] = Cluster::kEarliest;
        const auto all = starts;
        // A topic may have been deleted under the group.
        std::erase_if(starts, [&](const auto& entry) { return !exists(overview, entry.first); });
        auto ends = starts;
        for (auto& [partition, place] : ends) place = Cluster::kLatest;
        MR_TRY(const auto first, cluster.offsets_at(starts));
        MR_TRY(const auto next, cluster.offsets_at(ends));
        JsonValue rows{base::JsonArray()};
        for (const auto& [partition, place] : all) {
            JsonValue error;
            const auto number = [&](const Cluster::Offsets& offsets) -> JsonValue {
                const auto found = offsets.find(partition);
                if (found == offsets.end()) return {};
                if (!found->second) {
                    error = found->second.error().message();
                    return {};
                }
                // Below 0: nothing is committed.
                return *found->second < 0 ? JsonValue() : JsonValue(*found->second);
            };
            if (!exists(overview, partition)) error = "the topic has no such partition";
            JsonValue row;
            row.set("topic", partition.topic).set("partition", partition.partition);
            const JsonValue current = number(committed);
            const JsonValue start = number(first);
            const JsonValue end = number(next);
            row.set("current_offset", current).set("log_start_offset", start);
            row.set("log_end_offset", end).set("lag", lag_of(current, start, end));
            const auto owner = owners.find(partition);
            const Cluster::Member* const member = owner == owners.end() ? nullptr : owner->second;
            row.set("member_id", member != nullptr ? JsonValue(member->id) : JsonValue());
            row.set("instance_id", member != nullptr ? or_null(member->instance_id) : JsonValue());
            row.set("client_id", member != nullptr ? JsonValue(member->client_id) : JsonValue());
            row.set("host", member != nullptr ? JsonValue(member->host) : JsonValue());
            row.set("error", std::move(error));
            rows.push(std::move(row));
        }
        return rows;
    }

    static bool exists(const Cluster::Overview& overview, const TopicPartition& partition) {
        const auto topic = overview.topics.find(partition.topic);
        return topic != overview.topics.end() &&
               std::ranges::find(topic->second.partitions, partition.partition,
                                 &Cluster::Partition::id) != topic->second.partitions.end();
    }

    // Without a commit, all that the partition holds; never below 0.
    static JsonValue lag_of(const JsonValue& current, const JsonValue& start,
                            const JsonValue& end) {
        if (!end.is_int()) return {};
        const JsonValue& from = current.is_int() ? current : start;
        if (!from.is_int()) return {};
        return std::max<std::int64_t>(*end.as_int() - *from.as_int(), 0);
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
        MR_TRY(const auto listed, cluster.groups());
        Cluster::Outcomes outcomes;
        for (const std::string& name : groups) {
            const auto found = std::ranges::find(listed, name, &Cluster::GroupListing::name);
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
    std::vector<std::pair<std::string, std::vector<std::int32_t>>> wanted;  // Of `topics`.

    Result<void> prepare(const Program&) {
        for (const std::string& text : topics) {
            const auto colon = text.find(':');
            std::vector<std::int32_t> partitions;
            if (colon != std::string::npos) {
                MR_TRY(partitions, parse_partitions(std::string_view(text).substr(colon + 1)));
            }
            wanted.emplace_back(text.substr(0, colon), std::move(partitions));
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
        MR_TRY(const auto committed, cluster.committed(group));
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
        if (!dry_run) {
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
};

}  // namespace

void add_group_command(CLI::App& app, const Program& program, Action& action) {
    CLI::App* const group =
        app.add_subcommand("group", "Consumer groups: list, describe with lag, seek, delete");
    group->require_subcommand(1);
    group->footer(
        "Examples:\n"
        "  millrace group describe readers\n"
        "  millrace group seek readers --to start --topics weblog --dry-run");

    auto [lists, list] = add_leaf<ListGroups>(*group, program, action, "list", "Print all groups",
                                              "Examples:\n"
                                              "  millrace group list\n"
                                              "  millrace group list --states empty -o json");
    lists->add_option("-s,--states", list->states, "Only groups in these states")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->type_name("STATE");

    auto [describes, describe] = add_leaf<DescribeGroups>(
        *group, program, action, "describe", "Print offsets, lag and members of groups",
        "Examples:\n"
        "  millrace group describe readers\n"
        "  millrace group describe readers writers -o jsonl");
    add_groups(*describes, describe->groups);

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
