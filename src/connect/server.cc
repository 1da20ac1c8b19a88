#include "connect/server.h"

#include <grpc/support/time.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server_builder.h>

#include <condition_variable>
#include <mutex>

#include "connect/service_internal.h"
#include "runtime/clock.h"
#include "runtime/thread.h"

namespace millrace::connect {

namespace {

constexpr int kMessageBytes = 128 << 20;
constexpr std::chrono::seconds kMaintenance{30};

}  // namespace

struct Server::Impl {
    Service service;
    std::unique_ptr<grpc::Server> server;
    int port = 0;
    std::mutex mutex;
    std::condition_variable changed;
    bool stopping = false;
    runtime::Thread maintenance;

    Impl(session::SessionManager& sessions, const ServerOptions& options)
        : service(sessions, options) {}

    void maintain() {
        std::unique_lock lock(mutex);
        while (!changed.wait_for(lock, kMaintenance, [this] { return stopping; })) {
            lock.unlock();
            service.clients().tidy(service.clients().manager().services().clock.wall_ms());
            lock.lock();
        }
    }
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() {
    stop();
}

base::Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options,
                                                    session::SessionManager& sessions) {
    auto impl = std::make_unique<Impl>(sessions, options);
    grpc::ResourceQuota quota("connect");
    quota.SetMaxThreads(options.max_rpc_threads);
    grpc::ServerBuilder builder;
    builder.SetResourceQuota(quota);
    builder.SetMaxReceiveMessageSize(kMessageBytes);
    builder.SetMaxSendMessageSize(kMessageBytes);
    // Two servers on one port would share its clients: the second must be refused.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 2);
    builder.AddListeningPort(fmt::format("{}:{}", options.host, options.port),
                             grpc::InsecureServerCredentials(), &impl->port);
    builder.RegisterService(&impl->service);
    impl->server = builder.BuildAndStart();
    if (impl->server == nullptr || impl->port == 0) {
        return base::fail(base::Code::kConflict,
                          "Cannot listen on {}:{} for Spark Connect: is the port in use?",
                          options.host, options.port);
    }
    impl->maintenance =
        runtime::Thread("connect-tidy", [raw = impl.get()](std::stop_token) { raw->maintain(); });
    return std::unique_ptr<Server>(new Server(std::move(impl)));
}

std::uint16_t Server::port() const {
    return static_cast<std::uint16_t>(impl_->port);
}

void Server::stop() {
    {
        const std::scoped_lock lock(impl_->mutex);
        if (impl_->stopping) return;
        impl_->stopping = true;
    }
    impl_->changed.notify_all();
    impl_->maintenance.join();
    // What runs is cancelled first, so that its streams end by themselves.
    impl_->service.stop();
    impl_->server->Shutdown(
        gpr_time_add(gpr_now(GPR_CLOCK_REALTIME), gpr_time_from_seconds(1, GPR_TIMESPAN)));
    impl_->server->Wait();
}

}  // namespace millrace::connect
