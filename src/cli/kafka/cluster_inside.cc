// The commands of `cluster` that look into its servers: log folders, quorum, features.
#include <algorithm>
#include <memory>

#include "base/strings.h"
#include "cli/kafka/leaf_internal.h"

namespace millrace::cli {

using base::JsonValue;
using base::Result;
using client::Cluster;
using client::Direct;

namespace {

struct LogDirs : Leaf {
    std::vector<std::int32_t> brokers;
    std::vector<std::string> topics;

    Shape shape() const {
        return {.layout = Layout::kDetails,
                .fields = {{"broker", "int", {}},
                           {"path", "string", {}},
                           {"error", "string?", {}},
                           {"total_bytes", "int?", {}},
                           {"usable_bytes", "int?", {}},
                           {"size_bytes", "int", {}},
                           {"partitions",
                            "",
                            {{"topic", "string", {}},
                             {"partition", "int", {}},
                             {"size_bytes", "int", {}},
                             {"offset_lag", "int", {}},
                             {"future", "bool", {}}}}}};
    }
    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        MR_TRY(Direct* const direct, cluster.direct());
        MR_TRY(const auto folders, direct->log_dirs(brokers, topics));
        Tally tally;
        for (const Direct::LogDir& folder : folders) {
            std::int64_t size_bytes = 0;
            JsonValue rows{base::JsonArray()};
            for (const auto& replica : folder.replicas) {
                size_bytes += replica.size_bytes;
                JsonValue row;
                row.set("topic", replica.partition.topic);
                row.set("partition", replica.partition.partition);
                row.set("size_bytes", replica.size_bytes).set("offset_lag", replica.offset_lag);
                row.set("future", replica.is_future);
                rows.push(std::move(row));
            }
            JsonValue document;
            document.set("broker", folder.broker).set("path", folder.path);
            document.set("error", folder.error.empty() ? JsonValue() : JsonValue(folder.error));
            document.set("total_bytes", or_null(folder.total_bytes));
            document.set("usable_bytes", or_null(folder.usable_bytes));
            document.set("size_bytes", size_bytes).set("partitions", std::move(rows));
            report.add(std::move(document));
            tally.add(folder.error.empty() ? ExitCode::kDone : ExitCode::kFailed);
        }
        return tally.code();
    }
};

struct Quorum : Leaf {
    Shape shape() const {
        return {.layout = Layout::kDetails,
                .is_list = false,
                .fields = {{"leader", "int", {}},
                           {"leader_epoch", "int", {}},
                           {"high_watermark", "int", {}},
                           {"replicas",
                            "",
                            {{"id", "int", {}},
                             {"role", "string", {}},
                             {"log_end_offset", "int", {}},
                             {"lag", "int", {}},
                             {"last_fetch_ms", "int?", {}},
                             {"last_caught_up_ms", "int?", {}}}}}};
    }
    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        MR_TRY(Direct* const direct, cluster.direct());
        MR_TRY(const auto quorum, direct->quorum());
        std::int64_t end = 0;
        for (const auto& replica : quorum.replicas) end = std::max(end, replica.log_end_offset);
        JsonValue document;
        document.set("leader", quorum.leader).set("leader_epoch", quorum.leader_epoch);
        document.set("high_watermark", quorum.high_watermark);
        JsonValue rows{base::JsonArray()};
        for (const auto& replica : quorum.replicas) {
            JsonValue row;
            row.set("id", replica.id);
            row.set("role", replica.id == quorum.leader ? "leader"
                            : replica.is_voter          ? "voter"
                                                        : "observer");
            row.set("log_end_offset", replica.log_end_offset);
            row.set("lag", end - replica.log_end_offset);
            row.set("last_fetch_ms", or_null(replica.last_fetch_ms));
            row.set("last_caught_up_ms", or_null(replica.last_caught_up_ms));
            rows.push(std::move(row));
        }
        document.set("replicas", std::move(rows));
        report.add(std::move(document));
        return ExitCode::kDone;
    }
};

