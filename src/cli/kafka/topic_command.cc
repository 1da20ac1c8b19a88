#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands_internal.h"
#include "cli/kafka/leaf_internal.h"
#include "cli/kafka/run_report.h"
#include "cli/program.h"

namespace millrace::cli {

using base::JsonValue;
using base::Result;
using client::Cluster;

namespace {

std::int64_t replicas_of(const Cluster::Topic& topic) {
    return topic.partitions.empty()
               ? 0
               : static_cast<std::int64_t>(topic.partitions.front().replicas.size());
}

JsonValue to_list(const std::vector<std::int32_t>& numbers) {
    JsonValue list{base::JsonArray()};
    for (const std::int32_t number : numbers) list.push(number);
    return list;
}

struct List : Leaf {
    bool internal = false;

    Shape shape() const {
        return {
            .fields = {{"name", "string", {}}, {"partitions", "int", {}}, {"replicas", "int", {}}}};
    }
    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        MR_TRY(const auto overview, cluster.overview());
        for (const auto& [name, topic] : overview.topics) {
            if (!internal && name.starts_with("__")) continue;
            JsonValue row;
            row.set("name", name).set("partitions", topic.partitions.size());
            row.set("replicas", replicas_of(topic));
            report.add(std::move(row));
        }
        return ExitCode::kDone;
    }
};

struct Describe : Leaf {
    std::vector<std::string> topics;
    bool all_configs = false;

    Shape shape() const {
        return {.layout = Layout::kDetails,
                .fields = {
                    {"name", "string", {}},
                    {"partition_count", "int", {}},
                    {"replicas", "int", {}},
                    {"partitions",
                     "",
                     {{"partition", "int", {}},
                      {"leader", "int?", {}},
                      {"replicas", "[int]", {}},
                      {"isr", "[int]", {}},
                      {"log_start_offset", "int?", {}},
                      {"log_end_offset", "int?", {}},
                      {"error", "string?", {}}}},
                    {"configs",
                     "",
                     {{"key", "string", {}}, {"value", "string?", {}}, {"source", "string", {}}}}}};
    }

    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        MR_TRY(const auto overview, cluster.overview());
        Tally tally;
        for (const std::string& name : topics) {
            const auto document = describe(cluster, overview, name);
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
    Result<JsonValue> describe(Cluster& cluster, const Cluster::Overview& overview,
                               const std::string& name) const {
        MR_TRY(const Cluster::Topic* const topic, find_topic(overview, name));
        JsonValue document;
        document.set("name", name).set("partition_count", topic->partitions.size());
        document.set("replicas", replicas_of(*topic));
        MR_TRY(JsonValue partitions, partitions_of(cluster, *topic));
        document.set("partitions", std::move(partitions));
        MR_TRY(JsonValue configs, configs_of(cluster, name));
        document.set("configs", std::move(configs));
        return document;
    }

    static Result<JsonValue> partitions_of(Cluster& cluster, const Cluster::Topic& topic) {
        std::map<topic::TopicPartition, std::int64_t> starts;
        std::map<topic::TopicPartition, std::int64_t> ends;
        for (const Cluster::Partition& partition : topic.partitions) {
            // Nobody could be asked about a partition without a leader.
            if (partition.leader < 0) continue;
            starts[{topic.name, partition.id}] = Cluster::kEarliest;
            ends[{topic.name, partition.id}] = Cluster::kLatest;
        }
        MR_TRY(const auto first, cluster.offsets_at(starts));
        MR_TRY(const auto next, cluster.offsets_at(ends));
        JsonValue rows{base::JsonArray()};
        for (const Cluster::Partition& partition : topic.partitions) {
            const topic::TopicPartition key{topic.name, partition.id};
            JsonValue row;
            row.set("partition", partition.id);
            row.set("leader", partition.leader < 0 ? JsonValue() : JsonValue(partition.leader));
            row.set("replicas", to_list(partition.replicas));
            row.set("isr", to_list(partition.in_sync));
            JsonValue error;
            for (const auto& [member, offsets] :
                 {std::pair{"log_start_offset", &first}, {"log_end_offset", &next}}) {
                const auto found = offsets->find(key);
                const bool told = found != offsets->end() && found->second.has_value();
                row.set(member, told ? JsonValue(*found->second) : JsonValue());
                if (!told) {
                    error = found == offsets->end() ? "the partition has no leader"
                                                    : found->second.error().message();
                }
            }
            row.set("error", std::move(error));
            rows.push(std::move(row));
        }
        return rows;
    }

    Result<JsonValue> configs_of(Cluster& cluster, const std::string& name) const {
        JsonValue rows{base::JsonArray()};
        const auto settings =
            cluster.settings({.kind = Cluster::ResourceKind::kTopic, .name = name});
        // Who may not see the settings still sees the topic.
        if (!settings && settings.error().code() == base::Code::kPermissionDenied) {
            notice(settings.error().message());
            return rows;
        }
        if (!settings) return base::fail(settings.error());
        for (const Cluster::Setting& setting : *settings) {
            if (!all_configs && !setting.is_own) continue;
            JsonValue row;
            row.set("key", setting.name);
            row.set("value", setting.value ? JsonValue(*setting.value) : JsonValue());
            row.set("source", setting.source);
            rows.push(std::move(row));
        }
        return rows;
    }
};

}  // namespace

void add_topic_command(CLI::App& app, const Program& program, Action& action) {
    CLI::App* const group =
        app.add_subcommand("topic", "Topics: list, create, describe, change, produce, consume");
    group->require_subcommand(1);
    group->footer(
        "Examples:\n"
        "  millrace topic create weblog --partitions 4 --config retention.ms=3600000\n"
        "  millrace topic describe weblog -o json");

    auto [lists, list] = add_leaf<List>(*group, program, action, "list", "Print all topics",
                                        "Examples:\n"
                                        "  millrace topic list\n"
                                        "  millrace topic list --brokers kafka:9092 -o jsonl");
    lists->add_flag("-i,--internal", list->internal, "Topics that begin with __ too");

    auto [describes, describe] = add_leaf<Describe>(
        *group, program, action, "describe", "Print partitions, offsets and settings of topics",
        "Examples:\n"
        "  millrace topic describe weblog\n"
        "  millrace topic describe weblog --all-configs -o yaml");
    add_topics(*describes, describe->topics);
    describes->add_flag("-a,--all-configs", describe->all_configs,
                        "Every setting, not only the topic's own");

    add_topic_changes(*group, program, action);
    // Where rpk has them.
    add_produce_command(*group, program, action);
    add_consume_command(*group, program, action);
    add_trim_prefix(*group, program, action);
}

}  // namespace millrace::cli
