// DescribeConfigs 1-4: settings of topics and of the broker. 1 adds sources and synonyms,
// 3 documentation and types.
#include "kafka/messages/describe_configs.h"

#include <algorithm>

#include "broker/call.h"
#include "broker/catalog/catalog.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"
#include "config/server_options.h"
#include "config/topic_options.h"

namespace millrace::broker {
namespace {

using kafka::ErrorCode;
using Asked = kafka::DescribeConfigsRequest::Resource;
using Answer = kafka::DescribeConfigsResponse::Result;

// ConfigResource.Type and DescribeConfigsResponse.ConfigSource of Kafka.
constexpr std::int8_t kTopicResource = 2, kBrokerResource = 4, kGroupResource = 32;
constexpr std::int8_t kTopicSource = 1, kStaticBrokerSource = 4, kDefaultSource = 5;

std::int8_t type_number(config::Kind kind) {
    switch (kind) {
        case config::Kind::kBoolean: return 1;
        case config::Kind::kString: return 2;
        case config::Kind::kInt: return 3;
        case config::Kind::kLong: return 5;
        case config::Kind::kList: return 7;
    }
    return 0;
}

void add(const kafka::DescribeConfigsRequest& request, const Asked& asked,
         const config::OptionView& view, std::int8_t source, bool read_only, Answer& answer) {
    const auto& keys = asked.configuration_keys;
    if (keys && std::ranges::find(*keys, view.name) == keys->end()) return;
    auto& one = answer.configs.emplace_back();
    one.name = view.name;
    one.value = view.value;
    one.read_only = read_only;
    one.config_source = source;
    one.config_type = type_number(view.kind);
    one.documentation.reset();
    if (request.include_documentation) one.documentation = view.documentation;
    if (!request.include_synonyms) return;
    one.synonyms.push_back({view.name, view.value, source});
    if (source != kDefaultSource) {
        one.synonyms.push_back({view.name, view.default_value, kDefaultSource});
    }
}

void describe_topic(const Services& services, const kafka::DescribeConfigsRequest& request,
                    const Asked& asked, Answer& answer) {
    const auto topic = services.catalog.find(asked.resource_name);
    if (!topic) {
        answer.error_code = ErrorCode::kUnknownTopicOrPartition;
        answer.error_message = "The topic '" + asked.resource_name + "' does not exist.";
        return;
    }
    for (const auto& view : config::topic_option_table().view(topic->options)) {
        const std::int8_t source = topic->record.settings.contains(view.name) ? kTopicSource
                                   : view.is_default                          ? kDefaultSource
                                                                              : kStaticBrokerSource;
        add(request, asked, view, source, /*read_only=*/false, answer);
    }
}

void describe_broker(const Services& services, const kafka::DescribeConfigsRequest& request,
                     const Asked& asked, Answer& answer) {
    if (asked.resource_name.empty()) return;  // Defaults for all brokers: none are set.
    if (asked.resource_name != std::to_string(services.node_id)) {
        answer.error_code = ErrorCode::kInvalidRequest;
        answer.error_message = "Unexpected broker id, expected " +
                               std::to_string(services.node_id) + ", but received " +
                               asked.resource_name;
        return;
    }
    for (const auto& view : config::server_option_table().view(services.options)) {
        add(request, asked, view, view.is_default ? kDefaultSource : kStaticBrokerSource,
            /*read_only=*/true, answer);
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
        switch (asked.resource_type) {
            case kTopicResource: describe_topic(call.services, request, asked, answer); break;
            case kBrokerResource: describe_broker(call.services, request, asked, answer); break;
            case kGroupResource: break;  // Groups have no settings of their own.
            default:
                answer.error_code = ErrorCode::kInvalidRequest;
                answer.error_message =
                    "Unsupported resource type: " + std::to_string(asked.resource_type);
        }
    }
    co_return response;
}

}  // namespace millrace::broker
