#include "broker/quota/client_throttle.h"

namespace millrace::broker {

void ClientThrottle::set_limits(const ClusterState& cluster) {
    const std::lock_guard lock(mutex_);
    quotas_.set_limits(cluster.quotas);
    active_.store(quotas_.any(), std::memory_order_relaxed);
}

std::int64_t ClientThrottle::record(QuotaKind kind, const std::string& client_id, double amount,
                                    std::int64_t now_ms) {
    if (!active()) return 0;
    const std::lock_guard lock(mutex_);
    return quotas_.record(kind, kAnonymousUser, client_id, amount, now_ms);
}

void ClientThrottle::unrecord(QuotaKind kind, const std::string& client_id, double amount,
                              std::int64_t now_ms) {
    if (!active()) return;
    const std::lock_guard lock(mutex_);
    quotas_.unrecord(kind, kAnonymousUser, client_id, amount, now_ms);
}

std::int64_t ClientThrottle::take_mutations(const std::string& client_id, std::int64_t partitions,
                                            bool strict, std::int64_t now_ms) {
    if (!active()) return 0;
    const std::lock_guard lock(mutex_);
    return quotas_.take_mutations(kAnonymousUser, client_id, static_cast<double>(partitions),
                                  strict, now_ms);
}

std::int64_t ClientThrottle::take_connection(const std::string& address, std::int64_t now_ms) {
    if (!active()) return 0;
    const std::lock_guard lock(mutex_);
    return quotas_.take_connection(address, now_ms);
}

std::optional<double> ClientThrottle::burst(QuotaKind kind, const std::string& client_id) {
    if (!active()) return std::nullopt;
    const std::lock_guard lock(mutex_);
    return quotas_.burst(kind, kAnonymousUser, client_id);
}

}  // namespace millrace::broker
