#include "app/server.h"

#include <atomic>

#include "app/pages.h"
#include "base/log.h"
#include "base/metrics.h"
#include "broker/broker.h"
#include "connect/server.h"
#include "http/server.h"
#include "platform/platform.h"
#include "runtime/limits.h"
#include "runtime/loop.h"
#include "runtime/signals.h"
#include "session/session_manager.h"
#include "streaming/query_manager.h"

namespace millrace::app {
namespace {

using base::Result;
using runtime::Task;

Task<Result<void>> listen(http::Server& server, const std::string& host, std::int32_t port) {
    co_return server.start(host, static_cast<std::uint16_t>(port));
}

Task<void> wait_for_signal() {
    static_cast<void>(co_await runtime::wait_for_stop_signal());
}

class Server final : public cli::RunningServer {
public:
    Server(const config::ServerOptions& options, const std::string& version)
        : version_(version), platform_(options) {}
    ~Server() override { stop(); }

    Result<void> start() {
        const Result<base::LogLevel> level = base::parse_log_level(options().log_level);
        if (level) base::set_log_level(*level);
        // A partition that is written holds a file, a client a socket.
        runtime::raise_open_files_limit();
        // First of all, so that /ready tells that the server starts, and a port in use is told
        // before a log is touched.
        const Result<void> http = start_http();
        if (!http) return base::fail(http.error().with("HTTP"));
        MR_TRY_VOID(platform_.start());
        auto connect =
            connect::Server::start({.host = options().listen_host,
                                    .port = static_cast<std::uint16_t>(options().connect_port)},
                                   platform_.sessions());
        if (!connect) return base::fail(connect.error().with("Spark Connect"));
        connect_ = std::move(*connect);
        phase_ = Phase::kReady;
        return {};
    }

    Doors doors() const override {
        return {.host = options().listen_host,
                .kafka_port = platform_.broker().port(),
                .connect_port = connect_->port(),
                .http_port = http_->port()};
    }
    std::vector<QueryNumbers> queries() const override {
        std::vector<QueryNumbers> numbers;
        for (const streaming::QueryView& query : platform_.queries().view()) {
            numbers.push_back({.name = query.name,
                               .input_rows = query.input_rows,
                               .output_rows = query.output_rows,
                               .malformed_records = query.malformed_records,
                               .p50_us = query.append_to_visible.quantile_us(0.5),
                               .p99_us = query.append_to_visible.quantile_us(0.99)});
        }
        return numbers;
    }
    void wait_for_stop_signal() override { runtime::run_blocking(loop(), wait_for_signal()); }

private:
    enum class Phase : std::uint8_t { kStarting, kReady, kStopping };

    const config::ServerOptions& options() const { return platform_.options(); }
    runtime::Loop& loop() { return platform_.loops().first(); }

    Result<void> start_http() {
        http_ = std::make_unique<http::Server>(loop(), platform_.network());
        http_->route("GET", "/ready", [this](http::Request) { return ready(); });
        http_->route("GET", "/metrics", [this](http::Request) { return metrics(); });
        http_->route("GET", "/", [this](http::Request) { return front(); });
        Result<void> outcome = runtime::run_blocking(
            loop(), listen(*http_, options().listen_host, options().http_port));
        if (!outcome) http_.reset();
        return outcome;
    }

    void stop() {
        phase_ = Phase::kStopping;
        // Clients of the engine go first, then its queries, then the log that they write to.
        if (connect_) connect_->stop();
        platform_.stop();
        // Last, so that /ready tells of the stopping.
        if (http_) runtime::run_blocking(loop(), http_->stop());
    }

    Task<http::Response> ready() {
        switch (phase_) {
            case Phase::kStarting: co_return http::Response{.status = 503, .body = "starting\n"};
            case Phase::kReady: co_return http::Response{.body = "ready\n"};
            case Phase::kStopping: break;
        }
        co_return http::Response{.status = 503, .body = "stopping\n"};
    }
    Task<http::Response> metrics() {
        if (phase_ == Phase::kReady) {
            note_broker(metrics_, platform_.broker().view());
            note_queries(metrics_, platform_.queries().view());
            note_sessions(metrics_, platform_.sessions().size());
        }
        co_return http::Response{.content_type = "text/plain; version=0.0.4; charset=utf-8",
                                 .body = metrics_.to_prometheus()};
    }
    Task<http::Response> front() {
        if (phase_ != Phase::kReady) co_return http::Response{.status = 503, .body = "not ready\n"};
        co_return http::Response{.body = front_page(version_, doors(), platform_.broker().view(),
                                                    platform_.queries().view())};
    }

    const std::string version_;
    std::atomic<Phase> phase_ = Phase::kStarting;
    base::MetricsRegistry metrics_;
    mutable platform::Platform platform_;
    std::unique_ptr<connect::Server> connect_;
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
