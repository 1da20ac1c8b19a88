#include <algorithm>
#include <memory>

#include "cli/kafka/group_types_internal.h"
#include "cli/kafka/leaf_internal.h"

namespace millrace::cli {

using base::Code;
using base::fail;
using base::JsonValue;
using base::Result;
using client::Cluster;
using client::Direct;
using topic::TopicPartition;

namespace {

JsonValue text_or_null(const std::string& text) {
    return text.empty() ? JsonValue() : JsonValue(text);
}

// A group of the classic protocol in the terms of the newer ones.
Direct::Group from_classic(const Cluster::Group& classic) {
    Direct::Group group{.name = classic.name,
                        .type = "classic",
                        .state = classic.state,
                        .assignor = classic.assignor,
                        .coordinator = classic.coordinator,
                        .members = {}};
    for (const Cluster::Member& member : classic.members) {
        group.members.push_back({.id = member.id,
                                 .instance_id = member.instance_id,
                                 .client_id = member.client_id,
                                 .host = member.host,
                                 .assigned = member.assigned});
    }
    return group;
}

// Where a group stands in a partition; `lag` is the server's own count of it, if it counts.
struct Standing {
    std::optional<std::int64_t> offset;
    std::optional<std::int64_t> lag;
    std::string error;
};
using Standings = std::map<TopicPartition, Standing>;

struct DescribeGroups : Leaf {
    std::vector<std::string> groups;

