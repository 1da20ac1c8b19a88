// Changes of configs: what a request asks for, what settings come of it, and why it is refused.
// Pure: values in, values out. Codes and words are Kafka's.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "broker/catalog/cluster_state.h"
#include "config/option.h"
#include "config/server_options.h"
#include "kafka/errors.h"

namespace millrace::broker {

struct ConfigRefusal {
    kafka::ErrorCode error = kafka::ErrorCode::kNone;
    std::string message;
    explicit operator bool() const { return error != kafka::ErrorCode::kNone; }
};

enum class ConfigOp : std::int8_t { kSet = 0, kDelete = 1, kAppend = 2, kSubtract = 3 };

struct ConfigChange {
    std::string name;
    std::int8_t op = 0;  // A ConfigOp, as it came.
    std::optional<std::string> value;
};

using AlteredSettings = std::expected<config::Settings, ConfigRefusal>;

// What every kind of resource has in common: each config once, and with a value.
ConfigRefusal check_changes(const std::vector<ConfigChange>& changes);
// `now` with the changes made to it. `with_defaults` gives the value that a list starts from when
// it is not set. The result is not validated.
AlteredSettings apply_changes(ConfigType type, const config::Settings& now,
                              const config::Settings& with_defaults,
                              const std::vector<ConfigChange>& changes);

// Whether the resource may have these settings, all that it will have.
ConfigRefusal validate_topic_settings(const config::Settings& settings);
// A group's settings have bounds that the server has been given.
ConfigRefusal validate_group_settings(const std::string& group, const config::Settings& settings,
                                      const config::ServerOptions& server);
ConfigRefusal validate_client_metrics_settings(const std::string& name,
                                               const config::Settings& settings);
// Also that nothing is changed that a running broker cannot change.
ConfigRefusal validate_broker_settings(const config::Settings& settings);

}  // namespace millrace::broker
