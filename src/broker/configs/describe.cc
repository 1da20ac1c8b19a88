#include "broker/configs/describe.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "config/client_metrics_options.h"
#include "config/group_options.h"
#include "config/topic_options.h"

namespace millrace::broker {
namespace {

using config::OptionView;
using config::Settings;

// The text as its option writes it: "delete, compact" is "delete,compact".
template <class Options>
std::string normal(const config::OptionTable<Options>& table, std::string_view name,
                   const std::string& text) {
    Options options;
    const auto* const row = table.find(name);
    return row && row->set(options, text) ? row->view(options).value : text;
}

// Options whose default Kafka keeps under another name and in another unit; it tells of that only
// where something else is in force.
struct Elsewhere {
    std::string_view option, name, value;
};
const Elsewhere* default_elsewhere(std::string_view option) {
    static constexpr Elsewhere kTable[] = {
        {"log.flush.interval.ms", "log.flush.scheduler.interval.ms", "9223372036854775807"},
        {"log.retention.ms", "log.retention.hours", "168"},
        {"log.roll.jitter.ms", "log.roll.jitter.hours", "0"},
        {"log.roll.ms", "log.roll.hours", "168"},
    };
    const auto found = std::ranges::find(kTable, option, &Elsewhere::option);
    return found == std::end(kTable) ? nullptr : found;
}

// The values of a server option that anybody gave, and its default: what is in force first.
std::vector<ConfigSynonym> server_synonyms(const BrokerConfigs& configs, std::string_view name) {
    std::vector<ConfigSynonym> synonyms;
    const auto* const row = config::server_option_table().find(name);
    const auto add = [&](const Settings& settings, ConfigSource source) {
        const auto found = settings.find(name);
        if (found == settings.end()) return;
        synonyms.push_back({std::string(name),
                            normal(config::server_option_table(), name, found->second), source});
        if (!row) synonyms.back().value.reset();
    };
    add(configs.cluster.config(ConfigType::kBroker, configs.broker), ConfigSource::kBroker);
    add(configs.cluster.config(ConfigType::kBroker, ""), ConfigSource::kDefaultBroker);
    if (!row) return synonyms;
    const OptionView view = row->view(configs.at_start);
    if (!view.is_default) {
        synonyms.push_back({std::string(name), view.value, ConfigSource::kStaticBroker});
    }
    const Elsewhere* const elsewhere = default_elsewhere(name);
    if (!elsewhere) {
        synonyms.push_back({std::string(name), view.default_value, ConfigSource::kDefault});
    } else if (!synonyms.empty()) {
        synonyms.push_back(
            {std::string(elsewhere->name), std::string(elsewhere->value), ConfigSource::kDefault});
    }
    return synonyms;
}

ConfigEntry entry(const OptionView& view, std::vector<ConfigSynonym> synonyms) {
    ConfigEntry entry;
    entry.name = view.name;
    entry.value = synonyms.empty() ? std::optional(view.default_value) : synonyms.front().value;
    entry.source = synonyms.empty() ? ConfigSource::kDefault : synonyms.front().source;
    entry.kind = view.kind;
    entry.documentation = view.documentation;
    entry.synonyms = std::move(synonyms);
    return entry;
}

// An option that this program does not have: it may be a secret.
ConfigEntry unknown_entry(const std::string& name, std::vector<ConfigSynonym> synonyms) {
    ConfigEntry entry;
    entry.name = name;
    entry.sensitive = true;
    entry.read_only = true;
    entry.source = synonyms.front().source;
    entry.synonyms = std::move(synonyms);
    return entry;
}

// Kafka's name of the broker's option that is the default of a group's.
std::string default_name(const std::string& group_option) {
    static constexpr std::string_view kOwn[] = {"share.auto.offset.reset", "share.isolation.level",
                                                "share.renew.acknowledge.enable"};
    const bool own = std::ranges::find(kOwn, group_option) != std::end(kOwn);
    return own ? group_option : "group." + group_option;
}

}  // namespace

std::vector<ConfigEntry> describe_topic(const BrokerConfigs& configs, const Settings& settings) {
    std::vector<ConfigEntry> entries;
    for (const OptionView& view : config::topic_option_table().view({})) {
        std::vector<ConfigSynonym> synonyms;
        const auto set = settings.find(view.name);
        if (set != settings.end()) {
            const std::string value = normal(config::topic_option_table(), view.name, set->second);
            synonyms.push_back({view.name, value, ConfigSource::kTopic});
        }
        const std::string_view server = config::server_option_of(view.name);
        std::vector<ConfigSynonym> defaults;
        if (!server.empty()) defaults = server_synonyms(configs, server);
        std::ranges::move(defaults, std::back_inserter(synonyms));
        entries.push_back(entry(view, std::move(synonyms)));
    }
    return entries;
}

std::vector<ConfigEntry> describe_broker(const BrokerConfigs& configs) {
    std::vector<ConfigEntry> entries;
    const auto& table = config::server_option_table();
    for (const OptionView& view : table.view(configs.at_start)) {
        entries.push_back(entry(view, server_synonyms(configs, view.name)));
        entries.back().read_only = view.reload != config::Reload::kLive;
    }
    Settings others = configs.cluster.config(ConfigType::kBroker, "");
    others.merge(Settings(configs.cluster.config(ConfigType::kBroker, configs.broker)));
    for (const auto& [name, text] : others) {
        if (table.has(name)) continue;
        entries.push_back(unknown_entry(name, server_synonyms(configs, name)));
    }
    return entries;
}

std::vector<ConfigEntry> describe_default_broker(const BrokerConfigs& configs) {
    std::vector<ConfigEntry> entries;
    const auto& table = config::server_option_table();
    for (const auto& [name, text] : configs.cluster.config(ConfigType::kBroker, "")) {
        const auto* const row = table.find(name);
        std::vector<ConfigSynonym> synonyms{
            {name, normal(table, name, text), ConfigSource::kDefaultBroker}};
        if (row) {
            entries.push_back(entry(row->view(configs.at_start), std::move(synonyms)));
        } else {
            synonyms.front().value.reset();
            entries.push_back(unknown_entry(name, std::move(synonyms)));
        }
    }
    return entries;
}

std::vector<ConfigEntry> describe_group(const BrokerConfigs& configs, const Settings& settings) {
    std::vector<ConfigEntry> entries;
    const auto& table = config::group_option_table();
    for (const OptionView& view : table.view({})) {
        std::vector<ConfigSynonym> synonyms;
        const auto set = settings.find(view.name);
        if (set != settings.end()) {
            synonyms.push_back(
                {view.name, normal(table, view.name, set->second), ConfigSource::kGroup});
        }
        // What a group has without a setting of its own is what the server was started with.
        const std::string server = default_name(view.name);
        std::vector<ConfigSynonym> defaults;
        if (config::server_option_table().has(server)) {
            defaults = server_synonyms(configs, server);
        } else {
            defaults.push_back({server, view.default_value, ConfigSource::kDefault});
        }
        std::ranges::move(defaults, std::back_inserter(synonyms));
        entries.push_back(entry(view, std::move(synonyms)));
    }
    return entries;
}

std::vector<ConfigEntry> describe_client_metrics(const Settings& settings) {
    std::vector<ConfigEntry> entries;
    const auto& table = config::client_metrics_option_table();
    for (const OptionView& view : table.view({})) {
        std::vector<ConfigSynonym> synonyms;
        const auto set = settings.find(view.name);
        if (set != settings.end()) {
            synonyms.push_back(
                {view.name, normal(table, view.name, set->second), ConfigSource::kClientMetrics});
        }
        entries.push_back(entry(view, std::move(synonyms)));
    }
    return entries;
}

}  // namespace millrace::broker
