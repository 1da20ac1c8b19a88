#include <fmt/format.h>

#include <memory>

#include "cli/kafka/leaf_internal.h"
#include "cli/kafka/setting_changes.h"

namespace millrace::cli {

using base::Code;
using base::fail;
using base::Result;
using client::Cluster;

namespace {

constexpr std::int32_t kMostPartitions = 1'000'000;

Cluster::Mode mode_of(bool dry_run) {
    return dry_run ? Cluster::Mode::kValidateOnly : Cluster::Mode::kApply;
}
std::string_view word_of(bool dry_run) {
    return dry_run ? "would be done" : "ok";
}

struct Create : Leaf {
    std::vector<std::string> topics;
    std::int32_t partitions = -1;
    std::int32_t replicas = -1;
    std::vector<std::string> configs;
    bool if_not_exists = false;
    bool dry_run = false;
    std::map<std::string, std::string> settings;  // Of `configs`.

    Result<void> prepare(const Program&) {
        for (const std::string& text : configs) {
            MR_TRY(auto setting, parse_assignment(text, "--config"));
            settings.insert_or_assign(std::move(setting.first), std::move(setting.second));
        }
        return {};
    }
    Shape shape() const { return {.fields = outcome_fields("topic")}; }
    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        std::vector<Cluster::NewTopic> wanted;
        for (const std::string& name : topics) {
            wanted.push_back({.name = name,
                              .partitions = partitions,
                              .replication = replicas,
                              .configs = settings});
        }
        MR_TRY(const auto outcomes, cluster.create_topics(wanted, mode_of(dry_run)));
        Tally tally;
        for (std::size_t i = 0; i < topics.size(); ++i) {
            if (if_not_exists && !outcomes[i] &&
                outcomes[i].error().code() == Code::kAlreadyExists) {
                tally.add(ExitCode::kDone);
                report.add(outcome_row("topic", topics[i], {}, "exists"));
                continue;
            }
            tally.add(outcomes[i]);
            report.add(outcome_row("topic", topics[i], outcomes[i], word_of(dry_run)));
        }
        return tally.code();
    }
};

struct Delete : Leaf {
    std::vector<std::string> topics;
    bool dry_run = false;

    Shape shape() const { return {.fields = outcome_fields("topic")}; }
    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        Cluster::Outcomes outcomes;
        if (dry_run) {
            MR_TRY(const auto overview, cluster.overview());
            for (const std::string& name : topics) {
                const auto found = find_topic(overview, name);
                outcomes.push_back(found ? Result<void>() : fail(found.error()));
            }
        } else {
            MR_TRY(outcomes, cluster.delete_topics(topics));
        }
        Tally tally;
        for (std::size_t i = 0; i < topics.size(); ++i) {
            tally.add(outcomes[i]);
            report.add(outcome_row("topic", topics[i], outcomes[i], word_of(dry_run)));
        }
        return tally.code();
    }
};

struct AlterConfig : Leaf {
    std::vector<std::string> topics;
    std::vector<std::string> sets;
    std::vector<std::string> removals;
    bool dry_run = false;
    SettingChanges changes;

    Result<void> prepare(const Program&) {
        MR_TRY(changes, SettingChanges::parse(sets, removals));
        return {};
    }
    Shape shape() const { return {.fields = outcome_fields("topic")}; }
    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        Tally tally;
        for (const std::string& name : topics) {
            const auto outcome =
                change_settings(cluster, {.kind = Cluster::ResourceKind::kTopic, .name = name},
                                changes, mode_of(dry_run));
            tally.add(outcome);
            report.add(outcome_row("topic", name, outcome, word_of(dry_run)));
        }
        return tally.code();
    }
};

struct AddPartitions : Leaf {
    std::vector<std::string> topics;
    std::int32_t number = 0;
    bool dry_run = false;

    Shape shape() const {
        return {.fields = {{"topic", "string", {}},
                           {"partitions", "int?", {}},
                           {"status", "string", {}},
                           {"error", "string?", {}}}};
    }
    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        MR_TRY(const auto overview, cluster.overview());
        Tally tally;
        for (const std::string& name : topics) {
            const auto total = add(cluster, overview, name);
            tally.add(total);
            base::JsonValue row;
            row.set("topic", name);
            row.set("partitions", total ? base::JsonValue(*total) : base::JsonValue());
            row.set("status", total ? word_of(dry_run) : "failed");
            row.set("error", total ? base::JsonValue() : base::JsonValue(total.error().message()));
            report.add(std::move(row));
        }
        return tally.code();
    }

private:
    Result<std::int32_t> add(Cluster& cluster, const Cluster::Overview& overview,
                             const std::string& name) const {
        MR_TRY(const auto* const topic, find_topic(overview, name));
        const std::int32_t total = static_cast<std::int32_t>(topic->partitions.size()) + number;
        MR_TRY_VOID(cluster.add_partitions(name, total, mode_of(dry_run)));
        return total;
    }
};

}  // namespace

void add_topic_changes(CLI::App& group, const Program& program, Action& action) {
    auto [creates, create] =
        add_leaf<Create>(group, program, action, "create", "Make topics",
                         "Examples:\n"
                         "  millrace topic create weblog --partitions 4\n"
                         "  millrace topic create a b --config cleanup.policy=compact --dry-run");
    add_topics(*creates, create->topics);
    creates
        ->add_option("-p,--partitions", create->partitions,
                     "How many partitions (else the server's num.partitions)")
        ->check(CLI::Range(1, kMostPartitions));
    creates
        ->add_option("-r,--replicas", create->replicas,
                     "How many replicas (else the server's default)")
        ->check(CLI::Range(1, 32'767));
    creates->add_option("-c,--config", create->configs, "A setting of the topics")
        ->allow_extra_args(false)
        ->type_name("NAME=VALUE");
    creates->add_flag("--if-not-exists", create->if_not_exists,
                      "A topic that exists is left as it is, and is no failure");
    add_dry_run(*creates, create->dry_run);

    auto [deletes, remove] =
        add_leaf<Delete>(group, program, action, "delete", "Delete topics and all their records",
                         "Examples:\n"
                         "  millrace topic delete weblog --dry-run\n"
                         "  millrace topic delete weblog");
    add_topics(*deletes, remove->topics);
    add_dry_run(*deletes, remove->dry_run);

    auto [alters, alter] =
        add_leaf<AlterConfig>(group, program, action, "alter-config", "Change settings of topics",
                              "Examples:\n"
                              "  millrace topic alter-config weblog --set retention.ms=86400000\n"
                              "  millrace topic alter-config weblog --delete retention.ms");
    add_topics(*alters, alter->topics);
    alters->add_option("-s,--set", alter->sets, "Set this")
        ->allow_extra_args(false)
        ->type_name("NAME=VALUE");
    alters->add_option("-d,--delete", alter->removals, "Back to the default")
        ->allow_extra_args(false)
        ->type_name("NAME");
    add_dry_run(*alters, alter->dry_run);

    auto [adds, add] = add_leaf<AddPartitions>(
        group, program, action, "add-partitions", "Add partitions to topics",
        "Example:\n"
        "  millrace topic add-partitions weblog --num 4        4 more than there are");
    add_topics(*adds, add->topics);
    adds->add_option("-n,--num", add->number, "How many to add")
        ->check(CLI::Range(1, kMostPartitions))
        ->required();
    add_dry_run(*adds, add->dry_run);
}

}  // namespace millrace::cli
