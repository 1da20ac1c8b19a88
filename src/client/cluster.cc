#include "client/cluster.h"

#include <mutex>

#include "client/admin_internal.h"
#include "client/direct/direct_internal.h"

namespace millrace::client {

using base::Result;

namespace {

// An Admin that owns its handle.
class ConnectedCluster final : public Admin {
public:
    ConnectedCluster(std::unique_ptr<Reach> reach, Handle handle, const Settings& settings,
                     std::chrono::milliseconds timeout)
        : Admin(handle.get(), servers_of(settings), static_cast<int>(timeout.count())),
          settings_(settings),
          timeout_(timeout),
          reach_(std::move(reach)),
          handle_(std::move(handle)) {}

    Result<Direct*> direct() override {
        const std::lock_guard lock(mutex_);
        if (direct_ == nullptr) {
            MR_TRY(auto wire, Wire::connect(settings_, timeout_));
            direct_ = std::make_unique<WireDirect>(std::move(wire));
        }
        return direct_.get();
    }

private:
    const Settings settings_;
    const std::chrono::milliseconds timeout_;
    std::mutex mutex_;
    std::unique_ptr<WireDirect> direct_;
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
    return std::make_unique<ConnectedCluster>(std::move(reach), std::move(handle), settings,
                                              timeout);
}

}  // namespace millrace::client
