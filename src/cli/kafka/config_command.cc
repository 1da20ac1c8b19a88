#include <algorithm>
#include <memory>

#include "base/strings.h"
#include "cli/kafka/leaf_internal.h"
#include "cli/kafka/setting_changes.h"

namespace millrace::cli {

using base::Code;
using base::fail;
using base::JsonValue;
using base::Result;
using client::Cluster;

namespace {

// "topic weblog" or "broker 1".
struct Named : Leaf {
    std::string kind;
    std::string name;

    Cluster::Resource resource() const {
        return {.kind = kind == "topic" ? Cluster::ResourceKind::kTopic
                                        : Cluster::ResourceKind::kBroker,
                .name = name};
    }
};

JsonValue to_json(const std::optional<std::string>& value) {
    return value ? JsonValue(*value) : JsonValue();
}

struct ListConfigs : Named {
    bool own = false;

    Shape shape() const {
        return {.fields = {{"key", "string", {}},
                           {"value", "string?", {}},
                           {"source", "string", {}},
                           {"read_only", "bool", {}},
                           {"sensitive", "bool", {}}}};
    }
    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        MR_TRY(auto settings, cluster.settings(resource()));
        std::ranges::sort(settings, {}, &Cluster::Setting::name);
        for (const Cluster::Setting& setting : settings) {
            if (own && !setting.is_own) continue;
            JsonValue row;
            row.set("key", setting.name).set("value", to_json(setting.value));
            row.set("source", setting.source).set("read_only", setting.read_only);
            row.set("sensitive", setting.sensitive);
            report.add(std::move(row));
        }
        return ExitCode::kDone;
    }
};

struct GetConfigs : Named {
    std::vector<std::string> keys;

    Shape shape() const { return {.fields = {{"key", "string", {}}, {"value", "string?", {}}}}; }
    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        MR_TRY(const auto settings, cluster.settings(resource()));
        Tally tally;
        for (const std::string& key : keys) {
            const auto found = std::ranges::find(settings, key, &Cluster::Setting::name);
            if (found == settings.end()) {
                std::vector<std::string> names;
                for (const auto& setting : settings) names.push_back(setting.name);
                const auto meant = base::did_you_mean(key, names, 1);
                notice(fmt::format("{} {} has no setting {}{}", kind, name, key,
                                   meant.empty() ? "" : "; did you mean " + meant.front() + "?"));
                tally.add(ExitCode::kNotFound);
                continue;
            }
            tally.add(ExitCode::kDone);
            JsonValue row;
            row.set("key", key).set("value", to_json(found->value));
            report.add(std::move(row));
        }
        return tally.code();
    }
};

struct ChangeConfigs : Named {
    std::vector<std::string> words;
    bool dry_run = false;
    bool is_removal = false;
    SettingChanges changes;

    Result<void> prepare(const Program&) {
        using Words = std::vector<std::string>;
        MR_TRY(changes,
               SettingChanges::parse(is_removal ? Words() : words, is_removal ? words : Words()));
        return {};
    }
    Shape shape() const {
        return {.fields = {{"key", "string", {}},
                           {"prior_value", "string?", {}},
                           {"value", "string?", {}}}};
    }
    Result<ExitCode> run(Cluster& cluster, Report& report) const {
        MR_TRY(const auto present, cluster.settings(resource()));
        MR_TRY(const auto wanted, apply(changes, present));
        MR_TRY_VOID(cluster.replace_settings(
            resource(), wanted, dry_run ? Cluster::Mode::kValidateOnly : Cluster::Mode::kApply));
        const auto add = [&](const std::string& key, JsonValue value) {
            const auto prior = std::ranges::find(present, key, &Cluster::Setting::name);
            JsonValue row;
            row.set("key", key);
            row.set("prior_value", prior != present.end() ? to_json(prior->value) : JsonValue());
            row.set("value", std::move(value));
            report.add(std::move(row));
        };
        for (const auto& [key, value] : changes.sets) add(key, value);
        for (const std::string& key : changes.removals) add(key, JsonValue());
        if (dry_run) notice("dry run: nothing was changed");
        return ExitCode::kDone;
    }
};

void add_named(CLI::App& app, Named& command) {
    app.add_option("kind", command.kind, "topic or broker")
        ->required()
        ->check(CLI::IsMember({"topic", "broker"}))
        ->type_name("topic|broker");
    app.add_option("name", command.name, "Name of the topic, number of the broker")
        ->required()
        ->type_name("NAME");
}

}  // namespace

void add_config_command(CLI::App& app, const Program& program, Action& action) {
    CLI::App* const group =
        app.add_subcommand("config", "Settings of topics and brokers: list, get, set, delete");
    group->require_subcommand(1);
    group->footer(
        "Examples:\n"
        "  millrace config list topic weblog\n"
        "  millrace config set topic weblog retention.ms=86400000");

    auto [lists, list] = add_leaf<ListConfigs>(*group, program, action, "list",
                                               "Print every setting, and where it comes from",
                                               "Examples:\n"
                                               "  millrace config list topic weblog --own\n"
                                               "  millrace config list broker 1 -o json");
    add_named(*lists, *list);
    lists->add_flag("--own", list->own, "Only what is set for this topic or broker");

    auto [gets, get] =
        add_leaf<GetConfigs>(*group, program, action, "get", "Print some settings",
                             "Example:\n  millrace config get topic weblog retention.ms");
    add_named(*gets, *get);
    gets->add_option("keys", get->keys, "Names of settings")->required()->type_name("KEY");

    auto [sets, set] = add_leaf<ChangeConfigs>(
        *group, program, action, "set", "Change settings",
        "Examples:\n"
        "  millrace config set topic weblog retention.ms=86400000 segment.bytes=1048576\n"
        "  millrace config set broker 1 log.retention.ms=86400000 --dry-run");
    add_named(*sets, *set);
    sets->add_option("settings", set->words, "What to set")->required()->type_name("KEY=VALUE");
    add_dry_run(*sets, set->dry_run);

    auto [deletes, remove] =
        add_leaf<ChangeConfigs>(*group, program, action, "delete", "Back to the defaults",
                                "Example:\n  millrace config delete topic weblog retention.ms");
    remove->is_removal = true;
    add_named(*deletes, *remove);
    deletes->add_option("keys", remove->words, "Names of settings")->required()->type_name("KEY");
    add_dry_run(*deletes, remove->dry_run);
}

}  // namespace millrace::cli
