#include "platform/platform.h"

#include <algorithm>

#include "broker/broker.h"
#include "columnar/engine.h"
#include "platform/topics_router.h"
#include "runtime/clock.h"
#include "runtime/disk.h"
#include "runtime/loop.h"
#include "runtime/pool.h"
#include "runtime/socket.h"
#include "runtime/thread.h"
#include "session/session_manager.h"
#include "streaming/query_manager.h"

namespace millrace::platform {

using base::Result;

namespace {

std::size_t or_cores(std::int32_t wanted) {
    return wanted > 0 ? static_cast<std::size_t>(wanted) : runtime::core_count();
}

}  // namespace

// Declared in order of need: each may use those above it, and is destroyed before them.
struct Platform::Parts {
    config::ServerOptions options;
    std::map<std::string, std::string> settings;
    std::unique_ptr<runtime::Clock> clock = runtime::make_system_clock();
    std::unique_ptr<runtime::Random> random = runtime::make_system_random();
    std::unique_ptr<runtime::Disk> disk = runtime::make_system_disk();
    std::unique_ptr<runtime::LoopGroup> loops;
    std::unique_ptr<runtime::Network> network;
    std::unique_ptr<runtime::Pool> pool;
    std::unique_ptr<runtime::Pool> cleaner_pool;  // One thread for compaction.
    std::unique_ptr<broker::Broker> broker;
    std::unique_ptr<TopicsRouter> router;
    std::unique_ptr<columnar::Engine> engine;
    std::unique_ptr<streaming::QueryManager> queries;
    std::unique_ptr<session::SessionManager> sessions;
    bool stopped = false;

    Result<void> start_log() {
        auto starting = std::make_unique<broker::Broker>(
            broker::Broker::Environment{.loops = *loops,
                                        .pool = *pool,
                                        .network = *network,
                                        .disk = *disk,
                                        .clock = *clock,
                                        .random = *random,
                                        .cleaner_pool = cleaner_pool.get()},
            options);
        auto outcome = runtime::run_blocking(loops->first(), starting->start());
        if (!outcome) return base::fail(outcome.error().with("Kafka"));
        broker = std::move(starting);
        router =
            std::make_unique<TopicsRouter>(broker->topics(), options.listen_host, broker->port());
        return {};
    }

    Result<void> start_engine() {
        const std::string temporary = options.data_dir + "/tmp";
        MR_TRY_VOID(disk->make_directories(temporary));
        MR_TRY(engine, columnar::Engine::make({.temporary_directory = temporary}));
        const auto topics = [this](const plan::Options& wanted) {
            return router->topics_for(wanted);
        };
        queries = std::make_unique<streaming::QueryManager>(
            streaming::Services{.engine = *engine,
                                .disk = *disk,
                                .clock = *clock,
                                .random = *random,
                                .topics = topics,
                                .temporary_directory = temporary});
        sessions =
            std::make_unique<session::SessionManager>(session::Services{.engine = *engine,
                                                                        .queries = *queries,
                                                                        .disk = *disk,
                                                                        .clock = *clock,
                                                                        .random = *random,
                                                                        .topics = topics,
                                                                        .settings = settings});
        return {};
    }

    void stop() {
        if (stopped) return;
        stopped = true;
        // Queries write to the log, so they end before it does.
        if (queries) queries->stop_all();
        if (broker) runtime::run_blocking(loops->first(), broker->stop());
    }
};

Platform::Platform(config::ServerOptions options, std::map<std::string, std::string> settings)
    : parts_(std::make_unique<Parts>()) {
    parts_->options = std::move(options);
    parts_->settings = std::move(settings);
    parts_->loops = runtime::make_system_loops(or_cores(parts_->options.loops));
    parts_->network = runtime::make_system_network(*parts_->loops);
    parts_->pool = runtime::make_system_pool("pool", or_cores(parts_->options.pool_threads));
    parts_->cleaner_pool = runtime::make_system_pool("cleaner", 1);
}

Platform::~Platform() {
    stop();
    parts_->sessions.reset();
    parts_->queries.reset();
    parts_->loops->stop();
}

Result<void> Platform::start() {
    MR_TRY_VOID(parts_->start_log());
    return parts_->start_engine();
}

void Platform::stop() {
    parts_->stop();
}

const config::ServerOptions& Platform::options() const {
    return parts_->options;
}
runtime::LoopGroup& Platform::loops() {
    return *parts_->loops;
}
runtime::Network& Platform::network() {
    return *parts_->network;
}
runtime::Disk& Platform::disk() {
    return *parts_->disk;
}
runtime::Clock& Platform::clock() {
    return *parts_->clock;
}
broker::Broker& Platform::broker() {
    return *parts_->broker;
}
columnar::Engine& Platform::engine() {
    return *parts_->engine;
}
streaming::QueryManager& Platform::queries() {
    return *parts_->queries;
}
session::SessionManager& Platform::sessions() {
    return *parts_->sessions;
}

}  // namespace millrace::platform
