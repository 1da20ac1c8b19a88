#include "app/server.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "app/pages.h"
#include "base/log.h"
#include "base/metrics.h"
#include "broker/broker.h"
#include "http/server.h"
#include "runtime/clock.h"
#include "runtime/disk.h"
#include "runtime/loop.h"
#include "runtime/pool.h"
#include "runtime/signals.h"
#include "runtime/socket.h"

namespace millrace::app {
namespace {

using base::Result;
using runtime::Task;

std::size_t or_cores(std::int32_t wanted) {
    if (wanted > 0) return static_cast<std::size_t>(wanted);
    return std::max(std::thread::hardware_concurrency(), 1u);
}

Task<Result<void>> listen(http::Server& server, const std::string& host, std::int32_t port) {
    co_return server.start(host, static_cast<std::uint16_t>(port));
}

Task<void> wait_for_signal() {
    static_cast<void>(co_await runtime::wait_for_stop_signal());
}

class Server final : public cli::RunningServer {
public:
    Server(const config::ServerOptions& options, const std::string& version)
        : options_(options), version_(version) {}
    ~Server() override { stop(); }

    Result<void> start() {
        const Result<base::LogLevel> level = base::parse_log_level(options_.log_level);
        if (level) base::set_log_level(*level);
        // First of all, so that /ready tells that the server starts, and a port in use is told
        // before a log is touched.
        Result<void> outcome = start_http();
        if (!outcome) return base::fail(outcome.error().with("HTTP"));
        outcome = start_broker();
        if (!outcome) return base::fail(outcome.error().with("Kafka"));
        phase_ = Phase::kReady;
        return {};
    }

    Doors doors() const override {
        return {.host = options_.listen_host,
                .kafka_port = broker_->port(),
                .connect_port = 0,
                .http_port = http_->port()};
    }
    std::vector<QueryNumbers> queries() const override { return {}; }
    void wait_for_stop_signal() override {
        runtime::run_blocking(loops_->first(), wait_for_signal());
    }

private:
    enum class Phase : std::uint8_t { kStarting, kReady, kStopping };

    Result<void> start_http() {
        http_ = std::make_unique<http::Server>(loops_->first(), *network_);
        http_->route("GET", "/ready", [this](http::Request) { return ready(); });
        http_->route("GET", "/metrics", [this](http::Request) { return metrics(); });
        http_->route("GET", "/", [this](http::Request) { return front(); });
        Result<void> outcome = runtime::run_blocking(
            loops_->first(), listen(*http_, options_.listen_host, options_.http_port));
        if (!outcome) http_.reset();
        return outcome;
    }

    Result<void> start_broker() {
        broker_ = std::make_unique<broker::Broker>(broker::Broker::Environment{.loops = *loops_,
                                                                               .pool = *pool_,
                                                                               .network = *network_,
                                                                               .disk = *disk_,
                                                                               .clock = *clock_,
                                                                               .random = *random_},
                                                   options_);
        Result<void> outcome = runtime::run_blocking(loops_->first(), broker_->start());
        if (!outcome) broker_.reset();
        return outcome;
    }

    void stop() {
        phase_ = Phase::kStopping;
        if (broker_) runtime::run_blocking(loops_->first(), broker_->stop());
        // Last, so that /ready and /metrics tell of the stopping.
        if (http_) runtime::run_blocking(loops_->first(), http_->stop());
        loops_->stop();
    }

    // Pages are asked for on the first loop, whose services stop() has not taken yet.
    Task<http::Response> ready() {
        switch (phase_) {
            case Phase::kStarting: co_return http::Response{.status = 503, .body = "starting\n"};
            case Phase::kReady: co_return http::Response{.body = "ready\n"};
            case Phase::kStopping: break;
        }
        co_return http::Response{.status = 503, .body = "stopping\n"};
    }
    Task<http::Response> metrics() {
        if (phase_ == Phase::kReady) note_broker(metrics_, broker_->view());
        co_return http::Response{.content_type = "text/plain; version=0.0.4; charset=utf-8",
                                 .body = metrics_.to_prometheus()};
    }
    Task<http::Response> front() {
        if (phase_ != Phase::kReady) co_return http::Response{.status = 503, .body = "not ready\n"};
        co_return http::Response{.body = front_page(version_, doors(), broker_->view())};
    }

    const config::ServerOptions options_;
    const std::string version_;
    std::atomic<Phase> phase_ = Phase::kStarting;
    base::MetricsRegistry metrics_;
    std::unique_ptr<runtime::Clock> clock_ = runtime::make_system_clock();
    std::unique_ptr<runtime::Random> random_ = runtime::make_system_random();
    std::unique_ptr<runtime::Disk> disk_ = runtime::make_system_disk();
    std::unique_ptr<runtime::LoopGroup> loops_ =
        runtime::make_system_loops(or_cores(options_.loops));
    std::unique_ptr<runtime::Network> network_ = runtime::make_system_network(*loops_);
    std::unique_ptr<runtime::Pool> pool_ =
        runtime::make_system_pool("pool", or_cores(options_.pool_threads));
    std::unique_ptr<broker::Broker> broker_;
    std::unique_ptr<http::Server> http_;
};

}  // namespace

Result<std::unique_ptr<cli::RunningServer>> start_server(const config::ServerOptions& options,
                                                         const std::string& version) {
    auto server = std::make_unique<Server>(options, version);
    MR_TRY_VOID(server->start());
    return server;
}

}  // namespace millrace::app