struct DescribeFeatures : Leaf {
    Shape shape() const {
        return {.fields = {{"feature", "string", {}},
                           {"supported_min", "int", {}},
                           {"supported_max", "int", {}},
                           {"finalized", "int?", {}}}};
    }
    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        MR_TRY(Direct* const direct, cluster.direct());
        MR_TRY(const auto told, direct->features());
        for (const Direct::Feature& feature : told.features) {
            JsonValue row;
            row.set("feature", feature.name).set("supported_min", feature.least);
            row.set("supported_max", feature.most).set("finalized", or_null(feature.finalized));
            report.add(std::move(row));
        }
        return ExitCode::kDone;
    }
};

struct SetFeatures : Leaf {
    std::vector<std::string> settings;
    bool downgrade = false;
    bool unsafe = false;
    bool dry_run = false;
    std::vector<std::pair<std::string, std::int16_t>> levels;  // Of `settings`.

    Result<void> prepare(const Program&) {
        for (const std::string& text : settings) {
            MR_TRY(const auto pair, parse_assignment(text, "a feature"));
            MR_TRY(const auto level, base::parse_int64(pair.second, 0, 32767));
            levels.emplace_back(pair.first, static_cast<std::int16_t>(level));
        }
        return {};
    }
    Shape shape() const { return {.fields = outcome_fields("feature")}; }
    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        MR_TRY(Direct* const direct, cluster.direct());
        const auto upgrade = unsafe      ? Direct::Upgrade::kUnsafeDowngrade
                             : downgrade ? Direct::Upgrade::kSafeDowngrade
                                         : Direct::Upgrade::kUpgrade;
        Tally tally;
        for (const auto& [name, level] : levels) {
            const auto outcome = direct->set_feature(name, level, upgrade, dry_run);
            tally.add(outcome);
            report.add(outcome_row("feature", name, outcome, dry_run ? "would be done" : "ok"));
        }
        return tally.code();
    }
};

}  // namespace

void add_cluster_inside(CLI::App& group, const Program& program, Action& action) {
    auto [logdirs, dirs] = add_leaf<LogDirs>(
        group, program, action, "logdirs", "Print the log folders of brokers, and what lies there",
        "Examples:\n"
        "  millrace cluster logdirs\n"
        "  millrace cluster logdirs --broker 1 -t weblog -o json");
    logdirs->add_option("--broker", dirs->brokers, "Only of these brokers (else of all)")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->type_name("ID");
    logdirs->add_option("-t,--topics", dirs->topics, "Only these topics (else all)")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->type_name("TOPIC");

    add_leaf<Quorum>(group, program, action, "quorum",
                     "Print who keeps the cluster's metadata, and how far each is",
                     "Example:\n  millrace cluster quorum");

    CLI::App* const features =
        group.add_subcommand("features", "Features of the cluster and their levels");
    features->require_subcommand(1);
    features->footer(
        "Examples:\n"
        "  millrace cluster features describe\n"
        "  millrace cluster features set transaction.version=2 --dry-run");
    add_leaf<DescribeFeatures>(*features, program, action, "describe",
                               "Print which levels there are, and which are in force",
                               "Example:\n  millrace cluster features describe -o json");
    auto [sets, set] = add_leaf<SetFeatures>(
        *features, program, action, "set", "Change which levels are in force",
        "Examples:\n"
        "  millrace cluster features set transaction.version=2\n"
        "  millrace cluster features set transaction.version=1 --downgrade --dry-run");
    sets->add_option("features", set->settings, "Features with their new levels; 0 takes one away")
        ->required()
        ->type_name("FEATURE=LEVEL");
    sets->add_flag("--downgrade", set->downgrade, "Lower levels too, where nothing is lost by it");
    sets->add_flag("--unsafe", set->unsafe, "Lower levels even if what they brought is lost");
    add_dry_run(*sets, set->dry_run);
}

}  // namespace millrace::cli
