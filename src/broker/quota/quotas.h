// Quotas: which limit holds for a client, and for how long it must pause.
//
// A limit for users and client ids is looked up as Kafka does: the most exact entity that has one
// wins, users before client ids. Clients whom the same entity limits share one rate where the
// entity names nobody else; a default gives each its own. Nobody authenticates here, so that every
// user is ANONYMOUS.
// Pure: limits come from the catalog, the time from the caller. Not thread-safe: ClientThrottle is.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "broker/catalog/cluster_state.h"
#include "broker/quota/rate.h"

namespace millrace::broker {

inline constexpr const char* kAnonymousUser = "ANONYMOUS";

enum class QuotaKind : std::uint8_t { kProduce, kConsume, kMutation, kRequest };
// "producer_byte_rate", "consumer_byte_rate", "controller_mutation_rate", "request_percentage".
std::string_view quota_key(QuotaKind kind);

struct QuotaLimit {
    double per_second = 0;
    std::string shared_by;  // Names the rate that it is held against.
};

class Quotas {
public:
    explicit Quotas(SampledRate::Windows windows) : windows_(windows) {}

    // What is in force from now on. Rates that are measured go on.
    void set_limits(const std::map<QuotaEntity, QuotaValues>& limits) { limits_ = limits; }
    bool any() const { return !limits_.empty(); }

    std::optional<QuotaLimit> find(QuotaKind kind, const std::string& user,
                                   const std::string& client_id) const;
    // Notes how many bytes the client used, or how many hundredths of a second for its requests,
    // and tells how long it must pause; 0: it need not. For requests no longer than one window.
    std::int64_t record(QuotaKind kind, const std::string& user, const std::string& client_id,
                        double amount, std::int64_t now_ms);
    void unrecord(QuotaKind kind, const std::string& user, const std::string& client_id,
                  double amount, std::int64_t now_ms);
    // What may be used at once without a pause that is longer than all windows; nullopt: no limit.
    std::optional<double> burst(QuotaKind kind, const std::string& user,
                                const std::string& client_id) const;
    // Whether the client may make or remove so many partitions now: 0, or how long it must wait.
    // One that is not `strict` does so all the same, and waits then.
    std::int64_t take_mutations(const std::string& user, const std::string& client_id,
                                double partitions, bool strict, std::int64_t now_ms);
    // Whether this address may connect now: 0, or how long its connection is held and then closed.
    std::int64_t take_connection(const std::string& address, std::int64_t now_ms);

private:
    void forget_idle(std::int64_t now_ms);

    const SampledRate::Windows windows_;
    std::map<QuotaEntity, QuotaValues> limits_;
    std::map<std::string, SampledRate> rates_;    // By what shares them.
    std::map<std::string, TokenBucket> buckets_;  // Likewise.
};

}  // namespace millrace::broker
