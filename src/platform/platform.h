// Platform: the log and the engine in this process, every part wired to those it needs.
//
// The server (room app) puts its doors in front of one; a local session of the C++ API is one.
// make() takes what is cheap (threads, no file, no port); start() opens the data folder and the
// Kafka door; stop(), also called by the destructor, ends queries first and the log last. Not for
// threads that are loops. start() and stop() once each; the rest is thread-safe while it runs.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/error.h"
#include "config/server_options.h"

namespace millrace::broker {
class Broker;
}
namespace millrace::columnar {
class Engine;
}
namespace millrace::runtime {
class Clock;
class Disk;
class LoopGroup;
class Network;
class Pool;
class Random;
}  // namespace millrace::runtime
namespace millrace::session {
class SessionManager;
}
namespace millrace::streaming {
class QueryManager;
}

namespace millrace::platform {

class Platform {
public:
    // `settings`: the server's own defaults of session settings, by Spark's names.
    explicit Platform(config::ServerOptions options,
                      std::map<std::string, std::string> settings = {});
    ~Platform();
    Platform(const Platform&) = delete;
    Platform& operator=(const Platform&) = delete;

    // kConflict when the data folder or the Kafka port is in use; after an error only the
    // destructor may follow.
    base::Result<void> start();
    void stop();

    const config::ServerOptions& options() const;
    runtime::LoopGroup& loops();
    runtime::Network& network();
    runtime::Disk& disk();
    runtime::Clock& clock();
    // From start() on:
    broker::Broker& broker();
    columnar::Engine& engine();
    streaming::QueryManager& queries();
    session::SessionManager& sessions();

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace millrace::platform
