#include "client/cluster.h"

#include "client/admin_internal.h"

namespace millrace::client {

using base::Result;

namespace {

// An Admin that owns its handle.
class ConnectedCluster final : public Admin {
public:
    ConnectedCluster(std::unique_ptr<Reach> reach, Handle handle, std::string servers,
                     int timeout_ms)
        : Admin(handle.get(), std::move(servers), timeout_ms),
          reach_(std::move(reach)),
          handle_(std::move(handle)) {}

private:
    const std::unique_ptr<Reach> reach_;  // The handle's callback writes to it.
    const Handle handle_;
};

}  // namespace

Result<std::unique_ptr<Cluster>> Cluster::connect(const Settings& settings,
                                                  std::chrono::milliseconds timeout) {
    // Lag is counted to the end of the log, as Kafka's own tools count it; a topic that is asked
    // about is never made.
    MR_TRY(auto configuration,
           make_configuration(settings, {{"isolation.level", "read_uncommitted"}},
                              {{"allow.auto.create.topics", "false"}}));
    auto reach = std::make_unique<Reach>();
    reach->watch(configuration.get());
    MR_TRY(Handle handle, make_handle(RD_KAFKA_CONSUMER, std::move(configuration)));
    const int timeout_ms = static_cast<int>(timeout.count());
    MR_TRY_VOID(reach->wait(handle.get(), servers_of(settings), timeout_ms));
    return std::make_unique<ConnectedCluster>(std::move(reach), std::move(handle),
                                              servers_of(settings), timeout_ms);
}

}  // namespace millrace::client
