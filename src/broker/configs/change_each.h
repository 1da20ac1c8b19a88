// What AlterConfigs and IncrementalAlterConfigs have in common: each resource of a request is
// changed for itself, and answered in the order of the request.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "broker/configs/change.h"

namespace millrace::broker {

// A request whose configs name no operation replaces all configs of its resources.
template <class Response, class Request>
runtime::Task<Response> change_each(Services& services, Request request) {
    using Config = typename decltype(request.resources.front().configs)::value_type;
    constexpr bool kReplaces = !requires(Config config) { config.config_operation; };
    std::map<std::pair<std::int8_t, std::string>, int> times;
    for (const auto& asked : request.resources) ++times[{asked.resource_type, asked.resource_name}];
    Response response;
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
                                   .replace = kReplaces,
                                   .validate_only = request.validate_only};
            for (auto& config : asked.configs) {
                auto operation = static_cast<std::int8_t>(ConfigOp::kSet);
                if constexpr (!kReplaces) operation = config.config_operation;
                wanted.changes.push_back(
                    {std::move(config.name), operation, std::move(config.value)});
            }
            refusal = co_await change_configs(services, std::move(wanted));
        }
        if (!refusal) continue;
        answer.error_code = refusal.error;
        answer.error_message = std::move(refusal.message);
    }
    co_return response;
}

}  // namespace millrace::broker
