// Broker: the Kafka door and the topics behind it.
//
//     Broker broker(environment, options);
//     run_blocking(loops.first(), broker.start());  ...  run_blocking(loops.first(),
//     broker.stop());
//
// Thread rule: start() and stop() once each, on any loop; topics(), port() and view() from any
// thread while it runs. Everything given to it must outlive it, and the loops must run until stop()
// has ended.
#pragma once

#include <cstdint>
#include <memory>

#include "base/error.h"
#include "broker/view.h"
#include "config/server_options.h"
#include "runtime/task.h"

namespace millrace::runtime {
class Clock;
class Disk;
class LoopGroup;
class Network;
class Pool;
class Random;
}  // namespace millrace::runtime

namespace millrace::topic {
class Topics;
}

namespace millrace::broker {

class Broker {
public:
    struct Environment {
        runtime::LoopGroup& loops;
        runtime::Pool& pool;  // For what blocks: syncs, opening and removing logs.
        runtime::Network& network;
        runtime::Disk& disk;
        runtime::Clock& clock;
        runtime::Random& random;
        // For the files of compaction, so that no sync waits behind it; null: `pool`.
        runtime::Pool* cleaner_pool = nullptr;
    };
    Broker(Environment environment, config::ServerOptions options);
    ~Broker();
    Broker(const Broker&) = delete;
    Broker& operator=(const Broker&) = delete;

    // Opens the folder, recovers every log, loads groups, then listens. kConflict when the folder
    // or the port is in use; then, as after any error, there is nothing to stop.
    runtime::Task<base::Result<void>> start();
    // Hangs up on every client, waits for what is under way and closes all logs.
    runtime::Task<void> stop();

    // The same topics without a socket. Its calls block: never from a loop.
    topic::Topics& topics();
    // The port that is listened on.
    std::uint16_t port() const;
    BrokerView view() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::broker
