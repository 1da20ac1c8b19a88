// ClientThrottle: the broker's quotas of clients, for handlers on any loop.
//
// Free while no quota is set: then nothing is measured and no lock is taken.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "broker/quota/quotas.h"

namespace millrace::broker {

class ClientThrottle {
public:
    explicit ClientThrottle(SampledRate::Windows windows) : quotas_(windows) {}

    void set_limits(const ClusterState& cluster);
    bool active() const { return active_.load(std::memory_order_relaxed); }

    // How long the client must pause, in milliseconds; 0: it need not.
    std::int64_t record(QuotaKind kind, const std::string& client_id, double amount,
                        std::int64_t now_ms);
    void unrecord(QuotaKind kind, const std::string& client_id, double amount, std::int64_t now_ms);
    std::int64_t take_mutations(const std::string& client_id, std::int64_t partitions, bool strict,
                                std::int64_t now_ms);
    std::int64_t take_connection(const std::string& address, std::int64_t now_ms);
    std::optional<double> burst(QuotaKind kind, const std::string& client_id);

private:
    std::atomic<bool> active_ = false;
    std::mutex mutex_;  // Of what follows.
    Quotas quotas_;
};

}  // namespace millrace::broker
