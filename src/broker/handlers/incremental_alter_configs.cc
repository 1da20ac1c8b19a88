// IncrementalAlterConfigs 0-1: sets and resets single configs of topics, brokers, loggers, groups
// and metrics subscriptions, and adds to lists and takes from them.
#include "kafka/messages/incremental_alter_configs.h"

#include <utility>

#include "broker/call.h"
#include "broker/configs/change_each.h"
#include "broker/handlers/handlers.h"

namespace millrace::broker {

Task<kafka::IncrementalAlterConfigsResponse> incremental_alter_configs(
    Call& call, kafka::IncrementalAlterConfigsRequest request) {
    return change_each<kafka::IncrementalAlterConfigsResponse>(call.services, std::move(request));
}

}  // namespace millrace::broker
