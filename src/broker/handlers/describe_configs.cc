// DescribeConfigs 1-4: configs of topics, brokers, loggers, groups and metrics subscriptions.
// 1 adds sources and synonyms, 3 documentation and types.
#include "kafka/messages/describe_configs.h"

#include <algorithm>
#include <expected>
#include <utility>

#include <fmt/format.h>

#include "base/strings.h"
#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/configs/alter.h"
#include "broker/configs/describe.h"
#include "broker/configs/loggers.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/topic_rules.h"
#include "broker/live_options.h"
#include "broker/services.h"

namespace millrace::broker {
namespace {

using kafka::ErrorCode;
using Asked = kafka::DescribeConfigsRequest::Resource;
using Answer = kafka::DescribeConfigsResponse::Result;
using Described = std::expected<std::vector<ConfigEntry>, ConfigRefusal>;

// DescribeConfigsResponse.ConfigType of Kafka.
std::int8_t type_number(std::optional<config::Kind> kind) {
    if (!kind) return 0;
    switch (*kind) {
        case config::Kind::kBoolean: return 1;
        case config::Kind::kString: return 2;
        case config::Kind::kInt: return 3;
        case config::Kind::kLong: return 5;
        case config::Kind::kDouble: return 6;
        case config::Kind::kList: return 7;
    }
    return 0;
}

std::unexpected<ConfigRefusal> invalid_request(std::string message) {
    return std::unexpected(ConfigRefusal{ErrorCode::kInvalidRequest, std::move(message)});
}

ConfigRefusal check_broker(const Services& services, const std::string& name, bool may_be_empty) {
    const auto id = base::parse_int64(name);
    if (!id) {
        return {ErrorCode::kInvalidRequest, "Broker id must be an integer, but it is: " + name};
    }
    if (*id == services.node_id) return {};
    return {ErrorCode::kInvalidRequest,
            fmt::format("Unexpected broker id, expected {}{} but received {}", services.node_id,
                        may_be_empty ? " or empty string," : "", name)};
}

Described describe(const Services& services, const Asked& asked) {
    const auto cluster = services.catalog.cluster_state();
    const BrokerConfigs configs{services.live_options.at_start(), *cluster,
                                std::to_string(services.node_id)};
    const std::string& name = asked.resource_name;
    const auto type = ConfigType{asked.resource_type};
    switch (type) {
        case ConfigType::kTopic: {
            if (auto wrong = wrong_topic_name(name)) {
                return std::unexpected(
                    ConfigRefusal{ErrorCode::kInvalidTopicException, std::move(*wrong)});
            }
            const auto topic = services.catalog.find(name);
            if (topic) return describe_topic(configs, topic->record.settings);
            return std::unexpected(ConfigRefusal{ErrorCode::kUnknownTopicOrPartition, ""});
        }
        case ConfigType::kBroker:
            if (name.empty()) return describe_default_broker(configs);
            if (auto refusal = check_broker(services, name, true)) {
                return std::unexpected(std::move(refusal));
            }
            return describe_broker(configs);
        case ConfigType::kBrokerLogger: {
            if (name.empty()) return invalid_request("Broker id must not be empty");
            if (auto refusal = check_broker(services, name, false)) {
                return std::unexpected(std::move(refusal));
            }
            ConfigEntry root;
            root.name = kRootLogger;
            root.value = root_log_level();
            root.source = ConfigSource::kBrokerLogger;
            return std::vector{std::move(root)};
        }
        case ConfigType::kClientMetrics:
            if (name.empty()) {
                return invalid_request("Client metrics subscription name must not be empty");
            }
            return describe_client_metrics(cluster->config(type, name));
        case ConfigType::kGroup:
            if (name.empty()) return invalid_request("Group name must not be empty");
            return describe_group(configs, cluster->config(type, name));
        default: break;
    }
    return invalid_request(fmt::format("Unsupported resource type: {}", asked.resource_type));
}

void add(const kafka::DescribeConfigsRequest& request, ConfigEntry entry, Answer& answer) {
    auto& one = answer.configs.emplace_back();
    one.name = std::move(entry.name);
    one.value = std::move(entry.value);
    one.read_only = entry.read_only;
    one.is_sensitive = entry.sensitive;
    one.config_source = static_cast<std::int8_t>(entry.source);
    one.config_type = type_number(entry.kind);
    one.documentation.reset();
    if (request.include_documentation) one.documentation = std::move(entry.documentation);
    if (!request.include_synonyms) return;
    for (ConfigSynonym& synonym : entry.synonyms) {
        one.synonyms.push_back({std::move(synonym.name), std::move(synonym.value),
                                static_cast<std::int8_t>(synonym.source)});
    }
}

}  // namespace

Task<kafka::DescribeConfigsResponse> describe_configs(Call& call,
                                                      kafka::DescribeConfigsRequest request) {
    kafka::DescribeConfigsResponse response;
    for (const Asked& asked : request.resources) {
        Answer& answer = response.results.emplace_back();
        answer.resource_type = asked.resource_type;
        answer.resource_name = asked.resource_name;
        Described described = describe(call.services, asked);
        if (!described) {
            answer.error_code = described.error().error;
            answer.error_message = std::move(described.error().message);
            continue;
        }
        answer.error_message = "";
        const auto& keys = asked.configuration_keys;
        for (ConfigEntry& entry : *described) {
            const bool asked_for =
                !keys || keys->empty() || std::ranges::find(*keys, entry.name) != keys->end();
            if (asked_for) add(request, std::move(entry), answer);
        }
    }
    co_return response;
}

}  // namespace millrace::broker
