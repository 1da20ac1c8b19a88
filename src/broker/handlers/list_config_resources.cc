// ListConfigResources 0-1: which resources may be asked for configs. 1 adds types other than client
// metrics.
#include "kafka/messages/list_config_resources.h"

#include <algorithm>
#include <set>
#include <string>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"

namespace millrace::broker {

Task<kafka::ListConfigResourcesResponse> list_config_resources(
    Call& call, kafka::ListConfigResourcesRequest request) {
    const Catalog& catalog = call.services.catalog;
    std::set<std::int8_t> types(request.resource_types.begin(), request.resource_types.end());
    const std::set<std::int8_t> known = {static_cast<std::int8_t>(ConfigType::kTopic),
                                         static_cast<std::int8_t>(ConfigType::kBroker),
                                         static_cast<std::int8_t>(ConfigType::kBrokerLogger),
                                         static_cast<std::int8_t>(ConfigType::kClientMetrics),
                                         static_cast<std::int8_t>(ConfigType::kGroup)};
    if (call.version() == 0) types = {static_cast<std::int8_t>(ConfigType::kClientMetrics)};
    if (types.empty()) types = known;
    kafka::ListConfigResourcesResponse response;
    if (!std::ranges::includes(known, types)) {
        response.error_code = kafka::ErrorCode::kUnsupportedVersion;
        co_return response;
    }
    const auto wants = [&](ConfigType type) {
        return types.contains(static_cast<std::int8_t>(type));
    };
    const auto add = [&](const std::string& name, ConfigType type) {
        response.config_resources.push_back({name, static_cast<std::int8_t>(type)});
    };
    const auto cluster = catalog.cluster_state();
    for (const ConfigType type : {ConfigType::kGroup, ConfigType::kClientMetrics}) {
        if (!wants(type)) continue;
        for (const auto& [resource, settings] : cluster->configs) {
            if (resource.type == type) add(resource.name, type);
        }
    }
    for (const ConfigType type : {ConfigType::kBrokerLogger, ConfigType::kBroker}) {
        if (wants(type)) add(std::to_string(call.services.node_id), type);
    }
    if (wants(ConfigType::kTopic)) {
        for (const auto& topic : catalog.all()) add(topic->name(), ConfigType::kTopic);
    }
    co_return response;
}

}  // namespace millrace::broker
