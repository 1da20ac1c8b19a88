#include "cli/kafka/setting_changes.h"

#include "cli/kafka/options.h"

namespace millrace::cli {

using base::Code;
using base::fail;
using base::Result;
using client::Cluster;

Result<SettingChanges> SettingChanges::parse(const std::vector<std::string>& sets,
                                             const std::vector<std::string>& removals) {
    SettingChanges changes;
    for (const std::string& text : sets) {
        MR_TRY(auto setting, parse_assignment(text, "set"));
        changes.sets.insert_or_assign(std::move(setting.first), std::move(setting.second));
    }
    for (const std::string& name : removals) {
        if (changes.sets.contains(name)) {
            return fail(Code::kInvalidArgument, "{} is both set and deleted", name);
        }
        changes.removals.insert(name);
    }
    if (changes.sets.empty() && changes.removals.empty()) {
        return fail(Code::kInvalidArgument, "there is nothing to change: name a setting");
    }
    return changes;
}

Result<std::map<std::string, std::string>> apply(const SettingChanges& changes,
                                                 const std::vector<Cluster::Setting>& present) {
    std::map<std::string, std::string> settings = changes.sets;
    for (const Cluster::Setting& setting : present) {
        if (!setting.is_own || changes.removals.contains(setting.name)) continue;
        if (changes.sets.contains(setting.name)) continue;
        if (!setting.value) {
            return fail(Code::kUnsupported,
                        "the server does not tell the value of {}, so it would be lost: set it in "
                        "the same command",
                        setting.name);
        }
        settings[setting.name] = *setting.value;
    }
    return settings;
}

Result<void> change_settings(Cluster& cluster, const Cluster::Resource& resource,
                             const SettingChanges& changes, Cluster::Mode mode) {
    MR_TRY(const auto present, cluster.settings(resource));
    MR_TRY(const auto settings, apply(changes, present));
    return cluster.replace_settings(resource, settings, mode);
}

}  // namespace millrace::cli