    Shape shape() const {
        return {.layout = Layout::kDetails,
                .fields = {{"group", "string", {}},
                           {"type", "string?", {}},
                           {"coordinator", "int", {}},
                           {"state", "string", {}},
                           {"balancer", "string", {}},
                           {"epoch", "int?", {}},
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
                             {"epoch", "int?", {}},
                             {"partitions", "[string]", {}}}}}};
    }

    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        MR_TRY(const auto overview, cluster.overview());
        MR_TRY(const auto listed, list_groups(cluster));
        Tally tally;
        for (const std::string& name : groups) {
            const auto document = describe(cluster, overview, listed, name);
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
    // What is told of a group, and whether its members are.
    struct Told {
        Direct::Group group;
        bool members_known = true;
    };

    static Result<Told> ask(Cluster& cluster, const std::vector<Direct::GroupListing>& listed,
                            const std::string& name) {
        const auto found = std::ranges::find(listed, name, &Direct::GroupListing::name);
        if (found == listed.end()) return fail(Code::kNotFound, "there is no group {}", name);
        if (found->type == "consumer" || found->type == "share") {
            MR_TRY(Direct* const direct, cluster.direct());
            MR_TRY(auto group, direct->describe_group(name, found->type));
            return Told{.group = std::move(group)};
        }
        MR_TRY(const auto answers, cluster.describe_groups({name}));
        MR_TRY(const auto classic, answers.at(0));
        Told told{.group = from_classic(classic)};
        told.group.type = found->type;
        if (classic.state == "Dead" || classic.state == "Unknown") {
            // Of a type that cannot be asked for here: its offsets can be had.
            told.group.state = found->state;
            told.members_known = found->state == "Empty";
            if (!told.members_known) {
                notice(fmt::format("group {} is of a kind whose members cannot be asked for here",
                                   name));
            }
        }
        return told;
    }

    static Result<Standings> standings_of(Cluster& cluster, const Direct::Group& group) {
        Standings standings;
        if (group.type == "share") {
            MR_TRY(Direct* const direct, cluster.direct());
            MR_TRY(const auto offsets, direct->share_offsets(group.name));
            for (const auto& [partition, offset] : offsets) {
                Standing& standing = standings[partition];
                if (!offset) {
                    standing.error = offset.error().message();
                    continue;
                }
                if (offset->start >= 0) standing.offset = offset->start;
                standing.lag = offset->lag;
            }
        } else {
            MR_TRY(const auto committed, cluster.committed(group.name));
            for (const auto& [partition, offset] : committed) {
                Standing& standing = standings[partition];
                if (!offset) {
                    standing.error = offset.error().message();
                } else if (*offset >= 0) {
                    standing.offset = *offset;
                }
            }
        }
        for (const auto& member : group.members) {
            for (const TopicPartition& partition : member.assigned) standings[partition];
        }
        return standings;
    }

    static Result<JsonValue> describe(Cluster& cluster, const Cluster::Overview& overview,
                                      const std::vector<Direct::GroupListing>& listed,
                                      const std::string& name) {
        MR_TRY(const Told told, ask(cluster, listed, name));
        const Direct::Group& group = told.group;
        MR_TRY(const auto standings, standings_of(cluster, group));
        MR_TRY(JsonValue partitions, partitions_of(cluster, overview, standings, group));
        std::int64_t total_lag = 0;
        for (const JsonValue& row : partitions.items()) {
            total_lag += row.get_int("lag").value_or(0);
        }
        JsonValue document;
        document.set("group", group.name).set("type", text_or_null(group.type));
        document.set("coordinator", group.coordinator).set("state", group.state);
        document.set("balancer", group.assignor);
        document.set("epoch", group.epoch < 0 ? JsonValue() : JsonValue(group.epoch));
        document.set("member_count",
                     told.members_known ? JsonValue(group.members.size()) : JsonValue());
        document.set("total_lag", total_lag).set("partitions", std::move(partitions));
        JsonValue members{base::JsonArray()};
        for (const auto& member : group.members) {
            JsonValue row;
            row.set("member_id", member.id).set("instance_id", text_or_null(member.instance_id));
            row.set("client_id", member.client_id).set("host", member.host);
            row.set("epoch", member.epoch < 0 ? JsonValue() : JsonValue(member.epoch));
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

    // The one member that a partition belongs to; in a share group it belongs to none alone.
    static const Direct::GroupMember* owner_of(const Direct::Group& group,
                                               const TopicPartition& partition) {
        if (group.type == "share") return nullptr;
        for (const auto& member : group.members) {
            if (std::ranges::find(member.assigned, partition) != member.assigned.end()) {
                return &member;
            }
        }
        return nullptr;
    }

    // Every partition that has an offset committed or a member: union of both.
    static Result<JsonValue> partitions_of(Cluster& cluster, const Cluster::Overview& overview,
                                           const Standings& standings, const Direct::Group& group) {
        std::map<TopicPartition, std::int64_t> starts;
        for (const auto& [partition, standing] : standings) {
            // A topic may have been deleted under the group.
            if (exists(overview, partition)) starts[partition] = Cluster::kEarliest;
        }
        auto ends = starts;
        for (auto& [partition, place] : ends) place = Cluster::kLatest;
        MR_TRY(const auto first, cluster.offsets_at(starts));
        MR_TRY(const auto next, cluster.offsets_at(ends));
        JsonValue rows{base::JsonArray()};
        for (const auto& [partition, standing] : standings) {
            JsonValue error = text_or_null(standing.error);
            const auto number = [&](const Cluster::Offsets& offsets) -> JsonValue {
                const auto found = offsets.find(partition);
                if (found == offsets.end()) return {};
                if (!found->second) {
                    error = found->second.error().message();
                    return {};
                }
                return *found->second;
            };
            if (!exists(overview, partition)) error = "the topic has no such partition";
            const JsonValue current = or_null(standing.offset);
            const JsonValue start = number(first);
            const JsonValue end = number(next);
            JsonValue row;
            row.set("topic", partition.topic).set("partition", partition.partition);
            row.set("current_offset", current).set("log_start_offset", start);
            row.set("log_end_offset", end);
            row.set("lag", standing.lag            ? JsonValue(*standing.lag)
                           : group.type == "share" ? JsonValue()
                                                   : lag_of(current, start, end));
            const auto* const member = owner_of(group, partition);
            row.set("member_id", member != nullptr ? JsonValue(member->id) : JsonValue());
            row.set("instance_id",
                    member != nullptr ? text_or_null(member->instance_id) : JsonValue());
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

}  // namespace

void add_group_describe(CLI::App& group, const Program& program, Action& action) {
    auto [describes, describe] = add_leaf<DescribeGroups>(
        group, program, action, "describe", "Print offsets, lag and members of groups",
        "Examples:\n"
        "  millrace group describe readers\n"
        "  millrace group describe readers writers -o jsonl");
    add_groups(*describes, describe->groups);
}

}  // namespace millrace::cli
