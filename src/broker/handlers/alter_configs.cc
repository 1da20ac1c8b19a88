// AlterConfigs 0-2: replaces all configs of topics, brokers, groups and metrics subscriptions.
#include "kafka/messages/alter_configs.h"

#include <utility>

#include "broker/call.h"
#include "broker/configs/change_each.h"
#include "broker/handlers/handlers.h"

namespace millrace::broker {

Task<kafka::AlterConfigsResponse> alter_configs(Call& call, kafka::AlterConfigsRequest request) {
    return change_each<kafka::AlterConfigsResponse>(call.services, std::move(request));
}

}  // namespace millrace::broker
