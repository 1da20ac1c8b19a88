// What the HTTP port shows: the rooms' views as metrics and as a page to read.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cli/program.h"

namespace millrace::base {
class MetricsRegistry;
}
namespace millrace::broker {
struct BrokerView;
}
namespace millrace::streaming {
struct QueryView;
}

namespace millrace::app {

// Bring the metrics up to what the views tell.
void note_broker(base::MetricsRegistry& metrics, const broker::BrokerView& view);
void note_queries(base::MetricsRegistry& metrics, const std::vector<streaming::QueryView>& views);
void note_sessions(base::MetricsRegistry& metrics, std::size_t sessions);

// Plain text: what runs here, and how to walk in at each door.
std::string front_page(const std::string& version, const cli::RunningServer::Doors& doors,
                       const broker::BrokerView& broker,
                       const std::vector<streaming::QueryView>& queries);

}  // namespace millrace::app
