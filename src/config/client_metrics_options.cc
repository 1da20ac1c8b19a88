#include "config/client_metrics_options.h"

namespace millrace::config {

const OptionTable<ClientMetricsOptions>& client_metrics_option_table() {
    using C = ClientMetricsOptions;
    static const OptionTable<ClientMetricsOptions> kTable{
        {"interval.ms", &C::interval_ms, 100, 3'600'000, Reload::kLive,
         "How often clients push their metrics."},
        {"match",
         &C::match,
         Kind::kList,
         {},
         Reload::kLive,
         "Which clients: selector=regular expression, all of them must match."},
        {"metrics",
         &C::metrics,
         Kind::kList,
         {},
         Reload::kLive,
         "Which metrics, by the beginning of their names; * for all."},
    };
    return kTable;
}

}  // namespace millrace::config
