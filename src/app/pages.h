// What the HTTP port shows: the rooms' views as metrics and as a page to read.
#pragma once

#include <string>

#include "cli/program.h"

namespace millrace::base {
class MetricsRegistry;
}
namespace millrace::broker {
struct BrokerView;
}

namespace millrace::app {

// Bring the broker's metrics up to what its view tells.
void note_broker(base::MetricsRegistry& metrics, const broker::BrokerView& view);

// Plain text: what runs here, and how to walk in at each door.
std::string front_page(const std::string& version, const cli::RunningServer::Doors& doors,
                       const broker::BrokerView& view);

}  // namespace millrace::app
