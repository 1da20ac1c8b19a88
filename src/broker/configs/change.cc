#include "broker/configs/change.h"

#include <memory>
#include <utility>

#include <fmt/format.h>

#include "base/strings.h"
#include "broker/catalog/catalog.h"
#include "broker/configs/loggers.h"
#include "broker/handlers/topic_rules.h"
#include "broker/live_options.h"
#include "broker/services.h"
#include "broker/to_kafka.h"
#include "config/client_metrics_options.h"
#include "config/topic_options.h"
#include "runtime/loop.h"

namespace millrace::broker {
namespace {

using base::Result;
using config::Settings;
using kafka::ErrorCode;
using runtime::Task;

ConfigRefusal check_broker_id(const std::string& name, std::string_view kind) {
    const auto id = base::parse_int64(name);
    if (!id) {
        return {ErrorCode::kInvalidRequest, "Node id must be an integer, but it is: " + name};
    }
    if (*id == kNodeId) return {};
    return {ErrorCode::kInvalidRequest,
            kind == "node"
                ? fmt::format("Unexpected node id. Expected {}, but received {}", kNodeId, name)
                : fmt::format("Unexpected broker id, expected {}, but received {}", kNodeId, name)};
}

ConfigRefusal check_topic_name(const std::string& name) {
    if (name.empty()) {
        return {ErrorCode::kInvalidRequest, "Default topic resources are not allowed."};
    }
    auto wrong = wrong_topic_name(name);
    if (!wrong) return {};
    return {ErrorCode::kInvalidTopicException, std::move(*wrong)};
}

// What needs no knowledge of what is set now.
ConfigRefusal check(const ConfigsToChange& wanted) {
    if (const auto refusal = check_changes(wanted.changes)) return refusal;
    switch (ConfigType{wanted.type}) {
        case ConfigType::kTopic: return check_topic_name(wanted.name);
        case ConfigType::kBroker:
            return wanted.name.empty() ? ConfigRefusal() : check_broker_id(wanted.name, "broker");
        case ConfigType::kGroup:
        case ConfigType::kClientMetrics: return {};
        default:
            return {ErrorCode::kInvalidRequest,
                    fmt::format("Unknown resource type {}", wanted.type)};
    }
}

ConfigRefusal validate(const ConfigsToChange& wanted, const Settings& settings,
                       const config::ServerOptions& server) {
    switch (ConfigType{wanted.type}) {
        case ConfigType::kTopic: return validate_topic_settings(settings);
        case ConfigType::kBroker: return validate_broker_settings(settings);
        case ConfigType::kGroup: return validate_group_settings(wanted.name, settings, server);
        default: return validate_client_metrics_settings(wanted.name, settings);
    }
}

// What lists start from that are not set.
Settings defaults_of(const Services& services, ConfigType type) {
    Settings settings;
    const auto keep = [&](const std::vector<config::OptionView>& views) {
        for (const config::OptionView& view : views) settings[view.name] = view.value;
    };
    const auto now = services.live_options.get();
    if (type == ConfigType::kTopic)
        keep(config::topic_option_table().view(*services.live_options.topic_defaults()));
    if (type == ConfigType::kBroker) keep(config::server_option_table().view(*now));
    if (type == ConfigType::kClientMetrics) keep(config::client_metrics_option_table().view({}));
    return settings;
}

// What one change comes to: nothing when it is refused, or only to be validated.
class Edit {
public:
    Edit(const Services& services, const ConfigsToChange& wanted)
        : wanted_(wanted),
          defaults_(defaults_of(services, ConfigType{wanted.type})),
          server_(services.live_options.get()) {}

    std::optional<Settings> operator()(const Settings& now) {
        auto altered = apply_changes(ConfigType{wanted_.type}, wanted_.replace ? Settings() : now,
                                     defaults_, wanted_.changes);
        refusal = altered ? validate(wanted_, *altered, *server_) : altered.error();
        if (refusal || wanted_.validate_only) return std::nullopt;
        return std::move(*altered);
    }

    ConfigRefusal refusal;

private:
    const ConfigsToChange& wanted_;
    const Settings defaults_;
    const std::shared_ptr<const config::ServerOptions> server_;
};

Task<ConfigRefusal> change_topic(const Services& services, const ConfigsToChange& wanted) {
    Catalog& catalog = services.catalog;
    Edit edit(services, wanted);
    const ConfigRefusal missing{ErrorCode::kUnknownTopicOrPartition,
                                fmt::format("The topic '{}' does not exist.", wanted.name)};
    if (!catalog.find(wanted.name)) {
        // What is wrong in any topic is told first.
        (void)edit({});
        co_return edit.refusal ? edit.refusal : missing;
    }
    const Result<void> changed = co_await runtime::call_on(catalog.loop(), [&] {
        return catalog.change_topic(wanted.name,
                                    [&edit](const Settings& now) { return edit(now); });
    });
    if (edit.refusal) co_return edit.refusal;
    if (changed) co_return ConfigRefusal();
    if (changed.error().code() == base::Code::kNotFound) co_return missing;
    co_return ConfigRefusal{to_kafka(changed.error()), changed.error().message()};
}

Task<ConfigRefusal> change_other(const Services& services, const ConfigsToChange& wanted) {
    Catalog& catalog = services.catalog;
    Edit edit(services, wanted);
    const ConfigResource resource{ConfigType{wanted.type}, wanted.name};
    const auto edit_cluster = [&](const ClusterState& now) -> std::optional<ClusterState> {
        std::optional<Settings> settings = edit(now.config(resource.type, resource.name));
        if (!settings) return std::nullopt;
        ClusterState altered = now;
        if (settings->empty()) {
            altered.configs.erase(resource);
        } else {
            altered.configs[resource] = std::move(*settings);
        }
        return altered;
    };
    const Result<void> changed = co_await runtime::call_on(
        catalog.loop(), [&] { return catalog.change_cluster(edit_cluster); });
    if (edit.refusal) co_return edit.refusal;
    if (changed) co_return ConfigRefusal();
    co_return ConfigRefusal{to_kafka(changed.error()), changed.error().message()};
}

}  // namespace

Task<ConfigRefusal> change_configs(const Services& services, ConfigsToChange wanted) {
    if (ConfigType{wanted.type} == ConfigType::kBrokerLogger && !wanted.replace) {
        if (const auto refusal = check_changes(wanted.changes)) co_return refusal;
        if (const auto refusal = check_broker_id(wanted.name, "node")) co_return refusal;
        co_return alter_loggers(wanted.changes, wanted.validate_only);
    }
    if (const auto refusal = check(wanted)) co_return refusal;
    const bool topic = ConfigType{wanted.type} == ConfigType::kTopic;
    co_return topic ? co_await change_topic(services, wanted)
                    : co_await change_other(services, wanted);
}

}  // namespace millrace::broker
