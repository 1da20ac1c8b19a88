// Services: what handlers delegate to. One for the whole broker; its members are thread-safe, or
// say on which loop they are to be used.
#pragma once

#include <cstdint>
#include <string>

#include "config/server_options.h"

namespace millrace::runtime {
class Clock;
class Disk;
class Pool;
class Random;
}  // namespace millrace::runtime

namespace millrace::broker {

class Catalog;
class ClientThrottle;
class Coordinator;
class LiveOptions;
class ShareService;
class TransactionCoordinator;

// The one broker there is.
inline constexpr std::int32_t kNodeId = 1;

struct Services {
    const config::ServerOptions& options;  // As the server was started.
    LiveOptions& live_options;             // As they are now.
    runtime::Clock& clock;
    runtime::Random& random;
    runtime::Disk& disk;
    runtime::Pool& pool;  // For what blocks.
    Catalog& catalog;
    Coordinator& groups;
    ClientThrottle& throttle;
    TransactionCoordinator& transactions;
    ShareService& shares;
    // How clients find this broker.
    std::int32_t node_id = kNodeId;
    std::string host;
    std::uint16_t port = 0;
    // The folder of all logs, as an absolute path.
    std::string log_dir;
};

// Nobody here raises it: there is one leader, and it is this process.
inline constexpr std::int32_t kFirstLeaderEpoch = 0;

}  // namespace millrace::broker
