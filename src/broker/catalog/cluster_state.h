// ClusterState: what is kept of the cluster beside its topics: configs of brokers, groups and
// metrics subscriptions, quotas of clients, finalized features, and credentials of users.
//
// A plain value. The catalog keeps it durable and publishes immutable copies.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "broker/scram/scram.h"
#include "config/option.h"

namespace millrace::broker {

// Kafka's ConfigResource.Type.
enum class ConfigType : std::int8_t {
    kUnknown = 0,
    kTopic = 2,
    kBroker = 4,
    kBrokerLogger = 8,
    kClientMetrics = 16,
    kGroup = 32,
};

struct ConfigResource {
    ConfigType type = ConfigType::kUnknown;
    std::string name;  // Of a broker: its id, or empty for the default of all brokers.
    auto operator<=>(const ConfigResource&) const = default;
};

// Whom a quota is for: entity type ("user", "client-id", "ip") to name; no name: the default.
using QuotaEntity = std::map<std::string, std::optional<std::string>>;
// Quota key ("producer_byte_rate") to its limit.
using QuotaValues = std::map<std::string, double>;

struct ClusterState {
    std::map<ConfigResource, config::Settings> configs;
    std::map<QuotaEntity, QuotaValues> quotas;
    std::map<std::string, std::int16_t> features;  // Levels that were chosen; 0: taken out.
    ScramCredentials scram;

    // Empty when there are none.
    const config::Settings& config(ConfigType type, const std::string& name) const;
};

}  // namespace millrace::broker
