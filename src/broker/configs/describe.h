// What DescribeConfigs tells of a resource: each option with its value, where that comes from, and
// what would be in force without it. Pure: values in, values out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/catalog/cluster_state.h"
#include "config/option.h"
#include "config/server_options.h"

namespace millrace::broker {

// DescribeConfigsResponse.ConfigSource of Kafka.
enum class ConfigSource : std::int8_t {
    kUnknown = 0,
    kTopic = 1,
    kBroker = 2,         // This broker's own, changed while it ran.
    kDefaultBroker = 3,  // The default of all brokers, changed while they ran.
    kStaticBroker = 4,   // What the server was started with.
    kDefault = 5,
    kBrokerLogger = 6,
    kClientMetrics = 7,
    kGroup = 8,
};

struct ConfigSynonym {
    std::string name;
    std::optional<std::string> value;
    ConfigSource source = ConfigSource::kDefault;
};

struct ConfigEntry {
    std::string name;
    std::optional<std::string> value;  // Null when it is sensitive.
    bool read_only = false;
    bool sensitive = false;
    ConfigSource source = ConfigSource::kDefault;
    std::vector<ConfigSynonym> synonyms;  // What is in force comes first.
    std::optional<config::Kind> kind;     // None: nobody here knows the option.
    std::string documentation;
};

// What the values of brokers come from.
struct BrokerConfigs {
    const config::ServerOptions& at_start;
    const ClusterState& cluster;
    std::string broker;  // Its id.
};

std::vector<ConfigEntry> describe_topic(const BrokerConfigs& configs,
                                        const config::Settings& settings);
std::vector<ConfigEntry> describe_broker(const BrokerConfigs& configs);
// What is set for all brokers.
std::vector<ConfigEntry> describe_default_broker(const BrokerConfigs& configs);
std::vector<ConfigEntry> describe_group(const BrokerConfigs& configs,
                                        const config::Settings& settings);
std::vector<ConfigEntry> describe_client_metrics(const config::Settings& settings);

}  // namespace millrace::broker
