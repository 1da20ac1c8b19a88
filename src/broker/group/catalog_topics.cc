#include "broker/group/catalog_topics.h"

#include "broker/catalog/catalog.h"
#include "broker/catalog/cluster_state.h"
#include "broker/catalog/topic.h"
#include "config/group_options.h"

namespace millrace::broker {

std::uint64_t CatalogTopics::version() const {
    return catalog_.version();
}

std::optional<TopicSource::Info> CatalogTopics::find(const std::string& name) const {
    const auto topic = catalog_.find(name);
    if (!topic) return std::nullopt;
    return Info{topic->record.id, topic->record.partitions};
}

std::optional<std::string> CatalogTopics::name_of(const kafka::Uuid& id) const {
    const auto topic = catalog_.find(id);
    if (!topic) return std::nullopt;
    return topic->name();
}

ConsumerTimeouts CatalogTopics::timeouts_of(const std::string& group,
                                            const ConsumerTimeouts& defaults) const {
    const auto cluster = catalog_.cluster_state();
    const config::Settings& settings = cluster->config(ConfigType::kGroup, group);
    if (settings.empty()) return defaults;
    config::GroupOptions options;
    options.consumer_session_timeout_ms = defaults.session_timeout_ms;
    options.consumer_heartbeat_interval_ms = defaults.heartbeat_interval_ms;
    options.consumer_assignment_interval_ms = defaults.assignment_interval_ms;
    if (!config::group_option_table().apply(options, settings)) return defaults;
    return {options.consumer_session_timeout_ms, options.consumer_heartbeat_interval_ms,
            options.consumer_assignment_interval_ms};
}

StreamsGroupSettings CatalogTopics::streams_settings_of(
    const std::string& group, const StreamsGroupSettings& defaults) const {
    const auto cluster = catalog_.cluster_state();
    const config::Settings& settings = cluster->config(ConfigType::kGroup, group);
    if (settings.empty()) return defaults;
    config::GroupOptions options;
    options.streams_session_timeout_ms = defaults.session_timeout_ms;
    options.streams_heartbeat_interval_ms = defaults.heartbeat_interval_ms;
    options.streams_assignment_interval_ms = defaults.assignment_interval_ms;
    options.streams_initial_rebalance_delay_ms = defaults.initial_rebalance_delay_ms;
    options.streams_num_standby_replicas = defaults.num_standby_replicas;
    if (!config::group_option_table().apply(options, settings)) return defaults;
    return {options.streams_session_timeout_ms, options.streams_heartbeat_interval_ms,
            options.streams_assignment_interval_ms, options.streams_initial_rebalance_delay_ms,
            options.streams_num_standby_replicas};
}

std::vector<std::string> CatalogTopics::names() const {
    std::vector<std::string> names;
    for (const auto& topic : catalog_.all()) names.push_back(topic->name());
    return names;
}

}  // namespace millrace::broker
