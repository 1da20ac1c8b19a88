// ClientMetricsOptions: a subscription to metrics that clients push (KIP-714). This server keeps
// and shows subscriptions; it receives no metrics, and so does not ask clients for any.
#pragma once

#include <cstdint>
#include <string>

#include "config/option.h"

namespace millrace::config {

struct ClientMetricsOptions {
    std::int32_t interval_ms = 300'000;
    std::string match;
    std::string metrics;
};

const OptionTable<ClientMetricsOptions>& client_metrics_option_table();

}  // namespace millrace::config
