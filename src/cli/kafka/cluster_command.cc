#include <memory>

#include "cli/kafka/leaf_internal.h"

namespace millrace::cli {

using base::JsonValue;
using base::Result;
using client::Cluster;

namespace {

const std::vector<Field>& broker_fields() {
    static const std::vector<Field> kFields{
        {"id", "int", {}}, {"host", "string", {}}, {"port", "int", {}}, {"controller", "bool", {}}};
    return kFields;
}

JsonValue broker_row(const Cluster::Broker& broker, const Cluster::Overview& overview) {
    JsonValue row;
    row.set("id", broker.id).set("host", broker.host).set("port", broker.port);
    row.set("controller", broker.id == overview.controller);
    return row;
}

JsonValue broker_rows(const Cluster::Overview& overview) {
    JsonValue rows{base::JsonArray()};
    for (const Cluster::Broker& broker : overview.brokers) rows.push(broker_row(broker, overview));
    return rows;
}

struct Info : Leaf {
    Shape shape() const {
        return {.layout = Layout::kDetails,
                .is_list = false,
                .fields = {{"cluster_id", "string", {}},
                           {"controller", "int", {}},
                           {"topics", "int", {}},
                           {"partitions", "int", {}},
                           {"brokers", "", broker_fields()}}};
    }
    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        MR_TRY(const auto overview, cluster.overview());
        std::size_t partitions = 0;
        for (const auto& [name, topic] : overview.topics) partitions += topic.partitions.size();
        JsonValue document;
        document.set("cluster_id", overview.cluster_id).set("controller", overview.controller);
        document.set("topics", overview.topics.size()).set("partitions", partitions);
        document.set("brokers", broker_rows(overview));
        report.add(std::move(document));
        return ExitCode::kDone;
    }
};

struct Brokers : Leaf {
    Shape shape() const { return {.fields = broker_fields()}; }
    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        MR_TRY(const auto overview, cluster.overview());
        for (const Cluster::Broker& broker : overview.brokers) {
            report.add(broker_row(broker, overview));
        }
        return ExitCode::kDone;
    }
};

struct Metadata : Leaf {
    Shape shape() const {
        return {.layout = Layout::kDetails,
                .is_list = false,
                .fields = {{"cluster_id", "string", {}},
                           {"brokers", "", broker_fields()},
                           {"topics",
                            "",
                            {{"name", "string", {}},
                             {"partition", "int", {}},
                             {"leader", "int?", {}},
                             {"replicas", "[int]", {}},
                             {"isr", "[int]", {}}}}}};
    }
    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        MR_TRY(const auto overview, cluster.overview());
        JsonValue document;
        document.set("cluster_id", overview.cluster_id);
        document.set("brokers", broker_rows(overview));
        JsonValue rows{base::JsonArray()};
        for (const auto& [name, topic] : overview.topics) {
            for (const Cluster::Partition& partition : topic.partitions) {
                JsonValue row;
                row.set("name", name).set("partition", partition.id);
                row.set("leader", partition.leader < 0 ? JsonValue() : JsonValue(partition.leader));
                row.set("replicas", list_of(partition.replicas));
                row.set("isr", list_of(partition.in_sync));
                rows.push(std::move(row));
            }
        }
        document.set("topics", std::move(rows));
        report.add(std::move(document));
        return ExitCode::kDone;
    }

private:
    static JsonValue list_of(const std::vector<std::int32_t>& numbers) {
        JsonValue list{base::JsonArray()};
        for (const std::int32_t number : numbers) list.push(number);
        return list;
    }
};

struct Health : Leaf {
    Shape shape() const {
        return {.layout = Layout::kDetails,
                .is_list = false,
                .fields = {{"healthy", "bool", {}},
                           {"controller", "int?", {}},
                           {"brokers", "[int]", {}},
                           {"partitions", "int", {}},
                           {"leaderless_partitions", "[string]", {}},
                           {"under_replicated_partitions", "[string]", {}}}};
    }
    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        MR_TRY(const auto overview, cluster.overview());
        JsonValue brokers{base::JsonArray()};
        for (const Cluster::Broker& broker : overview.brokers) brokers.push(broker.id);
        JsonValue leaderless{base::JsonArray()};
        JsonValue under_replicated{base::JsonArray()};
        std::size_t partitions = 0;
        for (const auto& [name, topic] : overview.topics) {
            partitions += topic.partitions.size();
            for (const Cluster::Partition& partition : topic.partitions) {
                const std::string label = fmt::format("{}/{}", name, partition.id);
                if (partition.leader < 0) leaderless.push(label);
                if (partition.in_sync.size() < partition.replicas.size()) {
                    under_replicated.push(label);
                }
            }
        }
        const bool has_controller = overview.controller >= 0;
        const bool healthy =
            has_controller && leaderless.items().empty() && under_replicated.items().empty();
        JsonValue document;
        document.set("healthy", healthy);
        document.set("controller", has_controller ? JsonValue(overview.controller) : JsonValue());
        document.set("brokers", std::move(brokers)).set("partitions", partitions);
        document.set("leaderless_partitions", std::move(leaderless));
        document.set("under_replicated_partitions", std::move(under_replicated));
        report.add(std::move(document));
        return healthy ? ExitCode::kDone : ExitCode::kFailed;
    }
};

}  // namespace

void add_cluster_command(CLI::App& app, const Program& program, Action& action) {
    CLI::App* const group = app.add_subcommand(
        "cluster", "The cluster: health, brokers, log folders, quotas, features");
    group->require_subcommand(1);
    group->footer(
        "Examples:\n"
        "  millrace cluster info\n"
        "  millrace cluster health || echo 'something is wrong'");
    add_leaf<Info>(*group, program, action, "info", "Print the cluster's id, brokers and size",
                   "Example:\n  millrace cluster info --brokers kafka:9092");
    add_leaf<Health>(*group, program, action, "health",
                     "Say whether every partition has its leader and replicas; 1 if not",
                     "Example:\n  millrace cluster health -o json");
    add_leaf<Brokers>(*group, program, action, "brokers", "Print the brokers",
                      "Example:\n  millrace cluster brokers -o jsonl");
    add_leaf<Metadata>(*group, program, action, "metadata",
                       "Print brokers and every partition with its leader and replicas",
                       "Example:\n  millrace cluster metadata -o json");
    add_cluster_inside(*group, program, action);
    add_cluster_quotas(*group, program, action);
}

}  // namespace millrace::cli
