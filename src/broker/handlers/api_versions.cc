// ApiVersions 0-4: what this broker can do. 3 adds the client's name and features, 4 a fix of them.
#include "kafka/messages/api_versions.h"

#include <algorithm>

#include "broker/api_table.h"
#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/features.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"

namespace millrace::broker {
namespace {

// As Kafka: a name of letters, digits, '.' and '-' that begins and ends with a letter or digit.
bool is_name(const std::string& text) {
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    return !text.empty() && plain(text.front()) && plain(text.back()) &&
           std::ranges::all_of(text, [&](char c) { return plain(c) || c == '.' || c == '-'; });
}

}  // namespace

Task<kafka::ApiVersionsResponse> api_versions(Call& call, kafka::ApiVersionsRequest request) {
    kafka::ApiVersionsResponse response;
    if (call.version() >= 3 &&
        !(is_name(request.client_software_name) && is_name(request.client_software_version))) {
        response.error_code = kafka::ErrorCode::kInvalidRequest;
        co_return response;
    }
    for (const Api& api : api_table()) {
        response.api_keys.push_back(
            {static_cast<std::int16_t>(api.key), api.advertised_min_version, api.max_version});
    }
    const Catalog& catalog = call.services.catalog;
    const auto cluster = catalog.cluster_state();
    for (const Feature& feature : feature_table()) {
        // Versions below 4 cannot tell of a feature that may be out: Kafka leaves it out there.
        if (call.version() >= 4 || feature.min_level > 0) {
            response.supported_features.push_back(
                {std::string(feature.name), feature.min_level, feature.max_level});
        }
        const std::int16_t level = feature_level(*cluster, feature.name);
        if (level > 0) {
            response.finalized_features.push_back({std::string(feature.name), level, level});
        }
    }
    response.finalized_features_epoch = catalog.features_epoch();
    co_return response;
}

}  // namespace millrace::broker
