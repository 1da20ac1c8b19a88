// AlterConfigs 0-2: replaces all configs of topics, brokers, groups and metrics subscriptions.
#include "kafka/messages/alter_configs.h"

#include <map>
#include <utility>

#include "broker/call.h"
#include "broker/configs/change.h"
#include "broker/handlers/handlers.h"
#include "broker/services.h"

namespace millrace::broker {

Task<kafka::AlterConfigsResponse> alter_configs(Call& call, kafka::AlterConfigsRequest request) {
    std::map<std::pair<std::int8_t, std::string>, int> times;
    for (const auto& asked : request.resources) ++times[{asked.resource_type, asked.resource_name}];
    kafka::AlterConfigsResponse response;
    for (auto& asked : request.resources) {
        auto& answer = response.responses.emplace_back();
        answer.resource_type = asked.resource_type;
        answer.resource_name = asked.resource_name;
        answer.error_message.reset();
        ConfigRefusal refusal{kafka::ErrorCode::kInvalidRequest,
                              "Each resource must appear at most once."};
        if (times[{asked.resource_type, asked.resource_name}] == 1) {
            ConfigsToChange wanted{.type = asked.resource_type,
                                   .name = asked.resource_name,
                                   .changes = {},
                                   .replace = true,
                                   .validate_only = request.validate_only};
            for (auto& config : asked.configs) {
                wanted.changes.push_back({std::move(config.name),
                                          static_cast<std::int8_t>(ConfigOp::kSet),
                                          std::move(config.value)});
            }
            refusal = co_await change_configs(call.services, std::move(wanted));
        }
        if (!refusal) continue;
        answer.error_code = refusal.error;
        answer.error_message = std::move(refusal.message);
    }
    co_return response;
}

}  // namespace millrace::broker
